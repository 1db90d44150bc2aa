//! What was said and not acknowledged, in order. Pure: takes the time from outside. Must not know connections.

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

/// How many ids a server remembers (PROTOCOL.md section 2, rule 6): of so many, each may be said again.
pub(super) const IDS_MAX: usize = 4_096;

/// Whoever waits for an acknowledgement.
pub(super) type Waiter = oneshot::Sender<Result<Seq, PublishError>>;

/// One message on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Box<str>,
    /// As it was said, and is said again.
    pub(super) text: Utf8Bytes,
    pub(super) key: Key,
    pub(super) params: Params,
    pub(super) change: Change,
    pub(super) waiter: Waiter,
}

impl Pending {
    /// Why a server with these limits would refuse it.
    fn fault(&self, limits: &Limits) -> Option<MessageError> {
        let body = Body { key: self.key.clone(), params: self.params.clone(), id: Some(self.id.clone()) };
        limits.check(&body, self.text.len()).err()
    }
}

/// All messages on their way.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    pending: VecDeque<Pending>,
    /// Since when there was no answer to any of them; `None` while there are none.
    since: Option<Instant>,
    /// What all texts take.
    bytes: usize,
}

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Since when the server owes an answer, if it does. Each answer begins that anew.
    pub(super) fn owed_since(&self) -> Option<Instant> {
        self.since
    }

    /// Returns how many bytes all of them take as they are sent.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, pending: Pending, now: Instant) {
        self.bytes += pending.text.len();
        self.pending.push_back(pending);
        self.since.get_or_insert(now);
    }

    /// What is to be said again, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = Utf8Bytes> {
        self.pending.iter().map(|pending| pending.text.clone())
    }

    /// Whether the message `id` is on its way.
    pub(super) fn has(&self, id: &str) -> bool {
        self.pending.iter().any(|pending| *pending.id == *id)
    }

    /// The message `id` is safe under this number, and takes its place in `state`.
    pub(super) fn acked(&mut self, id: &str, seq: Seq, state: &mut State, now: Instant) {
        let Some(Pending { key, params, change, waiter, .. }) = self.remove(id, now) else { return };
        // What was said again may be in the state already.
        if seq > state.seq() {
            match change {
                Change::State => state.insert(seq, key, params),
                Change::Cleared => state.remove(seq, &key),
                Change::Event | Change::Ephemeral => state.reach(seq),
            }
        }
        // Who asked may not wait for it.
        let _ = waiter.send(Ok(seq));
    }

    /// The message `id` is refused. What the log cannot take at the moment stays: it is said again.
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

    /// The server has refused one without its id, since it is too big: it can only be the biggest one.
    pub(super) fn biggest_refused(&mut self, refused: Refused, now: Instant) {
        let biggest = self.pending.iter().max_by_key(|pending| pending.text.len()).map(|pending| pending.id.clone());
        if let Some(pending) = biggest.and_then(|id| self.remove(&id, now)) {
            let _ = pending.waiter.send(Err(PublishError::Refused(refused)));
        }
    }

    /// The server has told other limits: what does not fit any more is refused.
    pub(super) fn check(&mut self, limits: &Limits, now: Instant) {
        let faults: Vec<_> =
            self.pending.iter().filter_map(|pending| Some((pending.id.clone(), pending.fault(limits)?))).collect();
        for (id, fault) in faults {
            if let Some(pending) = self.remove(&id, now) {
                let _ = pending.waiter.send(Err(fault.into()));
            }
        }
    }

    /// Nothing is said any more, for this reason.
    pub(super) fn end(&mut self, error: &PublishError) {
        self.bytes = 0;
        for pending in self.pending.drain(..) {
            let _ = pending.waiter.send(Err(error.clone()));
        }
    }

    /// Acknowledgements come in order, so the first one is looked at first.
    fn remove(&mut self, id: &str, now: Instant) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| *pending.id == *id)?;
        let removed = self.pending.remove(at);
        self.bytes -= removed.as_ref().map_or(0, |pending| pending.text.len());
        self.since = (!self.pending.is_empty()).then_some(now);
        removed
    }
}
