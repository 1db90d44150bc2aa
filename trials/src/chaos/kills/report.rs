//! The findings of a run of kills, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::{Duration, Instant};

use super::Plan;
use crate::chaos::lives::quantile;
use crate::chaos::lives::room::RoomOutcome;
use crate::chaos::lives::tally::ViewerReturn;
use crate::model::answer::How;
use crate::model::fault::Fault;
use crate::report::Judged;
use crate::steps::Failure;

/// The most time from the start of a server until the first client has come back to it.
const START_MAX: Duration = Duration::from_secs(2);

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    plan: Plan,
    past: RoomOutcome,
    /// The time from the start of each server to its first viewer, sorted.
    starts: Vec<Duration>,
    /// The number of servers killed before any client had come back to them.
    unseen: usize,
    /// The number of servers killed while they started.
    miscarriages: u64,
    time: Duration,
}

impl Findings {
    pub(super) fn new(plan: Plan, past: RoomOutcome, begun: &[Instant], miscarriages: u64, time: Duration) -> Self {
        let first = |(life, &begun): (usize, &Instant)| {
            let theirs = past.tally.comebacks.iter().filter(|comeback| comeback.life == Some(life + 1));
            theirs.map(|comeback| comeback.back - begun).min()
        };
        let mut starts: Vec<_> = begun.iter().enumerate().skip(1).filter_map(first).collect();
        starts.sort_unstable();
        let unseen = begun.len() - 1 - starts.len();
        Self { plan, past, starts, unseen, miscarriages, time }
    }
}

/// Returns the length of all absences, sorted.
fn absences(comebacks: &[ViewerReturn]) -> Vec<Duration> {
    let mut absences: Vec<_> = comebacks.iter().map(|comeback| comeback.back - comeback.gone).collect();
    absences.sort_unstable();
    absences
}

impl Judged for Findings {
    /// Fails if an acknowledged message is missing, if anything was lost, repeated, out of order or untrue, or if a
    /// viewer could not resume that should. With a limited history both must have happened: viewers that were away for
    /// longer than it reaches back, and viewers that were not.
    fn verdict(&self) -> Result<(), Failure> {
        let RoomOutcome { sum, tally, faults, acked, audited, .. } = &self.past;
        let of_history = if self.plan.keeping.history_messages_max.is_some() { 0 } else { tally.joins(How::Reset) };
        let resets = of_history + tally.resets + tally.restarted;
        let missing = acked.saturating_sub(*audited);
        if faults.all() + sum.counts.lost + resets + missing > 0 {
            let (faults, lost) = (faults.all(), sum.counts.lost);
            let what = format!("{faults} faults, {missing} acknowledged missing, {lost} lost, {resets} reset");
            return Err(Failure::new(what));
        }
        if tally.done != u64::from(self.plan.viewers) || !sum.is_equal() || *acked != sum.last {
            return Err(Failure::new("not every viewer ended with the owner's state and the owner's bytes"));
        }
        if self.plan.keeping.history_messages_max.is_some()
            && (tally.joins(How::Resumed) == 0 || tally.joins(How::Reset) == 0)
        {
            return Err(Failure::new("no viewer, or every one, was away for longer than the history reaches back"));
        }
        if self.starts.last().is_none_or(|&start| start > START_MAX) {
            return Err(Failure::new(format!("not every server had a viewer {START_MAX:?} after its start")));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, viewers, rate, kills, keeping } = self.plan;
        let RoomOutcome { sum, tally, spoken, faults, acked, audited, busy } = &self.past;
        writeln!(f, "kills: seed {seed}, {kills} kills, {viewers} viewers, {rate} messages a second, {keeping}")?;
        writeln!(
            f,
            "  servers    {}, {} more killed while they started; {} killed before anybody was back; from the start to \
             the first viewer {} (p50), {} (max)",
            kills + 1,
            self.miscarriages,
            self.unseen,
            quantile(&self.starts, 50),
            quantile(&self.starts, 100)
        )?;
        writeln!(
            f,
            "  joins      {} snapshot, {} resumed with {} messages, {} reset {:?}; {} connections cut, {} refused",
            tally.joins(How::Snapshot),
            tally.joins(How::Resumed),
            sum.replayed,
            tally.joins(How::Reset),
            tally.resets_by_reason(),
            tally.cut,
            tally.retries
        )?;
        let (viewers, owners) = (absences(&tally.comebacks), absences(&spoken.comebacks));
        writeln!(
            f,
            "  away       the owner {} times, {} (p50), {} (max), never for its grace; viewers {} times, {} (p50), {} (max)",
            owners.len(),
            quantile(&owners, 50),
            quantile(&owners, 100),
            viewers.len(),
            quantile(&viewers, 50),
            quantile(&viewers, 100)
        )?;
        writeln!(
            f,
            "  published  {} messages, {acked} acknowledged, {} repeated; {} {audited}: {} acknowledged missing, {} \
             forgotten, {} acknowledged falsely",
            sum.last,
            spoken.again,
            if keeping.history_messages_max.is_none() { "the last viewer got" } else { "the viewers together got" },
            acked.saturating_sub(*audited),
            faults.count(Fault::Forgotten),
            faults.count(Fault::FalseAck)
        )?;
        writeln!(f, "{sum}")?;
        writeln!(f, "  ends       {} viewers closed with room_closed", tally.done)?;
        writeln!(
            f,
            "  time       {:.1} s in all; the generator used {:.1} % of a core for the viewers, {:.1} % for the owner",
            self.time.as_secs_f64(),
            busy.share() * 100.0,
            spoken.busy.share() * 100.0
        )?;
        write!(f, "{faults}")
    }
}
