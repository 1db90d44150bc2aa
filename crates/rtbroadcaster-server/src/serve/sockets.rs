//! Counts the sockets that speak plain HTTP, from their accept on, and chooses which of them is closed for a new one.
//! Must not know the sockets themselves.

mod eviction;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtbroadcaster::{Limit, Manager};
use tokio::sync::Notify;

use crate::metrics::PlainHttp;
use crate::network::Network;
pub(super) use eviction::WaitReason;
use eviction::{EvictionOrder, EvictionRank};

/// The limits of sockets.
#[derive(Debug, Clone, Copy)]
pub(super) struct SocketLimits {
    /// The most sockets in all, WebSocket connections included.
    pub(super) all: Limit,
    /// The sockets beyond that, so that health checks are answered and handshakes get a status.
    pub(super) beyond: usize,
    /// The most sockets of plain HTTP from one address (IPv6: one /64); never more than half of all.
    pub(super) per_address: Limit,
}

impl SocketLimits {
    /// Returns the limit of one address. At most half of all: an address that does not read its responses must not
    /// block others.
    fn of_one_address(self) -> Limit {
        if self.per_address.is_none() { Limit::None } else { self.per_address.min(self.all.map(|all| all.div_ceil(2))) }
    }
}

/// All sockets that speak plain HTTP.
#[derive(Debug)]
pub(super) struct Sockets {
    limits: SocketLimits,
    /// Counts the WebSocket connections; `None` for a listener without them.
    manager: Option<Manager>,
    open: Mutex<OpenSockets>,
}

/// The error at a limit, if no other socket can be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManySockets;

#[derive(Debug, Default)]
struct OpenSockets {
    /// The number of the next socket.
    next: u64,
    sockets: HashMap<u64, SocketEntry>,
    /// The sockets of each address.
    addresses: HashMap<Network, AddressSockets>,
    /// The sockets that may be closed for a new one, in their order.
    evictable: EvictionOrder,
    /// The number of refused sockets, and of sockets that were closed for others.
    refused: u64,
    displaced: u64,
}

/// One socket.
#[derive(Debug)]
struct SocketEntry {
    address: Option<Network>,
    rank: Option<EvictionRank>,
    closed: Arc<Notify>,
}

/// The sockets of one address.
#[derive(Debug, Default)]
struct AddressSockets {
    count: usize,
    evictable: EvictionOrder,
}

/// A counted socket. Dropping it removes it from the counts.
#[derive(Debug)]
pub(super) struct CountedSocket {
    sockets: Arc<Sockets>,
    number: u64,
    /// It is beyond the limit: its requests are answered, but handshakes are refused.
    is_beyond: bool,
    closed: Arc<Notify>,
}

impl Sockets {
    pub(super) fn new(limits: SocketLimits, manager: Option<Manager>) -> Arc<Self> {
        Arc::new(Self { limits, manager, open: Mutex::default() })
    }

    /// Counts an accepted socket of a client at `address`; `None` for a proxy, which has no limit. At a limit it closes
    /// the socket that has been idle longest, or else the one that has been silent longest.
    ///
    /// # Errors
    /// At a limit, if no socket can be closed.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<CountedSocket, TooManySockets> {
        let counted = self.try_enter(address);
        if counted.is_err() {
            self.lock().refused += 1;
        }
        counted
    }

    fn try_enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<CountedSocket, TooManySockets> {
        let websockets = self.manager.as_ref().map_or(0, Manager::connections);
        let mut open = self.lock();
        let address = address.map(Network::of_client);
        open.make_room_at(address, self.limits.of_one_address())?;
        let is_full = |open: &OpenSockets| self.limits.all.is_reached_by(open.sockets.len() + websockets);
        if is_full(&open)
            && let Some(number) = open.evictable.first()
        {
            open.close(number);
        }
        let is_beyond = is_full(&open);
        if is_beyond && open.sockets.len() + websockets >= self.limits.all.most().saturating_add(self.limits.beyond) {
            return Err(TooManySockets);
        }
        let (number, closed) = (open.next, Arc::new(Notify::new()));
        open.next += 1;
        open.sockets.insert(number, SocketEntry { address: None, rank: None, closed: Arc::clone(&closed) });
        open.count_at(number, address);
        open.set_waiting(number, WaitReason::Silent);
        Ok(CountedSocket { sockets: Arc::clone(self), number, is_beyond, closed })
    }

    /// Returns the number of open sockets with plain HTTP, and of refused and closed ones.
    pub(super) fn counts(&self) -> PlainHttp {
        let open = self.lock();
        PlainHttp { open: open.sockets.len() as u64, refused: open.refused, displaced: open.displaced }
    }

    fn lock(&self) -> MutexGuard<'_, OpenSockets> {
        // After a panic between two changes a socket may stay counted, but is never uncounted.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CountedSocket {
    /// Notes that the socket waits for a request, so that it may be closed for another one.
    pub(super) fn wait(&self, reason: WaitReason) {
        self.sockets.lock().set_waiting(self.number, reason);
    }

    /// Notes a request of a client at `address`, which is not the peer's behind a proxy. Counts the socket for that
    /// address.
    ///
    /// # Errors
    /// If that address has reached its limit with sockets that all have requests.
    pub(super) fn start_request(&self, address: Option<IpAddr>) -> Result<(), TooManySockets> {
        let mut open = self.sockets.lock();
        open.clear_waiting(self.number);
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

impl Drop for CountedSocket {
    fn drop(&mut self) {
        self.sockets.lock().forget(self.number);
    }
}

impl OpenSockets {
    /// Counts the socket for `address` instead of its former address.
    fn count_at(&mut self, number: u64, address: Option<Network>) {
        let Some(known) = self.sockets.get_mut(&number) else { return };
        let (before, rank) = (std::mem::replace(&mut known.address, address), known.rank);
        if let Some(before) = before
            && let Some(of_address) = self.addresses.get_mut(&before)
        {
            of_address.count -= 1;
            of_address.evictable.remove(rank);
            if of_address.count == 0 {
                self.addresses.remove(&before);
            }
        }
        if let Some(address) = address {
            let of_address = self.addresses.entry(address).or_default();
            of_address.count += 1;
            of_address.evictable.insert(rank, number);
        }
    }

    /// Closes a waiting socket of `address` if that address has reached `max`.
    fn make_room_at(&mut self, address: Option<Network>, max: Limit) -> Result<(), TooManySockets> {
        let Some(of_address) = address.and_then(|address| self.addresses.get(&address)) else { return Ok(()) };
        if !max.is_reached_by(of_address.count) {
            return Ok(());
        }
        let number = of_address.evictable.first().ok_or(TooManySockets)?;
        self.close(number);
        Ok(())
    }

    fn set_waiting(&mut self, number: u64, reason: WaitReason) {
        self.clear_waiting(number);
        let rank = self.evictable.next_rank(reason);
        let Some(known) = self.sockets.get_mut(&number) else { return };
        known.rank = Some(rank);
        self.evictable.insert(Some(rank), number);
        if let Some(of_address) = known.address.and_then(|address| self.addresses.get_mut(&address)) {
            of_address.evictable.insert(Some(rank), number);
        }
    }

    fn clear_waiting(&mut self, number: u64) {
        let Some(known) = self.sockets.get_mut(&number) else { return };
        let rank = known.rank.take();
        self.evictable.remove(rank);
        if let Some(of_address) = known.address.and_then(|address| self.addresses.get_mut(&address)) {
            of_address.evictable.remove(rank);
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
        self.clear_waiting(number);
        self.count_at(number, None);
        self.sockets.remove(&number);
    }
}

#[cfg(test)]
mod tests;
