//! Writes checkpoints of a room, so that its entries need not reach back to its beginning.
//! Must not know which system keeps the log.

use std::sync::Arc;

use rtbroadcaster_core::chain::Chain;
use rtbroadcaster_core::record::Checkpoint;

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
        let checkpoint = self.follower.upgrade().and_then(|follower| follower.checkpoint());
        let Some(checkpoint) = checkpoint.filter(|_| self.keeping.is_none() && self.has_lease()) else { return };
        let history = self.history_of(&checkpoint);
        let text = text::write_checkpoint(&PlacedCheckpoint { checkpoint, chain: self.chain, history });
        let (log, room) = (Arc::clone(&self.log), self.room.clone());
        self.keeping = Some(Box::pin(async move { log.keep_checkpoint(&room, text, history.offset).await }));
    }

    /// Returns where to begin to read for the history of `checkpoint`.
    pub(super) fn history_of(&self, checkpoint: &Checkpoint) -> Chain {
        let known = self.marks.iter().rev().find(|mark| mark.first <= checkpoint.history);
        known.or(self.marks.front()).map_or(self.chain, |mark| mark.before)
    }
}
