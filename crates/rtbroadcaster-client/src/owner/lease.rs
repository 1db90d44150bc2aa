//! An owner's lease: its term, and the owner's cursor in the room's numbering. Pure. Must not know connections.

use std::time::Duration;

use rtbroadcaster_core::id::{Cursor, Epoch, Seq};

use crate::frame::{Admission, How, ResetReason};

/// The lease of an owner.
#[derive(Debug)]
pub(super) struct OwnerLease {
    /// Its number; 0 before the first one.
    pub(super) term: u64,
    /// The time that the room waits for its owner, if the server sends it.
    pub(super) grace: Option<Duration>,
    /// The newest acknowledgement; `None` while the owner does not know the room.
    pub(super) cursor: Option<Cursor>,
}

/// A range of acknowledged messages of which the server lacks some or all.
///
/// The [state](super::Owner::state) is the one that the server has kept. The program has to publish any lost
/// value again, since only it knows them. Unacknowledged messages are no part of a loss: the owner sends them again as
/// after any cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// Why the server cannot continue this owner's cursor: [`Epoch`](ResetReason::Epoch),
    /// [`Future`](ResetReason::Future) or [`Malformed`](ResetReason::Malformed).
    pub reason: ResetReason,
    /// The newest acknowledgement before: some of the messages up to it are lost.
    pub acked: Cursor,
    /// The number of the last message that the server has. Later numbers are used again, for other messages.
    pub seq: Seq,
}

impl OwnerLease {
    /// Returns a lease without a term, of an owner that knows the room up to `cursor`.
    pub(super) fn new(cursor: Option<Cursor>) -> Self {
        Self { term: 0, grace: None, cursor }
    }

    /// Notes the server's answer, which the state follows. If the server continues the cursor, the cursor has the
    /// answer's epoch from now on, even if the state does not arrive completely.
    pub(super) fn answered(&mut self, entry: &Admission, how: Option<How>) {
        if how == Some(How::Resumed) {
            self.live_in(entry.epoch.clone());
        }
    }

    /// Notes that all of the state has arrived. Returns the loss, if the server reported one.
    pub(super) fn entered(&mut self, entry: Admission, how: Option<How>) -> Option<Loss> {
        (self.term, self.grace) = (entry.term, entry.grace);
        let present = Cursor { epoch: entry.epoch, seq: entry.seq };
        match (&self.cursor, how) {
            (Some(acked), Some(How::Reset(reason))) => {
                let loss = Loss { reason, acked: acked.clone(), seq: present.seq };
                self.cursor = Some(present);
                return Some(loss);
            }
            (Some(_), Some(How::Resumed)) => {}
            // A server that does not send it gives each numbering its own epoch.
            (Some(cursor), _) if cursor.epoch == present.epoch => {}
            _ => self.cursor = Some(present),
        }
        None
    }

    /// Takes the epoch of the room's next life, which continues the cursor.
    pub(super) fn live_in(&mut self, epoch: Epoch) {
        if let Some(cursor) = &mut self.cursor {
            cursor.epoch = epoch;
        }
    }

    /// Notes that message `seq` is acknowledged. A message that was sent again may have an older number.
    pub(super) fn acked(&mut self, seq: Seq) {
        if let Some(cursor) = &mut self.cursor {
            cursor.seq = cursor.seq.max(seq);
        }
    }
}
