//! The reports of `publish`: the room and the outcome of each message, as lines of JSON in a pipe or as a counter on a
//! terminal.
//! Must not know where messages come from.

use std::error::Error as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rtbroadcaster::remote::{Owner, PublishError};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::PublishFailure;
use super::messages::{PendingReport, PublishOutcome};
use crate::console::ConnectionLines;
use crate::destination::Destination;
use crate::ending::CommandError;
use crate::notes;
use crate::plain::{name, plain};

/// The interval at which the counter is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// How the program became the owner of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acquisition {
    Created,
    Owned,
}

/// Writes the reports.
pub(super) struct Reporter {
    out: tokio::io::Stdout,
    mode: ReportMode,
    /// The lines about the connection.
    checks: ConnectionLines,
    /// The counter on stderr. Only the thread of the notes draws it, since drawing blocks on a stderr that is not read.
    bar: ProgressBar,
    /// Stderr is no terminal, or messages are typed on it.
    is_bar_hidden: bool,
    published: u64,
    refused: u64,
    /// The error of the standard output, after it has failed.
    failure: Option<CommandError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportMode {
    Lines,
    Screen,
    /// The standard output is closed or has failed. Messages are still published.
    Silence,
}

impl Reporter {
    pub(super) fn new(owner: &Owner) -> Self {
        let mode = if io::stdout().is_terminal() { ReportMode::Screen } else { ReportMode::Lines };
        let bar = if io::stdin().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("{spinner} {pos} messages acknowledged{msg} {elapsed_precise}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TICK);
        // Dropping the last handle would wait for the thread that draws it.
        std::mem::forget(bar.clone());
        let is_bar_hidden = !io::stderr().is_terminal() || io::stdin().is_terminal();
        let (out, checks) = (tokio::io::stdout(), ConnectionLines::new(owner.watch_status()));
        Self { out, mode, checks, bar, is_bar_hidden, published: 0, refused: 0, failure: None }
    }

    /// Writes the room and the link for viewers.
    pub(super) async fn report_room(&mut self, owner: &Owner, destination: &Destination, acquisition: Acquisition) {
        let (room, link, term) = (owner.room(), destination.link(&owner.room()), owner.term());
        let text = match (self.mode, acquisition) {
            (ReportMode::Screen, _) => {
                format!("Viewers open  {link}\nor run        rtbroadcaster watch '{link}'\n")
            }
            (_, Acquisition::Created) => format!("{{\"type\":\"created\",\"room\":\"{room}\",\"link\":\"{link}\"}}\n"),
            (_, Acquisition::Owned) => format!(
                "{{\"type\":\"owned\",\"room\":\"{room}\",\"link\":\"{link}\",\"term\":{term},\"seq\":{}}}\n",
                owner.state().seq()
            ),
        };
        self.print(&text).await;
    }

    /// Reports the outcome of each message, and returns the number of refused ones.
    pub(super) async fn report_all(
        &mut self,
        mut pending: mpsc::Receiver<PendingReport>,
    ) -> Result<u64, PublishFailure> {
        while let Some(PendingReport { number, key, id, outcome }) = self.meanwhile(pending.recv()).await {
            let outcome = match outcome {
                PublishOutcome::Waits(ticket) => PublishOutcome::Known(self.meanwhile(ticket).await),
                outcome => outcome,
            };
            let about = about(number, &key, id.as_deref());
            match outcome {
                PublishOutcome::Known(Ok(seq)) => {
                    self.published += 1;
                    self.print(&self.ack(&about, &format!(",\"seq\":{seq}"), &format!("#{seq}"))).await;
                }
                PublishOutcome::Ephemeral => {
                    self.published += 1;
                    self.print(&self.ack(&about, "", "published")).await;
                }
                PublishOutcome::Known(Err(error)) if error.is_final() => {
                    return Err(PublishFailure::Publish(error));
                }
                PublishOutcome::Known(Err(error)) => {
                    self.refuse(number, &about, &key, code(&error), &reason(&error)).await
                }
                PublishOutcome::Nonsense(why) => self.refuse(number, &about, &key, "bad_line", &why).await,
                PublishOutcome::Waits(_) => {}
            }
            self.bar.set_position(self.published);
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
            if self.mode == ReportMode::Lines {
                self.print(line).await;
            }
        }
    }

    /// Notes that all messages are published and the room stays open.
    pub(super) fn note_staying(&self) {
        notes::note_above(&self.bar, "all messages are published; the room stays open until Ctrl-C");
    }

    /// Ends the reports. Returns the error if the outcomes could not be written.
    pub(super) fn end(&mut self) -> Option<CommandError> {
        notes::draw(&self.bar, ProgressBar::finish_and_clear);
        if self.mode == ReportMode::Screen {
            let messages =
                if self.published == 1 { "1 message is".into() } else { format!("{} messages are", self.published) };
            notes::note(&format!("{messages} published and acknowledged"));
        }
        self.failure.take()
    }

    fn ack(&self, about: &str, seq: &str, short: &str) -> String {
        match self.mode {
            ReportMode::Screen if self.is_bar_hidden => format!("{short}\n"),
            ReportMode::Screen => String::new(),
            _ => format!("{{\"type\":\"ack\",{about}{seq}}}\n"),
        }
    }

    async fn refuse(&mut self, number: u64, about: &str, key: &str, code: &str, why: &str) {
        self.refused += 1;
        let which =
            if key.is_empty() { format!("message {number}") } else { format!("message {number} ({})", name(key)) };
        notes::note_above(&self.bar, &format!("{which} was not published: {}", plain(why)));
        let refused = format!(", {} refused", self.refused);
        if !self.is_bar_hidden {
            notes::draw(&self.bar, |bar| bar.set_message(refused));
        }
        if self.mode == ReportMode::Lines {
            let why = serde_json::to_string(why).expect("text is JSON");
            self.print(&format!("{{\"type\":\"error\",{about},\"code\":\"{code}\",\"message\":{why}}}\n")).await;
        }
    }

    async fn print(&mut self, text: &str) {
        if self.mode == ReportMode::Silence || text.is_empty() {
            return;
        }
        let written = match self.out.write_all(text.as_bytes()).await {
            Ok(()) => self.out.flush().await,
            error => error,
        };
        let Err(error) = written else { return };
        self.mode = ReportMode::Silence;
        if error.kind() != io::ErrorKind::BrokenPipe {
            let failure = CommandError::here("cannot write to the standard output", &error);
            notes::note_above(&self.bar, &format!("{failure}; messages are still published"));
            self.failure = Some(failure);
        }
    }
}

impl Drop for Reporter {
    /// Clears the counter, also if the program ends early.
    fn drop(&mut self) {
        notes::draw(&self.bar, ProgressBar::finish_and_clear);
    }
}

/// Returns the JSON members that identify a message.
fn about(number: u64, key: &str, id: Option<&str>) -> String {
    let quoted = |text: &str| serde_json::to_string(text).expect("text is JSON");
    let key = if key.is_empty() { String::new() } else { format!(",\"key\":{}", quoted(key)) };
    let id = id.map_or_else(String::new, |id| format!(",\"id\":{}", quoted(id)));
    format!("\"n\":{number}{key}{id}")
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
