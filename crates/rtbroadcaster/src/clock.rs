//! The one place that reads the time, so that everything pure can take it as an argument.
//! Must not know what the time is used for.

use std::time::Duration;

use tokio::time::Instant;

/// Further ahead than anybody waits, and near enough for an instant and for tokio's timers: a delay may be as long as
/// `Duration::MAX`.
pub(crate) const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Time since the manager was made. Follows tokio's clock, which tests can pause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// When the manager was made.
    birth: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { birth: Instant::now() }
    }

    /// The time since the manager was made.
    pub(crate) fn now(self) -> Duration {
        self.birth.elapsed()
    }

    /// How long after the manager was made `instant` lies.
    pub(crate) fn since_birth(self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.birth)
    }

    /// The instant that lies `at` after the manager was made, or one that lies [`FAR`] ahead if that comes first.
    pub(crate) fn instant(self, at: Duration) -> Instant {
        self.birth + at.min(self.now() + FAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_moment_that_no_clock_reaches_is_far_ahead() {
        let clock = Clock::start();
        assert_eq!(clock.instant(Duration::from_secs(9)), clock.birth + Duration::from_secs(9));
        assert!(clock.instant(Duration::MAX) > Instant::now() + FAR / 2);
    }
}
