//! Chance: SplitMix64 (Steele, Lea, Flood 2014), begun by the operating system or, in tests, by a seed.
//! Pure but for its beginning. Must not know what is left to chance.

use std::time::Duration;

use uuid::Uuid;

/// A stream of numbers.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Another one each time.
    pub(super) fn new() -> Self {
        // Of 128 bits six are fixed, none of them in the lowest 62.
        Self(Uuid::new_v4().as_u64_pair().1.rotate_left(2) ^ Uuid::new_v4().as_u64_pair().1)
    }

    /// The one of this seed.
    #[cfg(test)]
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A random part of `whole`, each as likely as any other.
    pub(super) fn part_of(&mut self, whole: Duration) -> Duration {
        let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
        let part = (u128::from(self.number()) * u128::from(nanos)) >> 64;
        Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
    }
}
