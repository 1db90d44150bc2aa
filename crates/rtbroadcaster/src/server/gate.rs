//! Limits how many connections are open, how fast one address opens them, and how many bytes are replayed to it.
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
                let is_fresh = address.handshakes.is_full(now) && address.replays.is_full(now);
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
mod tests {
    use super::*;
    use std::net::IpAddr;

    const NOW: Duration = Duration::from_secs(100);

    fn gate(connections_max: Limit, connections_per_address_max: Limit, rate: Limit<u32>) -> Arc<Gate> {
        Gate::new(&Config {
            connections_max,
            connections_per_address_max,
            handshakes_per_address_per_second: rate,
            ..Config::default()
        })
    }

    fn place(last: u8) -> Option<AddressBlock> {
        Some(AddressBlock::from(IpAddr::from([192, 0, 2, last])))
    }

    #[test]
    fn there_are_so_many_connections_in_all_and_from_one_address() {
        let gate = gate(Limit::Max(3), Limit::Max(2), Limit::None);
        let first = gate.enter(place(1), NOW).unwrap();
        let _second = gate.enter(place(1), NOW).unwrap();
        assert_eq!(gate.enter(place(1), NOW).err(), Some(TooMany), "two from one address");
        let _third = gate.enter(place(2), NOW).unwrap();
        assert_eq!(gate.enter(None, NOW).err(), Some(TooMany), "three in all");
        drop(first);
        assert!(gate.enter(place(1), NOW).is_ok(), "a place is free again");
    }

    #[test]
    fn an_address_opens_so_many_in_a_second() {
        let gate = gate(Limit::None, Limit::None, Limit::Max(10));
        let enter = |at: Duration| gate.enter(place(1), at).is_ok();
        assert_eq!((0..15).filter(|_| enter(NOW)).count(), 10);
        assert_eq!((0..15).filter(|_| enter(NOW + Duration::from_millis(300))).count(), 3);
        assert_eq!(
            (0..15).filter(|_| enter(NOW + Duration::from_secs(60))).count(),
            10,
            "no more than one second brings"
        );
        assert!(gate.enter(place(2), NOW + Duration::from_secs(60)).is_ok(), "another address has its own");
    }

    #[test]
    fn an_address_is_told_so_much_in_a_second_and_remembered_until_it_may_have_all_again() {
        let gate = Gate::new(&Config {
            replay_bytes_per_address_per_second: Limit::Max(1_000),
            handshakes_per_address_per_second: Limit::None,
            ..Config::default()
        });
        let (one, other) = (place(1).unwrap(), place(2).unwrap());
        let after = |seconds: u64| NOW + Duration::from_secs(seconds);
        let slot = gate.enter(Some(one), NOW).unwrap();
        assert!(gate.may_replay(Some(one), NOW));
        drop(gate.replays(Some(one), 15_000, NOW));
        drop(slot);
        assert!(!gate.may_replay(Some(one), after(4)), "what it was told lasts longer than its connection");
        assert!(gate.may_replay(Some(one), after(5)));
        assert!(gate.may_replay(Some(other), NOW), "another address has its own");
        drop(gate.replays(Some(other), usize::MAX, NOW));
        assert!(gate.may_replay(Some(other), NOW), "an address that came by no handshake is not limited");
        let remembers = |now| {
            for number in 0..=u32::try_from(FORGET_ABOVE).unwrap() {
                let place = AddressBlock::from(IpAddr::from(number.to_be_bytes()));
                drop(gate.enter(Some(place), now));
                drop(gate.replays(Some(place), 1, now));
            }
            gate.lock().forget(now);
            gate.lock().places.contains_key(&one)
        };
        assert!(remembers(after(14)));
        assert!(!remembers(after(15)));
    }

    #[test]
    fn what_clients_have_not_taken_bounds_what_more_are_told_at_one_address_and_in_all() {
        let gate = Gate::new(&Config {
            replay_bytes_per_address_per_second: Limit::None,
            replay_bytes_per_address_max: Limit::Max(1_000),
            replay_bytes_max: Limit::Max(2_500),
            ..Config::default()
        });
        let _tickets = [1, 2, 3].map(|last| gate.enter(place(last), NOW).unwrap());
        let (first, second) = (gate.replays(place(1), 600, NOW), gate.replays(place(1), 600, NOW));
        assert!(!gate.may_replay(place(1), NOW), "it has 1 200 bytes to take");
        assert!(gate.may_replay(place(2), NOW) && gate.may_replay(None, NOW));
        drop(first);
        assert!(gate.may_replay(place(1), NOW), "600 are left");
        let _others = [gate.replays(place(2), 900, NOW), gate.replays(None, 1_000, NOW)];
        assert!(!gate.may_replay(place(3), NOW) && !gate.may_replay(None, NOW), "2 500 in all");
        drop(second);
        assert!(gate.may_replay(place(3), NOW));
    }

    #[test]
    fn by_default_an_audience_behind_one_address_joins_at_once_and_joins_of_a_full_state_are_paced() {
        let gate = Gate::new(&Config::default());
        let joins = |place: AddressBlock, bytes: usize, now: Duration| {
            let may = |_: &usize| {
                let may = gate.may_replay(Some(place), now);
                if may {
                    drop(gate.replays(Some(place), bytes, now));
                }
                may
            };
            (0..2_000).take_while(may).count()
        };
        let (audience, attacker) = (place(1).unwrap(), place(2).unwrap());
        let _tickets = [audience, attacker].map(|place| gate.enter(Some(place), NOW).unwrap());
        // As many as may connect, and a state of 100 keys.
        let state = 20 * 1024 + 100 * 128;
        assert!(joins(audience, state, NOW) >= Config::default().connections_per_address_max.most());
        let full = Config::default().state_bytes_max.most();
        let saved = usize::try_from(REPLAY_SECONDS).unwrap() * 4;
        assert_eq!(joins(attacker, full, NOW), saved + 1);
        assert_eq!(joins(attacker, full, NOW), 0);
        for second in 1..=100 {
            assert_eq!(joins(attacker, full, NOW + Duration::from_secs(second)), 4, "after {second} s");
        }
    }

    #[test]
    fn addresses_that_are_gone_are_forgotten() {
        let gate = gate(Limit::None, Limit::None, Limit::Max(1));
        for number in 0..10_000_u32 {
            let place = AddressBlock::from(IpAddr::from(number.to_be_bytes()));
            let at = NOW + Duration::from_millis(u64::from(number) * 10);
            drop(gate.enter(Some(place), at));
        }
        assert!(gate.lock().places.len() <= FORGET_ABOVE + 101, "{}", gate.lock().places.len());
        assert_eq!(gate.lock().open, 0);
    }
}
