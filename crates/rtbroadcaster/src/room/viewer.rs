//! A viewer's place in a room, which ends when it is dropped.
//! Must not know what the viewer's protocol is.

use std::sync::Arc;

use super::members::Seat;
use super::{Announce, Room};
use crate::fanout::Outbox;
use crate::id::Seq;

/// A viewer's place in a room. Dropping it is how a viewer leaves, so no path forgets to.
#[derive(Debug)]
pub(crate) struct Membership {
    room: Arc<Room>,
    outbox: Arc<Outbox>,
    seat: Seat,
}

impl Membership {
    pub(super) fn new(room: Arc<Room>, outbox: Arc<Outbox>, seat: Seat) -> Self {
        Self { room, outbox, seat }
    }

    /// The viewer, who paused after `position`, gets what `announce` says, what it missed, and messages again.
    pub(crate) fn unpause(&self, position: Seq, announce: Announce<'_>) {
        self.room.unpause(&self.outbox, self.seat, position, announce);
    }

    /// The viewer, who lost messages, gets the state. Gives how many bytes that takes.
    pub(crate) fn restore(&self) -> usize {
        self.room.restore(&self.outbox, self.seat)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(&self.outbox, self.seat);
    }
}
