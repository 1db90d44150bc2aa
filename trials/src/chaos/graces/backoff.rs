//! When a client that behaves tries again. Pure: randomness is an argument. Not the library's code: a fault there would
//! hide from itself.

use std::time::Duration;

use crate::random::Random;

/// The bound of the first delay, and of every one.
const FIRST: Duration = Duration::from_millis(500);
const MAX: Duration = Duration::from_secs(15);

/// How long a connection has to last for the next delay to be a first one.
const STEADY: Duration = Duration::from_secs(10);

/// The delays of one client.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// The number of delays drawn since the last steady connection.
    attempts: u32,
}

impl Backoff {
    /// Records that a connection of this length has ended.
    pub(super) fn ended_after(&mut self, time: Duration) {
        if time >= STEADY {
            self.attempts = 0;
        }
    }

    /// Returns the next delay: a random part of a bound that doubles.
    pub(super) fn next(&mut self, random: &mut Random) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.attempts.min(16)).min(MAX);
        self.attempts += 1;
        part_of(bound, random)
    }
}

/// Returns a random part of `bound`.
pub(super) fn part_of(bound: Duration, random: &mut Random) -> Duration {
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX).max(1);
    Duration::from_micros(random.within(0..micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_to_fifteen_seconds_and_a_steady_connection_begins_anew() {
        let largest = |attempts: u32| {
            let random = &mut Random::new(1, attempts.into());
            (0..1_000).map(|_| Backoff { attempts }.next(random)).max().unwrap()
        };
        for (attempts, millis) in [(0, 500), (1, 1_000), (4, 8_000), (5, 15_000), (60, 15_000)] {
            let (largest, bound) = (largest(attempts), Duration::from_millis(millis));
            assert!(largest < bound && largest > bound / 2, "{attempts}: {largest:?}");
        }
        let mut backoff = Backoff { attempts: 7 };
        backoff.ended_after(Duration::from_secs(9));
        assert_eq!(backoff.attempts, 7);
        backoff.ended_after(STEADY);
        assert_eq!(backoff.attempts, 0);
        backoff.next(&mut Random::new(1, 1));
        assert_eq!(backoff.attempts, 1);
    }
}
