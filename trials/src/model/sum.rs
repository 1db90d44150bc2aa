//! The final states of many viewers, beside their owner's messages. Pure.

use std::fmt;

use super::Model;
use super::fault::{Fault, Faults};
use super::ledger::DeliveryCounts;
use super::record::Record;
use super::state::{self, Hash, short};

/// The viewers of one room.
#[derive(Debug)]
pub(crate) struct FinalSums {
    viewers: u64,
    /// The number of the last message.
    pub(crate) last: u64,
    pub(crate) counts: DeliveryCounts,
    /// The number of messages that arrived by resumes.
    pub(crate) replayed: u64,
    pub(crate) faults: Faults,
    /// The number of viewers that ended in the owner's state, and its hash.
    states: (u64, Hash),
    /// The number of viewers that got exactly the bytes of the numbers that they got.
    exact: u64,
    /// The number of them that got every message from the first one, and the hash of all.
    whole: (u64, Hash),
}

impl FinalSums {
    pub(crate) fn of<'a>(models: impl Iterator<Item = &'a Model>, record: &Record) -> Self {
        let last = record.last();
        let frames = |seqs: &mut dyn Iterator<Item = u64>| state::hash(seqs.filter_map(|seq| record.frame(seq)));
        let (state, all) = (frames(&mut record.fold(last).into_iter()), frames(&mut (1..=last)));
        let (counts, faults) = (DeliveryCounts::default(), Faults::default());
        let mut sum =
            Self { viewers: 0, last, counts, replayed: 0, faults, states: (0, state), exact: 0, whole: (0, all) };
        for model in models {
            sum.viewers += 1;
            sum.faults.add(&model.faults);
            sum.replayed += model.replayed();
            let theirs = model.ledger().counts(last);
            sum.counts += theirs;
            sum.states.0 += u64::from(model.state().hash() == state);
            let is_exact = model.hash() == frames(&mut model.ledger().came());
            sum.exact += u64::from(is_exact);
            sum.whole.0 += u64::from(is_exact && model.hash() == all && theirs.received == last);
        }
        sum
    }

    /// Returns whether all ended with the owner's state and bytes.
    pub(crate) fn is_equal(&self) -> bool {
        [self.states.0, self.exact] == [self.viewers; 2]
    }
}

impl fmt::Display for FinalSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equal = |count| if count == self.viewers { "yes" } else { "NO" };
        let DeliveryCounts { expected, received, superseded, reset, lost } = self.counts;
        let ((states, state), (whole, all)) = (self.states, self.whole);
        writeln!(
            f,
            "  messages   {expected} expected, {received} received, {lost} lost, {} repeated, {} out of order; \
             announced: {superseded} superseded, {reset} by a reset",
            self.faults.count(Fault::Repeated),
            self.faults.count(Fault::OutOfOrder),
        )?;
        write!(
            f,
            "  hashes     state equal: {} ({states} of {}, {}); bytes equal: {} ({} of {}; {whole} got all from 1 to \
             {}, {})",
            equal(states),
            self.viewers,
            short(&state),
            equal(self.exact),
            self.exact,
            self.viewers,
            self.last,
            short(&all)
        )
    }
}
