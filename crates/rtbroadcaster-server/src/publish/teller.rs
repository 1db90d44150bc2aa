//! The reports of `publish`: the room and the outcome of each message, as lines of JSON in a pipe or as a counter on a
//! terminal.
//! Must not know where messages come from.

use std::error::Error as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rtbroadcaster::remote::{Broadcaster, PublishError};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::Unsaid;
use super::speech::{Outcome, Pending};
use crate::console::Checks;
use crate::destination::Destination;
use crate::ending::Failure;
use crate::notes;
use crate::plain::{name, plain};

/// The interval at which the counter is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// How the program became the owner of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Created,
    Owned,
}

/// Writes the reports.
pub(super) struct Teller {
    out: tokio::io::Stdout,
    manner: Manner,
    /// The lines about the connection.
    checks: Checks,
    /// The counter on stderr. Only the thread of the notes draws it, since drawing blocks on a stderr that is not read.
    bar: ProgressBar,
    /// Stderr is no terminal, or messages are typed on it.
    is_bar_hidden: bool,
    said: u64,
    refused: u64,
    /// The error of the standard output, after it has failed.
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Lines,
    Screen,
    /// The standard output is closed or has failed. Messages are still published.
    Silence,
}

impl Teller {
    pub(super) fn new(owner: &Broadcaster) -> Self {
        let manner = if io::stdout().is_terminal() { Manner::Screen } else { Manner::Lines };
        let bar = if io::stdin().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("{spinner} {pos} messages acknowledged{msg} {elapsed_precise}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TICK);
        // Dropping the last handle would wait for the thread that draws it.
        std::mem::forget(bar.clone());
        let is_bar_hidden = !io::stderr().is_terminal() || io::stdin().is_terminal();
        let (out, checks) = (tokio::io::stdout(), Checks::new(owner.watch_status()));
        Self { out, manner, checks, bar, is_bar_hidden, said: 0, refused: 0, failure: None }
    }

    /// Writes the room and the link for viewers.
    pub(super) async fn begin(&mut self, owner: &Broadcaster, destination: &Destination, beginning: Beginning) {
        let (room, link, term) = (owner.room(), destination.link(&owner.room()), owner.term());
        let text = match (self.manner, beginning) {
            (Manner::Screen, _) => {
                format!("Viewers open  {link}\nor run        rtbroadcaster watch '{link}'\n")
            }
            (_, Beginning::Created) => format!("{{\"type\":\"created\",\"room\":\"{room}\",\"link\":\"{link}\"}}\n"),
            (_, Beginning::Owned) => format!(
                "{{\"type\":\"owned\",\"room\":\"{room}\",\"link\":\"{link}\",\"term\":{term},\"seq\":{}}}\n",
                owner.state().seq()
            ),
        };
        self.print(&text).await;
    }

    /// Reports the outcome of each message, and returns the number of refused ones.
    pub(super) async fn listen(&mut self, mut pending: mpsc::Receiver<Pending>) -> Result<u64, Unsaid> {
        while let Some(Pending { place, key, id, outcome }) = self.meanwhile(pending.recv()).await {
            let outcome = match outcome {
                Outcome::Waits(ticket) => Outcome::Known(self.meanwhile(ticket).await),
                outcome => outcome,
            };
            let about = about(place, &key, id.as_deref());
            match outcome {
                Outcome::Known(Ok(seq)) => {
                    self.said += 1;
                    self.print(&self.ack(&about, &format!(",\"seq\":{seq}"), &format!("#{seq}"))).await;
                }
                Outcome::Ephemeral => {
                    self.said += 1;
                    self.print(&self.ack(&about, "", "said")).await;
                }
                Outcome::Known(Err(error @ (PublishError::Fenced | PublishError::Closed(_)))) => {
                    return Err(Unsaid::Publish(error));
                }
                Outcome::Known(Err(error)) => self.refuse(place, &about, &key, code(&error), &reason(&error)).await,
                Outcome::Nonsense(why) => self.refuse(place, &about, &key, "bad_line", &why).await,
                Outcome::Waits(_) => {}
            }
            self.bar.set_position(self.said);
        }
        Ok(self.refused)
    }

    /// Waits for `awaited`, and writes the lines about the connection meanwhile.
    pub(super) async fn meanwhile<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        tokio::pin!(awaited);
        loop {
            let line = tokio::select! {
                biased;
                done = &mut awaited => return done,
                line = self.checks.next() => line,
            };
            // On a terminal a note says it.
            if self.manner == Manner::Lines {
                self.print(line).await;
            }
        }
    }

    /// Notes that all messages are published and the room stays open.
    pub(super) fn stay(&self) {
        notes::note_above(&self.bar, "all messages are published; the room stays open until Ctrl-C");
    }

    /// Ends the reports. Returns the error if the outcomes could not be written.
    pub(super) fn end(&mut self) -> Option<Failure> {
        notes::draw(&self.bar, ProgressBar::finish_and_clear);
        if self.manner == Manner::Screen {
            let messages = if self.said == 1 { "1 message is".into() } else { format!("{} messages are", self.said) };
            notes::note(&format!("{messages} published and acknowledged"));
        }
        self.failure.take()
    }

    fn ack(&self, about: &str, seq: &str, short: &str) -> String {
        match self.manner {
            Manner::Screen if self.is_bar_hidden => format!("{short}\n"),
            Manner::Screen => String::new(),
            _ => format!("{{\"type\":\"ack\",{about}{seq}}}\n"),
        }
    }

    async fn refuse(&mut self, place: u64, about: &str, key: &str, code: &str, why: &str) {
        self.refused += 1;
        let which =
            if key.is_empty() { format!("message {place}") } else { format!("message {place} ({})", name(key)) };
        notes::note_above(&self.bar, &format!("{which} was not published: {}", plain(why)));
        let refused = format!(", {} refused", self.refused);
        if !self.is_bar_hidden {
            notes::draw(&self.bar, |bar| bar.set_message(refused));
        }
        if self.manner == Manner::Lines {
            let why = serde_json::to_string(why).expect("text is JSON");
            self.print(&format!("{{\"type\":\"error\",{about},\"code\":\"{code}\",\"message\":{why}}}\n")).await;
        }
    }

    async fn print(&mut self, text: &str) {
        if self.manner == Manner::Silence || text.is_empty() {
            return;
        }
        let written = match self.out.write_all(text.as_bytes()).await {
            Ok(()) => self.out.flush().await,
            error => error,
        };
        let Err(error) = written else { return };
        self.manner = Manner::Silence;
        if error.kind() != io::ErrorKind::BrokenPipe {
            let failure = Failure::here("cannot write to the standard output", &error);
            notes::note_above(&self.bar, &format!("{failure}; messages are still published"));
            self.failure = Some(failure);
        }
    }
}

impl Drop for Teller {
    /// Clears the counter, also if the program ends early.
    fn drop(&mut self) {
        notes::draw(&self.bar, ProgressBar::finish_and_clear);
    }
}

/// Returns the JSON members that identify a message.
fn about(place: u64, key: &str, id: Option<&str>) -> String {
    let quoted = |text: &str| serde_json::to_string(text).expect("text is JSON");
    let key = if key.is_empty() { String::new() } else { format!(",\"key\":{}", quoted(key)) };
    let id = id.map_or_else(String::new, |id| format!(",\"id\":{}", quoted(id)));
    format!("\"n\":{place}{key}{id}")
}

/// Returns the error code for programs: that of PROTOCOL.md if the server has refused the message.
fn code(error: &PublishError) -> &str {
    match error {
        PublishError::BadMessage(_) => "bad_message",
        PublishError::StateFull => "state_full",
        PublishError::IdReused => "id_reused",
        PublishError::Offline => "offline",
        PublishError::Refused(refused) => refused.code(),
        _ => "other",
    }
}

/// Returns the error text for people, with its source.
fn reason(error: &PublishError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
