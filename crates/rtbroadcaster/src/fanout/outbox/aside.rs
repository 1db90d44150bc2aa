//! What a client is told besides messages, and who knows since when it waits.
//! Must not know what that says.

use std::sync::Arc;

use rtbroadcaster_core::backlog::{Ending, Frame};

use super::Outbox;
use crate::fanout::lags::Lags;

impl Outbox {
    /// Queues what says how something stands, in the place of what waits and says how it stood. Beyond the limit: there is
    /// one of a kind.
    pub(crate) fn tell(&self, frame: Frame) {
        self.change(|line, now| line.push(&[frame], self.dialect, now, usize::MAX));
    }

    /// Queues something that others say to this client, unless a quarter of what may wait for it does: half of it would
    /// keep the client from speaking. Something alone always fits. Says whether it was queued.
    pub(crate) fn pass_on(&self, frame: Frame) -> bool {
        let mut takes = false;
        self.change(|line, now| {
            let waits = line.backlog.as_ref().map_or(0, |backlog| backlog.bytes());
            let fits = waits == 0 || (waits + frame.bytes.len()).saturating_mul(4) <= self.limit;
            takes = fits && line.ending() == Ending::Open;
            if takes {
                line.push(&[frame], self.dialect, now, usize::MAX);
            }
        });
        takes
    }

    /// The client is one of the members of whom `lags` are known.
    pub(in crate::fanout) fn enter(&self, lags: &Arc<Lags>) {
        self.lock().enter(lags);
    }

    /// The client is no member any more.
    pub(in crate::fanout) fn exit(&self) {
        self.lock().exit();
    }
}
