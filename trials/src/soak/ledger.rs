//! The messages that one viewer got, by number. Pure.

use std::ops::AddAssign;

/// The messages of a room that arrived, and their order.
#[derive(Debug)]
pub(super) struct ArrivalLedger {
    /// One bit for each message that arrived.
    came: Vec<u64>,
    /// The number that comes next if nothing is wrong.
    next: u32,
    counts: ArrivalCounts,
}

/// The number of messages of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ArrivalCounts {
    pub(super) expected: u64,
    /// Each counted once.
    pub(super) received: u64,
    pub(super) repeated: u64,
    /// Arrived after a later one.
    pub(super) out_of_order: u64,
    /// With a number that was not published.
    pub(super) unknown: u64,
}

impl ArrivalLedger {
    /// Returns a ledger of the messages 0 to `expected` - 1.
    pub(super) fn new(expected: u32) -> Self {
        let counts = ArrivalCounts { expected: expected.into(), ..ArrivalCounts::default() };
        Self { came: vec![0; expected.div_ceil(64) as usize], next: 0, counts }
    }

    /// Records that a message arrived.
    pub(super) fn enter(&mut self, number: u32) {
        let bit = 1 << (number % 64);
        match self.came.get_mut((number / 64) as usize) {
            _ if u64::from(number) >= self.counts.expected => self.counts.unknown += 1,
            None => self.counts.unknown += 1,
            Some(word) if *word & bit != 0 => self.counts.repeated += 1,
            Some(word) => {
                *word |= bit;
                self.counts.received += 1;
                self.counts.out_of_order += u64::from(number < self.next);
                self.next = self.next.max(number + 1);
            }
        }
    }

    pub(super) fn counts(&self) -> ArrivalCounts {
        self.counts
    }
}

impl ArrivalCounts {
    pub(super) fn lost(&self) -> u64 {
        self.expected - self.received
    }

    /// Returns whether every message arrived once and in order.
    pub(super) fn is_exact(&self) -> bool {
        self.lost() + self.repeated + self.out_of_order + self.unknown == 0
    }
}

impl AddAssign for ArrivalCounts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.unknown += other.unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u32], lost: u64, repeated: u64, out_of_order: u64, unknown: u64) {
        let mut ledger = ArrivalLedger::new(4);
        numbers.iter().for_each(|&number| ledger.enter(number));
        let counts = ledger.counts();
        let found = (counts.lost(), counts.repeated, counts.out_of_order, counts.unknown);
        assert_eq!(found, (lost, repeated, out_of_order, unknown), "{numbers:?}");
        assert_eq!(counts.is_exact(), found == (0, 0, 0, 0), "{numbers:?}");
    }

    #[test]
    fn every_fault_is_counted_as_what_it_is() {
        check(&[0, 1, 2, 3], 0, 0, 0, 0);
        check(&[0, 1, 3], 1, 0, 0, 0);
        check(&[], 4, 0, 0, 0);
        check(&[0, 1, 1, 2, 3, 0], 0, 2, 0, 0);
        check(&[0, 2, 1, 3], 0, 0, 1, 0);
        check(&[0, 1, 2, 3, 4, 63, 64, u32::MAX], 0, 0, 0, 4);
    }
}
