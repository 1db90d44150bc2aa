//! The findings of the replacement of a server, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::{Duration, Instant};

use super::Plan;
use super::window::{WindowAges, Windows};
use crate::chaos::lives::quantile;
use crate::chaos::lives::room::RoomOutcome;
use crate::chaos::lives::viewer::Return;
use crate::model::answer::How;
use crate::report::Judged;
use crate::steps::Failure;

/// The most time that a server may take to end.
const END_MAX: Duration = Duration::from_millis(3_500);

/// Above this share of a core the load generator itself is late.
const BUSY_MAX: f64 = 0.8;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    /// The room with many viewers, and the other one.
    pub(super) many: RoomOutcome,
    pub(super) few: RoomOutcome,
    pub(super) windows: Windows,
    /// From SIGTERM to the exit.
    pub(super) ending: Duration,
    /// When the next server was started.
    pub(super) begun: Instant,
    /// The time from there until it was ready.
    pub(super) ready: Duration,
    pub(super) time: Duration,
}

impl Findings {
    /// Returns for each viewer the time from the start of the next server until it was back, sorted.
    fn returns(&self) -> Vec<Duration> {
        let mut returns: Vec<_> = self.many.tally.comebacks.iter().map(|comeback| comeback.back - self.begun).collect();
        returns.sort_unstable();
        returns
    }
}

/// Returns how many of these sorted times are in the fullest second, and the average of a second from the first to the
/// last.
fn crowds(times: &[Duration]) -> (usize, f64) {
    let fullest = times.chunk_by(|one, other| one.as_secs() == other.as_secs()).map(<[_]>::len).max();
    let span = times.last().copied().unwrap_or_default() - times.first().copied().unwrap_or_default();
    (fullest.unwrap_or(0), times.len() as f64 / span.as_secs_f64().max(1.0))
}

/// Writes one room in four lines.
fn write_room(f: &mut fmt::Formatter<'_>, name: &str, past: &RoomOutcome) -> fmt::Result {
    let RoomOutcome { sum, tally, spoken, acked, audited, .. } = past;
    writeln!(
        f,
        "  {name}: {} snapshot, {} resumed with {} messages, {} reset {:?}; {} closed with restart, {} cut without a \
         word, {} refused, {} closed with room_closed",
        tally.joins(How::Snapshot),
        tally.joins(How::Resumed),
        sum.replayed,
        tally.joins(How::Reset),
        tally.resets_by_reason(),
        tally.restarted,
        tally.cut,
        tally.retries,
        tally.done
    )?;
    writeln!(
        f,
        "  published  {} messages, {acked} acknowledged, {} repeated; the last viewer got {audited}",
        sum.last, spoken.again
    )?;
    writeln!(f, "{sum}")
}

impl Judged for Findings {
    /// Fails if anything was lost, repeated, out of order or untrue. Fails also if a viewer could not resume, was not
    /// told or is not back, or if the server took too long to end.
    fn verdict(&self) -> Result<(), Failure> {
        let pasts = [&self.many, &self.few];
        let sum = |count: fn(&RoomOutcome) -> u64| pasts.into_iter().map(count).sum::<u64>();
        let (faults, lost) = (sum(|past| past.faults.all()), sum(|past| past.sum.counts.lost));
        let resets = sum(|past| past.tally.joins(How::Reset) + past.tally.resets);
        let missing = sum(|past| past.acked.saturating_sub(past.audited));
        let cut = sum(|past| past.tally.cut);
        if faults + lost + resets + missing + cut > 0 {
            return Err(Failure::new(format!(
                "{faults} faults, {missing} acknowledged missing, {lost} lost, {resets} reset, {cut} cut without a word"
            )));
        }
        let viewers = u64::from(self.plan.viewers);
        if self.many.tally.done != viewers
            || pasts.iter().any(|past| !past.sum.is_equal() || past.acked != past.sum.last)
        {
            return Err(Failure::new("not every viewer ended with the owner's state and the owner's bytes"));
        }
        if self.ending > END_MAX {
            return Err(Failure::new(format!("the server took {:?} to end", self.ending)));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, returns, keeping } = self.plan;
        let when = if returns == Return::AtOnce { "all back at once" } else { "all back when they were advised to" };
        writeln!(f, "drains: seed {seed}, {viewers} viewers, {when}, {keeping}")?;
        writeln!(
            f,
            "  servers    the first one ended {:.2} s after SIGTERM; the next one was ready {:.0} ms after its start",
            self.ending.as_secs_f64(),
            self.ready.as_secs_f64() * 1e3
        )?;
        let times = self.returns();
        writeln!(
            f,
            "  back       50 %: {}, 99 %: {}, 100 %: {} after the start of the next one",
            quantile(&times, 50),
            quantile(&times, 99),
            quantile(&times, 100)
        )?;
        if returns == Return::AsAdvised {
            let (peak, mean) = crowds(&times);
            writeln!(f, "  crowds     {peak} in the fullest second, {:.2} times the mean", peak as f64 / mean)?;
        }
        let WindowAges { before, during, after, ending } = self.windows.sort(&self.few.tally.ages);
        write!(f, "  witnesses ")?;
        let windows = [
            ("before", before),
            ("while others came back", during),
            ("after", after),
            ("while their room ended", ending),
        ];
        for (name, ages) in &windows {
            let (p50, p99) = (quantile(ages, 50), quantile(ages, 99));
            write!(f, " {name}: {p50} (p50), {p99} (p99) of {};", ages.len())?;
        }
        writeln!(f, " from publish to delivery")?;
        write_room(f, "many      ", &self.many)?;
        write_room(f, "witnesses ", &self.few)?;
        let busy = self.many.busy.share();
        let late = if busy > BUSY_MAX { ", so it was itself late" } else { "" };
        writeln!(
            f,
            "  time       {:.1} s in all; the generator used {:.1} % of a core for the viewers{late}",
            self.time.as_secs_f64(),
            busy * 100.0
        )?;
        let mut faults = self.many.faults.clone();
        faults.add(&self.few.faults);
        write!(f, "{faults}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_second_is_found() {
        let times = [3_100, 3_900, 4_000, 4_500, 4_900, 7_100].map(Duration::from_millis);
        assert_eq!(crowds(&times), (3, 1.5));
        assert_eq!(crowds(&[]), (0, 0.0));
    }
}
