//! A line a minute of what the server has to do, for whoever reads the log and no metrics.
//! Must not know how it is counted.

use std::convert::Infallible;
use std::time::Duration;

use rtbroadcaster::{Manager, Metrics};
use tokio::time::{MissedTickBehavior, interval};

/// How often there is a line at most.
const INTERVAL: Duration = Duration::from_secs(60);

/// What there is, and what happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    rooms: u64,
    viewers: u64,
    connections: u64,
    /// All that were applied.
    messages: u64,
}

impl Totals {
    fn of(metrics: &Metrics) -> Self {
        let Metrics { rooms, viewers, connections, messages, .. } = metrics;
        let messages = messages.events + messages.states + messages.clears + messages.ephemerals;
        Self { rooms: *rooms, viewers: *viewers, connections: *connections, messages }
    }

    /// Whether a minute that ends with these is worth a line behind one that ended with `before`: something has changed.
    fn are_news(self, before: Self) -> bool {
        self != before
    }
}

/// Writes a line for each minute in which something has changed.
pub(super) async fn tell(manager: &Manager) -> Infallible {
    let mut ticks = interval(INTERVAL);
    // A machine that slept has no minutes to make up for.
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
    fn a_minute_in_which_nothing_happened_is_not_told() {
        let nothing = Totals::default();
        let busy = Totals { rooms: 1, viewers: 2, connections: 3, messages: 4 };
        assert!(!nothing.are_news(nothing) && !busy.are_news(busy));
        assert!(busy.are_news(nothing), "somebody came");
        assert!(Totals { messages: 5, ..busy }.are_news(busy), "something was said");
        assert!(nothing.are_news(busy), "everybody has left");
    }
}
