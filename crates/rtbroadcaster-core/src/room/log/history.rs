//! The last messages of a room, bounded by count, bytes and age.
//! Must not know the state; it only forgets from the front.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::LogLimits;
use crate::id::Seq;
use crate::message::Entry;

/// The numbered messages without a gap, the last one at the back.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Each with the time at which it was applied.
    entries: VecDeque<(Duration, Arc<Entry>)>,
    /// The bytes of key and params in all of them.
    bytes: usize,
}

impl History {
    /// Appends.
    pub(super) fn push(&mut self, entry: &Arc<Entry>, now: Duration) {
        self.bytes += entry.bytes();
        self.entries.push_back((now, Arc::clone(entry)));
    }

    /// What comes next does not follow on what is here.
    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }

    /// The number of the first message in it.
    pub(super) fn first(&self) -> Option<Seq> {
        self.entries.front().and_then(|(_, entry)| entry.seq)
    }

    /// Forgets what is over the limits, if need be all of it, and tells each.
    pub(super) fn prune(&mut self, now: Duration, limits: &LogLimits, mut tell: impl FnMut(&Entry)) {
        // What was applied then or before is too old; `None` while nothing can be.
        let horizon = now.checked_sub(limits.history_age_max);
        while let Some((applied, entry)) = self.entries.front() {
            let is_many = self.entries.len() > limits.history_messages_max || self.bytes > limits.history_bytes_max;
            if !is_many && horizon.is_none_or(|horizon| *applied > horizon) {
                break;
            }
            self.bytes -= entry.bytes();
            tell(entry);
            self.entries.pop_front();
        }
    }

    /// Whether it holds the last `count` messages.
    pub(super) fn holds_last(&self, count: usize) -> bool {
        count <= self.entries.len()
    }

    /// The last `count` messages, or `None` when some of them are forgotten.
    pub(super) fn last(&self, count: usize) -> Option<Vec<Arc<Entry>>> {
        let first = self.entries.len().checked_sub(count)?;
        Some(self.entries.range(first..).map(|(_, entry)| Arc::clone(entry)).collect())
    }
}
