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
    /// Appends a message.
    pub(super) fn push(&mut self, entry: &Arc<Entry>, now: Duration) {
        self.bytes += entry.bytes();
        self.entries.push_back((now, Arc::clone(entry)));
    }

    /// Drops all messages: the next one does not follow on them.
    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }

    /// Returns the number of the first message.
    pub(super) fn first(&self) -> Option<Seq> {
        self.entries.front().and_then(|(_, entry)| entry.seq)
    }

    /// Returns the messages before `seq`, all of them if that is `None`, each with the time at which it was applied.
    pub(super) fn before(&self, seq: Option<Seq>) -> impl Iterator<Item = &(Duration, Arc<Entry>)> {
        self.entries.iter().take_while(move |(_, entry)| seq.is_none_or(|seq| entry.seq < Some(seq)))
    }

    /// Drops the oldest messages until all limits hold, if need be all of them, and passes each to `dropped`.
    pub(super) fn prune(&mut self, now: Duration, limits: &LogLimits, mut dropped: impl FnMut(&Entry)) {
        // A message that was applied then or before is too old; `None` while none can be.
        let horizon = now.checked_sub(limits.history_age_max);
        while let Some((applied, entry)) = self.entries.front() {
            let is_many = self.entries.len() > limits.history_messages_max || self.bytes > limits.history_bytes_max;
            if !is_many && horizon.is_none_or(|horizon| *applied > horizon) {
                break;
            }
            self.bytes -= entry.bytes();
            dropped(entry);
            self.entries.pop_front();
        }
    }

    /// Returns whether it holds the last `count` messages.
    pub(super) fn holds_last(&self, count: usize) -> bool {
        count <= self.entries.len()
    }

    /// Returns the last `count` messages, or `None` when some of them are dropped.
    pub(super) fn last(&self, count: usize) -> Option<Vec<Arc<Entry>>> {
        let first = self.entries.len().checked_sub(count)?;
        Some(self.entries.range(first..).map(|(_, entry)| Arc::clone(entry)).collect())
    }
}
