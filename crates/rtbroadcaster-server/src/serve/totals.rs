//! Logs a line a minute with the server's load, for operators without metrics.
//! Must not know how the numbers are counted.

use std::convert::Infallible;
use std::time::Duration;

use rtbroadcaster::{Manager, Metrics};
use tokio::time::{MissedTickBehavior, interval};

/// The interval between two lines.
const INTERVAL: Duration = Duration::from_secs(60);

/// The load at one moment, and the messages since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    rooms: u64,
    viewers: u64,
    connections: u64,
    /// All messages that were applied.
    messages: u64,
}

impl Totals {
    fn of(metrics: &Metrics) -> Self {
        let Metrics { rooms, viewers, connections, messages, .. } = metrics;
        let messages = messages.events + messages.states + messages.clears + messages.ephemerals;
        Self { rooms: *rooms, viewers: *viewers, connections: *connections, messages }
    }

    /// Returns whether a number has changed since `before`, one minute earlier, so that a line is logged.
    fn are_news(self, before: Self) -> bool {
        self != before
    }
}

/// Logs a line for each minute in which a number has changed.
pub(super) async fn log_totals(manager: &Manager) -> Infallible {
    let mut ticks = interval(INTERVAL);
    // After the machine has slept, missed lines are not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut before = Totals::default();
    loop {
        ticks.tick().await;
        let now = Totals::of(&manager.metrics());
        if now.are_news(before) {
            let Totals { rooms, viewers, connections, messages } = now;
            tracing::info!(rooms, viewers, connections, messages = messages - before.messages, "the last minute");
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_without_a_change_is_not_logged() {
        let nothing = Totals::default();
        let busy = Totals { rooms: 1, viewers: 2, connections: 3, messages: 4 };
        assert!(!nothing.are_news(nothing) && !busy.are_news(busy));
        assert!(busy.are_news(nothing), "a viewer has joined");
        assert!(Totals { messages: 5, ..busy }.are_news(busy), "a message was applied");
        assert!(nothing.are_news(busy), "all have left");
    }
}
