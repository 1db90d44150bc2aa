//! A viewer's membership of a room, which ends when it is dropped.
//! Must not know what the viewer's protocol is.

use std::sync::Arc;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::identity::{ViewerKey, ViewerNumber};
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::rate::Meter;
use rtbroadcaster_core::refusal::SignalError;
use rtbroadcaster_core::room::votes::Voter;

use super::members::RosterIndex;
use super::{AnnounceViewer, Room};
use crate::fanout::Outbox;
use crate::metrics::SignalRefusal;

/// A viewer's membership of a room. Dropping it is how a viewer leaves, so no path forgets to.
#[derive(Debug)]
pub(crate) struct Membership {
    room: Arc<Room>,
    outbox: Arc<Outbox>,
    index: RosterIndex,
    /// The viewer's number in the room, which the owner is told. Several memberships may have it: one viewer may have
    /// several connections.
    number: ViewerNumber,
    /// The meter of its signals over this connection.
    pace: Meter,
}

impl Membership {
    pub(super) fn new(room: Arc<Room>, outbox: Arc<Outbox>, index: RosterIndex, number: ViewerNumber) -> Self {
        Self { room, outbox, index, number, pace: Meter::default() }
    }

    /// Returns the number of the room's last message.
    pub(crate) fn room_seq(&self) -> Seq {
        self.room.standing().seq
    }

    /// Sends a signal of the viewer, which connected from `place` as far as that is known, to the owner. Waits if that is
    /// on another node.
    ///
    /// # Errors
    /// [`SignalError`] if the signal is dropped, or may be.
    pub(crate) async fn signal(
        &mut self,
        key: &Key,
        params: &Params,
        place: Option<AddressBlock>,
    ) -> Result<(), SignalError> {
        let Self { room, pace, number, .. } = self;
        // Before the room's lock is taken: a viewer that signals too often costs no other client anything.
        if !pace.admits(room.rate_per_viewer(), room.now()) {
            return Err(room.refuse_signal(SignalRefusal::ViewerRate));
        }
        let Some(forwarded) = room.signal(Voter { number: *number, place }, key, params)? else { return Ok(()) };
        forwarded.await.map_err(|refusal| match (refusal, room.refuse_signal(refusal)) {
            // Its connections to other nodes have used it up.
            (SignalRefusal::ViewerRate, _) => SignalError::SharedRate,
            (_, error) => error,
        })
    }

    /// Resumes the viewer, which paused after `position`. It is sent what `announce` writes, what it missed, and
    /// messages again.
    pub(crate) fn unpause(&self, position: Seq, announce: AnnounceViewer<'_>) {
        self.room.unpause(&self.outbox, self.index, self.number, position, announce);
    }

    /// Queues the state for the viewer, which lost messages. `hold` is called with the size of the state in bytes.
    pub(crate) fn restore(&self, hold: impl FnOnce(usize) -> Hold) {
        self.room.restore(&self.outbox, self.index, hold);
    }
}

impl Room {
    /// Returns the key of the viewer that shows `shown`: the same if that is right, and else that of a new viewer.
    pub(super) fn recognize(&self, shown: Option<&ViewerKey>) -> ViewerKey {
        let number = shown.and_then(|key| self.viewer_keys.verify(self.numbering, key));
        self.key_of(number.unwrap_or_else(|| ViewerNumber::random(&*self.random)))
    }

    /// Returns the key of the viewer `number`.
    pub(super) fn key_of(&self, number: ViewerNumber) -> ViewerKey {
        self.viewer_keys.key(self.numbering, number)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(&self.outbox, self.index, self.number);
    }
}
