//! The parts that `watch` and `publish` share: the runtime, and notes on stderr about the state of the connection.
//! Must not know rooms.

use std::time::{Duration, Instant};

use rtbroadcaster::remote::Status;
use tokio::runtime;
use tokio::sync::watch;

use crate::ending::{CommandEnd, CommandError};
use crate::notes::note;
use crate::patience::PatienceArg;

/// Runs `work` to its end. Does not wait for threads that are blocked on a pipe.
pub(crate) fn run(work: impl Future<Output = Result<CommandEnd, CommandError>>) -> CommandEnd {
    let runtime = match runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return CommandEnd::Failed(CommandError::here("cannot start the runtime", &error)),
    };
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended.unwrap_or_else(CommandEnd::Failed)
}

/// The shortest wait for the next attempt that gets a note.
const LONG_WAIT: Duration = Duration::from_secs(3);

/// The shortest absence of the owner that gets a note: `watch` prints a change that has just happened as a message.
const LONG_AWAY: Duration = Duration::from_secs(1);

/// Writes notes about the connection to stderr: that it is lost, checked or back, when the next attempt begins, and how
/// long the owner has been away.
#[derive(Debug)]
pub(crate) struct ConnectionNotes {
    address: String,
    patience: PatienceArg,
    /// A note has said that the client is disconnected.
    is_out: bool,
    /// A note has said that the connection is being checked.
    is_checking: bool,
    /// The number of failed attempts at the last note that said when the next one begins.
    told_wait: u32,
}

impl ConnectionNotes {
    pub(crate) fn new(address: &str, patience: PatienceArg) -> Self {
        Self { address: address.into(), patience, is_out: false, is_checking: false, told_wait: 0 }
    }

    pub(crate) fn update(&mut self, status: &Status) {
        for text in self.texts(status, Instant::now()) {
            note(&text);
        }
    }

    fn texts(&mut self, status: &Status, now: Instant) -> Vec<String> {
        if status.closing().is_some() {
            return Vec::new();
        }
        let (is_out, failed, next) = match status {
            Status::Connecting { failed, next } => (*failed > 0, *failed, *next),
            Status::Resuming { failed, next, .. } => (true, *failed, *next),
            _ => (false, 0, None),
        };
        let is_checking = *status == Status::Checking;
        let mut texts = Vec::new();
        if is_out != self.is_out {
            texts.push(self.change(status, is_out));
            self.told_wait = 0;
        } else if is_checking {
            if !self.is_checking {
                texts.push(format!("no sign of life from {}; checking the connection", self.address));
            }
        } else if self.is_checking && !is_out {
            texts.push("the connection is alive".into());
        }
        (self.is_out, self.is_checking) = (is_out, is_checking);
        let wait = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        // Only when the number of attempts has doubled, not after each one.
        if is_out && wait >= LONG_WAIT && failed >= self.told_wait.saturating_mul(2) {
            self.told_wait = failed.max(1);
            texts.push(format!("still disconnected after {failed} attempts; the next one begins in {}", seconds(wait)));
        }
        if let Status::Away { since } = status {
            let away = now.saturating_duration_since(*since);
            if away >= LONG_AWAY {
                texts.push(format!("the owner has been away for {}; the room ends unless it returns", seconds(away)));
            }
        }
        texts
    }

    /// Returns the note for a client that has been disconnected or has connected.
    fn change(&self, status: &Status, is_out: bool) -> String {
        let time = self.patience.0.map(|time| format!(" for {}", humantime::format_duration(time)));
        let time = time.unwrap_or_default();
        match status {
            Status::Resuming { after, .. } => {
                format!("the connection was lost ({} {}); trying to reconnect{time}", after.code(), after.reason())
            }
            _ if is_out => format!("no answer from {}; trying again{time}", self.address),
            _ => "the connection is alive".into(),
        }
    }
}

/// The lines of JSON about the connection, for programs that read the standard output: one when a check begins, and one
/// when the connection is alive again.
#[derive(Debug)]
pub(crate) struct ConnectionLines {
    status: watch::Receiver<Status>,
    /// The last line was [`CHECKING`].
    is_checking: bool,
}

/// The line for a connection without a sign of life, whose check begins.
const CHECKING: &str = "{\"type\":\"connection\",\"status\":\"checking\"}\n";

/// The line for a sign of life, or for a new connection.
const LIVE: &str = "{\"type\":\"connection\",\"status\":\"live\"}\n";

impl ConnectionLines {
    pub(crate) fn new(status: watch::Receiver<Status>) -> Self {
        Self { status, is_checking: false }
    }

    /// Returns the next line, as soon as there is one. Cancel safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        loop {
            if self.status.changed().await.is_err() {
                return std::future::pending().await;
            }
            let status = self.status.borrow_and_update().clone();
            if let Some(line) = self.line(&status) {
                return line;
            }
        }
    }

    fn line(&mut self, status: &Status) -> Option<&'static str> {
        match (self.is_checking, status) {
            (false, Status::Checking) => {
                self.is_checking = true;
                Some(CHECKING)
            }
            (true, status) if status.is_inside() && *status != Status::Checking => {
                self.is_checking = false;
                Some(LIVE)
            }
            _ => None,
        }
    }
}

/// Returns a time in whole seconds, as text.
fn seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use rtbroadcaster::remote::Closing;

    use super::*;

    fn told(notes: &mut ConnectionNotes, now: Instant, states: &[Status]) -> Vec<String> {
        states.iter().flat_map(|status| notes.texts(status, now)).collect()
    }

    #[test]
    fn each_change_is_told_once() {
        let mut notes = ConnectionNotes::new("ws://a/b", PatienceArg(Some(Duration::from_secs(5))));
        let after = Closing::with(1012, "restart");
        let resuming = |failed| Status::Resuming { failed, next: None, after: after.clone() };
        let connecting = |failed| Status::Connecting { failed, next: None };
        let states = [
            connecting(0),
            connecting(1),
            connecting(2),
            Status::Live,
            Status::Lagging,
            Status::Checking,
            Status::Checking,
            Status::Live,
            Status::Checking,
            resuming(0),
            resuming(1),
            Status::Closed(after.clone()),
        ];
        assert_eq!(
            told(&mut notes, Instant::now(), &states),
            [
                "no answer from ws://a/b; trying again for 5s",
                "the connection is alive",
                "no sign of life from ws://a/b; checking the connection",
                "the connection is alive",
                "no sign of life from ws://a/b; checking the connection",
                "the connection was lost (1012 restart); trying to reconnect for 5s",
            ]
        );
    }

    #[test]
    fn programs_are_told_once_that_a_connection_is_checked_and_that_it_is_there() {
        let after = Closing::with(1012, "restart");
        let resuming = Status::Resuming { failed: 0, next: None, after: after.clone() };
        let states = [
            Status::Connecting { failed: 0, next: None },
            Status::Live,
            Status::Checking,
            Status::Checking,
            Status::Lagging,
            Status::Live,
            resuming.clone(),
            Status::Live,
            Status::Checking,
            resuming,
            Status::Checking,
            Status::Away { since: Instant::now() },
            Status::Checking,
            Status::Closed(after),
        ];
        let mut checks = ConnectionLines::new(watch::channel(Status::Live).1);
        let lines: Vec<_> = states.iter().filter_map(|status| checks.line(status)).collect();
        assert_eq!(lines, [CHECKING, LIVE, CHECKING, LIVE, CHECKING]);
    }

    #[test]
    fn long_waits_are_told_with_their_time_and_not_one_by_one() {
        let mut notes = ConnectionNotes::new("ws://a/b", PatienceArg(None));
        let now = Instant::now();
        let waits = |failed, seconds| Status::Connecting { failed, next: Some(now + Duration::from_secs(seconds)) };
        let states = [waits(1, 0), waits(8, 4), waits(9, 12), waits(15, 9), waits(16, 10), Status::Live, waits(1, 30)];
        let after =
            |failed, seconds| format!("still disconnected after {failed} attempts; the next one begins in {seconds}s");
        assert_eq!(
            told(&mut notes, now, &states),
            [
                "no answer from ws://a/b; trying again".to_owned(),
                after(8, 4),
                after(16, 10),
                "the connection is alive".into(),
                "no answer from ws://a/b; trying again".into(),
                after(1, 30),
            ]
        );
    }

    #[test]
    fn an_owner_that_was_away_before_is_told_with_its_time() {
        let mut notes = ConnectionNotes::new("ws://a/b", PatienceArg(None));
        let now = Instant::now() + Duration::from_secs(100);
        let away = |seconds| Status::Away { since: now - Duration::from_secs(seconds) };
        let told = told(&mut notes, now, &[away(0), Status::Live, away(62)]);
        assert_eq!(told, ["the owner has been away for 1m 2s; the room ends unless it returns"]);
    }
}
