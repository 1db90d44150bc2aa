//! How much a peer may send of messages that are too big: they are skipped, which costs work.
//! Pure: it takes the time as an argument.

use std::time::Duration;

/// How many times `message_bytes_max` may be skipped in [`WINDOW`].
const MESSAGES: usize = 16;
const WINDOW: Duration = Duration::from_secs(10);

/// What one peer has sent of them.
#[derive(Debug, Default)]
pub struct Oversize {
    /// When the present window began.
    since: Duration,
    /// How many bytes were skipped in it.
    bytes: usize,
    /// How many of these belong to the message that is not whole.
    open: usize,
}

impl Oversize {
    /// At `now`, messages of `whole` bytes together have ended that were skipped, and `open` bytes have come of one that has
    /// not, where a message may have `limit`. Returns whether that is too much.
    pub fn came(&mut self, whole: usize, open: usize, limit: usize, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= WINDOW {
            (self.since, self.bytes) = (now, 0);
        }
        let more = whole.saturating_add(open).saturating_sub(self.open);
        self.open = open;
        self.bytes = self.bytes.saturating_add(more);
        self.bytes > MESSAGES.saturating_mul(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_times_the_limit_in_10_seconds_are_skipped() {
        let mut oversize = Oversize::default();
        let mut came = |seconds, whole, open| oversize.came(whole, open, 100, Duration::from_secs(seconds));
        assert!(!came(100, 1_000, 0));
        assert!(!came(101, 0, 500));
        assert!(!came(102, 600, 0), "100 more of the message that had begun");
        assert!(came(109, 0, 1), "one byte more in the same window");
        assert!(!came(110, 1_601, 0), "the next window has its own");
        assert!(came(110, 0, usize::MAX));
    }
}
