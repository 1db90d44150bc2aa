//! Limits how many connections are open, how fast one address opens them, how many bytes are replayed to it, and how
//! often it has other nodes searched for nothing.
//! Must not know what the connections do. The gate takes the time as an argument.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::rate::{Meter, Rate};

use crate::lock_order::{LockRank, Ordered, ordered};

/// How many addresses without an open connection the gate remembers before it forgets those whose meters are full
/// again.
const FORGET_ABOVE: usize = 1_024;

/// How many seconds' worth of replays may be sent at once: an audience behind one address joins within seconds of each
/// other.
const REPLAY_SECONDS: u32 = 10;

/// How many rooms that do not exist one address may look for in a second, where other nodes may have rooms: each such
/// search costs the shared log a few requests. The searches of one second may come at once.
const VAIN_SEARCHES_PER_SECOND: Rate = Rate::new(Limit::Max(20), Duration::from_secs(1));

/// Counts open connections and pending replays, and holds their limits.
#[derive(Debug)]
pub(crate) struct Gate {
    /// `connections_max`.
    open_max: Limit,
    /// `connections_per_address_max`.
    open_per_place_max: Limit,
    /// `handshakes_per_address_per_second`.
    handshakes: Rate,
    /// `replay_bytes_per_address_per_second`.
    replays: Rate,
    /// `replay_bytes_max` and `replay_bytes_per_address_max`.
    pending_max: Limit,
    pending_per_place_max: Limit,
    counts: Mutex<GateCounts>,
}

#[derive(Debug, Default)]
struct GateCounts {
    open: usize,
    /// The bytes of all replays that clients have not taken yet.
    pending: usize,
    places: HashMap<AddressBlock, AddressCounts>,
}

/// The counts of one address.
#[derive(Debug)]
struct AddressCounts {
    open: usize,
    handshakes: Meter,
    replays: Meter,
    vain_searches: Meter,
    /// The bytes of its replays that clients have not taken yet.
    pending: usize,
}

/// A replay that a client has not taken yet. It counts until it is dropped.
#[derive(Debug)]
pub(super) struct ReplayInFlight {
    gate: Arc<Gate>,
    place: Option<AddressBlock>,
    bytes: usize,
}

/// The gate's refusal of a connection, for this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A connection that the gate admitted. It counts until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    gate: Arc<Gate>,
    place: Option<AddressBlock>,
}

impl ConnectionSlot {
    /// Returns the address block of the connection, if that is known.
    pub(crate) fn place(&self) -> Option<AddressBlock> {
        self.place
    }
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            open_max: config.connections_max,
            open_per_place_max: config.connections_per_address_max,
            handshakes: Rate::per_second(config.handshakes_per_address_per_second),
            replays: rate_of_replays(config.replay_bytes_per_address_per_second),
            pending_max: config.replay_bytes_max,
            pending_per_place_max: config.replay_bytes_per_address_max,
            counts: Mutex::default(),
        })
    }

    /// Admits a connection, unless a limit is reached. The limits per address apply if the address is known.
    pub(crate) fn enter(
        self: &Arc<Self>,
        place: Option<AddressBlock>,
        now: Duration,
    ) -> Result<ConnectionSlot, TooMany> {
        let mut counts = self.lock();
        if self.open_max.is_reached_by(counts.open) {
            return Err(TooMany);
        }
        if let Some(place) = place {
            counts.forget(now);
            let address = counts.places.entry(place).or_insert_with(|| AddressCounts {
                open: 0,
                handshakes: Meter::default(),
                replays: Meter::default(),
                vain_searches: Meter::default(),
                pending: 0,
            });
            // A handshake that is refused for the number of connections counts too, so that trying harder does not
            // help.
            let in_time = address.handshakes.admits(self.handshakes, now);
            if !in_time || self.open_per_place_max.is_reached_by(address.open) {
                return Err(TooMany);
            }
            address.open += 1;
        }
        counts.open += 1;
        Ok(ConnectionSlot { gate: Arc::clone(self), place })
    }

    /// Returns whether a replay may be sent to clients at `place` at this moment.
    pub(super) fn may_replay(&self, place: Option<AddressBlock>, now: Duration) -> bool {
        let counts = self.lock();
        if self.pending_max.is_reached_by(counts.pending) {
            return false;
        }
        // The gate does not limit a place that is not listed: no handshake with a known address came from it.
        let address = place.and_then(|place| counts.places.get(&place));
        address.is_none_or(|address| {
            address.replays.is_even(self.replays, now) && !self.pending_per_place_max.is_reached_by(address.pending)
        })
    }

    /// Charges `place` with a replay of `bytes`, which is pending until the returned value is dropped.
    pub(super) fn replays(
        self: &Arc<Self>,
        place: Option<AddressBlock>,
        bytes: usize,
        now: Duration,
    ) -> ReplayInFlight {
        let mut counts = self.lock();
        counts.pending += bytes;
        if let Some(address) = place.and_then(|place| counts.places.get_mut(&place)) {
            address.replays.charge(bytes as u64, self.replays, now);
            address.pending += bytes;
        }
        drop(counts);
        ReplayInFlight { gate: Arc::clone(self), place, bytes }
    }

    /// Returns whether a room may be looked for at this moment for a client at `place`.
    pub(super) fn may_search(&self, place: Option<AddressBlock>, now: Duration) -> bool {
        let counts = self.lock();
        let address = place.and_then(|place| counts.places.get(&place));
        address.is_none_or(|address| address.vain_searches.is_even(VAIN_SEARCHES_PER_SECOND, now))
    }

    /// Charges `place` with a search for a room that does not exist.
    pub(super) fn searched_in_vain(&self, place: Option<AddressBlock>, now: Duration) {
        let mut counts = self.lock();
        if let Some(address) = place.and_then(|place| counts.places.get_mut(&place)) {
            address.vain_searches.charge(1, VAIN_SEARCHES_PER_SECOND, now);
        }
    }

    /// Returns the number of open connections.
    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, GateCounts>> {
        // Numbers only, and each change is one of them: a panic leaves at most one connection counted too many.
        ordered(LockRank::LEAF, || self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl GateCounts {
    /// Once there are many addresses, forgets those without a connection and a pending replay whose meters are full
    /// again.
    fn forget(&mut self, now: Duration) {
        if self.places.len() > 2 * self.open + FORGET_ABOVE {
            self.places.retain(|_, address| {
                let meters = [&address.handshakes, &address.replays, &address.vain_searches];
                let is_fresh = meters.iter().all(|meter| meter.is_full(now));
                address.open > 0 || address.pending > 0 || !is_fresh
            });
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut counts = self.gate.lock();
        counts.open -= 1;
        if let Some(address) = self.place.and_then(|place| counts.places.get_mut(&place)) {
            address.open -= 1;
        }
    }
}

impl Drop for ReplayInFlight {
    fn drop(&mut self) {
        let mut counts = self.gate.lock();
        counts.pending -= self.bytes;
        // A place that had no connection when this began may have one now.
        if let Some(address) = self.place.and_then(|place| counts.places.get_mut(&place)) {
            address.pending = address.pending.saturating_sub(self.bytes);
        }
    }
}

fn rate_of_replays(bytes_per_second: Limit<u32>) -> Rate {
    let bytes = bytes_per_second.map(|bytes| u64::from(bytes) * u64::from(REPLAY_SECONDS));
    Rate::new(bytes, Duration::from_secs(REPLAY_SECONDS.into()))
}

#[cfg(test)]
mod tests;
