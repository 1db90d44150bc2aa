//! `cargo xtask bench`: the cost of a delivery, a join and an idle viewer, side by side with the floor and with others,
//! in interleaved rounds. Must not know how a server is started or how figures are compared.

mod alone;
mod balance;
mod cell;
mod claim;
mod contender;
mod figures;
mod instructions;
mod isolation;
mod journal;
mod logs;
mod overload;
mod run;
mod statistics;
mod summary;
mod table;
mod watch;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::load::release;
use crate::report::Report;
use crate::scenario::{Scenario, run_all};
use crate::steps::{Failure, Steps, command};
use cell::Plan;
use contender::{Contender, Relays};
use journal::RunJournal;
use run::{Bed, Cores};
use summary::Summary;

/// The plan of --quick: too short for any figure, only to see whether everything works.
const QUICK_ROUNDS: u32 = 1;
const QUICK_SECONDS: u32 = 1;
const QUICK_VIEWERS: u32 = 300;

/// The number of viewers under overload. The more viewers, the lower is the rate of ten times the lanes' capacity,
/// which the load generator's core publishes besides reading everything. With 2 000 viewers the publisher alone needs a
/// third of the core, with 5 000 a fifth, and all of it is used; with 15 000 a twelfth, and 70 to 80 % is used.
const OVERLOAD_VIEWERS: u32 = 15_000;

/// Each round measures every server in every cell, each time a new process on a core of its own.
#[derive(Debug, Clone, Args)]
pub(crate) struct Bench {
    /// How often everything is measured; isolation: how many pairs of blocks [default: 7, isolation 5, logs 3, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// How long each measurement takes, besides joins and a second before [default: 5, isolation 20, overload 60, with
    /// --quick 1, isolation 15]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// fanout, latency: how many viewers [default: 1000,10000, with --quick 300]; isolation, balance: only the first
    /// number counts [default: 2000 and 4000, with --quick 300]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=20_000))]
    viewers: Vec<u32>,
    /// fanout, sizes: how many messages the owner keeps in flight [default: 1,16]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1_000))]
    windows: Vec<u32>,
    /// fanout: how many bytes of parameters a message has [default: 512]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(24..=60_000))]
    sizes: Vec<u32>,
    /// joins: how many viewers join and then get nothing [default: 10000,18000, with --quick 500]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=60_000))]
    idle: Vec<u32>,
    /// Which cells; may be repeated [default: all but isolation, balance, logs and overload, with --quick not sizes either]
    #[arg(long)]
    only: Vec<Group>,
    /// One round of small cells, in about a minute: to see whether everything works
    #[arg(long)]
    quick: bool,
    /// Write everything that was measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Instead of all this: count the instructions of the pure parts, and fail over +5 % of the baseline
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "viewers", "windows", "sizes", "idle", "only", "quick", "json"])]
    instructions: bool,
    /// With --instructions: make these counts the new baseline
    #[arg(long, requires = "instructions")]
    accept: bool,
}

/// What to do with counts of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Baseline {
    Compare,
    Accept,
}

/// Cells that show the same figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// CPU per delivery, by viewers and window
    Fanout,
    /// CPU per delivery of messages of 64 bytes and 16 KiB
    Sizes,
    /// CPU per delivery of many small rooms against few large ones
    Rooms,
    /// Latency at half of what the floor's core can do
    Latency,
    /// CPU per join, and memory of idle viewers and rooms
    Joins,
    /// What viewers that stop reading cost the others and the server; only if asked for, and alone
    Isolation,
    /// How evenly one room's work is spread over the server's threads; only if asked for, and alone
    Balance,
    /// What rooms cost whose logs are on disk or in NATS, beside memory; only if asked for, and alone
    Logs,
    /// Ages, memory and loss when an owner publishes ten times what the lanes carry; only if asked for
    Overload,
}

impl Group {
    /// Returns whether it is a measurement of its own, which needs no other server.
    fn is_alone(self) -> bool {
        matches!(self, Self::Isolation | Self::Balance | Self::Logs)
    }
}

impl Bench {
    /// Returns the plan of these options, with the defaults filled in.
    fn plan(&self) -> Plan {
        let quick = |quick: u32, full: u32| if self.quick { quick } else { full };
        let or = |given: &[u32], default: &[u32]| if given.is_empty() { default } else { given }.to_vec();
        let is_rare = |group: Group| group.is_alone() || group == Group::Overload;
        let is_default = |group: &Group| !(is_rare(*group) || self.quick && *group == Group::Sizes);
        let all = Group::value_variants().iter().copied().filter(is_default).collect();
        Plan {
            rounds: self.rounds.unwrap_or(quick(QUICK_ROUNDS, 7)),
            seconds: self.seconds.unwrap_or(quick(QUICK_SECONDS, 5)),
            viewers: or(&self.viewers, if self.quick { &[QUICK_VIEWERS] } else { &[1_000, 10_000] }),
            windows: or(&self.windows, &[1, 16]),
            sizes: or(&self.sizes, &[512]),
            idle: or(&self.idle, if self.quick { &[500] } else { &[10_000, 18_000] }),
            rooms: if self.quick { [3, 30] } else { [10, 1_000] },
            per_few: quick(100, 1_000),
            idle_rooms: quick(200, 5_000),
            overload_viewers: OVERLOAD_VIEWERS,
            overload_seconds: self.seconds.unwrap_or(quick(QUICK_SECONDS, 60)),
            groups: if self.only.is_empty() { all } else { self.only.clone() },
        }
    }
}

/// Runs the measurements that are asked for, and prints them.
pub(crate) fn run(options: &Bench, steps: &mut Steps) -> Result<(), Failure> {
    run_all::<Measurement>(options, (), steps, |_, _| ())
}

/// All measurements of one command line.
struct Measurement(Bench);

impl Scenario for Measurement {
    type Options = Bench;
    type Given = ();

    fn plans(options: &Bench, (): ()) -> Vec<Self> {
        vec![Self(options.clone())]
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(&self.0, steps)
    }
}

/// Measures every cell in every round, also after a failure.
fn measure(options: &Bench, steps: &mut Steps) -> Result<Report, Failure> {
    if options.instructions {
        let wish = if options.accept { Baseline::Accept } else { Baseline::Compare };
        return instructions::run(wish, steps);
    }
    let is_alone = options.only.iter().any(|group| group.is_alone());
    if is_alone && options.only.len() > 1 {
        return Err(Failure::new("isolation, balance and logs are measured alone: give no other --only"));
    }
    // Built one after the other: in one build the server would get the features that only the relays ask for.
    steps.run(&mut command("cargo", "build --release --package rtbroadcaster-server"))?;
    match options.only[..] {
        [Group::Isolation] => return isolation::run(options, steps),
        [Group::Balance] => return balance::run(options, steps),
        [Group::Logs] => return logs::run(options, steps),
        _ => {}
    }
    steps.run(&mut command("cargo", "build --release --package rtbroadcaster-relays"))?;
    let relays = Relays::install(steps);
    let (plan, cores) = (options.plan(), Cores::of_this_machine());
    let bed = Bed { plan: &plan, relays: &relays, cores, generator: &release("rtbroadcaster") };
    let mut journal = RunJournal::begin(&plan, cores);
    let cells = plan.cells(|cell| bed.measure(Contender::Floor, cell))?;
    for round in 0..plan.rounds {
        // Cells that are compared are measured next to each other: the load of the machine changes within seconds.
        for together in cells.chunk_by(|one, other| one.group == Group::Rooms && other.group == Group::Rooms) {
            let contenders = contender::in_turn(&together[0].contenders, round);
            for contender in contenders.filter(|contender| relays.has(*contender)) {
                for cell in together {
                    let outcome = match cell.group {
                        Group::Overload => overload::measure(&bed, contender, cell),
                        _ => bed.measure(contender, cell),
                    };
                    journal.note(round, cell, contender, outcome);
                }
            }
        }
    }
    steps.pass();
    let summary = Summary::of(&journal, &cells);
    let written = options.json.as_ref().map_or(Ok(()), |path| journal.write(&summary, path));
    Ok(Report::from(summary).unless(written))
}
