//! What replicas tell each other besides entries, and what a replica tells its room of other nodes.
//! Must not know what a room makes of that.

use bytes::Bytes;
use rtbroadcaster_core::chain::Lease;
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::message::{Key, Params};
use tokio::time::Instant;

use super::Replica;
use crate::engine::shared::SharedLog;
use crate::engine::shared::text::Whisper;

impl<L: SharedLog> Replica<L> {
    pub(super) fn whisper(&mut self, term: Term, key: Key, params: Params) {
        let lease = Lease { term, writer: self.me };
        if self.chain.is_under(lease) {
            self.log.whisper(&self.room, Whisper::Ephemeral { lease, key, params }.write());
        }
    }

    pub(super) fn overhear(&mut self, text: &Bytes) {
        match Whisper::read(text) {
            Some(Whisper::Head(offset)) if offset > self.chain.offset => self.look_soon(Instant::now()),
            // Others have read what the log has lost, and are about to write the room.
            Some(Whisper::Read(term, offset)) => self.furthest = self.furthest.max(Some((term, offset))),
            // Of an owner that was replaced, nothing is told.
            Some(Whisper::Ephemeral { lease, key, params }) if self.chain.is_under(lease) => {
                self.tell(|follower| follower.overhears(key, params));
            }
            Some(_) | None => {}
        }
    }

    /// Tells the room whether the node of its owner is heard of, if that has changed.
    pub(super) fn tell_nodes(&mut self) {
        let Some((Lease { writer, .. }, _)) = self.chain.newest else { return };
        let is_heard = writer == self.me || self.nodes.borrow_and_update().is_heard(writer);
        if std::mem::replace(&mut self.is_heard, is_heard) != is_heard {
            self.tell(|follower| follower.hears_owner(is_heard));
        }
    }
}
