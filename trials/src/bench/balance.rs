//! Measures how evenly the work of one large room is spread over the worker threads of a server that has all cores.
//! Must not know how the server spreads it.

use std::time::Duration;

use serde::Serialize;

use super::alone::AloneSummary;
use super::cell::{Cell, Plan, PublishPace, SIZE};
use super::claim::TargetClaim;
use super::contender::{self, Contender, Relays};
use super::figures::Metric;
use super::journal::RunJournal;
use super::run::{Bed, Cores};
use super::statistics::Spread;
use super::{Bench, Group, QUICK_VIEWERS, watch};
use crate::load::process::{self, Thread};
use crate::load::release;
use crate::report::Report;
use crate::steps::{Failure, Steps};

/// The number of viewers in the room.
const VIEWERS: u32 = 4_000;

/// The number of deliveries in a second: server and load generator need about half of two cores, so that no worker
/// works only because another one has no core.
const DELIVERIES_PER_SECOND: f64 = 60_000.0;

/// How much less than the busiest worker the least busy one may use, as a share of what the busiest uses.
const GAP: f64 = 0.2;

/// The runtime's name for its worker threads.
const WORKER: &str = "tokio-rt-worker";

/// The time between two looks at the server.
const LOOK: Duration = Duration::from_millis(100);

/// The server at one moment.
#[derive(Debug)]
struct Glance {
    files: u64,
    /// The CPU time that each worker has used, always in the same order.
    workers: Vec<Duration>,
}

/// How busy the workers were in one round.
#[derive(Debug, Serialize)]
struct Round {
    contender: Contender,
    /// From 0.
    round: u32,
    /// The CPU time of each worker, while all viewers were connected.
    workers_seconds: Vec<f64>,
    /// How much less the least busy worker used, as a share of what the busiest used.
    gap: Option<f64>,
}

/// Measures all contenders in all rounds.
pub(super) fn run(options: &Bench, steps: &mut Steps) -> Result<Report, Failure> {
    let viewers = options.viewers.first().copied().unwrap_or(if options.quick { QUICK_VIEWERS } else { VIEWERS });
    let plan = Plan { viewers: vec![viewers], ..options.plan() };
    let (relays, cores, generator) = (Relays::none(), Cores::Shared, release("rtbroadcaster"));
    let bed = Bed { plan: &plan, relays: &relays, cores, generator: &generator };
    let mut journal = RunJournal::begin(&plan, cores);
    let cell = cell(viewers);
    let mut rounds = Vec::new();
    for round in 0..plan.rounds {
        for contender in contender::in_turn(&cell.contenders, round) {
            rounds.extend(measure(&bed, &mut journal, round, &cell, contender)?);
        }
    }
    steps.pass();
    let claims = cell.contenders.iter().map(|&contender| claim(&rounds, &cell, contender)).collect();
    Ok(AloneSummary { seen: rounds, claims }.report(&journal, options.json.as_deref()))
}

fn cell(viewers: u32) -> Cell {
    let rate = DELIVERIES_PER_SECOND / f64::from(viewers);
    Cell {
        name: format!("one room of {viewers} viewers, {SIZE} bytes, {rate:.1} a second"),
        group: Group::Balance,
        viewers,
        rooms: 1,
        size: SIZE,
        pace: PublishPace::Rate(rate),
        contenders: contender::OURS.to_vec(),
        metrics: vec![Metric::CpuPerDelivery],
    }
}

/// Measures one round of a contender; returns none if something was lost.
fn measure(
    bed: &Bed<'_>,
    journal: &mut RunJournal,
    round: u32,
    cell: &Cell,
    contender: Contender,
) -> Result<Option<Round>, Failure> {
    let server = bed.serve(contender)?;
    let pid = server.process();
    let look = || Ok(Glance { files: process::open_files(pid)?, workers: workers(&process::threads(pid)?) });
    let (outcome, glances) = watch::during(LOOK, look, || bed.load(&server, contender, cell, &[]));
    let is_good = outcome.is_ok();
    journal.note(round, cell, contender, outcome);
    if !is_good {
        return Ok(None);
    }
    let workers_seconds = used(&glances?);
    if workers_seconds.len() < 2 {
        return Err(Failure::new(format!("the server has {} threads named {WORKER}: too few", workers_seconds.len())));
    }
    let gap = gap(&workers_seconds);
    let told: Vec<_> = workers_seconds.iter().map(|seconds| format!("{seconds:.3} s")).collect();
    let share = gap.map_or_else(|| "-".into(), |gap| format!("{:.0} %", 100.0 * gap));
    println!("  CPU time of the workers {}: the least busy has {share} less than the busiest", told.join(", "));
    Ok(Some(Round { contender, round, workers_seconds, gap }))
}

fn claim(rounds: &[Round], cell: &Cell, contender: Contender) -> TargetClaim {
    let text = format!("{}, {}: what the least busy worker has less / the busiest", contender.name(), cell.name);
    let gaps = rounds.iter().filter(|round| round.contender == contender).filter_map(|round| round.gap);
    TargetClaim { text, at_most: GAP, found: Spread::of(gaps) }
}

/// Returns the CPU time of those threads that are workers.
fn workers(threads: &[Thread]) -> Vec<Duration> {
    threads.iter().filter(|thread| thread.name == WORKER).map(|thread| thread.ran).collect()
}

/// Returns what each worker used while all viewers were connected: neither joins nor their ends count.
fn used(glances: &[Glance]) -> Vec<f64> {
    let files_most = glances.iter().map(|glance| glance.files).max();
    let mut whole = glances.iter().filter(|glance| Some(glance.files) == files_most);
    let Some(first) = whole.next() else { return Vec::new() };
    let last = whole.next_back().unwrap_or(first);
    let each = last.workers.iter().zip(&first.workers);
    each.map(|(after, before)| after.saturating_sub(*before).as_secs_f64()).collect()
}

/// Returns how much less the least busy worker used, as a share of what the busiest used; none if no worker used
/// anything.
fn gap(seconds: &[f64]) -> Option<f64> {
    let spread = Spread::of(seconds.iter().copied())?;
    (spread.most > 0.0).then(|| (spread.most - spread.least) / spread.most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_workers_count_and_only_while_all_viewers_are_there() {
        let thread = |name: &str, seconds| Thread { name: name.into(), ran: Duration::from_secs(seconds) };
        let threads = [thread("rtbroadcaster", 9), thread(WORKER, 2), thread(WORKER, 3)];
        assert_eq!(workers(&threads), [2, 3].map(Duration::from_secs));
        let glance = |files, seconds: [u64; 2]| Glance { files, workers: seconds.map(Duration::from_secs).to_vec() };
        let glances =
            [glance(5, [0, 9]), glance(10, [1, 10]), glance(10, [2, 11]), glance(10, [5, 13]), glance(2, [7, 20])];
        assert_eq!(used(&glances), [4.0, 3.0]);
        assert_eq!(used(&glances[..2]), [0.0, 0.0], "it was looked only once");
        assert_eq!(used(&[]), [0.0; 0]);
    }

    #[test]
    fn the_busiest_worker_is_compared_with_the_least_busy() {
        assert_eq!(gap(&[4.0, 3.0, 5.0, 4.5]), Some(0.4));
        assert_eq!((gap(&[4.0, 0.0]), gap(&[0.0, 0.0]), gap(&[])), (Some(1.0), None, None));
        let round = |gap| Round { contender: Contender::V2, round: 0, workers_seconds: Vec::new(), gap: Some(gap) };
        let rounds = [0.1, 0.3, 0.19].map(round);
        let claim = |contender| super::claim(&rounds, &cell(4_000), contender);
        assert!(claim(Contender::V2).is_met() && !claim(Contender::Classic).is_met());
    }
}
