//! How many connections may be open, and how fast one address may open them.
//! Must not know what the connections do. The bucket is pure: it takes the time as an argument.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::{Config, exceeds};
use crate::room::Place;

/// How many addresses without an open connection are remembered before those that have nothing to be remembered for
/// are forgotten.
const FORGET_ABOVE: usize = 1_024;

/// Counts connections on their way in and out.
#[derive(Debug)]
pub(crate) struct Gate {
    /// `connections_max`.
    open_max: usize,
    /// `connections_per_address_max`.
    open_per_place_max: usize,
    /// `handshakes_per_address_per_second`.
    rate: u32,
    visits: Mutex<Visits>,
}

#[derive(Debug, Default)]
struct Visits {
    open: usize,
    places: HashMap<Place, Visitor>,
}

/// What is known of one address.
#[derive(Debug)]
struct Visitor {
    open: usize,
    handshakes: Bucket,
}

/// The gate is closed for this connection at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A connection that was let in. Dropping it is how it leaves.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    place: Option<Place>,
}

impl Ticket {
    /// Where the connection comes from, if that is known.
    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            open_max: config.connections_max,
            open_per_place_max: config.connections_per_address_max,
            rate: config.handshakes_per_address_per_second,
            visits: Mutex::default(),
        })
    }

    /// Lets a connection in. The limits per address apply where the address is known.
    pub(crate) fn enter(self: &Arc<Self>, place: Option<Place>, now: Duration) -> Result<Ticket, TooMany> {
        let mut visits = self.lock();
        if exceeds(visits.open + 1, self.open_max) {
            return Err(TooMany);
        }
        if let Some(place) = place {
            visits.forget(self.rate, now);
            let visitor = visits
                .places
                .entry(place)
                .or_insert_with(|| Visitor { open: 0, handshakes: Bucket::full(self.rate, now) });
            // A refused handshake counts too, so that trying harder does not help.
            let in_time = self.rate == 0 || visitor.handshakes.take(self.rate, now);
            if !in_time || exceeds(visitor.open + 1, self.open_per_place_max) {
                return Err(TooMany);
            }
            visitor.open += 1;
        }
        visits.open += 1;
        Ok(Ticket { gate: Arc::clone(self), place })
    }

    fn lock(&self) -> MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visits {
    /// Forgets addresses that have no connection and made no handshake of late, once there are many.
    fn forget(&mut self, rate: u32, now: Duration) {
        if self.places.len() > 2 * self.open + FORGET_ABOVE {
            self.places.retain(|_, visitor| visitor.open > 0 || !visitor.handshakes.is_full(rate, now));
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

/// A token bucket that holds what one second brings.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    counted: Duration,
}

impl Bucket {
    fn full(rate: u32, now: Duration) -> Self {
        Self { tokens: f64::from(rate), counted: now }
    }

    /// Takes one token, if there is one.
    fn take(&mut self, rate: u32, now: Duration) -> bool {
        self.tokens = self.at(rate, now);
        self.counted = now;
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }

    fn is_full(&self, rate: u32, now: Duration) -> bool {
        self.at(rate, now) >= f64::from(rate)
    }

    fn at(&self, rate: u32, now: Duration) -> f64 {
        let brought = now.saturating_sub(self.counted).as_secs_f64() * f64::from(rate);
        (self.tokens + brought).min(f64::from(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const NOW: Duration = Duration::from_secs(100);

    fn gate(connections_max: usize, connections_per_address_max: usize, rate: u32) -> Arc<Gate> {
        Gate::new(&Config {
            connections_max,
            connections_per_address_max,
            handshakes_per_address_per_second: rate,
            ..Config::default()
        })
    }

    fn place(last: u8) -> Option<Place> {
        Some(Place::from(IpAddr::from([192, 0, 2, last])))
    }

    #[test]
    fn there_are_so_many_connections_in_all_and_from_one_address() {
        let gate = gate(3, 2, 0);
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
        let gate = gate(0, 0, 10);
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
    fn addresses_that_are_gone_are_forgotten() {
        let gate = gate(0, 0, 1);
        for number in 0..10_000_u32 {
            let place = Place::from(IpAddr::from(number.to_be_bytes()));
            let at = NOW + Duration::from_millis(u64::from(number) * 10);
            drop(gate.enter(Some(place), at));
        }
        assert!(gate.lock().places.len() <= FORGET_ABOVE + 101, "{}", gate.lock().places.len());
        assert_eq!(gate.lock().open, 0);
    }
}
