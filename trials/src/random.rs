//! Random numbers that can be repeated: SplitMix64 (Steele, Lea, Flood 2014). Pure.

use std::ops::Range;

/// A stream of numbers, determined by its seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Returns the stream number `stream` of a seed: each task has its own, so that none depends on the others' pace.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        random.0 = random.next();
        random
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number of the range, which is not empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        // The bias is below one in 2^40 for the ranges of this program.
        range.start + self.next() % (range.end - range.start)
    }

    /// Returns a number below `end` as an index.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.within(0..end as u64)).expect("it is below a usize")
    }

    /// Returns true once in `times` on average.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.within(0..times) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_each_stream_has_others() {
        let numbers = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.next(), random.next(), random.within(10..12), random.index(3) as u64]
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
        let mut random = Random::new(1, 1);
        assert!((0..1_000).all(|_| (10..12).contains(&random.within(10..12))));
    }
}
