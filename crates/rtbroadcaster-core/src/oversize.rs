//! The limit on the bytes of one peer's messages that are too big: to skip them costs work.
//! Pure: it takes the time as an argument.

use std::time::Duration;

use crate::limit::Limit;
use crate::rate::{Meter, Rate};

/// How many times `message_bytes_max` may be skipped in [`TIME`].
const MESSAGES: u64 = 16;
const TIME: Duration = Duration::from_secs(10);

/// The messages of one peer that were too big.
#[derive(Debug, Default)]
pub struct Oversize {
    /// The meter of skipped bytes.
    skipped: Meter,
    /// How many of these bytes belong to the message that is not whole.
    open: usize,
}

impl Oversize {
    /// Counts skipped bytes: `whole` of messages that have ended, and `open` so far of one that has not. A message may
    /// have `limit` bytes. Returns whether the peer has sent too much.
    pub fn came(&mut self, whole: usize, open: usize, limit: usize, now: Duration) -> bool {
        let more = whole.saturating_add(open).saturating_sub(self.open);
        self.open = open;
        let rate = Rate::new(Limit::Max(MESSAGES.saturating_mul(limit as u64)), TIME);
        !self.skipped.takes(more as u64, rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_times_the_limit_are_skipped_at_once_and_as_much_in_10_seconds() {
        let mut oversize = Oversize::default();
        let mut came = |seconds, whole, open| oversize.came(whole, open, 100, Duration::from_secs(seconds));
        assert!(!came(100, 1_000, 0));
        assert!(!came(101, 0, 500));
        assert!(!came(102, 600, 0), "100 more of the message that had begun");
        assert!(came(102, 0, 321), "more than what two seconds have brought");
        assert!(!came(120, 1_901, 0), "a silence brings as much again");
        assert!(came(121, 181, 0), "and a second a tenth of it");
        assert!(came(121, 0, usize::MAX));
    }
}
