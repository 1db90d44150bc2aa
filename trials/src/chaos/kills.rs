//! Servers that are killed again and again while an owner publishes. Every acknowledged message is in the next one,
//! once. All clients come back to it and resume, or are told what the history has dropped. Must not know how frames are
//! made.

mod report;

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::lives::room::{self, Room};
use super::lives::viewer::Return;
use super::lives::{Keeping, ServerSuccession};
use super::{Given, KILL_RATE};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;

/// The time from when a server is ready until it is killed, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 200..1_000;

/// One server in so many is followed by one that is killed while it starts.
const MISCARRIAGE_IN: u64 = 10;

/// The time after which that one is killed, in microseconds.
const MISCARRIAGE_MICROS: std::ops::Range<u64> = 1_000..60_000;

/// The time until a viewer that found no server tries again, in milliseconds.
const RETRY_MS: std::ops::Range<u64> = 5..25;

/// The most time of everything besides the kills, and of each of those.
const PATIENCE: Duration = Duration::from_secs(300);
const KILL: Duration = Duration::from_secs(5);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// kills: how many servers
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    kills: u32,
    /// kills: how many viewers
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    kill_viewers: u32,
    /// kills: the most messages of the history; a viewer that misses more must get `reset` [default: no limit]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    history_messages: Option<u64>,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    rate: u32,
    kills: u32,
    keeping: Keeping,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let Options { kills, kill_viewers: viewers, history_messages: history_messages_max } = *options;
        let keeping = Keeping { ack: given.ack, history_messages_max };
        vec![Self { seed: given.seed, viewers, rate: given.rate * KILL_RATE, kills, keeping }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    let mut random = Random::new(plan.seed, 0);
    let Plan { seed, viewers, rate, kills, keeping } = plan;
    let mut lineage = ServerSuccession::begin("kills", keeping, &mut random)?;
    let (returns, is_timed, limit) = (Return::AtRandom, false, PATIENCE + KILL * kills);
    let room = room::Plan { seed, viewers, rate, returns, retry_ms: RETRY_MS, is_timed, limit };
    let mut room = Room::open(lineage.lives(), room)?;
    room.joined()?;
    room.begin();
    let mut miscarriages = 0;
    for _ in 0..kills {
        thread::sleep(Duration::from_millis(random.within(LIFE_MS)));
        lineage.kill()?;
        if random.one_in(MISCARRIAGE_IN) {
            miscarriages += 1;
            lineage.miscarry(Duration::from_micros(random.within(MISCARRIAGE_MICROS)))?;
        }
        lineage.succeed()?;
    }
    let past = room.finish()?;
    lineage.stop()?;
    Ok(Findings::new(plan, past, &lineage.lives().begun(), miscarriages, started.elapsed()))
}
