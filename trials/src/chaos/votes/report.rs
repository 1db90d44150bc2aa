//! The findings of a run of votes, and the verdict. Must not know how they were measured.

use std::fmt;

use super::{EVERY_MS, Plan, TotalFrames, Voted};
use crate::load::server::Sample;
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) told: TotalFrames,
    pub(super) voted: Voted,
    /// The server when all had joined, and when all totals were sent.
    pub(super) before: Sample,
    pub(super) after: Sample,
}

impl Judged for Findings {
    /// Fails if the totals are not exact, or the owner got them more often than once a window.
    fn verdict(&self) -> Result<(), Failure> {
        let Self { told, voted, .. } = self;
        let millis = voted.ended.saturating_duration_since(voted.began).as_millis();
        let windows = usize::try_from(millis / u128::from(EVERY_MS)).unwrap_or(usize::MAX).saturating_add(2);
        if told.totals != voted.chosen {
            return Err(Failure::new(format!("{:?} was chosen, {:?} is the total", voted.chosen, told.totals)));
        }
        if told.at.len() > windows {
            return Err(Failure::new(format!("{} frames in {windows} windows", told.at.len())));
        }
        let odd = told.odd.iter().chain(&voted.odd).next();
        odd.map_or(Ok(()), |text| Err(Failure::new(format!("came, and should not: {text}"))))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan: Plan { seed, voters }, told, voted, before, after } = self;
        writeln!(f, "votes: seed {seed}, {voters} viewers vote twice, of which the last vote counts")?;
        let time = voted.ended.saturating_duration_since(voted.began);
        let late = told.at.last().map(|last| last.saturating_duration_since(voted.ended));
        writeln!(f, "  voted      {} votes in {:.2} s: {:?}", 2 * voters, time.as_secs_f64(), voted.chosen)?;
        let late =
            late.map_or_else(|| "never".into(), |late| format!("{:.2} s after the last vote", late.as_secs_f64()));
        writeln!(f, "  totals     {} frames to the owner, the last one {late}: {:?}", told.at.len(), told.totals)?;
        let mib = |sample: &Sample| sample.rss as f64 / f64::from(1 << 20);
        let cpu = after.cpu.saturating_sub(before.cpu);
        write!(
            f,
            "  server     {:.2} s of CPU for the votes, {:.1} us each; {:.1} MiB before, {:.1} MiB after; the generator \
             used {:.0} % of a core",
            cpu.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / f64::from(2 * voters),
            mib(before),
            mib(after),
            voted.busy.share() * 100.0
        )
    }
}
