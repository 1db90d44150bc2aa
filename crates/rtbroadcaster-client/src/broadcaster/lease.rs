//! An owner's lease: its term, and where the owner stands in the room's numbering. Pure. Must not know connections.

use std::time::Duration;

use rtbroadcaster_core::id::{Cursor, Epoch, Seq};

use crate::frame::{Entry, How, ResetReason};

/// What an owner holds.
#[derive(Debug)]
pub(super) struct Lease {
    /// Its number; 0 before the first one.
    pub(super) term: u64,
    /// How long the room waits for its owner, where the server tells it.
    pub(super) grace: Option<Duration>,
    /// The newest acknowledgement; `None` while it does not know the room.
    pub(super) cursor: Option<Cursor>,
}

/// Messages that the server had acknowledged and does not have any more, in part or all of them.
///
/// The [state](super::Broadcaster::state) is what the server has kept. Whatever else must hold has to be published again:
/// only the program knows it. Messages without an acknowledgement are no part of this; they are sent again as after any
/// cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// Why the server cannot continue where this owner stood: [`Epoch`](ResetReason::Epoch),
    /// [`Future`](ResetReason::Future) or [`Malformed`](ResetReason::Malformed).
    pub reason: ResetReason,
    /// The newest acknowledgement before: some of the messages up to it are gone.
    pub acked: Cursor,
    /// The number of the last message that the server has. Numbers behind it are given anew, to other messages.
    pub seq: Seq,
}

impl Lease {
    /// Returns the lease of an owner that has none yet, and knows the room up to `cursor`.
    pub(super) fn new(cursor: Option<Cursor>) -> Self {
        Self { term: 0, grace: None, cursor }
    }

    /// The server has answered, and the state follows. Where the room continues the cursor, it does so in this epoch from
    /// now on, also if the state does not come to its end.
    pub(super) fn answered(&mut self, entry: &Entry, how: Option<How>) {
        if how == Some(How::Resumed) {
            self.live_in(entry.epoch.clone());
        }
    }

    /// All of the state has come. Returns what is lost, if the server has said so.
    pub(super) fn entered(&mut self, entry: Entry, how: Option<How>) -> Option<Loss> {
        (self.term, self.grace) = (entry.term, entry.grace);
        let present = Cursor { epoch: entry.epoch, seq: entry.seq };
        match (&self.cursor, how) {
            (Some(acked), Some(How::Reset(reason))) => {
                let loss = Loss { reason, acked: acked.clone(), seq: present.seq };
                self.cursor = Some(present);
                return Some(loss);
            }
            (Some(_), Some(How::Resumed)) => {}
            // A server that does not say it gives each numbering its own epoch.
            (Some(cursor), _) if cursor.epoch == present.epoch => {}
            _ => self.cursor = Some(present),
        }
        None
    }

    /// The room is in another life, which continues the cursor.
    pub(super) fn live_in(&mut self, epoch: Epoch) {
        if let Some(cursor) = &mut self.cursor {
            cursor.epoch = epoch;
        }
    }

    /// Message `seq` is acknowledged. What was sent again may have an older number.
    pub(super) fn acked(&mut self, seq: Seq) {
        if let Some(cursor) = &mut self.cursor {
            cursor.seq = cursor.seq.max(seq);
        }
    }
}
