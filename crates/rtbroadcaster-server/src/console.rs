//! What `watch` and `publish` share: the runtime, and what is said on stderr while a connection comes and goes.
//! Must not know rooms.

use rtbroadcaster::remote::Status;
use tokio::runtime;

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

/// Says when the connection is lost and when it is back.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    address: String,
    patience: Patience,
    /// Whether it was said that it is outside.
    is_out: bool,
}

impl Whereabouts {
    pub(crate) fn new(address: &str, patience: Patience) -> Self {
        Self { address: address.into(), patience, is_out: false }
    }

    pub(crate) fn tell(&mut self, status: &Status) {
        if let Some(text) = self.text(status) {
            note(&text);
        }
    }

    fn text(&mut self, status: &Status) -> Option<String> {
        let is_out = match status {
            Status::Connecting { failed } => *failed > 0,
            Status::Resuming { .. } => true,
            _ => false,
        };
        if is_out == self.is_out || status.closing().is_some() {
            return None;
        }
        self.is_out = is_out;
        let time = self.patience.0.map(|time| format!(" for {}", humantime::format_duration(time)));
        let time = time.unwrap_or_default();
        Some(match status {
            Status::Resuming { after, .. } => {
                format!("the connection was lost ({} {}); trying to come back{time}", after.code(), after.reason())
            }
            _ if is_out => format!("no answer from {}; trying again{time}", self.address),
            _ => "the connection is there".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtbroadcaster::remote::Closing;

    use super::*;

    #[test]
    fn each_change_is_told_once() {
        let mut whereabouts = Whereabouts::new("ws://a/b", Patience(Some(Duration::from_secs(5))));
        let after = Closing::with(1012, "restart");
        let told: Vec<_> = [
            Status::Connecting { failed: 0 },
            Status::Connecting { failed: 1 },
            Status::Connecting { failed: 2 },
            Status::Live,
            Status::Lagging,
            Status::Resuming { failed: 0, after: after.clone() },
            Status::Resuming { failed: 1, after: after.clone() },
            Status::Closed(after),
        ]
        .iter()
        .filter_map(|status| whereabouts.text(status))
        .collect();
        assert_eq!(
            told,
            [
                "no answer from ws://a/b; trying again for 5s",
                "the connection is there",
                "the connection was lost (1012 restart); trying to come back for 5s",
            ]
        );
    }
}
