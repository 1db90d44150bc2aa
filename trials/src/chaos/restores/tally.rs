//! The counts of the restores by one way. Pure.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::answer::{How, Reason};
use crate::model::fault::Fault;

/// The counts of one way.
#[derive(Debug, Clone, Default)]
pub(super) struct WayTally {
    pub(super) restores: u64,
    /// The number of starts refused and accepted by their word, and of those refused for good.
    pub(super) accepted: u64,
    pub(super) refused: u64,
    /// The number of rooms that did not exist any more.
    pub(super) rooms_gone: usize,
    /// The number of cursors tried with `lives`, and their outcomes.
    cursors: u64,
    resumed: u64,
    resets: BTreeMap<Reason, u64>,
    /// The number of cursors without `lives` that were reset, and resumed.
    pub(super) without_lives: [u64; 2],
    /// The number of viewers cut in the middle of a replay.
    pub(super) cuts: u64,
    faults: BTreeMap<Fault, u64>,
}

impl WayTally {
    /// Counts the answer to a join with `lives`.
    pub(super) fn enter(&mut self, how: How, reason: Option<Reason>) {
        self.cursors += 1;
        self.resumed += u64::from(how == How::Resumed);
        if let Some(reason) = reason {
            *self.resets.entry(reason).or_default() += 1;
        }
    }

    /// Adds those of another story.
    pub(super) fn add(&mut self, other: &Self) {
        let Self { restores, accepted, refused, rooms_gone, cursors, resumed, resets, without_lives, cuts, faults } =
            other;
        self.restores += restores;
        self.accepted += accepted;
        self.refused += refused;
        self.rooms_gone += rooms_gone;
        self.cursors += cursors;
        self.resumed += resumed;
        resets.iter().for_each(|(&reason, count)| *self.resets.entry(reason).or_default() += count);
        self.without_lives[0] += without_lives[0];
        self.without_lives[1] += without_lives[1];
        self.cuts += cuts;
        faults.iter().for_each(|(&fault, count)| *self.faults.entry(fault).or_default() += count);
    }

    pub(super) fn note(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Returns how many joins were resumed.
    pub(super) fn resumed(&self) -> u64 {
        self.resumed
    }
}

impl fmt::Display for WayTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = |fault| self.faults.get(&fault).copied().unwrap_or(0);
        let reset = |reason| self.resets.get(&reason).copied().unwrap_or(0);
        write!(
            f,
            "{:>2} restores, {} refused and accepted, {} refused for good, {} rooms gone; {:>5} cursors: {:>5} resumed, reset \
             {:>5} epoch, {} future, {} retention; without lives {} resumed, {} reset; {} cut; {} false resumed, {} false \
             reset, {} other states",
            self.restores,
            self.accepted,
            self.refused,
            self.rooms_gone,
            self.cursors,
            self.resumed,
            reset(Reason::Epoch),
            reset(Reason::Future),
            reset(Reason::Retention),
            self.without_lives[1],
            self.without_lives[0],
            self.cuts,
            fault(Fault::FalseResumed),
            fault(Fault::FalseReset),
            fault(Fault::OtherState)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_counted() {
        let mut row = WayTally::default();
        row.enter(How::Resumed, None);
        row.enter(How::Reset, Some(Reason::Epoch));
        row.note(Fault::FalseReset);
        let mut both = WayTally::default();
        both.add(&row);
        let text = both.to_string();
        assert!(text.contains("    2 cursors:     1 resumed, reset     1 epoch, 0 future"), "{text}");
        assert!(text.contains("0 false resumed, 1 false reset"), "{text}");
    }
}
