//! The unacknowledged messages of an owner, in order. Pure: takes the time as an argument. Must not know connections.

use std::collections::VecDeque;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Body, Change, Key, MessageError, Params};
use rtbroadcaster_core::refusal::Refused;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::PublishError;
use crate::limits::Limits;
use crate::state::State;

/// The number of ids that a server remembers (PROTOCOL.md section 2, rule 6): so many messages can be sent again
/// without a duplicate.
pub(super) const IDS_MAX: usize = 4_096;

/// The sender of a message's number to the program.
pub(super) type Waiter = oneshot::Sender<Result<Seq, PublishError>>;

/// One unacknowledged message.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Box<str>,
    /// The frame, as it was sent and may be sent again.
    pub(super) text: Utf8Bytes,
    pub(super) key: Key,
    pub(super) params: Params,
    pub(super) change: Change,
    pub(super) waiter: Waiter,
}

impl Pending {
    /// Returns why a server with these limits would refuse the message.
    fn fault(&self, limits: &Limits) -> Option<MessageError> {
        let body = Body { key: self.key.clone(), params: self.params.clone(), id: Some(self.id.clone()) };
        limits.check(&body, self.text.len()).err()
    }
}

/// All unacknowledged messages.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    pending: VecDeque<Pending>,
    /// Since when the server has answered none of them; `None` while there are none.
    since: Option<Instant>,
    /// The bytes of all texts.
    bytes: usize,
}

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Returns since when the server owes an answer, if it does. Each answer restarts that time.
    pub(super) fn owed_since(&self) -> Option<Instant> {
        self.since
    }

    /// Returns the bytes of all frames.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, pending: Pending, now: Instant) {
        self.bytes += pending.text.len();
        self.pending.push_back(pending);
        self.since.get_or_insert(now);
    }

    /// Returns the frames to send again, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = Utf8Bytes> {
        self.pending.iter().map(|pending| pending.text.clone())
    }

    /// Returns whether the message `id` is unacknowledged.
    pub(super) fn has(&self, id: &str) -> bool {
        self.pending.iter().any(|pending| *pending.id == *id)
    }

    /// Notes that the message `id` is stored under this number, and applies it to `state`.
    pub(super) fn acked(&mut self, id: &str, seq: Seq, state: &mut State, now: Instant) {
        let Some(Pending { key, params, change, waiter, .. }) = self.remove(id, now) else { return };
        // A message that was sent again may be in the state already.
        if seq > state.seq() {
            match change {
                Change::State => state.insert(seq, key, params),
                Change::Cleared => state.remove(seq, &key),
                Change::Event | Change::Ephemeral => state.reach(seq),
            }
        }
        // The program may have dropped the future.
        let _ = waiter.send(Ok(seq));
    }

    /// Fails the refused message `id`. One that the server cannot take at the moment stays, and is sent again later.
    pub(super) fn refused(&mut self, id: &str, refused: Refused, now: Instant) {
        let error = match refused.code() {
            "unavailable" | "rate" => return,
            "state_full" => PublishError::StateFull,
            "id_reused" => PublishError::IdReused,
            _ => PublishError::Refused(refused),
        };
        if let Some(pending) = self.remove(id, now) {
            let _ = pending.waiter.send(Err(error));
        }
    }

    /// Fails the biggest message: the server refused one as too big, without its id.
    pub(super) fn biggest_refused(&mut self, refused: Refused, now: Instant) {
        let biggest = self.pending.iter().max_by_key(|pending| pending.text.len()).map(|pending| pending.id.clone());
        if let Some(pending) = biggest.and_then(|id| self.remove(&id, now)) {
            let _ = pending.waiter.send(Err(PublishError::Refused(refused)));
        }
    }

    /// Fails the messages that exceed the server's new limits.
    pub(super) fn check(&mut self, limits: &Limits, now: Instant) {
        let faults: Vec<_> =
            self.pending.iter().filter_map(|pending| Some((pending.id.clone(), pending.fault(limits)?))).collect();
        for (id, fault) in faults {
            if let Some(pending) = self.remove(&id, now) {
                let _ = pending.waiter.send(Err(fault.into()));
            }
        }
    }

    /// Fails all messages for this reason.
    pub(super) fn end(&mut self, error: &PublishError) {
        self.bytes = 0;
        for pending in self.pending.drain(..) {
            let _ = pending.waiter.send(Err(error.clone()));
        }
    }

    /// Removes the message `id`. Acknowledgements arrive in order, so the search begins at the first message.
    fn remove(&mut self, id: &str, now: Instant) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| *pending.id == *id)?;
        let removed = self.pending.remove(at);
        self.bytes -= removed.as_ref().map_or(0, |pending| pending.text.len());
        self.since = (!self.pending.is_empty()).then_some(now);
        removed
    }
}
