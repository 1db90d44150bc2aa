//! What was said and not acknowledged, in order. Pure. Must not know connections.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::PublishError;
use crate::id::Seq;
use crate::message::{Change, Key, Params};
use crate::remote::frame::Refused;
use crate::remote::state::State;

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

/// All messages on their way.
#[derive(Debug, Default)]
pub(super) struct Unacked(VecDeque<Pending>);

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.0.push_back(pending);
    }

    /// What is to be said again, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = Utf8Bytes> {
        self.0.iter().map(|pending| pending.text.clone())
    }

    /// The message `id` is safe under this number, and takes its place in `state`.
    pub(super) fn acked(&mut self, id: &str, seq: Seq, state: &mut State) {
        let Some(Pending { key, params, change, waiter, .. }) = self.remove(id) else { return };
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
    pub(super) fn refused(&mut self, id: &str, refused: Refused) {
        let error = match refused.code() {
            "unavailable" | "rate" => return,
            "state_full" => PublishError::StateFull,
            "id_reused" => PublishError::IdReused,
            _ => PublishError::Refused(refused),
        };
        if let Some(pending) = self.remove(id) {
            let _ = pending.waiter.send(Err(error));
        }
    }

    /// Nothing is said any more, for this reason.
    pub(super) fn end(&mut self, error: &PublishError) {
        for pending in self.0.drain(..) {
            let _ = pending.waiter.send(Err(error.clone()));
        }
    }

    /// Acknowledgements come in order, so the first one is looked at first.
    fn remove(&mut self, id: &str) -> Option<Pending> {
        let at = self.0.iter().position(|pending| *pending.id == *id)?;
        self.0.remove(at)
    }
}
