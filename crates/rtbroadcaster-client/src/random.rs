//! Random numbers, seeded by the operating system or, in tests, by a fixed seed.
//! Must not know what they are for.

use std::time::Duration;

use rtbroadcaster_core::random::Seeded;

/// A generator of random numbers.
#[derive(Debug)]
pub(super) struct Rng(Seeded);

impl Rng {
    /// Returns a generator with a seed of the operating system.
    pub(super) fn new() -> Self {
        Self(Seeded::of(getrandom::u64().expect("the operating system gives random bytes")))
    }

    /// Returns the next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// Returns a random part of `whole`, uniformly distributed.
    pub(super) fn part_of(&mut self, whole: Duration) -> Duration {
        let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
        let part = (u128::from(self.number()) * u128::from(nanos)) >> 64;
        Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Rng {
        /// Returns the generator of this seed.
        pub(crate) fn of(seed: u64) -> Self {
            Self(Seeded::of(seed))
        }
    }
}
