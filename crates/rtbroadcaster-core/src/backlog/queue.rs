//! The frames that are not yet taken for a write, and their bytes.
//! Must not know what writes them.

use std::time::Duration;

use super::Frame;
use crate::id::Seq;
use crate::superseding::{Rank, Ranked, Superseding};

/// The bytes that a waiting frame costs besides its own. Without them many small frames would cost three times the
/// limit.
pub const FRAME_OVERHEAD_BYTES: usize = 128;

/// The frames that are not yet taken for a write.
#[derive(Debug, Default)]
pub(super) struct FrameQueue {
    pub(super) frames: Superseding<QueuedFrame>,
    /// The cost of all frames.
    bytes: usize,
}

/// Returns the bytes that `frame` costs while it waits.
fn cost(frame: &Frame) -> usize {
    frame.bytes.len() + FRAME_OVERHEAD_BYTES
}

/// A frame, and since when it waits.
#[derive(Debug)]
pub(super) struct QueuedFrame {
    frame: Frame,
    since: Duration,
}

impl Ranked for QueuedFrame {
    fn rank(&self) -> &Rank {
        &self.frame.rank
    }
}

impl FrameQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of all frames alone.
    pub(super) fn frame_bytes(&self) -> usize {
        self.bytes - self.frames.len() * FRAME_OVERHEAD_BYTES
    }

    /// Returns whether a push of `frame` would take the cost over `limit`. A frame alone always fits.
    pub(super) fn is_over_with(&self, frame: &Frame, limit: usize) -> bool {
        let most = self.bytes + cost(frame);
        // Without a look for the frame that it supersedes: mostly there is room for both.
        if most <= limit {
            return false;
        }
        let bytes = most - self.frames.superseded_by(&frame.rank).map_or(0, |old| cost(&old.frame));
        bytes > limit && bytes > cost(frame)
    }

    /// Drops the oldest ephemeral frame. Returns whether there was one.
    pub(super) fn drop_ephemeral(&mut self) -> bool {
        let dropped = self.frames.drop_ephemeral();
        self.bytes -= dropped.as_ref().map_or(0, |waiting| cost(&waiting.frame));
        dropped.is_some()
    }

    /// Returns when the first frame was pushed.
    pub(super) fn since(&self) -> Option<Duration> {
        self.frames.first().map(|first| first.since)
    }

    /// Queues a frame. Returns whether it superseded another one.
    pub(super) fn push(&mut self, frame: Frame, now: Duration) -> bool {
        self.bytes += cost(&frame);
        let superseded = self.frames.push(QueuedFrame { frame, since: now });
        if let Some(superseded) = &superseded {
            self.bytes -= cost(&superseded.frame);
        }
        superseded.is_some()
    }

    /// Removes and returns the first frame, with the time at which it was pushed.
    pub(super) fn pop(&mut self) -> Option<(Frame, Duration)> {
        let QueuedFrame { frame, since } = self.frames.pop()?;
        self.bytes -= cost(&frame);
        Some((frame, since))
    }

    /// Returns the number of the first frame's message, if it has one.
    pub(super) fn first_seq(&self) -> Option<Seq> {
        self.frames.first()?.frame.seq
    }

    /// Returns the number of the last message that waits. A message that superseded a waiting one still waits, or is
    /// written, or was itself superseded by one that waits.
    pub(super) fn last_seq(&self) -> Option<Seq> {
        self.frames.iter().rev().find_map(|waiting| waiting.frame.seq)
    }

    /// Drops all frames but the answers.
    pub(super) fn keep_answers(&mut self) {
        let all = std::mem::take(self).frames.into_iter();
        for QueuedFrame { frame, since } in all.filter(|waiting| waiting.frame.rank == Rank::Answer) {
            self.push(frame, since);
        }
    }
}
