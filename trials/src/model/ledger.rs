//! The messages that one viewer got in its whole life, and its announced holes. Pure.

use std::ops::AddAssign;

/// The fate of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It has not arrived.
    Missing,
    /// It arrived.
    Came,
    /// A hole was announced: a newer value of its key supersedes it.
    Superseded,
    /// A `reset` was announced.
    Reset,
}

/// The order of a message among those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    New,
    /// It had arrived before.
    Repeated,
    /// A later one had arrived before.
    OutOfOrder,
}

/// The messages after a viewer's first position.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeliveryLedger {
    /// The number before the first one that this viewer must get; `None` before its first join.
    base: Option<u64>,
    /// That of `base` + 1 is the first.
    marks: Vec<Fate>,
}

/// The number of messages of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DeliveryCounts {
    pub(crate) expected: u64,
    pub(crate) received: u64,
    /// Announced by a true `skipped`.
    pub(crate) superseded: u64,
    /// Announced by a `reset`.
    pub(crate) reset: u64,
    pub(crate) lost: u64,
}

impl DeliveryLedger {
    /// Records that the viewer has the state up to `seq`: its life begins there, or missing messages up to there were
    /// announced.
    pub(crate) fn begin_or_reset(&mut self, seq: u64) {
        match self.base {
            None => self.base = Some(seq),
            Some(base) => self.announce(base + 1, seq, Fate::Reset),
        }
    }

    /// Records that the missing messages up to and including `through` were superseded.
    pub(crate) fn superseded(&mut self, from: u64, through: u64) {
        self.announce(from, through, Fate::Superseded);
    }

    fn announce(&mut self, from: u64, through: u64, mark: Fate) {
        for seq in from..=through {
            if let Some(known) = self.mark(seq)
                && *known == Fate::Missing
            {
                *known = mark;
            }
        }
    }

    /// Records that a message arrived.
    pub(crate) fn enter(&mut self, seq: u64) -> Entered {
        let is_last = self.base.is_some_and(|base| seq > base + self.marks.len() as u64);
        match self.mark(seq) {
            Some(Fate::Came) => Entered::Repeated,
            None => Entered::OutOfOrder,
            Some(mark) => {
                *mark = Fate::Came;
                if is_last { Entered::New } else { Entered::OutOfOrder }
            }
        }
    }

    fn mark(&mut self, seq: u64) -> Option<&mut Fate> {
        let at = usize::try_from(seq.checked_sub(self.base? + 1)?).ok()?;
        if at >= self.marks.len() {
            self.marks.resize(at + 1, Fate::Missing);
        }
        self.marks.get_mut(at)
    }

    /// Returns the numbers of all messages that arrived, in order.
    pub(crate) fn came(&self) -> impl Iterator<Item = u64> {
        let first = self.base.unwrap_or(0) + 1;
        (first..).zip(&self.marks).filter(|(_, mark)| **mark == Fate::Came).map(|(seq, _)| seq)
    }

    /// Returns the count of each kind, if `last` is the number of the last message.
    pub(crate) fn counts(&self, last: u64) -> DeliveryCounts {
        let count = |mark| self.marks.iter().filter(|known| **known == mark).count() as u64;
        let expected = self.base.map_or(0, |base| last.saturating_sub(base));
        let (received, superseded, reset) = (count(Fate::Came), count(Fate::Superseded), count(Fate::Reset));
        let lost = expected.saturating_sub(received + superseded + reset);
        DeliveryCounts { expected, received, superseded, reset, lost }
    }
}

impl AddAssign for DeliveryCounts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.superseded += other.superseded;
        self.reset += other.reset;
        self.lost += other.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(base: u64) -> DeliveryLedger {
        let mut ledger = DeliveryLedger::default();
        ledger.begin_or_reset(base);
        ledger
    }

    #[test]
    fn a_message_is_new_repeated_or_out_of_order() {
        let mut ledger = begun(10);
        let entered: Vec<_> = [11, 12, 12, 14, 13, 13, 15, 10].map(|seq| ledger.enter(seq)).into();
        use Entered::{New, OutOfOrder, Repeated};
        assert_eq!(entered, [New, New, Repeated, New, OutOfOrder, Repeated, New, OutOfOrder]);
        assert_eq!(ledger.came().collect::<Vec<_>>(), [11, 12, 13, 14, 15]);
        assert_eq!(ledger.counts(15), DeliveryCounts { expected: 5, received: 5, ..DeliveryCounts::default() });
    }

    #[test]
    fn what_did_not_come_is_lost_unless_it_was_announced() {
        let mut ledger = begun(0);
        ledger.enter(1);
        ledger.superseded(2, 3);
        ledger.enter(4);
        ledger.enter(6);
        ledger.begin_or_reset(9);
        let counts = ledger.counts(12);
        assert_eq!(counts, DeliveryCounts { expected: 12, received: 3, superseded: 2, reset: 4, lost: 3 });
        assert_eq!(begun(5).counts(7).lost, 2);
    }

    #[test]
    fn a_viewer_that_never_joined_expects_nothing() {
        assert_eq!(DeliveryLedger::default().counts(7), DeliveryCounts::default());
    }
}
