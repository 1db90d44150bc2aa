//! The clients that are in no room yet, which the server notifies itself when it goes away.
//! Must not know rooms.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtbroadcaster_core::close::CloseReason;

use super::Server;
use crate::fanout::{Moments, Outbox};
use crate::lock_order::{LockRank, Ordered, ordered};

/// The outboxes of all clients that are in no room yet, by their addresses; `None` once the server shuts down.
#[derive(Debug)]
pub(super) struct WaitingList(Mutex<Option<Outboxes>>);

/// The outboxes by their addresses.
type Outboxes = HashMap<usize, Arc<Outbox>>;

/// A client's entry among those that are in no room. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct WaitingClient {
    server: Arc<Server>,
    /// The address of its outbox, which no other entry has while this one lives.
    id: usize,
}

impl Default for WaitingList {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl WaitingList {
    /// Asks every client to reconnect later, and takes no more of them.
    pub(super) fn drain(&self, moments: &Moments) {
        let waiting = self.lock().take();
        for outbox in waiting.into_iter().flatten().map(|(_, outbox)| outbox) {
            outbox.depart(CloseReason::ServerGone, moments.other());
        }
    }

    /// Returns whether no more clients are taken.
    pub(super) fn is_drained(&self) -> bool {
        self.lock().is_none()
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, Option<Outboxes>>> {
        // Each change is one of a map, which a panic leaves whole.
        ordered(LockRank::COLLECTION, || self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl WaitingClient {
    /// Lists a client of `server`. After [`drain`](WaitingList::drain) its connection ends at once.
    pub(super) fn new(server: Arc<Server>, outbox: &Arc<Outbox>) -> Self {
        let id = Arc::as_ptr(outbox).addr();
        match server.waiting.lock().as_mut() {
            Some(waiting) => _ = waiting.insert(id, Arc::clone(outbox)),
            None => outbox.finish(CloseReason::ServerGone),
        }
        Self { server, id }
    }
}

impl Drop for WaitingClient {
    fn drop(&mut self) {
        if let Some(waiting) = self.server.waiting.lock().as_mut() {
            waiting.remove(&self.id);
        }
    }
}
