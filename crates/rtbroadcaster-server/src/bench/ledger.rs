//! What one viewer got, by the messages' numbers. Pure; without a fault it holds one number.

use std::ops::{AddAssign, Range};

use serde::Serialize;

use super::options::Kind;

/// Which messages came.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The number that comes next when nothing goes wrong.
    next: u32,
    /// What was passed over and has not come since, in order.
    missing: Vec<Range<u32>>,
}

/// How a message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the newest: these numbers, itself the last, are not waited for any more.
    Newest(Range<u32>),
    /// It came after a later one.
    OutOfOrder,
    /// It had come already.
    Repeated,
}

/// How many messages there were of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Each message once for each viewer.
    #[serde(rename = "deliveries")]
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Passed over for a newer one of their kind, which they may be.
    pub(super) superseded: u64,
    pub(super) repeated: u64,
    pub(super) out_of_order: u64,
    /// Of another room, or with a number that nobody has said.
    pub(super) unknown: u64,
}

impl Ledger {
    /// A message came.
    pub(super) fn enter(&mut self, number: u32) -> Arrival {
        if number >= self.next {
            let passed = self.next..number + 1;
            if number > self.next {
                self.missing.push(self.next..number);
            }
            self.next = number + 1;
            return Arrival::Newest(passed);
        }
        let Some(at) = self.missing.iter().position(|missing| missing.contains(&number)) else {
            return Arrival::Repeated;
        };
        let Range { start, end } = self.missing[at];
        let rest = [start..number, number + 1..end];
        self.missing.splice(at..=at, rest.into_iter().filter(|missing| !missing.is_empty()));
        Arrival::OutOfOrder
    }

    /// What is missing when `said` messages were said.
    pub(super) fn close(&self, said: u32, kind: Kind) -> Counts {
        let passed_over: u64 = self.missing.iter().map(|missing| u64::from(missing.end - missing.start)).sum();
        let tail = u64::from(said.saturating_sub(self.next));
        match kind {
            Kind::Event => Counts { lost: tail + passed_over, ..Counts::default() },
            Kind::State | Kind::Ephemeral => Counts { lost: tail, superseded: passed_over, ..Counts::default() },
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.superseded += other.superseded;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.unknown += other.unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u32], lost: u64, superseded: u64, repeated: u64, out_of_order: u64) {
        let mut ledger = Ledger::default();
        let mut counts = Counts::default();
        for &number in numbers {
            match ledger.enter(number) {
                Arrival::Newest(_) => {}
                Arrival::OutOfOrder => counts.out_of_order += 1,
                Arrival::Repeated => counts.repeated += 1,
            }
        }
        let (events, states) = (ledger.close(6, Kind::Event), ledger.close(6, Kind::State));
        assert_eq!((events.lost, events.superseded), (lost, 0), "{numbers:?}");
        assert_eq!((states.lost, states.superseded), (lost - superseded, superseded), "{numbers:?}");
        assert_eq!((counts.repeated, counts.out_of_order), (repeated, out_of_order), "{numbers:?}");
    }

    #[test]
    fn every_fault_is_counted_as_what_it_is() {
        check(&[0, 1, 2, 3, 4, 5], 0, 0, 0, 0);
        check(&[], 6, 0, 0, 0);
        check(&[0, 1], 4, 0, 0, 0);
        check(&[5], 5, 5, 0, 0);
        check(&[0, 1, 3, 5], 2, 2, 0, 0);
        check(&[0, 1, 1, 2, 3, 4, 5, 0], 0, 0, 2, 0);
        check(&[0, 5, 3, 3, 1, 4, 2], 0, 0, 1, 4);
        check(&[0, 2, 1, 3, 4, 5], 0, 0, 0, 1);
    }

    #[test]
    fn the_newest_message_passes_over_those_before_it() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.enter(0), Arrival::Newest(0..1));
        assert_eq!(ledger.enter(3), Arrival::Newest(1..4));
        assert_eq!(ledger.enter(2), Arrival::OutOfOrder);
        assert_eq!(ledger.enter(4), Arrival::Newest(4..5));
    }
}
