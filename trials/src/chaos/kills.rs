//! Servers that are killed again and again while an owner speaks: what was acknowledged is there in the next one, once,
//! and everybody comes back to it as if nothing had been, or is told what the history has forgotten. Must not know how frames
//! are made.

mod report;

use std::thread;
use std::time::{Duration, Instant};

use super::lives::room::{self, Room};
use super::lives::viewer::Return;
use super::lives::{Keeping, Lineage};
use crate::random::Random;
use crate::steps::Failure;
pub(super) use report::Report;

/// How long a server lives from when it is ready, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 200..1_000;

/// One server in so many is followed by one that is killed while it starts.
const MISCARRIAGE_IN: u64 = 10;

/// How long that one lives, in microseconds.
const MISCARRIAGE_MICROS: std::ops::Range<u64> = 1_000..60_000;

/// How long it takes until a viewer that found no server tries again, in milliseconds.
const RETRY_MS: std::ops::Range<u64> = 5..25;

/// How long everything may take besides the kills, and how long each of those may take.
const PATIENCE: Duration = Duration::from_secs(300);
const KILL: Duration = Duration::from_secs(5);

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) viewers: u32,
    pub(super) rate: u32,
    pub(super) kills: u32,
    pub(super) keeping: Keeping,
}

/// Runs it.
pub(super) fn measure(plan: Plan) -> Result<Report, Failure> {
    let started = Instant::now();
    let mut random = Random::new(plan.seed, 0);
    let Plan { seed, viewers, rate, kills, keeping } = plan;
    let mut lineage = Lineage::begin("kills", keeping, &mut random)?;
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
    Ok(Report::new(plan, past, &lineage.lives().begun(), miscarriages, started.elapsed()))
}
