//! A viewer's place in a room, which ends when it is dropped.
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

use super::members::Seat;
use super::{AnnounceViewer, Room};
use crate::fanout::Outbox;
use crate::metrics::SignalRefusal;

/// A viewer's place in a room. Dropping it is how a viewer leaves, so no path forgets to.
#[derive(Debug)]
pub(crate) struct Membership {
    room: Arc<Room>,
    outbox: Arc<Outbox>,
    seat: Seat,
    /// Which viewer of the room it is, as the owner is told. Others may have it too: one viewer has several connections.
    number: ViewerNumber,
    /// How much it said to the owner of late over this connection.
    pace: Meter,
}

impl Membership {
    pub(super) fn new(room: Arc<Room>, outbox: Arc<Outbox>, seat: Seat, number: ViewerNumber) -> Self {
        Self { room, outbox, seat, number, pace: Meter::default() }
    }

    /// Returns the number of the room's last message.
    pub(crate) fn room_seq(&self) -> Seq {
        self.room.standing().seq
    }

    /// The viewer, who connected from `place` as far as that is known, says this to the owner.
    ///
    /// # Errors
    /// [`SignalError`] when it is as if it had not.
    pub(crate) fn signal(
        &mut self,
        key: &Key,
        params: &Params,
        place: Option<AddressBlock>,
    ) -> Result<(), SignalError> {
        let Self { room, pace, number, .. } = self;
        // Before the room's lock is taken: who says too much costs nobody else anything.
        if !pace.admits(room.rate_per_viewer(), room.now()) {
            return Err(room.refuse_signal(SignalRefusal::ViewerRate));
        }
        room.signal(Voter { number: *number, place }, key, params)
    }

    /// The viewer, who paused after `position`, gets what `announce` says, what it missed, and messages again.
    pub(crate) fn unpause(&self, position: Seq, announce: AnnounceViewer<'_>) {
        self.room.unpause(&self.outbox, self.seat, self.number, position, announce);
    }

    /// The viewer, who lost messages, gets the state. `hold` is told how many bytes that takes.
    pub(crate) fn restore(&self, hold: impl FnOnce(usize) -> Hold) {
        self.room.restore(&self.outbox, self.seat, hold);
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
        self.room.leave(&self.outbox, self.seat, self.number);
    }
}
