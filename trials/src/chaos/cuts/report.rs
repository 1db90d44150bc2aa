//! The findings of a run of cuts, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::Plan;
use super::cut;
use super::tally::CutsTally;
use super::viewer::Viewer;
use crate::load::CpuShare;
use crate::model::answer::{How, Reason};
use crate::model::fault::{Fault, Faults};
use crate::model::record::Record;
use crate::model::sum::FinalSums;
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    plan: Plan,
    tally: CutsTally,
    sum: FinalSums,
    faults: Faults,
    /// The number of ephemeral messages published.
    ephemerals: u64,
    /// The load of the owner and of the viewers.
    busy: [CpuShare; 2],
    catching_up: Duration,
    time: Duration,
}

impl Findings {
    pub(super) fn new(
        plan: Plan,
        viewers: &[Viewer],
        record: &Record,
        mut faults: Faults,
        busy: [CpuShare; 2],
        catching_up: Duration,
        time: Duration,
    ) -> Self {
        let mut tally = CutsTally::default();
        viewers.iter().for_each(|viewer| tally.add(&viewer.tally));
        let sum = FinalSums::of(viewers.iter().map(|viewer| &viewer.model), record);
        faults.add(&sum.faults);
        Self { plan, tally, sum, faults, ephemerals: record.ephemerals(), busy, catching_up, time }
    }

    fn cuts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.tally.cuts.values().sum();
        write!(f, "  cuts       {all}:")?;
        for (cut, name) in cut::ALL {
            write!(f, " {} {name},", self.tally.cuts.get(&cut).unwrap_or(&0))?;
        }
        let CutsTally { inside_a_frame, inside_a_replay, long_absences, unanswered, retries, .. } = self.tally;
        writeln!(
            f,
            " {inside_a_frame} of these inside a frame; {unanswered} before the join was answered, {inside_a_replay} \
             inside a replay; {long_absences} long absences, {retries} refused handshakes"
        )
    }

    fn joins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |how, reason| self.tally.outcomes.get(&(how, reason)).unwrap_or(&0);
        let resumed = of(How::Resumed, None);
        write!(
            f,
            "  joins      {} snapshot, {resumed} resumed with {} messages",
            of(How::Snapshot, None),
            self.sum.replayed
        )?;
        for reason in [Reason::Retention, Reason::Epoch, Reason::Future, Reason::Malformed] {
            write!(f, ", {} reset {reason:?}", of(How::Reset, Some(reason)))?;
        }
        let (wrong_resumes, wrong_resets) = (Fault::FalseResumed, Fault::FalseReset);
        writeln!(
            f,
            "; {} false resumed, {} false reset; {} reset as slow",
            self.faults.count(wrong_resumes),
            self.faults.count(wrong_resets),
            self.tally.resets
        )
    }

    fn messages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CutsTally { ephemerals, texts, .. } = self.tally;
        writeln!(f, "  published  {} messages and {} ephemeral ones", self.sum.last, self.ephemerals)?;
        writeln!(f, "{}", self.sum)?;
        writeln!(f, "  came       {ephemerals} ephemeral ones and {texts} texts in all")
    }
}

impl Judged for Findings {
    /// Fails if anything was lost, repeated, out of order, untrue, or not allowed.
    fn verdict(&self) -> Result<(), Failure> {
        let viewers = u64::from(self.plan.viewers);
        let CutsTally { done, left_open, resets, .. } = self.tally;
        // Only a viewer that reads late may be too slow.
        let resets = if self.plan.lags { 0 } else { resets };
        if self.faults.all() + self.sum.counts.lost + left_open + resets > 0 {
            let (faults, lost) = (self.faults.all(), self.sum.counts.lost);
            let what = format!("{faults} faults, {lost} lost, {resets} reset as slow, {left_open} left open");
            return Err(Failure::new(what));
        }
        if done != viewers || !self.sum.is_equal() {
            return Err(Failure::new("not every viewer ended with the owner's state and the owner's bytes"));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, rate, seconds, lags } = self.plan;
        let name = if lags { "lags" } else { "cuts" };
        writeln!(f, "{name}: seed {seed}, {viewers} viewers, {rate} messages a second, {seconds} s")?;
        self.cuts(f)?;
        if lags {
            let CutsTally { lags, slow, resets, .. } = self.tally;
            writeln!(f, "  lags       {lags}; {resets} reset as slow, {slow} connections ended as slow")?;
        }
        self.joins(f)?;
        self.messages(f)?;
        let CutsTally { done, left_open, .. } = self.tally;
        writeln!(f, "  ends       {done} viewers closed with room_closed; {left_open} connections left open")?;
        let [owner, viewers] = self.busy.map(|busy| busy.share() * 100.0);
        writeln!(
            f,
            "  time       {:.1} s in all, {:.2} s until all had caught up; the generator used {viewers:.1} % of a core \
             for the viewers, {owner:.1} % for the owner",
            self.time.as_secs_f64(),
            self.catching_up.as_secs_f64()
        )?;
        write!(f, "{}", self.faults)
    }
}
