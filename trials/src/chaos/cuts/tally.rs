//! Counts of the events of viewers that are cut. Must not know the verdict.

use std::collections::BTreeMap;

use super::cut::CutWay;
use crate::model::JoinOutcome;

/// The counts of one viewer, or of many together.
#[derive(Debug, Default)]
pub(super) struct CutsTally {
    pub(super) cuts: BTreeMap<CutWay, u64>,
    /// Cuts at which a part of a frame had arrived.
    pub(super) inside_a_frame: u64,
    pub(super) long_absences: u64,
    pub(super) outcomes: BTreeMap<JoinOutcome, u64>,
    /// Cut before the join was answered.
    pub(super) unanswered: u64,
    /// Cut inside a replay.
    pub(super) inside_a_replay: u64,
    /// `reset` frames outside of joins.
    pub(super) resets: u64,
    /// Handshakes that the server or its system refused, tried again.
    pub(super) retries: u64,
    pub(super) ephemerals: u64,
    pub(super) texts: u64,
    /// How often a viewer read nothing for a while.
    pub(super) lags: u64,
    /// Connections that ended because of that.
    pub(super) slow: u64,
    /// Closed with `room_closed` behind the last message.
    pub(super) done: u64,
    /// Connections that the server did not end though the client had.
    pub(super) left_open: u64,
}

impl CutsTally {
    /// Adds the counts of another one.
    pub(super) fn add(&mut self, other: &Self) {
        for (&cut, count) in &other.cuts {
            *self.cuts.entry(cut).or_insert(0) += count;
        }
        for (&outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome).or_insert(0) += count;
        }
        self.inside_a_frame += other.inside_a_frame;
        self.long_absences += other.long_absences;
        self.unanswered += other.unanswered;
        self.inside_a_replay += other.inside_a_replay;
        self.resets += other.resets;
        self.retries += other.retries;
        self.ephemerals += other.ephemerals;
        self.texts += other.texts;
        self.lags += other.lags;
        self.slow += other.slow;
        self.done += other.done;
        self.left_open += other.left_open;
    }
}
