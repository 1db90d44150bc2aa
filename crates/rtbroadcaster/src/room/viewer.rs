//! A viewer's place in a room, which ends when it is dropped.
//! Must not know what the viewer's protocol is.

use std::sync::Arc;

use super::Room;
use crate::fanout::Outbox;

/// Why a viewer is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinError {
    /// The room does not exist or has ended.
    NoRoom,
    /// It has as many viewers as it may.
    RoomFull,
}

/// A viewer's place in a room. Dropping it is how a viewer leaves, so no path forgets to.
#[derive(Debug)]
pub(crate) struct Membership {
    room: Arc<Room>,
    outbox: Arc<Outbox>,
    /// Which of the room's rosters the viewer is on.
    roster: usize,
}

impl Membership {
    pub(super) fn new(room: Arc<Room>, outbox: Arc<Outbox>, roster: usize) -> Self {
        Self { room, outbox, roster }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(&self.outbox, self.roster);
    }
}
