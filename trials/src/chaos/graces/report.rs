//! The findings of the stops, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::plot::Stop;
use super::{Outcome, Plan};
use crate::chaos::lives::quantile;
use crate::model::fault::Faults;
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    plan: Plan,
    outcomes: Vec<Outcome>,
    faults: Faults,
    time: Duration,
}

impl Findings {
    pub(super) fn new(plan: Plan, outcomes: Vec<Outcome>, time: Duration) -> Self {
        let mut faults = Faults::default();
        outcomes.iter().for_each(|outcome| faults.add(&outcome.faults));
        Self { plan, outcomes, faults, time }
    }

    fn stops(&self) -> impl Iterator<Item = &super::Stopped> {
        self.outcomes.iter().flat_map(|outcome| &outcome.stops)
    }

    /// Returns how many rooms were lost, by stops of this kind or by all.
    fn lost(&self, kind: Option<Stop>) -> usize {
        let is_asked = |stopped: &&super::Stopped| kind.is_none_or(|kind| stopped.stop == kind);
        self.stops().filter(is_asked).map(|stopped| stopped.lost).sum()
    }
}

impl Judged for Findings {
    /// Fails if a room was lost, an owner is not back, anything odd was received, or fewer stops were made than
    /// planned.
    fn verdict(&self) -> Result<(), Failure> {
        let (lost, faults, stops) = (self.lost(None), self.faults.all(), self.stops().count());
        if lost > 0 || faults > 0 || stops != self.plan.stops as usize {
            let planned = self.plan.stops;
            return Err(Failure::new(format!("{lost} rooms lost, {faults} faults, {stops} of {planned} stops")));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, stops, ack } = self.plan;
        let sum = |count: fn(&Outcome) -> u64| self.outcomes.iter().map(count).sum::<u64>();
        let (directories, rooms) = (self.outcomes.len(), sum(|outcome| outcome.rooms as u64));
        writeln!(
            f,
            "graces: seed {seed}, {stops} stops on {directories} directories with {rooms} rooms, graces of 7 s to 5 min, \
             acknowledged when {ack:?}; every owner back after the next start"
        )?;
        for kind in Stop::ALL {
            let ones: Vec<_> = self.stops().filter(|stopped| stopped.stop == kind).collect();
            let mut times: Vec<_> = ones.iter().filter_map(|stopped| stopped.back).collect();
            times.sort_unstable();
            writeln!(
                f,
                "  {kind}: {:>3} stops, {} rooms lost; every owner back {} (p50), {} (max)",
                ones.len(),
                self.lost(Some(kind)),
                quantile(&times, 50),
                quantile(&times, 100)
            )?;
        }
        writeln!(f, "  lost       {} of {rooms} rooms, each there at every stop of its directory", self.lost(None))?;
        writeln!(
            f,
            "  owners     {} times without a server, {} times asked to come later",
            sum(|outcome| outcome.retries),
            sum(|outcome| outcome.refusals)
        )?;
        writeln!(f, "  time       {:.1} s in all", self.time.as_secs_f64())?;
        write!(f, "{}", self.faults)
    }
}
