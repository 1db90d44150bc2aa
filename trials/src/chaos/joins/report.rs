//! The findings of a run of joins, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::Plan;
use super::visitor::VisitsTally;
use crate::load::CpuShare;
use crate::model::answer::{How, Reason};
use crate::model::fault::Faults;
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) tally: VisitsTally,
    pub(super) faults: Faults,
    /// The number of messages published.
    pub(super) said: u64,
    /// The load of the owner and of the visitors.
    pub(super) busy: [CpuShare; 2],
    pub(super) time: Duration,
}

impl Judged for Findings {
    /// Fails if any join differed from the owner's messages.
    fn verdict(&self) -> Result<(), Failure> {
        let joins: u64 = self.tally.outcomes.values().sum();
        if self.faults.all() + self.tally.differing == 0 && joins == u64::from(self.plan.joins) {
            return Ok(());
        }
        let (differing, faults) = (self.tally.differing, self.faults.all());
        Err(Failure::new(format!("{differing} of {} joins differ, {faults} faults", self.plan.joins)))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, joins } = self.plan;
        let VisitsTally { outcomes, unpaused, differing, sums, texts, resets, left, .. } = &self.tally;
        writeln!(f, "joins: seed {seed}, {joins} joins while an owner writes states")?;
        let of = |how, reason| outcomes.get(&(how, reason)).unwrap_or(&0);
        let resumed = of(How::Resumed, None);
        write!(f, "  joins      {} snapshot, {resumed} resumed", of(How::Snapshot, None))?;
        for reason in [Reason::Retention, Reason::Epoch, Reason::Future, Reason::Malformed] {
            write!(f, ", {} reset {reason:?}", of(How::Reset, Some(reason)))?;
        }
        writeln!(f, "; {differing} differing")?;
        let of = |how, reason| unpaused.get(&(how, reason)).unwrap_or(&0);
        let (resumed, reset) = (of(How::Resumed, None), of(How::Reset, Some(Reason::Retention)));
        writeln!(f, "  pauses     {} ended: {resumed} resumed, {reset} reset", unpaused.values().sum::<u64>())?;
        writeln!(f, "  sums       {sums} compared; {texts} texts came, {resets} reset as slow; {left} left politely")?;
        let seconds = self.time.as_secs_f64();
        let [owner, visitors] = self.busy.map(|busy| busy.share() * 100.0);
        let (said, each) = (self.said, self.time / joins.max(1));
        writeln!(f, "  published  {said} messages, each acknowledged")?;
        writeln!(
            f,
            "  time       {seconds:.1} s, a join every {:.0} us; the generator used {visitors:.1} % of a core for the \
             joins, {owner:.1} % for the owner",
            each.as_secs_f64() * 1e6
        )?;
        write!(f, "{}", self.faults)
    }
}
