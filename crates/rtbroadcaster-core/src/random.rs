//! The sources of random bytes. Everything pure takes its source as an argument, so that a seed repeats a run.
//! Must not know what is drawn.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `bytes` with random bytes. Keys are only drawn from a source that cannot be predicted.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws `N` bytes.
pub fn bytes<const N: usize>(source: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    source.fill(&mut bytes);
    bytes
}

/// A source that gives the same bytes for the same seed: SplitMix64 (Steele, Lea, Flood 2014). For tests and for
/// delays; its output reveals what follows, so no key is drawn from it.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// Returns the source of this seed.
    pub const fn of(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Draws a number.
    pub fn number(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(size_of::<u64>()) {
            part.copy_from_slice(&self.number().to_le_bytes()[..part.len()]);
        }
    }
}

/// The source of the unit tests.
#[cfg(test)]
pub static SEEDED: Seeded = Seeded::of(2016);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_what_it_gave() {
        let (one, same, other) = (Seeded::of(7), Seeded::of(7), Seeded::of(8));
        let drawn: [u8; 19] = bytes(&one);
        assert_eq!(drawn, bytes(&same));
        assert_ne!(drawn, bytes(&other));
        assert_ne!(drawn, bytes(&one), "what comes next is something else");
    }
}
