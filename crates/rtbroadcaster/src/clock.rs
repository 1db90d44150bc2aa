//! The one place that reads the time, so that everything pure can take it as an argument.
//! Must not know what the time is used for.

use std::time::Duration;

use tokio::time::Instant;

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

    /// The instant that lies `at` after the manager was made.
    pub(crate) fn instant(self, at: Duration) -> Instant {
        self.birth + at
    }
}
