//! What viewers of several servers went through, counted. Must not know what is good.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::Outcome;
use crate::model::answer::{How, Reason};

/// What one viewer did, or many together.
#[derive(Debug, Default)]
pub(in crate::chaos) struct Tally {
    pub(in crate::chaos) outcomes: BTreeMap<Outcome, u64>,
    pub(in crate::chaos) comebacks: Vec<Comeback>,
    /// Connections that ended without a close frame.
    pub(in crate::chaos) cut: u64,
    /// Connections that a server closed because it went away.
    pub(in crate::chaos) restarted: u64,
    /// Connections that were not made or not upgraded, tried again.
    pub(in crate::chaos) retries: u64,
    /// `reset` frames outside of joins.
    pub(in crate::chaos) resets: u64,
    /// Closed with `room_closed` behind the last message.
    pub(in crate::chaos) done: u64,
    /// Of each message that came live: its number, and how old it was.
    pub(in crate::chaos) ages: Vec<(u64, Duration)>,
}

/// One return.
#[derive(Debug, Clone, Copy)]
pub(in crate::chaos) struct Comeback {
    /// How many servers there had been, if it is known to which one it was.
    pub(in crate::chaos) life: Option<usize>,
    pub(in crate::chaos) gone: Instant,
    /// When everything that was missed had come.
    pub(in crate::chaos) back: Instant,
}

impl Tally {
    /// Adds another one.
    pub(in crate::chaos) fn add(&mut self, other: &Self) {
        for (&outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome).or_insert(0) += count;
        }
        self.comebacks.extend(&other.comebacks);
        self.ages.extend(&other.ages);
        self.cut += other.cut;
        self.restarted += other.restarted;
        self.retries += other.retries;
        self.resets += other.resets;
        self.done += other.done;
    }

    /// How many joins had this outcome.
    pub(in crate::chaos) fn joins(&self, how: How) -> u64 {
        self.outcomes.iter().filter(|((is, _), _)| *is == how).map(|(_, count)| count).sum()
    }

    /// Why joins were answered with `reset`, and how often.
    pub(in crate::chaos) fn resets_by_reason(&self) -> BTreeMap<Reason, u64> {
        self.outcomes.iter().filter_map(|(&(_, reason), &count)| Some((reason?, count))).collect()
    }
}
