//! The findings of thousands of viewers that lost the server at one moment, and the verdict. Must not know how they
//! were measured.

use std::fmt;
use std::time::Duration;

use super::{Outage, PhaseStarts, Plan, RUSH, UNAVAILABLE};
use crate::chaos::herd::{Breed, Sums};
use crate::chaos::lives::quantile;
use crate::chaos::times::{percentile, seconds};
use crate::chaos::witness::MessageAges;
use crate::report::Judged;
use crate::steps::Failure;

/// The most time until all are back.
const BACK_MAX: Duration = Duration::from_secs(10);

/// How many times as old the messages of the room beside may be as before.
const SLOWER_MAX: f64 = 2.0;

/// The most attempts in the first 10 s of an outage.
const ATTEMPTS_MAX: u32 = 8;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) sums: Sums,
    pub(super) moments: PhaseStarts,
    pub(super) ages: MessageAges,
    pub(super) time: Duration,
}

/// The ages of the room beside: before, while the server could not be reached, and while all came back.
struct Beside {
    before: Vec<Duration>,
    meanwhile: Vec<Duration>,
    rush: Vec<Duration>,
}

impl Findings {
    fn beside(&self) -> Beside {
        let PhaseStarts { quiet, lost, open } = self.moments;
        Beside {
            before: self.ages.between(quiet, lost),
            meanwhile: self.ages.between(lost, open),
            rush: self.ages.between(open, open + RUSH),
        }
    }

    /// Returns the most attempts of a viewer in the first 10 s.
    fn attempts(&self) -> u32 {
        self.sums.attempts.iter().max().copied().unwrap_or_default()
    }
}

impl Judged for Findings {
    /// Fails if anything was lost or repeated, if a viewer is not back in time or tried too often, or if the room
    /// beside took over twice as long.
    fn verdict(&self) -> Result<(), Failure> {
        let Sums { repeated, lost, resets, closed, not_back, .. } = self.sums;
        if repeated + lost + resets + closed + not_back > 0 {
            return Err(Failure::new(format!(
                "{repeated} repeated, {lost} lost, {resets} resets, {closed} gave up, {not_back} not back"
            )));
        }
        let returns = Sums::sorted(&self.sums.returns_ms);
        let all = percentile(&returns, 100).unwrap_or_default();
        // After an outage of this kind the delays have grown, as they should.
        if all > BACK_MAX && self.plan.outage != Outage::Unavailable {
            return Err(Failure::new(format!("all were back after {all:?}")));
        }
        if self.attempts() > ATTEMPTS_MAX {
            return Err(Failure::new(format!("{} attempts in the first 10 s", self.attempts())));
        }
        let Beside { before, meanwhile, rush } = self.beside();
        let p99 = |ages: &[Duration]| percentile(ages, 99).unwrap_or_default().as_secs_f64();
        let slower = p99(&rush).max(p99(&meanwhile)) / p99(&before).max(f64::EPSILON);
        if slower > SLOWER_MAX {
            return Err(Failure::new(format!("the p99 of the room beside was {slower:.1} times what it was")));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, outage, breed } = self.plan;
        let (name, what) = match outage {
            Outage::Sleep(time) => ("wakes", format!("of one address sleep for {time:?} while their path is dark")),
            Outage::Dark(time) => ("wakes", format!("of one address are awake while their path is dark for {time:?}")),
            Outage::Cut => ("stampedes", "are cut at one moment".into()),
            Outage::Unavailable => ("stampedes", format!("are cut at one moment and get 503 for {UNAVAILABLE:?}")),
        };
        let kind = if breed == Breed::Remote { "remote::Viewer" } else { "SDK in Node.js" };
        writeln!(f, "{name}: seed {seed}, {viewers} viewers ({kind}) {what}")?;
        let Sums { delivered, repeated, lost, resets, closed, not_back, cpu_ms, relay_cpu_ms, .. } = self.sums;
        let returns = Sums::sorted(&self.sums.returns_ms);
        writeln!(
            f,
            "  back       {} (p50), {} (p99), {} (all {}) after the path was open; {not_back} not back",
            seconds(&returns, 50),
            seconds(&returns, 99),
            seconds(&returns, 100),
            returns.len()
        )?;
        writeln!(
            f,
            "  delivered  {delivered} messages, {repeated} repeated, {lost} lost, {resets} resets, {closed} viewers gave up {:?}",
            self.sums.reasons
        )?;
        let attempts = &self.sums.attempts;
        let mean = attempts.iter().map(|&count| f64::from(count)).sum::<f64>() / attempts.len().max(1) as f64;
        writeln!(f, "  attempts   {mean:.2} on average and {} at most in the first 10 s", self.attempts())?;
        let Beside { before, meanwhile, rush } = self.beside();
        write!(f, "  room beside")?;
        for (name, ages) in
            [("before", before), ("meanwhile", meanwhile), ("in the 10 s from when the path was open", rush)]
        {
            if !ages.is_empty() {
                write!(f, " {name}: {} (p50), {} (p99) of {};", quantile(&ages, 50), quantile(&ages, 99), ages.len())?;
            }
        }
        writeln!(f, " from when a message was due")?;
        write!(
            f,
            "  time       {:.1} s in all; the viewers used {:.1} s of CPU, with their joins, and the relays {:.1} s",
            self.time.as_secs_f64(),
            cpu_ms as f64 / 1e3,
            relay_cpu_ms as f64 / 1e3
        )
    }
}
