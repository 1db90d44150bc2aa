//! Queues frames besides messages for a client, and joins its outbox to the lags of a room.
//! Must not know what these frames say.

use std::sync::Arc;

use rtbroadcaster_core::backlog::{Ending, Frame};

use super::Outbox;
use crate::fanout::lags::Lags;

impl Outbox {
    /// Queues a frame that says how something stands, in the place of a waiting one of its kind. Beyond the limit:
    /// there is one of a kind.
    pub(crate) fn queue_notice(&self, frame: Frame) {
        self.change(|state, now| state.push(&[frame], self.dialect, now, usize::MAX));
    }

    /// Queues a frame from other clients, unless it fills more than a quarter of the backlog: half of it would keep the
    /// client from speaking. A frame alone always fits. Returns whether it was queued.
    pub(crate) fn pass_on(&self, frame: Frame) -> bool {
        let mut takes = false;
        self.change(|state, now| {
            let waits = state.backlog.as_ref().map_or(0, |backlog| backlog.bytes());
            let fits = waits == 0 || (waits + frame.bytes.len()).saturating_mul(4) <= self.limit;
            takes = fits && state.ending() == Ending::Open;
            if takes {
                state.push(&[frame], self.dialect, now, usize::MAX);
            }
        });
        takes
    }

    /// Adds the client to the members whose ages `lags` has.
    pub(in crate::fanout) fn enter(&self, lags: &Arc<Lags>) {
        self.lock().enter(lags);
    }

    /// Removes the client from the lags of its room.
    pub(in crate::fanout) fn exit(&self) {
        self.lock().exit();
    }
}
