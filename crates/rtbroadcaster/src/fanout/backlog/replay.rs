//! What brings a member to where the room stands: its state, or what the member missed.
//! Must not know what came since.

use std::sync::Arc;

use bytes::Bytes;

use super::queue::Queue;
use crate::id::Seq;
use crate::message::{Dialect, Entry};

/// An announcement and the messages that it announces. It does not count against the limit of what waits.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Says what follows.
    pub announcement: Bytes,
    /// What follows, in order.
    pub entries: Arc<[Arc<Entry>]>,
    /// Where the member stands after the last one.
    pub seq: Seq,
}

/// A replay on its way.
#[derive(Debug)]
pub(super) struct Replaying {
    /// What waited when it was asked for: a joiner reads its answers in the order of its requests.
    before: Queue,
    /// Whether the announcement is taken.
    announced: bool,
    replay: Replay,
    /// The first entry that is not taken.
    next: usize,
}

impl Replaying {
    pub(super) fn new(before: Queue, replay: Replay) -> Self {
        Self { before, announced: false, replay, next: 0 }
    }

    /// The bytes of what waited when it was asked for.
    pub(super) fn bytes_before(&self) -> usize {
        self.before.frame_bytes()
    }

    /// Where the member stands when nothing is left.
    pub(super) fn seq(&self) -> Seq {
        self.replay.seq
    }

    /// Removes the next frame. It is made here if no member needed it before.
    pub(super) fn pop(&mut self, dialect: &Dialect) -> Option<Bytes> {
        if let Some((frame, _)) = self.before.pop() {
            return Some(frame.bytes);
        }
        if !std::mem::replace(&mut self.announced, true) {
            return Some(self.replay.announcement.clone());
        }
        let rest = self.replay.entries[self.next..].iter().enumerate();
        let (step, frame) = rest.into_iter().find_map(|(step, entry)| Some((step, entry.frame(dialect)?)))?;
        self.next += step + 1;
        Some(frame)
    }
}
