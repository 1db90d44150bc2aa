//! The findings of voters that voted again and again, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::{Outcome, Plan};
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) outcome: Outcome,
    pub(super) time: Duration,
}

impl Judged for Findings {
    /// Fails if a voter was counted twice or not at all, or got another number, or if a vote was refused.
    fn verdict(&self) -> Result<(), Failure> {
        let Outcome { exact, doubled, missing, renumbered, unnamed, refused, .. } = &self.outcome;
        if doubled + missing + renumbered + unnamed + refused > 0 || *exact != self.plan.rounds {
            return Err(Failure::new(format!(
                "{doubled} counted twice, {missing} missing, {exact} of {} totals exact, {renumbered} got another number, \
                 {unnamed} none, {refused} refused",
                self.plan.rounds
            )));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, voters, rounds } = self.plan;
        let Outcome { turns, kills, votes, exact, doubled, missing, renumbered, unnamed, refused, refusal } =
            &self.outcome;
        writeln!(f, "revotes: seed {seed}, {voters} voters, {rounds} rounds, {kills} servers killed")?;
        write!(f, "  before a vote:")?;
        for (turn, count) in turns {
            write!(f, " {count} {turn:?},")?;
        }
        writeln!(f, " {votes} votes in all")?;
        writeln!(
            f,
            "  counted    {exact} of {rounds} totals exact; at most {doubled} counted twice and {missing} missing in a round"
        )?;
        writeln!(f, "  numbers    {renumbered} joins with a key got another number, {unnamed} joins got none")?;
        writeln!(f, "  refused    {refused} {}", refusal.as_deref().unwrap_or_default())?;
        write!(f, "  time       {:.1} s in all", self.time.as_secs_f64())
    }
}
