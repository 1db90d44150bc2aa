//! The one place that reads the time, so that everything pure can take it as an argument.
//! Must not know what the time is used for.

use std::time::Duration;
#[cfg(any(feature = "disk", feature = "nats"))]
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Further ahead than any part waits, and near enough for an instant and for tokio's timers: a delay may be as long as
/// `Duration::MAX`.
pub(crate) const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Time since its birth. Follows tokio's clock, which tests can pause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    birth: Instant,
}

impl Clock {
    /// Makes a clock that is born now.
    pub(crate) fn start() -> Self {
        Self { birth: Instant::now() }
    }

    /// Makes a clock that was born this long ago.
    #[cfg(feature = "nats")]
    pub(crate) fn at(age: Duration) -> Self {
        let now = Instant::now();
        Self { birth: now.checked_sub(age).unwrap_or(now) }
    }

    /// Makes a clock that was born in 1970, as far as the system knows when that was: what is kept is read by other
    /// processes.
    #[cfg(any(feature = "disk", feature = "nats"))]
    pub(crate) fn of_the_world() -> Self {
        let (now, age) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Self { birth: now.checked_sub(age).unwrap_or(now) }
    }

    /// Returns the time since its birth.
    pub(crate) fn now(self) -> Duration {
        self.birth.elapsed()
    }

    /// Returns how long after its birth `instant` lies.
    pub(crate) fn since_birth(self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.birth)
    }

    /// Returns the instant that lies `at` after its birth, or one that lies [`FAR`] ahead if that comes first.
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
