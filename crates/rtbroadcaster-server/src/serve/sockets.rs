//! Counts the sockets that speak plain HTTP, from their accept on, and chooses which of them is closed for a new one.
//! Must not know sockets.

mod resting;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtbroadcaster::{Limit, Manager};
use tokio::sync::Notify;

use crate::metrics::PlainHttp;
use crate::network::Network;
pub(super) use resting::Rest;
use resting::{Resting, Turn};

/// The most sockets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// In all, WebSocket connections included.
    pub(super) all: Limit,
    /// How many more are taken, so that probes are answered and handshakes are refused with a status.
    pub(super) beyond: usize,
    /// Of plain HTTP from one address (IPv6: one /64); never more than half of all.
    pub(super) per_address: Limit,
}

impl Limits {
    /// One address that leaves its answers unread must not hold the places of all others.
    fn of_one_address(self) -> Limit {
        if self.per_address.is_none() { Limit::None } else { self.per_address.min(self.all.map(|all| all.div_ceil(2))) }
    }
}

/// All sockets that speak plain HTTP.
#[derive(Debug)]
pub(super) struct Sockets {
    limits: Limits,
    /// Counts the WebSocket connections, where there may be any.
    manager: Option<Manager>,
    open: Mutex<Open>,
}

/// A socket is one too many, and no other can be closed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

#[derive(Debug, Default)]
struct Open {
    /// The next socket's number.
    next: u64,
    sockets: HashMap<u64, Known>,
    /// The sockets of each address.
    addresses: HashMap<Network, Neighbours>,
    /// The sockets that may be closed for a new one.
    resting: Resting,
    /// How many were not taken, and how many were closed for others.
    refused: u64,
    displaced: u64,
}

/// One socket.
#[derive(Debug)]
struct Known {
    address: Option<Network>,
    turn: Option<Turn>,
    closed: Arc<Notify>,
}

/// The sockets of one address.
#[derive(Debug, Default)]
struct Neighbours {
    count: usize,
    resting: Resting,
}

/// A socket that is counted. Dropping it is how it leaves.
#[derive(Debug)]
pub(super) struct Visit {
    sockets: Arc<Sockets>,
    number: u64,
    /// There is no place for it: it gets answers and no WebSocket connection.
    is_beyond: bool,
    closed: Arc<Notify>,
}

impl Sockets {
    pub(super) fn new(limits: Limits, manager: Option<Manager>) -> Arc<Self> {
        Arc::new(Self { limits, manager, open: Mutex::default() })
    }

    /// Counts a socket that was accepted. `address` is the client's; none is a proxy's, which has no limit of its own. At
    /// a limit the socket that has been idle longest is closed for it, or else the one that has been silent longest.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Visit, TooMany> {
        let visit = self.try_enter(address);
        if visit.is_err() {
            self.lock().refused += 1;
        }
        visit
    }

    fn try_enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Visit, TooMany> {
        let websockets = self.manager.as_ref().map_or(0, Manager::connections);
        let mut open = self.lock();
        let address = address.map(Network::of_client);
        open.make_room_at(address, self.limits.of_one_address())?;
        let is_full = |open: &Open| self.limits.all.is_reached_by(open.sockets.len() + websockets);
        if is_full(&open)
            && let Some(number) = open.resting.longest()
        {
            open.close(number);
        }
        let is_beyond = is_full(&open);
        if is_beyond && open.sockets.len() + websockets >= self.limits.all.most().saturating_add(self.limits.beyond) {
            return Err(TooMany);
        }
        let (number, closed) = (open.next, Arc::new(Notify::new()));
        open.next += 1;
        open.sockets.insert(number, Known { address: None, turn: None, closed: Arc::clone(&closed) });
        open.count_at(number, address);
        open.rest(number, Rest::Silent);
        Ok(Visit { sockets: Arc::clone(self), number, is_beyond, closed })
    }

    /// Returns how many sockets speak plain HTTP now, and what became of others.
    pub(super) fn counts(&self) -> PlainHttp {
        let open = self.lock();
        PlainHttp { open: open.sockets.len() as u64, refused: open.refused, displaced: open.displaced }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // A panic between two changes leaves a socket counted at most, not uncounted.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// The socket waits for a request, for a reason by which it may be closed.
    pub(super) fn rest(&self, rest: Rest) {
        self.sockets.lock().rest(self.number, rest);
    }

    /// A request of a client at `address` has come, which a proxy may have passed on.
    ///
    /// # Errors
    /// That address has as many sockets as it may have, all with requests.
    pub(super) fn work(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let mut open = self.sockets.lock();
        open.wake(self.number);
        let address = address.map(Network::of_client);
        let Some(known) = open.sockets.get(&self.number) else { return Ok(()) };
        if known.address == address {
            return Ok(());
        }
        open.count_at(self.number, None);
        open.make_room_at(address, self.sockets.limits.of_one_address())?;
        open.count_at(self.number, address);
        Ok(())
    }

    /// Whether it may become a WebSocket connection.
    pub(super) fn may_upgrade(&self) -> bool {
        !self.is_beyond
    }

    /// Waits until the socket is to be closed, since another one needs its place.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.sockets.lock().forget(self.number);
    }
}

impl Open {
    /// Counts the socket for `address` and for no other.
    fn count_at(&mut self, number: u64, address: Option<Network>) {
        let Some(known) = self.sockets.get_mut(&number) else { return };
        let (before, turn) = (std::mem::replace(&mut known.address, address), known.turn);
        if let Some(before) = before
            && let Some(neighbours) = self.addresses.get_mut(&before)
        {
            neighbours.count -= 1;
            neighbours.resting.remove(turn);
            if neighbours.count == 0 {
                self.addresses.remove(&before);
            }
        }
        if let Some(address) = address {
            let neighbours = self.addresses.entry(address).or_default();
            neighbours.count += 1;
            neighbours.resting.insert(turn, number);
        }
    }

    /// Closes a socket of `address` if it has `max`.
    fn make_room_at(&mut self, address: Option<Network>, max: Limit) -> Result<(), TooMany> {
        let Some(neighbours) = address.and_then(|address| self.addresses.get(&address)) else { return Ok(()) };
        if !max.is_reached_by(neighbours.count) {
            return Ok(());
        }
        let number = neighbours.resting.longest().ok_or(TooMany)?;
        self.close(number);
        Ok(())
    }

    fn rest(&mut self, number: u64, rest: Rest) {
        self.wake(number);
        let turn = self.resting.next_turn(rest);
        let Some(known) = self.sockets.get_mut(&number) else { return };
        known.turn = Some(turn);
        self.resting.insert(Some(turn), number);
        if let Some(neighbours) = known.address.and_then(|address| self.addresses.get_mut(&address)) {
            neighbours.resting.insert(Some(turn), number);
        }
    }

    fn wake(&mut self, number: u64) {
        let Some(known) = self.sockets.get_mut(&number) else { return };
        let turn = known.turn.take();
        self.resting.remove(turn);
        if let Some(neighbours) = known.address.and_then(|address| self.addresses.get_mut(&address)) {
            neighbours.resting.remove(turn);
        }
    }

    fn close(&mut self, number: u64) {
        if let Some(known) = self.sockets.get(&number) {
            known.closed.notify_one();
            self.displaced += 1;
        }
        self.forget(number);
    }

    fn forget(&mut self, number: u64) {
        self.wake(number);
        self.count_at(number, None);
        self.sockets.remove(&number);
    }
}

#[cfg(test)]
mod tests;
