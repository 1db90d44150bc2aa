//! When the clients of a server that goes away are asked to come back: owners first, then everybody else, all of them
//! spread evenly.
//! Must not know who they are.

use std::time::Duration;

use uuid::Uuid;

/// When the first client is asked to come back, and over which time all of them are spread.
const FIRST: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_secs(20);

/// Which part of the window belongs to owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moments {
    /// How long it lasts, from the beginning of the window.
    owners: Duration,
}

impl Moments {
    /// Returns the moments of so many clients: owners come as densely as the others behind them.
    pub(crate) fn of(owners: usize, others: usize) -> Self {
        let all = u32::try_from(owners.saturating_add(others)).unwrap_or(u32::MAX).max(1);
        Self { owners: WINDOW.saturating_mul(u32::try_from(owners).unwrap_or(u32::MAX)) / all }
    }

    /// Draws how long from now an owner is asked to come back.
    pub(crate) fn owner(self) -> Duration {
        FIRST + below(self.owners)
    }

    /// Draws how long from now another client is asked to come back.
    pub(crate) fn other(self) -> Duration {
        FIRST + self.owners + below(WINDOW - self.owners)
    }
}

/// A random time shorter than `end`, in milliseconds; none if there is none.
fn below(end: Duration) -> Duration {
    let own = Uuid::new_v4().as_u128().checked_rem(end.as_millis()).unwrap_or_default();
    Duration::from_millis(u64::try_from(own).expect("less than the window"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_first_and_as_densely_as_the_others() {
        // Owners, others, and how many milliseconds of the window belong to owners.
        let cases = [(0, 10, 0), (1, 0, 20_000), (1, 1, 10_000), (100, 900, 2_000), (0, 0, 0), (usize::MAX, 1, 20_000)];
        for (owners, others, part) in cases {
            let moments = Moments::of(owners, others);
            for _ in 0..100 {
                let (owner, other) = (moments.owner().as_millis(), moments.other().as_millis());
                assert!((3_000..3_000 + part.max(1)).contains(&owner), "{owner} of {part}");
                assert!((3_000 + part..23_000.max(3_001 + part)).contains(&other), "{other} behind {part}");
            }
        }
    }
}
