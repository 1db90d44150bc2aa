//! `cargo xtask chaos`: what version 2 of the protocol promises, under cuts, lags, takeovers, joins and kills at random
//! moments, when the server is replaced or has a thousand rooms, and what it tells owners of their viewers. Must not know
//! how a scenario works.

mod audience;
mod blinks;
mod clients;
mod cuts;
mod dark;
mod drains;
mod ears;
mod files;
mod graces;
mod herd;
mod joins;
mod kills;
mod lives;
mod outages;
mod patience;
mod relay;
mod remote;
mod restarts;
mod restores;
mod revotes;
mod slow;
mod speaker;
mod takeovers;
mod times;
mod votes;
mod witness;

use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::load::{optimized, server_program};
use crate::steps::{Failure, Steps};
pub(crate) use herd::be_a_herd;
use lives::viewer::Return;
use lives::{Ack, Keeping};
pub(crate) use takeovers::be_an_owner;

/// Without --only all scenarios run, one after the other, but those that say otherwise.
#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Which scenario; may be repeated
    #[arg(long)]
    only: Vec<Scenario>,
    /// What decides all chance and all contents [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// cuts, lags: how many viewers; a fifth of them lags
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    viewers: u32,
    /// cuts, lags, kills, remote: how many messages a second; four times as many for viewers that lag, eight times with kills
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// cuts, lags: how long messages are said
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// takeovers: how many
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    takeovers: u32,
    /// joins: how many
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
    joins: u32,
    /// kills: how many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    kills: u32,
    /// kills: how many viewers
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    kill_viewers: u32,
    /// kills, drains, restarts, graces: what a message survives when it is acknowledged
    #[arg(long, value_enum, default_value_t)]
    ack: Ack,
    /// kills: the most messages of the history; whoever misses more must be told `reset` [default: no limit]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    history_messages: Option<u64>,
    /// restarts: how many rooms; each needs two open files here and two in the server
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=9_000))]
    restart_rooms: u32,
    /// restarts: how often each number of messages and each way to end
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    restarts: u32,
    /// drains: how many viewers; each needs an open file here and one in the server
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=18_000))]
    drain_viewers: u32,
    /// drains: viewers come back when the server has advised it, and not at once
    #[arg(long)]
    obey: bool,
    /// votes: how many viewers vote; each needs an open file here and one in the server
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=18_000))]
    voters: u32,
    /// audience: how many viewers come and go
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    audience_viewers: u32,
    /// audience: how often they move and rest
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    audience_rounds: u32,
    /// remote: how many cuts
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    cuts: u32,
    /// remote: how many servers are killed meanwhile
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=1_000))]
    remote_kills: u32,
    /// remote: how often the room changes its owner meanwhile
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=1_000))]
    remote_takeovers: u32,
    /// remote: how many viewers
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=500))]
    remote_viewers: u32,
    /// graces: how many servers are stopped or killed
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    grace_stops: u32,
    #[command(flatten)]
    blinks: blinks::Options,
    #[command(flatten)]
    outages: outages::Options,
    #[command(flatten)]
    dark: dark::Options,
    #[command(flatten)]
    revotes: revotes::Options,
    /// blinks, wakes, stampedes, dark, slow: by a build that is not optimized, as `cargo xtask test` makes it; for few viewers
    #[arg(long)]
    brief: bool,
}

/// What can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Viewers are cut every 1 to 3 s in four ways and come back with their cursor
    Cuts,
    /// The same with a fifth of the viewers and four times the rate, and viewers that read nothing for up to 12 s
    Lags,
    /// One room changes its owner again and again while the old one speaks
    Takeovers,
    /// Joins at random moments get the fold of what was said up to their number
    Joins,
    /// A server that keeps its rooms is killed again and again, while its owner speaks, and started again at once
    Kills,
    /// A server with a thousand rooms is stopped or killed, and the next one has all of them within two seconds
    Restarts,
    /// A server that keeps its rooms is replaced while thousands watch, and all come back to the next one
    Drains,
    /// Thousands of viewers vote twice: the owner gets a handful of frames and exact totals
    Votes,
    /// What an owner is told of its viewers against the truth, while they come, stop reading, read on and go
    Audience,
    /// The library's own clients over connections that are cut, servers that are killed, and a room that changes its owner
    Remote,
    /// Servers are stopped or killed, the next start comes after 1 s or 60 s, and no room is lost; not without --only
    Graces,
    /// Backups of a data directory come back in all ways: who saw something else is reset, and all others are resumed; not without --only
    Restores,
    /// Viewers that are each off for 2 s in every 15 s: all is delivered, and what was said meanwhile is soon there; not without --only
    Blinks,
    /// Viewers of one address wake up at one moment, or their access point is back; not without --only
    Wakes,
    /// All viewers are cut at one moment, and then while the server answers with 503; not without --only
    Stampedes,
    /// Paths of owners and viewers go dark and keep their sockets: who notices when, and whether rooms live; not without --only
    Dark,
    /// Viewers and owners on a link of 4 KB/s, which is slow and not dead; not without --only
    Slow,
    /// Voters are cut, reload, open second tabs and outlive killed servers, and each is counted once; not without --only
    Revotes,
}

impl Scenario {
    /// Whether it runs only where it is named: it takes many minutes, and tools that not every machine has.
    fn is_on_demand(self) -> bool {
        matches!(self, Self::Graces | Self::Restores | Self::Blinks | Self::Wakes | Self::Stampedes | Self::Dark)
    }
}

/// One viewer of these lags where all of them are cut.
const LAG_VIEWERS: u32 = 5;

/// How many times faster messages are said to viewers that lag: they must be able to fall behind.
const LAG_RATE: u32 = 4;

/// How many times faster messages are said where servers are killed: some must be on their way when it comes.
const KILL_RATE: u32 = 8;

/// Has every scenario run and printed, whatever the first ones bring, by an optimized build of this program.
pub(crate) fn run(options: &Chaos, steps: &mut Steps) -> Result<(), Failure> {
    if options.brief {
        server_program(steps)?;
    } else if let Some(outcome) = optimized(steps) {
        return outcome;
    }
    let seed = options.seed.unwrap_or_else(clock);
    let mut all = Ok(());
    for scenario in Scenario::value_variants() {
        let is_meant = if options.only.is_empty() { !scenario.is_on_demand() } else { options.only.contains(scenario) };
        if !is_meant {
            continue;
        }
        match play(*scenario, options, seed, steps) {
            Ok(()) => steps.pass(),
            Err(failure) => {
                println!("  FAILED: {failure} (seed {seed})");
                all = Err(failure);
            }
        }
    }
    all
}

/// Runs one and prints what it has shown.
fn play(scenario: Scenario, options: &Chaos, seed: u64, steps: &mut Steps) -> Result<(), Failure> {
    let keeping = Keeping { ack: options.ack, history_messages_max: None };
    match scenario {
        Scenario::Cuts => {
            let Chaos { viewers, rate, seconds, .. } = *options;
            let report = cuts::measure(cuts::Plan { seed, viewers, rate, seconds, lags: false });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Lags => {
            let Chaos { viewers, rate, seconds, .. } = *options;
            let (viewers, rate) = (viewers / LAG_VIEWERS + 1, rate * LAG_RATE);
            let report = cuts::measure(cuts::Plan { seed, viewers, rate, seconds, lags: true });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Takeovers => {
            let report = takeovers::measure(takeovers::Plan { seed, takeovers: options.takeovers });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Joins => {
            let report = joins::measure(joins::Plan { seed, joins: options.joins });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Kills => {
            let Chaos { kill_viewers: viewers, rate, kills, .. } = *options;
            let rate = rate * KILL_RATE;
            let keeping = Keeping { history_messages_max: options.history_messages, ..keeping };
            let report = kills::measure(kills::Plan { seed, viewers, rate, kills, keeping });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Restarts => {
            let Chaos { restart_rooms: rooms, restarts, .. } = *options;
            let report = restarts::measure(restarts::Plan { seed, rooms, restarts, keeping });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Drains => {
            let returns = if options.obey { Return::AsAdvised } else { Return::AtOnce };
            let report = drains::measure(drains::Plan { seed, viewers: options.drain_viewers, returns, keeping });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Votes => {
            let report = votes::measure(votes::Plan { seed, voters: options.voters });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Audience => {
            let Chaos { audience_viewers: viewers, audience_rounds: rounds, .. } = *options;
            let report = audience::measure(audience::Plan { seed, viewers, rounds });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Remote => {
            let Chaos { remote_viewers: viewers, rate, cuts, remote_kills: kills, .. } = *options;
            let (rate, takeovers) = (rate * KILL_RATE, options.remote_takeovers);
            let report = remote::measure(remote::Plan { seed, viewers, rate, cuts, kills, takeovers });
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Restores => {
            let report = restores::measure(restores::Plan { seed }, steps);
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Blinks => each(options.blinks.plans(seed), |plan| {
            let report = blinks::measure(plan, steps)?;
            told(&report, report.verdict())
        }),
        Scenario::Wakes => each(options.outages.wakes(seed), |plan| {
            let report = outages::measure(plan, steps)?;
            told(&report, report.verdict())
        }),
        Scenario::Stampedes => each(options.outages.stampedes(seed), |plan| {
            let report = outages::measure(plan, steps)?;
            told(&report, report.verdict())
        }),
        Scenario::Revotes => {
            let report = revotes::measure(options.revotes.plan(seed));
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Slow => {
            let report = slow::measure(steps);
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Dark => {
            let report = dark::measure(dark::Plan { seed, options: options.dark.clone() }, steps);
            report.and_then(|report| told(&report, report.verdict()))
        }
        Scenario::Graces => {
            let report = graces::measure(graces::Plan { seed, stops: options.grace_stops, ack: options.ack });
            report.and_then(|report| told(&report, report.verdict()))
        }
    }
}

/// Runs all of these, whatever the first ones bring.
fn each<P>(plans: Vec<P>, mut run: impl FnMut(P) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut all = Ok(());
    for plan in plans {
        let outcome = run(plan);
        if let Err(failure) = &outcome {
            println!("  FAILED: {failure}");
        }
        all = all.and(outcome);
    }
    all
}

/// Prints a report and passes its verdict on.
fn told(report: &impl Display, verdict: Result<(), Failure>) -> Result<(), Failure> {
    println!("{report}");
    if verdict.is_ok() {
        println!("  ok");
    }
    verdict
}

/// A seed that was not there before.
fn clock() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_secs() << 20 | u64::from(time.subsec_micros())
}
