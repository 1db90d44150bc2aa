//! A server that is replaced while many viewers are connected: all of them come back to the next one, at once or as
//! advised, and the viewers of another room hardly notice. Must not know how frames are made.

mod report;
mod window;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::Given;
use super::lives::room::{self, Room};
use super::lives::viewer::Return;
use super::lives::{Keeping, ServerSuccession};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;
use window::Windows;

/// The messages a second in the room with many viewers.
const RATE: u32 = 5;

/// The number of viewers in the other room, and its messages a second.
const WITNESSES: u32 = 10;
const WITNESS_RATE: u32 = 50;

/// The quiet time before the server is asked to end, and after all viewers are back.
const QUIET: Duration = Duration::from_secs(5);

/// The time until a viewer whose connection was refused tries again, in milliseconds.
const RETRY_MS: std::ops::Range<u64> = 50..150;

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(300);

/// The number of files that this program and the server need besides one for each viewer.
const OTHER_FILES: u64 = 200;

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// drains: how many viewers; each needs an open file here and one in the server
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=18_000))]
    drain_viewers: u32,
    /// drains: viewers come back when the server has advised it, and not at once
    #[arg(long)]
    obey: bool,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    returns: Return,
    keeping: Keeping,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let returns = if options.obey { Return::AsAdvised } else { Return::AtOnce };
        vec![Self { seed: given.seed, viewers: options.drain_viewers, returns, keeping: given.ack.into() }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let files = open_files_max()?;
    if files < u64::from(plan.viewers) + OTHER_FILES {
        let needed = u64::from(plan.viewers) + OTHER_FILES;
        return Err(Failure::new(format!("{files} files may be open, {needed} are needed: ulimit -n {needed}")));
    }
    let started = Instant::now();
    let Plan { seed, viewers, returns, keeping } = plan;
    let mut lineage = ServerSuccession::begin("drains", keeping, &mut Random::new(seed, 0))?;
    let many = room::Plan { seed, viewers, rate: RATE, returns, retry_ms: RETRY_MS, is_timed: false, limit: LIMIT };
    // The other room is to be measured, so its viewers are never away for long.
    let returns = Return::AtOnce;
    let few =
        room::Plan { seed: !seed, viewers: WITNESSES, rate: WITNESS_RATE, returns, is_timed: true, ..many.clone() };
    let (mut many, mut few) = (Room::open(lineage.lives(), many)?, Room::open(lineage.lives(), few)?);
    many.joined()?;
    few.joined()?;
    many.begin();
    few.begin();
    thread::sleep(QUIET);
    let mut windows = Windows { asked: few.record().read().acked, ..Windows::default() };
    let ending = lineage.stop()?;
    lineage.succeed()?;
    let ready = lineage.lives().begun().last().map_or(Duration::ZERO, Instant::elapsed);
    few.await_back();
    windows.witnesses_back = few.record().read().last();
    many.await_back();
    windows.all_back = few.record().read().last();
    thread::sleep(QUIET);
    windows.end = few.record().read().last();
    let many = many.finish()?;
    windows.ended = few.record().read().last();
    let few = few.finish()?;
    lineage.stop()?;
    let begun = *lineage.lives().begun().last().expect("one was started");
    Ok(Findings { plan, many, few, windows, ending, begun, ready, time: started.elapsed() })
}

/// Returns how many files this process, and those that it starts, may have open.
fn open_files_max() -> Result<u64, Failure> {
    let path = "/proc/self/limits";
    let limits = fs::read_to_string(path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // The only other value is `unlimited`.
    Ok(soft.and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX))
}
