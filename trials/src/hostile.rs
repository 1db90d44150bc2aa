//! `cargo xtask hostile`: the server under attack, beside an owner and viewers that behave. Must not know how an attack
//! works.

mod attack;
mod corpus;
mod memory;
mod mutation;
mod plain;
mod report;
mod sources;
mod target;
mod watch;
mod witnesses;

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::load::{on_a_thread, optimized, outcome, server_program};
use crate::report::Report;
use crate::scenario::{Scenario, run_all};
use crate::steps::{Failure, Steps};
use attack::{Attack, Plan};
use report::{AttackFindings, Findings};
use target::{AttackedServer, RoomStore};
use watch::PeakWatch;
use witnesses::Witnesses;

/// Below this scale an attack is short and any build will do: it only has to work.
const FULL_FROM: f64 = 0.1;

/// The most time of one attack.
const PATIENCE: Duration = Duration::from_secs(600);

/// Without --only all attacks are made, one after the other.
#[derive(Debug, Clone, Args)]
pub(crate) struct Hostile {
    /// Which attack; may be repeated
    #[arg(long)]
    only: Vec<Attack>,
    /// The scale of each attack; 1 is a million frames, and needs `ulimit -n 20000`
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Keep rooms in memory only: without the writes of a store a leak shows sooner
    #[arg(long)]
    in_memory: bool,
    /// The seed of all random choices [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
}

/// Makes the attacks and prints the findings.
pub(crate) fn run(options: &Hostile, steps: &mut Steps) -> Result<(), Failure> {
    if !(0.0..=10.0).contains(&options.scale) {
        return Err(Failure::new("--scale is above 0 and at most 10"));
    }
    if options.scale >= FULL_FROM
        && let Some(outcome) = optimized(steps)
    {
        return outcome;
    }
    run_all::<Attacks>(options, (), steps, |outcome, steps| {
        if outcome.is_ok() {
            steps.pass();
        }
    })
}

/// All attacks that are asked for, on one server.
struct Attacks(Hostile);

impl Scenario for Attacks {
    type Options = Hostile;
    type Given = ();

    fn plans(options: &Hostile, (): ()) -> Vec<Self> {
        vec![Self(options.clone())]
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(&self.0, steps).map(Report::from)
    }
}

fn measure(options: &Hostile, steps: &mut Steps) -> Result<Findings, Failure> {
    let program = server_program(steps)?;
    let seed = options.seed.unwrap_or_else(clock);
    println!("seed {seed}, scale {}", options.scale);
    let store = if options.in_memory { RoomStore::Memory } else { RoomStore::Disk };
    let target = AttackedServer::start(&program, options.scale, store)?;
    let witnesses = Witnesses::start(target.address())?;
    let plan = || Plan {
        address: target.address(),
        room: witnesses.room().into(),
        seed,
        scale: options.scale,
        stall: target.stall(),
        plain_max: target.plain_max(),
    };
    let attacks = Attack::all().filter(|attack| options.only.is_empty() || options.only.contains(attack));
    let attacks: Vec<_> = attacks.collect();
    // Once before the measurements: the allocator keeps for good the memory of an attack's peak, and only the growth at
    // its second run is a leak.
    let mut warming = Vec::new();
    for &attack in &attacks {
        let plan = plan();
        warming.push(on_a_thread(PATIENCE, move || attack.make(plan)));
        // Short ones all at once.
        if options.scale >= FULL_FROM {
            warming.drain(..).try_for_each(|attack| outcome(attack).map(drop))?;
        }
    }
    warming.into_iter().try_for_each(|attack| outcome(attack).map(drop))?;
    // Thousands of rooms of former attackers wait for their owners; no other attack may find them.
    thread::sleep(target.grace());
    let first = target.settled(None)?;
    let mut rows = Vec::new();
    for &attack in &attacks {
        let before = target.settled(None)?;
        witnesses.take()?;
        let (plan, started) = (plan(), Instant::now());
        let watch = PeakWatch::begin(target.process(), store);
        let made = outcome(on_a_thread(PATIENCE, move || attack.make(plan)));
        let (time, peak) = (started.elapsed(), watch.end());
        let (made, peak) = (made?, peak?);
        let after = target.settled(Some(before))?;
        let row = AttackFindings { attack, made, time, before, peak, after, heard: witnesses.take()? };
        println!("{row}");
        rows.push(row);
    }
    let last = target.settled(Some(first))?;
    let log = target.log()?;
    witnesses.end()?;
    target.stop()?;
    Ok(Findings { rows, first, last, log })
}

/// Returns a new seed.
fn clock() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_secs() << 20 | u64::from(time.subsec_micros())
}
