//! Counts the sockets that speak plain HTTP, from their accept on, and chooses which of them is closed for a new one.
//! Must not know the sockets themselves.

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

/// The limits of sockets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most sockets in all, WebSocket connections included.
    pub(super) all: Limit,
    /// The sockets beyond that, so that health checks are answered and handshakes get a status.
    pub(super) beyond: usize,
    /// The most sockets of plain HTTP from one address (IPv6: one /64); never more than half of all.
    pub(super) per_address: Limit,
}

impl Limits {
    /// Returns the limit of one address. At most half of all: an address that does not read its responses must not
    /// block others.
    fn of_one_address(self) -> Limit {
        if self.per_address.is_none() { Limit::None } else { self.per_address.min(self.all.map(|all| all.div_ceil(2))) }
    }
}

/// All sockets that speak plain HTTP.
#[derive(Debug)]
pub(super) struct Sockets {
    limits: Limits,
    /// Counts the WebSocket connections; `None` for a listener without them.
    manager: Option<Manager>,
    open: Mutex<Open>,
}

/// The error at a limit, if no other socket can be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

#[derive(Debug, Default)]
struct Open {
    /// The number of the next socket.
    next: u64,
    sockets: HashMap<u64, Known>,
    /// The sockets of each address.
    addresses: HashMap<Network, Neighbours>,
    /// The sockets that may be closed for a new one, in their order.
    resting: Resting,
    /// The number of refused sockets, and of sockets that were closed for others.
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

/// A counted socket. Dropping it removes it from the counts.
#[derive(Debug)]
pub(super) struct Visit {
    sockets: Arc<Sockets>,
    number: u64,
    /// It is beyond the limit: its requests are answered, but handshakes are refused.
    is_beyond: bool,
    closed: Arc<Notify>,
}

impl Sockets {
    pub(super) fn new(limits: Limits, manager: Option<Manager>) -> Arc<Self> {
        Arc::new(Self { limits, manager, open: Mutex::default() })
    }

    /// Counts an accepted socket of a client at `address`; `None` for a proxy, which has no limit. At a limit it closes
    /// the socket that has been idle longest, or else the one that has been silent longest.
    ///
    /// # Errors
    /// At a limit, if no socket can be closed.
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

    /// Returns the number of open sockets with plain HTTP, and of refused and closed ones.
    pub(super) fn counts(&self) -> PlainHttp {
        let open = self.lock();
        PlainHttp { open: open.sockets.len() as u64, refused: open.refused, displaced: open.displaced }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // After a panic between two changes a socket may stay counted, but is never uncounted.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// Notes that the socket waits for a request, so that it may be closed for another one.
    pub(super) fn rest(&self, rest: Rest) {
        self.sockets.lock().rest(self.number, rest);
    }

    /// Notes a request of a client at `address`, which is not the peer's behind a proxy. Counts the socket for that
    /// address.
    ///
    /// # Errors
    /// If that address has reached its limit with sockets that all have requests.
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

    /// Returns whether the socket may become a WebSocket connection.
    pub(super) fn may_upgrade(&self) -> bool {
        !self.is_beyond
    }

    /// Waits until the socket has to be closed for another one.
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
    /// Counts the socket for `address` instead of its former address.
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

    /// Closes a waiting socket of `address` if that address has reached `max`.
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
