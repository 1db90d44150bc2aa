//! The findings of the library's clients, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::viewer_check::ViewerCheck;
use super::{Outcome, Plan};
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    plan: Plan,
    outcome: Outcome,
    time: Duration,
}

impl Findings {
    pub(super) fn new(plan: Plan, outcome: Outcome, time: Duration) -> Self {
        Self { plan, outcome, time }
    }
}

impl Judged for Findings {
    /// Fails if anything was lost, repeated, out of order, stale or untrue, or if fewer faults were tried than planned.
    fn verdict(&self) -> Result<(), Failure> {
        let Outcome { past, faults, cuts, .. } = &self.outcome;
        if faults.all() > 0 {
            return Err(Failure::new(format!("{} faults", faults.all())));
        }
        let times = cuts.finished + cuts.reset + cuts.parted + cuts.swallowed;
        if times != self.plan.cuts {
            return Err(Failure::new(format!("{times} of {} cuts", self.plan.cuts)));
        }
        if past.takeovers != self.plan.takeovers {
            return Err(Failure::new(format!("{} of {} takeovers", past.takeovers, self.plan.takeovers)));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, rate, cuts, kills, takeovers } = self.plan;
        let Outcome { past, checks, cuts: met, faults, keys } = &self.outcome;
        let sum = |of: fn(&ViewerCheck) -> u64| checks.iter().map(of).sum::<u64>();
        writeln!(
            f,
            "remote: seed {seed}, {cuts} cuts, {kills} kills, {takeovers} takeovers, {viewers} viewers, {rate} messages a second"
        )?;
        writeln!(
            f,
            "  cuts       {} by FIN, {} by RST, {} in the middle of a frame, {} after bytes that never arrived; they met {} \
             connections of {} that were made",
            met.finished, met.reset, met.parted, met.swallowed, met.met, met.connections
        )?;
        writeln!(
            f,
            "  published  {} messages acknowledged, each under the next number, {} of them events; {} ephemeral ones had no \
             connection",
            past.acked + past.stored,
            past.events.len(),
            past.offline
        )?;
        writeln!(
            f,
            "  takeovers  {}, and the last lease is {}; of the old owners' messages meanwhile {} were stored before, {} fenced",
            past.takeovers, past.term, past.stored, past.fenced
        )?;
        writeln!(
            f,
            "  received   {} messages, {} ephemeral, {} reported as skipped; every event once and in order, and {keys} keys as the \
             owner has them, unless faults follow",
            sum(|check| check.messages),
            sum(|check| check.ephemerals),
            sum(|check| check.skipped)
        )?;
        writeln!(f, "  time       {:.1} s in all", self.time.as_secs_f64())?;
        write!(f, "{faults}")
    }
}
