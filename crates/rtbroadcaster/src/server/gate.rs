//! How many connections may be open, how fast one address may open them, and how much it may be told anew.
//! Must not know what the connections do. The gate takes the time as an argument.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::rate::{Meter, Rate};

/// How many addresses without an open connection are remembered before those that have nothing to be remembered for
/// are forgotten.
const FORGET_ABOVE: usize = 1_024;

/// So many seconds' replays may come at once: an audience behind one address joins within seconds of each other.
const REPLAY_SECONDS: u32 = 10;

/// Counts connections on their way in and out.
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
    visits: Mutex<Visits>,
}

#[derive(Debug, Default)]
struct Visits {
    open: usize,
    /// The bytes of all replays that are not taken yet.
    pending: usize,
    places: HashMap<AddressBlock, Visitor>,
}

/// What is known of one address.
#[derive(Debug)]
struct Visitor {
    open: usize,
    handshakes: Meter,
    replays: Meter,
    /// The bytes of its replays that are not taken yet.
    pending: usize,
}

/// A replay that is not taken yet. Dropping it is how it ends.
#[derive(Debug)]
pub(super) struct Pending {
    gate: Arc<Gate>,
    place: Option<AddressBlock>,
    bytes: usize,
}

/// The gate is closed for this connection at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A connection that was let in. Dropping it is how it leaves.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    place: Option<AddressBlock>,
}

impl Ticket {
    /// Where the connection comes from, if that is known.
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
            visits: Mutex::default(),
        })
    }

    /// Lets a connection in. The limits per address apply where the address is known.
    pub(crate) fn enter(self: &Arc<Self>, place: Option<AddressBlock>, now: Duration) -> Result<Ticket, TooMany> {
        let mut visits = self.lock();
        if self.open_max.is_reached_by(visits.open) {
            return Err(TooMany);
        }
        if let Some(place) = place {
            visits.forget(now);
            let visitor = visits.places.entry(place).or_insert_with(|| Visitor {
                open: 0,
                handshakes: Meter::default(),
                replays: Meter::default(),
                pending: 0,
            });
            // A handshake that is refused for the number of connections counts too, so that trying harder does not help.
            let in_time = visitor.handshakes.admits(self.handshakes, now);
            if !in_time || self.open_per_place_max.is_reached_by(visitor.open) {
                return Err(TooMany);
            }
            visitor.open += 1;
        }
        visits.open += 1;
        Ok(Ticket { gate: Arc::clone(self), place })
    }

    /// Whether clients at `place` may be told a room's state, or what they missed, at this moment.
    pub(super) fn may_replay(&self, place: Option<AddressBlock>, now: Duration) -> bool {
        let visits = self.lock();
        if self.pending_max.is_reached_by(visits.pending) {
            return false;
        }
        // A place that is not listed has come in by no handshake whose address was known.
        let visitor = place.and_then(|place| visits.places.get(&place));
        visitor.is_none_or(|visitor| {
            visitor.replays.is_even(self.replays, now) && !self.pending_per_place_max.is_reached_by(visitor.pending)
        })
    }

    /// A client at `place` is told so many bytes of it, which are pending until what this returns is dropped.
    pub(super) fn replays(self: &Arc<Self>, place: Option<AddressBlock>, bytes: usize, now: Duration) -> Pending {
        let mut visits = self.lock();
        visits.pending += bytes;
        if let Some(visitor) = place.and_then(|place| visits.places.get_mut(&place)) {
            visitor.replays.charge(bytes as u64, self.replays, now);
            visitor.pending += bytes;
        }
        drop(visits);
        Pending { gate: Arc::clone(self), place, bytes }
    }

    /// Returns how many connections there are.
    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    fn lock(&self) -> MutexGuard<'_, Visits> {
        // Numbers only, and each change is one of them: a panic leaves at most one connection counted too many.
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visits {
    /// Forgets addresses that have no connection and of late neither made a handshake nor were told anything, once there
    /// are many.
    fn forget(&mut self, now: Duration) {
        if self.places.len() > 2 * self.open + FORGET_ABOVE {
            self.places.retain(|_, visitor| {
                let is_fresh = visitor.handshakes.is_full(now) && visitor.replays.is_full(now);
                visitor.open > 0 || visitor.pending > 0 || !is_fresh
            });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut visits = self.gate.lock();
        visits.open -= 1;
        if let Some(visitor) = self.place.and_then(|place| visits.places.get_mut(&place)) {
            visitor.open -= 1;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut visits = self.gate.lock();
        visits.pending -= self.bytes;
        // A place that had no connection when this began may have one now.
        if let Some(visitor) = self.place.and_then(|place| visits.places.get_mut(&place)) {
            visitor.pending = visitor.pending.saturating_sub(self.bytes);
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
        let ticket = gate.enter(Some(one), NOW).unwrap();
        assert!(gate.may_replay(Some(one), NOW));
        drop(gate.replays(Some(one), 15_000, NOW));
        drop(ticket);
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
