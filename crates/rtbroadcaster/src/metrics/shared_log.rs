//! The numbers of a log that other nodes write, too.
//! Must not know the log.

use std::time::Duration;

use rtbroadcaster_core::chain::Ignored;

#[cfg(feature = "nats")]
use super::counts::{Count, WordCounts};

/// What the log of several nodes has done for this node; zero without one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedLogCounts {
    /// Entries of this node that were stored and read back. One entry holds many messages if they come fast.
    pub entries_written: u64,
    /// Entries of other nodes that were applied.
    pub entries_followed: u64,
    /// Entries that count nowhere, for each reason: `stale` (its writer did not know the entry before it), `fenced` (its
    /// lease was replaced) and `out_of_turn`. The log stores none as long as it keeps its own rule.
    pub entries_ignored: Vec<(&'static str, u64)>,
    /// Entries that came before one that is missing.
    pub holes: u64,
    /// Questions for what is stored behind the last entry of a room, for whatever reason.
    pub looks: u64,
    /// Entries that such a question gave.
    pub refilled: u64,
    /// How long rooms were in doubt, all of them added up: the log did not answer. A doubt counts when it ends.
    pub doubt: Duration,
    /// Checkpoints that were stored.
    pub checkpoints: u64,
    /// Checkpoints that could not be stored. Each is tried again.
    pub checkpoints_failed: u64,
    /// How often the log was seen to have lost entries.
    pub losses: u64,
    /// Rooms that this node has written again after a loss.
    pub copies: u64,
}

impl Default for SharedLogCounts {
    fn default() -> Self {
        Self {
            entries_written: 0,
            entries_followed: 0,
            entries_ignored: Ignored::ALL.map(|why| (why.word(), 0)).into(),
            holes: 0,
            looks: 0,
            refilled: 0,
            doubt: Duration::ZERO,
            checkpoints: 0,
            checkpoints_failed: 0,
            losses: 0,
            copies: 0,
        }
    }
}

/// The counters of these.
#[cfg(feature = "nats")]
#[derive(Debug)]
pub(crate) struct SharedLogCounters {
    written: Count,
    followed: Count,
    ignored: WordCounts,
    holes: Count,
    looks: Count,
    refilled: Count,
    doubt_milliseconds: Count,
    checkpoints: Count,
    checkpoints_failed: Count,
    losses: Count,
    copies: Count,
}

#[cfg(feature = "nats")]
impl SharedLogCounters {
    /// Makes counters at zero. Entries do not count for one of these `reasons`.
    pub(crate) fn new(reasons: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            written: Count::default(),
            followed: Count::default(),
            ignored: WordCounts::new(reasons),
            holes: Count::default(),
            looks: Count::default(),
            refilled: Count::default(),
            doubt_milliseconds: Count::default(),
            checkpoints: Count::default(),
            checkpoints_failed: Count::default(),
            losses: Count::default(),
            copies: Count::default(),
        }
    }

    /// Counts an entry that was applied, and that this node has written if it `is_own`.
    pub(crate) fn applied(&self, is_own: bool) {
        if is_own { self.written.add(1) } else { self.followed.add(1) }
    }

    /// Counts an entry that counts nowhere.
    pub(crate) fn ignored(&self, why: &str) {
        self.ignored.count(why);
    }

    /// Counts an entry before which one is missing.
    pub(crate) fn hole(&self) {
        self.holes.add(1);
    }

    /// Counts a question that gave so many entries.
    pub(crate) fn looked(&self, entries: usize) {
        self.looks.add(1);
        self.refilled.add(entries);
    }

    /// Counts a doubt that has ended after so long.
    pub(crate) fn doubted(&self, time: Duration) {
        self.doubt_milliseconds.add(usize::try_from(time.as_millis()).unwrap_or(usize::MAX));
    }

    /// Counts a checkpoint.
    pub(crate) fn checkpoint(&self, is_kept: bool) {
        if is_kept { self.checkpoints.add(1) } else { self.checkpoints_failed.add(1) }
    }

    /// Counts a loss of the log.
    pub(crate) fn loss(&self) {
        self.losses.add(1);
    }

    /// Counts a room that was written again.
    pub(crate) fn copied(&self) {
        self.copies.add(1);
    }

    /// Returns the numbers at this moment.
    pub(crate) fn read(&self) -> SharedLogCounts {
        SharedLogCounts {
            entries_written: self.written.get(),
            entries_followed: self.followed.get(),
            entries_ignored: self.ignored.read(),
            holes: self.holes.get(),
            looks: self.looks.get(),
            refilled: self.refilled.get(),
            doubt: Duration::from_millis(self.doubt_milliseconds.get()),
            checkpoints: self.checkpoints.get(),
            checkpoints_failed: self.checkpoints_failed.get(),
            losses: self.losses.get(),
            copies: self.copies.get(),
        }
    }
}
