//! `cargo xtask chaos`: the promises of version 2 under cuts, lags, takeovers, joins and kills at random moments, when
//! the server is replaced or has a thousand rooms, and for the figures that owners get of their viewers. Must not know
//! how a scenario works.

mod audience;
mod blinks;
mod clients;
mod cluster;
mod cuts;
mod dark;
mod drains;
mod files;
mod graces;
mod herd;
mod joins;
mod kills;
mod lives;
mod model_feed;
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

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::load::{optimized, server_program};
use crate::scenario::{Scenario, run_all};
use crate::steps::{Failure, Steps};
pub(crate) use herd::be_a_herd;
use lives::Ack;
pub(crate) use takeovers::be_an_owner;

/// Without --only all scenarios run, one after the other, except those that need to be named
#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Which scenario; may be repeated
    #[arg(long)]
    only: Vec<ScenarioName>,
    /// The seed of all random choices and contents [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// cuts, lags, kills, remote: how many messages a second; four times as many for viewers that lag, eight times with kills
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// kills, drains, restarts, graces: the --ack level of the server
    #[arg(long, value_enum, default_value_t)]
    ack: Ack,
    #[command(flatten)]
    cuts: cuts::Options,
    #[command(flatten)]
    takeovers: takeovers::Options,
    #[command(flatten)]
    joins: joins::Options,
    #[command(flatten)]
    kills: kills::Options,
    #[command(flatten)]
    restarts: restarts::Options,
    #[command(flatten)]
    drains: drains::Options,
    #[command(flatten)]
    votes: votes::Options,
    #[command(flatten)]
    audience: audience::Options,
    #[command(flatten)]
    remote: remote::Options,
    #[command(flatten)]
    graces: graces::Options,
    #[command(flatten)]
    blinks: blinks::Options,
    #[command(flatten)]
    outages: outages::Options,
    #[command(flatten)]
    dark: dark::Options,
    #[command(flatten)]
    revotes: revotes::Options,
    #[command(flatten)]
    cluster: cluster::Options,
    /// blinks, wakes, stampedes, dark, slow: by a build that is not optimized, as `cargo xtask test` makes it; for few viewers
    #[arg(long)]
    brief: bool,
}

/// The scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScenarioName {
    /// Viewers are cut every 1 to 3 s in four ways and come back with their cursor
    Cuts,
    /// The same with a fifth of the viewers and four times the rate, and viewers that read nothing for up to 12 s
    Lags,
    /// One room changes its owner again and again while the old one publishes
    Takeovers,
    /// Joins at random moments get the fold of all messages up to their number
    Joins,
    /// A server that keeps its rooms is killed again and again, while its owner publishes, and started again at once
    Kills,
    /// A server with a thousand rooms is stopped or killed, and the next one has all of them within two seconds
    Restarts,
    /// A server that keeps its rooms is replaced while thousands watch, and all come back to the next one
    Drains,
    /// Thousands of viewers vote twice: the owner gets a handful of frames and exact totals
    Votes,
    /// The figures that an owner gets of its viewers against the truth, while viewers join, stop reading, read on and
    /// leave
    Audience,
    /// The library's own clients over connections that are cut, servers that are killed, and a room that changes its owner
    Remote,
    /// Servers are stopped or killed, the next start comes after 1 s or 60 s, and no room is lost; not without --only
    Graces,
    /// Backups of a data directory are restored in all ways: a viewer that saw something else is reset, every other one
    /// is resumed; not without --only
    Restores,
    /// Viewers that are each off for 2 s in every 15 s: all is delivered, and missed messages arrive soon; not without
    /// --only
    Blinks,
    /// Viewers of one address wake up at one moment, or their access point is back; not without --only
    Wakes,
    /// All viewers are cut at one moment, and then while the server answers with 503; not without --only
    Stampedes,
    /// Paths of owners and viewers go dark and keep their sockets: how soon each client notices, and whether rooms
    /// live; not without --only
    Dark,
    /// Viewers and owners on a link of 4 KB/s, which is slow and not dead; not without --only
    Slow,
    /// Voters are cut, reload, open second tabs and outlive killed servers, and each is counted once; not without --only
    Revotes,
    /// Three nodes in a cluster of three NATS servers, which are killed, stopped, emptied and cut off while the owner moves
    /// between nodes; not without --only
    Cluster,
}

impl ScenarioName {
    /// Returns whether it runs only if it is named: it takes many minutes, or tools that not every machine has.
    fn is_on_demand(self) -> bool {
        use ScenarioName::{Blinks, Cluster, Dark, Graces, Restores, Revotes, Slow, Stampedes, Wakes};
        matches!(self, Graces | Restores | Blinks | Wakes | Stampedes | Dark | Slow | Revotes | Cluster)
    }
}

/// The factor of the message rate where servers are killed: some messages must be on their way at each kill.
const KILL_RATE: u32 = 8;

/// The arguments of every scenario besides its own flags.
#[derive(Debug, Clone, Copy)]
struct Given {
    seed: u64,
    rate: u32,
    ack: Ack,
}

/// Runs and prints every scenario, also after a failure, by an optimized build of this program.
pub(crate) fn run(options: &Chaos, steps: &mut Steps) -> Result<(), Failure> {
    if options.brief {
        server_program(steps)?;
    } else if let Some(outcome) = optimized(steps) {
        return outcome;
    }
    let given = Given { seed: options.seed.unwrap_or_else(clock), rate: options.rate, ack: options.ack };
    let mut all = Ok(());
    for name in ScenarioName::value_variants() {
        let is_meant = if options.only.is_empty() { !name.is_on_demand() } else { options.only.contains(name) };
        if !is_meant {
            continue;
        }
        match play(*name, options, given, steps) {
            Ok(()) => steps.pass(),
            Err(failure) => all = Err(failure),
        }
    }
    all
}

/// Runs one scenario.
fn play(name: ScenarioName, options: &Chaos, given: Given, steps: &mut Steps) -> Result<(), Failure> {
    match name {
        ScenarioName::Cuts => run_each::<cuts::Plan>(&options.cuts, given, steps),
        ScenarioName::Lags => run_each::<cuts::Lags>(&options.cuts, given, steps),
        ScenarioName::Takeovers => run_each::<takeovers::Plan>(&options.takeovers, given, steps),
        ScenarioName::Joins => run_each::<joins::Plan>(&options.joins, given, steps),
        ScenarioName::Kills => run_each::<kills::Plan>(&options.kills, given, steps),
        ScenarioName::Restarts => run_each::<restarts::Plan>(&options.restarts, given, steps),
        ScenarioName::Drains => run_each::<drains::Plan>(&options.drains, given, steps),
        ScenarioName::Votes => run_each::<votes::Plan>(&options.votes, given, steps),
        ScenarioName::Audience => run_each::<audience::Plan>(&options.audience, given, steps),
        ScenarioName::Remote => run_each::<remote::Plan>(&options.remote, given, steps),
        ScenarioName::Graces => run_each::<graces::Plan>(&options.graces, given, steps),
        ScenarioName::Restores => run_each::<restores::Plan>(&(), given, steps),
        ScenarioName::Blinks => run_each::<blinks::Plan>(&options.blinks, given, steps),
        ScenarioName::Wakes => run_each::<outages::Wakes>(&options.outages, given, steps),
        ScenarioName::Stampedes => run_each::<outages::Stampedes>(&options.outages, given, steps),
        ScenarioName::Dark => run_each::<dark::Plan>(&options.dark, given, steps),
        ScenarioName::Slow => run_each::<slow::Plan>(&(), given, steps),
        ScenarioName::Revotes => run_each::<revotes::Plan>(&options.revotes, given, steps),
        ScenarioName::Cluster => run_each::<cluster::Plan>(&options.cluster, given, steps),
    }
}

/// Makes all runs of a scenario, and prints how each ended and the seed that repeats it.
fn run_each<S: Scenario<Given = Given>>(options: &S::Options, given: Given, steps: &mut Steps) -> Result<(), Failure> {
    run_all::<S>(options, given, steps, |outcome, _| match outcome {
        Ok(()) => println!("  ok"),
        Err(failure) => println!("  FAILED: {failure} (seed {})", given.seed),
    })
}

/// Returns a new seed.
fn clock() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_secs() << 20 | u64::from(time.subsec_micros())
}
