//! The cost of viewers that stop reading, for the others and for the server: blocks with and without them take turns in
//! one server process. Must not know the server's measures against them.

mod stay;
mod target;

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::alone::AloneSummary;
use super::cell::{Cell, Plan, PublishPace, SIZE};
use super::contender::{Contender, OURS, Relays};
use super::figures::Metric;
use super::journal::RunJournal;
use super::run::{Bed, Cores};
use super::statistics::Spread;
use super::{Bench, Group, QUICK_ROUNDS, QUICK_VIEWERS, watch};
use crate::load::process;
use crate::load::release;
use crate::load::server::Server;
use crate::report::Report;
use crate::steps::{Failure, Steps};
use stay::{Glance, StalledStay};
use target::in_time;

/// The number of pairs of blocks.
const PAIRS: u32 = 5;

/// The length of a block: windows close within a few seconds, and stalled viewers stay for up to 12 s after.
const BLOCK_SECONDS: u32 = 20;
const QUICK_BLOCK_SECONDS: u32 = 15;

/// The number of viewers, and one of how many stalls.
const VIEWERS: u32 = 2_000;
const ONE_OF: u32 = 10;

/// The share of its core that the server shall need.
const LOAD: f64 = 0.5;

/// The lowest rate of messages in a second: fewer would not close a window in time.
const RATE_MIN: f64 = 40.0;

/// The time in which the server's capacity is measured.
const PROBE_SECONDS: u32 = 3;

/// The time between two looks at the server.
const LOOK: Duration = Duration::from_millis(100);

/// The most time until the server has closed all connections that the load generator has left.
const REST: Duration = Duration::from_secs(10);

/// One block, besides its figures.
#[derive(Debug, Serialize)]
struct Block {
    contender: Contender,
    /// From 0.
    pair: u32,
    stalled: u32,
    #[serde(flatten)]
    stay: StalledStay,
}

/// Both kinds of blocks.
struct Cells {
    calm: Cell,
    stalled: Cell,
}

/// Measures all contenders.
pub(super) fn run(options: &Bench, steps: &mut Steps) -> Result<Report, Failure> {
    let quick = |quick: u32, full: u32| if options.quick { quick } else { full };
    let viewers = options.viewers.first().copied().unwrap_or(quick(QUICK_VIEWERS, VIEWERS)).max(ONE_OF);
    let plan = Plan {
        rounds: options.rounds.unwrap_or(quick(QUICK_ROUNDS, PAIRS)),
        seconds: options.seconds.unwrap_or(quick(QUICK_BLOCK_SECONDS, BLOCK_SECONDS)),
        viewers: vec![viewers],
        ..options.plan()
    };
    let (relays, cores, generator) = (Relays::none(), Cores::of_this_machine(), release("rtbroadcaster"));
    let bed = Bed { plan: &plan, relays: &relays, cores, generator: &generator };
    let mut journal = RunJournal::begin(&plan, cores);
    let (mut seen, mut claims) = (Vec::new(), Vec::new());
    for contender in OURS {
        let cells = Cells::at(viewers, rate(&bed, contender, viewers)?);
        let blocks = blocks(&bed, &mut journal, contender, &cells)?;
        let p99 = |cell| journal.rounds(cell, contender, Metric::P99);
        claims.extend(target::claims(contender, &p99(&cells.calm), &p99(&cells.stalled), &blocks));
        seen.extend(blocks);
    }
    steps.pass();
    Ok(AloneSummary { seen, claims }.report(&journal, options.json.as_deref()))
}

/// Returns the messages a second at which the server needs about half of its core.
fn rate(bed: &Bed<'_>, contender: Contender, viewers: u32) -> Result<f64, Failure> {
    let plan = Plan { seconds: bed.plan.seconds.min(PROBE_SECONDS), ..bed.plan.clone() };
    let probe = Cell { metrics: vec![Metric::CpuPerDelivery], ..cell(viewers, PublishPace::Window(1), "") };
    let figures = Bed { plan: &plan, ..*bed }.measure(contender, &probe)?;
    let cost = figures.get(Metric::CpuPerDelivery).filter(|cost| *cost > 0.0);
    let cost = cost.ok_or_else(|| Failure::new("a delivery costs nothing"))?;
    let rate = (LOAD * 1e9 / (cost * f64::from(viewers))).max(RATE_MIN);
    println!("{} needs {cost:.0} ns per delivery: {viewers} viewers hear {rate:.1} a second", contender.name());
    Ok(rate)
}

fn cell(viewers: u32, pace: PublishPace, stalls: &str) -> Cell {
    Cell {
        name: format!("{viewers} viewers, {SIZE} bytes, {stalls}"),
        group: Group::Isolation,
        viewers,
        rooms: 1,
        size: SIZE,
        pace,
        contenders: OURS.to_vec(),
        metrics: vec![Metric::P99, Metric::CpuPerDelivery],
    }
}

impl Cells {
    fn at(viewers: u32, rate: f64) -> Self {
        let of = |stalls: &str| cell(viewers, PublishPace::Rate(rate), &format!("{rate:.1} a second, {stalls}"));
        Self { calm: of("none stalls"), stalled: of(&format!("{} stall", viewers / ONE_OF)) }
    }
}

/// Measures all blocks of a contender, in one server process.
fn blocks(bed: &Bed<'_>, journal: &mut RunJournal, contender: Contender, cells: &Cells) -> Result<Vec<Block>, Failure> {
    let server = bed.serve(contender)?;
    let idle_files = process::open_files(server.process())?;
    let mut blocks = Vec::new();
    for pair in 0..bed.plan.rounds {
        for (cell, stalled) in [(&cells.calm, 0), (&cells.stalled, cells.stalled.viewers / ONE_OF)] {
            let share = if stalled == 0 { 0.0 } else { f64::from(ONE_OF).recip() }.to_string();
            let (begin, pid) = (Instant::now(), server.process());
            let load = || bed.load(&server, contender, cell, &["--stalled", &share]);
            let (outcome, glances) = watch::during(LOOK, || glance(pid, begin), load);
            journal.note(pair, cell, contender, outcome);
            let block =
                Block { contender, pair, stalled, stay: StalledStay::of(&glances?, stalled, &in_time(contender)) };
            println!("  {}", shown(&block));
            blocks.push(block);
            rest(&server, idle_files)?;
        }
    }
    Ok(blocks)
}

fn glance(pid: u32, begin: Instant) -> Result<Glance, Failure> {
    Ok(Glance {
        at: begin.elapsed(),
        rss_bytes: process::rss(pid)?,
        files: process::open_files(pid)?,
        closed_windows: process::closed_windows(),
    })
}

/// Waits until the server has no connections: a block must not find those of the one before.
fn rest(server: &Server, idle_files: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + REST;
    while process::open_files(server.process())? > idle_files {
        if Instant::now() > deadline {
            return Err(Failure::new(format!("the server holds connections {REST:?} after their peers have gone")));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

fn shown(Block { contender, stalled, stay, .. }: &Block) -> String {
    let memory = format!("server RSS {} KiB at most", stay.rss_peak_bytes / 1024);
    if *stalled == 0 {
        return memory;
    }
    let seconds = |spread: Option<Spread>| {
        spread.map_or_else(|| "-".into(), |spread| format!("{:.1} to {:.1} s", spread.least, spread.most))
    };
    let (closed, out) = (seconds(stay.closed_seconds), seconds(stay.out_seconds));
    let untimely = stay.untimely.map_or_else(|| "unknown".into(), |untimely| untimely.to_string());
    if let Some(windows) = stay.closed_windows.filter(|windows| *windows > u64::from(*stalled)) {
        return format!(
            "{memory}; times unknown: {windows} windows closed, so others than the {stalled} stalled ones too"
        );
    }
    let range = in_time(*contender);
    let (from, until) = (range.start().as_secs(), range.end().as_secs());
    format!(
        "{memory}; windows closed {closed} after all had joined, out {out} after that; not within {from} to {until} s: \
         {untimely}"
    )
}
