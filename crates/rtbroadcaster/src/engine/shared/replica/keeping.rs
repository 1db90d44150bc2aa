//! Writes checkpoints of a room, so that its entries need not reach back to its beginning.
//! Must not know which system keeps the log.

use std::sync::Arc;

use rtbroadcaster_core::chain::{Chain, Offset};
use rtbroadcaster_core::record::Checkpoint;

use tokio::time::Instant;

use super::Replica;
use crate::engine::shared::SharedLog;
use crate::engine::shared::text::{self, PlacedCheckpoint};

/// The number of entries behind a checkpoint after which the next one is written, and after which nothing else is.
pub(super) const CHECKPOINT_AFTER: u64 = 256;
pub(super) const CHECKPOINT_NEEDED: u64 = 896;

/// The most entries from which a history is read.
pub(super) const MARKS_MAX: usize = 2_048;

impl<L: SharedLog> Replica<L> {
    /// Begins to write a checkpoint, if none is being written.
    pub(super) fn keep(&mut self) {
        let logged = self.marks.front().map(|mark| mark.first);
        let checkpoint = self.follower.upgrade().and_then(|follower| follower.checkpoint(logged));
        let Some(checkpoint) = checkpoint.filter(|_| self.keeping.is_none() && self.has_lease()) else { return };
        if self.keep_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        let history = self.history_of(&checkpoint);
        // The last entry stays: a room without one does not exist.
        let unneeded = history.offset.min(Offset(self.chain.offset.0.saturating_sub(1)));
        let text = text::write_checkpoint(&PlacedCheckpoint { checkpoint, chain: self.chain, history });
        let (log, room) = (Arc::clone(&self.log), self.room.clone());
        self.keeping = Some(Box::pin(async move { log.keep_checkpoint(&room, text, unneeded).await }));
    }

    /// Returns where to begin to read for the history of `checkpoint`.
    pub(super) fn history_of(&self, checkpoint: &Checkpoint) -> Chain {
        let known = self.marks.iter().rev().find(|mark| mark.first <= checkpoint.history);
        known.or(self.marks.front()).map_or(self.chain, |mark| mark.before)
    }

    /// Notes whether a checkpoint is kept.
    pub(super) fn kept(&mut self, is_kept: bool) {
        self.counters.checkpoint(is_kept);
        if is_kept {
            self.unkept = 0;
            return;
        }
        tracing::warn!(room = ?self.room, entries = self.unkept, "a checkpoint could not be written; it is tried again");
        let pause = self.next_pause();
        self.keep_at = Some(Instant::now() + pause);
        if self.unkept >= CHECKPOINT_NEEDED {
            // Nothing else is written before one is.
            self.is_in_doubt();
        }
    }
}
