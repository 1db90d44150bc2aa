//! Draws the moments at which clients are asked to reconnect: those of a server that shuts down, owners first, then the
//! others, all of them spread evenly; and those of a room that other nodes have, which owners find there at once.
//! Must not know clients.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::random::{self, Random, Seeded};

/// When the first client is asked to reconnect, and the time over which all of them are spread.
const FIRST: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_secs(20);

/// How much longer the time is over which the clients of a room are spread that other nodes have, for each of them.
const PER_CLIENT: Duration = Duration::from_millis(1);

/// The moments at which clients are asked to reconnect.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    /// The time before the first one.
    first: Duration,
    /// The time over which all are spread.
    window: Duration,
    /// The part of the window that belongs to owners, from its beginning.
    owners: Duration,
    /// The source of the moments.
    random: Arc<Seeded>,
}

impl Moments {
    /// Returns the moments of so many clients: owners come as densely as the others behind them.
    pub(crate) fn of(owners: usize, others: usize, source: &dyn Random) -> Self {
        let all = u32::try_from(owners.saturating_add(others)).unwrap_or(u32::MAX).max(1);
        let owners = WINDOW.saturating_mul(u32::try_from(owners).unwrap_or(u32::MAX)) / all;
        Self { first: FIRST, window: WINDOW, owners, random: seeded(source) }
    }

    /// Returns the moments of the clients of a room that other nodes have, of which so many are no owners.
    pub(crate) fn between_nodes(others: usize, source: &dyn Random) -> Self {
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        Self::within(PER_CLIENT.saturating_mul(others).min(WINDOW), source)
    }

    /// Returns the moments of clients that are asked to come back to other nodes at once, spread over `window`.
    pub(crate) fn within(window: Duration, source: &dyn Random) -> Self {
        Self { first: Duration::ZERO, window, owners: Duration::ZERO, random: seeded(source) }
    }

    /// Draws how long from now an owner is asked to wait before it reconnects.
    pub(crate) fn owner(&self) -> Duration {
        self.first + self.below(self.owners)
    }

    /// Draws how long from now another client is asked to wait before it reconnects.
    pub(crate) fn other(&self) -> Duration {
        self.first + self.owners + self.below(self.window - self.owners)
    }

    /// Draws a time shorter than `end`, in milliseconds; zero if `end` is zero.
    fn below(&self, end: Duration) -> Duration {
        let own = u128::from(self.random.number()).checked_rem(end.as_millis()).unwrap_or_default();
        Duration::from_millis(u64::try_from(own).expect("less than the window"))
    }
}

fn seeded(source: &dyn Random) -> Arc<Seeded> {
    Arc::new(Seeded::of(u64::from_le_bytes(random::bytes(source))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_random::OsRandom;

    #[test]
    fn owners_come_first_and_as_densely_as_the_others() {
        // Owners, others, and how many milliseconds of the window belong to owners.
        let cases = [(0, 10, 0), (1, 0, 20_000), (1, 1, 10_000), (100, 900, 2_000), (0, 0, 0), (usize::MAX, 1, 20_000)];
        for (owners, others, part) in cases {
            let moments = Moments::of(owners, others, &OsRandom);
            for _ in 0..100 {
                let (owner, other) = (moments.owner().as_millis(), moments.other().as_millis());
                assert!((3_000..3_000 + part.max(1)).contains(&owner), "{owner} of {part}");
                assert!((3_000 + part..23_000.max(3_001 + part)).contains(&other), "{other} behind {part}");
            }
        }
    }

    #[test]
    fn the_clients_of_a_room_on_other_nodes_come_soon_and_not_all_at_once() {
        for (others, window) in [(0, 1), (200, 200), (1_000_000, 20_000)] {
            let moments = Moments::between_nodes(others, &OsRandom);
            assert_eq!(moments.owner(), Duration::ZERO);
            assert!((0..100).all(|_| moments.other() < Duration::from_millis(window)));
        }
    }
}
