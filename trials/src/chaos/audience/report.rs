//! The owner's figures against the truth, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::{Duration, Instant};

use super::truth::Truth;
use super::{Plan, ReportedFigures};
use crate::load::server::Sample;
use crate::report::Judged;
use crate::steps::Failure;

/// The greatest age of a figure, and how much later a busy machine may deliver it.
const OLD: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_millis(250);

/// The least time between two figures, unless the first viewer joined or the last one left.
const INTERVAL: Duration = Duration::from_millis(950);

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) told: Vec<ReportedFigures>,
    pub(super) truth: Truth,
    /// When all had rested for a while.
    pub(super) rests: Vec<Instant>,
    pub(super) before: Sample,
    pub(super) after: Sample,
}

impl Findings {
    /// Returns the figures that were not true at any moment in the second before.
    fn untrue(&self) -> impl Iterator<Item = &ReportedFigures> {
        self.told.iter().filter(|told| !self.truth.was_so(told.figures, told.at, OLD + LATE))
    }

    /// Returns how often two followed each other too closely.
    fn hasty(&self) -> usize {
        let is_hasty = |two: &&[ReportedFigures]| {
            let is_edge = (two[0].figures.viewers == 0) != (two[1].figures.viewers == 0);
            !is_edge && two[1].at - two[0].at < INTERVAL
        };
        self.told.windows(2).filter(is_hasty).count()
    }

    /// Returns the number of rests whose last figure was not exact, where the truth is certain.
    fn inexact(&self) -> usize {
        let is_inexact = |end: &&Instant| {
            let told = self.told.iter().rev().find(|told| told.at <= **end);
            let was = self.truth.at(**end);
            was.is_none() || was != told.map(|told| told.figures)
        };
        self.rests.iter().filter(is_inexact).count()
    }
}

impl Judged for Findings {
    /// Fails if any figure was untrue, or came too often.
    fn verdict(&self) -> Result<(), Failure> {
        let (untrue, hasty, inexact) = (self.untrue().count(), self.hasty(), self.inexact());
        let is_over = self.told.last().is_some_and(|last| last.figures.viewers == 0);
        if untrue + hasty + inexact == 0 && is_over {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{untrue} untrue, {hasty} too close to each other, {inexact} rests not exact, {}",
            if is_over { "0 viewers in the end" } else { "no report of the end" }
        )))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, rounds } = self.plan;
        writeln!(
            f,
            "audience: seed {seed}, {viewers} viewers come, stop reading, read on and go, {rounds} times with a rest"
        )?;
        let most = |of: fn(&ReportedFigures) -> u64| self.told.iter().map(of).max().unwrap_or(0);
        writeln!(
            f,
            "  reported   {} times, up to {} viewers, of which up to {} lagged; {} changes",
            self.told.len(),
            most(|told| told.figures.viewers),
            most(|told| told.figures.lagging),
            self.truth.changes()
        )?;
        let exact = self.rests.len() - self.inexact();
        writeln!(f, "  at rest    {exact} of {} exact", self.rests.len())?;
        let first = self.untrue().next().map_or_else(String::new, |told| format!(", the first: {:?}", told.figures));
        writeln!(
            f,
            "  in motion  {} not so in the second before{first}; {} too close",
            self.untrue().count(),
            self.hasty()
        )?;
        let cpu = self.after.cpu.saturating_sub(self.before.cpu).as_secs_f64();
        let time = (self.after.at - self.before.at).as_secs_f64();
        let mib = |sample: &Sample| sample.rss as f64 / f64::from(1 << 20);
        write!(
            f,
            "  server     {cpu:.2} s of CPU in {time:.1} s; {:.1} MiB before, {:.1} MiB after",
            mib(&self.before),
            mib(&self.after)
        )
    }
}
