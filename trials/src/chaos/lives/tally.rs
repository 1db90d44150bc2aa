//! Counts of the events of viewers over several servers. Must not know the verdict.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::JoinOutcome;
use crate::model::answer::{How, Reason};

/// The counts of one viewer, or of many together.
#[derive(Debug, Default)]
pub(in crate::chaos) struct LivesTally {
    pub(in crate::chaos) outcomes: BTreeMap<JoinOutcome, u64>,
    pub(in crate::chaos) comebacks: Vec<ViewerReturn>,
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
    /// The number and the age of each message that arrived live.
    pub(in crate::chaos) ages: Vec<(u64, Duration)>,
}

/// One return to a server.
#[derive(Debug, Clone, Copy)]
pub(in crate::chaos) struct ViewerReturn {
    /// The number of servers so far, if it is known to which one the viewer returned.
    pub(in crate::chaos) life: Option<usize>,
    pub(in crate::chaos) gone: Instant,
    /// When every missed message had arrived.
    pub(in crate::chaos) back: Instant,
}

impl LivesTally {
    /// Adds the counts of another one.
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

    /// Returns how many joins had this outcome.
    pub(in crate::chaos) fn joins(&self, how: How) -> u64 {
        self.outcomes.iter().filter(|((is, _), _)| *is == how).map(|(_, count)| count).sum()
    }

    /// Returns the reasons of joins that were answered with `reset`, and their numbers.
    pub(in crate::chaos) fn resets_by_reason(&self) -> BTreeMap<Reason, u64> {
        self.outcomes.iter().filter_map(|(&(_, reason), &count)| Some((reason?, count))).collect()
    }
}
