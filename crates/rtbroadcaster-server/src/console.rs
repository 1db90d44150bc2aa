//! What `watch` and `publish` share: the runtime, and what is said on stderr while a connection comes and goes.
//! Must not know rooms.

use std::time::{Duration, Instant};

use rtbroadcaster::remote::Status;
use tokio::runtime;
use tokio::sync::watch;

use crate::ending::{Ending, Failure};
use crate::notes::note;
use crate::patience::Patience;

/// Runs `work` to its end, without waiting for a pipe that nobody reads or writes any more.
pub(crate) fn run(work: impl Future<Output = Result<Ending, Failure>>) -> Ending {
    let runtime = match runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Ending::Failed(Failure::here("cannot start the runtime", &error)),
    };
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended.unwrap_or_else(Ending::Failed)
}

/// From which wait on it is said when the next attempt begins.
const LONG_WAIT: Duration = Duration::from_secs(3);

/// For how long an owner has to be away for it to be said: what has just happened is told as a message.
const LONG_AWAY: Duration = Duration::from_secs(1);

/// Says where a client stands: that the connection is lost, checked or back, when it is tried again, and for how long the
/// owner has been away.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    address: String,
    patience: Patience,
    /// Whether it was said that it is outside.
    is_out: bool,
    /// Whether it was said that the connection is being checked.
    is_checking: bool,
    /// After how many failed attempts it was said last when the next one begins.
    told_wait: u32,
}

impl Whereabouts {
    pub(crate) fn new(address: &str, patience: Patience) -> Self {
        Self { address: address.into(), patience, is_out: false, is_checking: false, told_wait: 0 }
    }

    pub(crate) fn tell(&mut self, status: &Status) {
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
            texts.push(self.turn(status, is_out));
            self.told_wait = 0;
        } else if is_checking {
            if !self.is_checking {
                texts.push(format!("no sign of life from {}; it was asked for one", self.address));
            }
        } else if self.is_checking && !is_out {
            texts.push("the connection is there".into());
        }
        (self.is_out, self.is_checking) = (is_out, is_checking);
        let wait = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        // Each time that the number of attempts has doubled: not with each one.
        if is_out && wait >= LONG_WAIT && failed >= self.told_wait.saturating_mul(2) {
            self.told_wait = failed.max(1);
            texts.push(format!("still out after {failed} attempts; the next one begins in {}", seconds(wait)));
        }
        if let Status::Away { since } = status {
            let away = now.saturating_duration_since(*since);
            if away >= LONG_AWAY {
                texts
                    .push(format!("the owner has been away for {}; the room ends unless it comes back", seconds(away)));
            }
        }
        texts
    }

    /// It has gone out, or come in.
    fn turn(&self, status: &Status, is_out: bool) -> String {
        let time = self.patience.0.map(|time| format!(" for {}", humantime::format_duration(time)));
        let time = time.unwrap_or_default();
        match status {
            Status::Resuming { after, .. } => {
                format!("the connection was lost ({} {}); trying to come back{time}", after.code(), after.reason())
            }
            _ if is_out => format!("no answer from {}; trying again{time}", self.address),
            _ => "the connection is there".into(),
        }
    }
}

/// What programs are told of a connection, as lines of JSON on the standard output: that it is being checked, and that it is
/// there again, once each for every occasion.
#[derive(Debug)]
pub(crate) struct Checks {
    status: watch::Receiver<Status>,
    /// Whether the line of [`CHECKING`] was the last one.
    is_checking: bool,
}

/// The server gives no sign of life, and was asked for one.
const CHECKING: &str = "{\"type\":\"connection\",\"status\":\"checking\"}\n";

/// It has given one, or there is another connection.
const LIVE: &str = "{\"type\":\"connection\",\"status\":\"live\"}\n";

impl Checks {
    pub(crate) fn new(status: watch::Receiver<Status>) -> Self {
        Self { status, is_checking: false }
    }

    /// Waits for the next line. Cancelling it loses none.
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

/// A time in whole seconds.
fn seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use rtbroadcaster::remote::Closing;

    use super::*;

    fn told(whereabouts: &mut Whereabouts, now: Instant, states: &[Status]) -> Vec<String> {
        states.iter().flat_map(|status| whereabouts.texts(status, now)).collect()
    }

    #[test]
    fn each_change_is_told_once() {
        let mut whereabouts = Whereabouts::new("ws://a/b", Patience(Some(Duration::from_secs(5))));
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
            told(&mut whereabouts, Instant::now(), &states),
            [
                "no answer from ws://a/b; trying again for 5s",
                "the connection is there",
                "no sign of life from ws://a/b; it was asked for one",
                "the connection is there",
                "no sign of life from ws://a/b; it was asked for one",
                "the connection was lost (1012 restart); trying to come back for 5s",
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
        let mut checks = Checks::new(watch::channel(Status::Live).1);
        let lines: Vec<_> = states.iter().filter_map(|status| checks.line(status)).collect();
        assert_eq!(lines, [CHECKING, LIVE, CHECKING, LIVE, CHECKING]);
    }

    #[test]
    fn long_waits_are_told_with_their_time_and_not_one_by_one() {
        let mut whereabouts = Whereabouts::new("ws://a/b", Patience(None));
        let now = Instant::now();
        let waits = |failed, seconds| Status::Connecting { failed, next: Some(now + Duration::from_secs(seconds)) };
        let states = [waits(1, 0), waits(8, 4), waits(9, 12), waits(15, 9), waits(16, 10), Status::Live, waits(1, 30)];
        let after = |failed, seconds| format!("still out after {failed} attempts; the next one begins in {seconds}s");
        assert_eq!(
            told(&mut whereabouts, now, &states),
            [
                "no answer from ws://a/b; trying again".to_owned(),
                after(8, 4),
                after(16, 10),
                "the connection is there".into(),
                "no answer from ws://a/b; trying again".into(),
                after(1, 30),
            ]
        );
    }

    #[test]
    fn an_owner_that_was_away_before_is_told_with_its_time() {
        let mut whereabouts = Whereabouts::new("ws://a/b", Patience(None));
        let now = Instant::now() + Duration::from_secs(100);
        let away = |seconds| Status::Away { since: now - Duration::from_secs(seconds) };
        let told = told(&mut whereabouts, now, &[away(0), Status::Live, away(62)]);
        assert_eq!(told, ["the owner has been away for 1m 2s; the room ends unless it comes back"]);
    }
}
