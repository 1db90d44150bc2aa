//! The state on its way to a joiner.
//! Must not know what came since.

use std::sync::Arc;

use bytes::Bytes;

use super::queue::Queue;
use crate::message::{Dialect, Entry};

/// The state that a joiner gets, with the answer to its join before it. It does not count against the limit.
#[derive(Debug)]
pub(super) struct Replay {
    /// What waited when it was asked for: a joiner reads its answers in the order of its requests.
    before: Queue,
    announcement: Option<Bytes>,
    entries: Arc<[Arc<Entry>]>,
    /// The first entry that is not taken.
    next: usize,
    dialect: &'static Dialect,
}

impl Replay {
    pub(super) fn new(
        before: Queue,
        announcement: Bytes,
        entries: Arc<[Arc<Entry>]>,
        dialect: &'static Dialect,
    ) -> Self {
        Self { before, announcement: Some(announcement), entries, next: 0, dialect }
    }

    /// Removes the next frame. It is made here if no joiner needed it before.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let before = self.before.pop().map(|(frame, _)| frame.bytes);
        before.or_else(|| self.announcement.take()).or_else(|| {
            let dialect = self.dialect;
            let (step, frame) =
                self.entries[self.next..].iter().enumerate().find_map(|(i, entry)| Some((i, entry.frame(dialect)?)))?;
            self.next += step + 1;
            Some(frame)
        })
    }
}
