//! Paths that go dark: a relay stops forwarding in one direction or in both, keeps its sockets open, and carries new
//! connections. Reports when each client notices, when it is back, whether its room lived, and what was lost. Must not
//! know frames.

mod log;
mod report;
mod trial;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Given;
use super::clients::ClientKind;
use super::relay::Dark;
use crate::load::server::Server;
use crate::load::{built, on_a_thread, outcome};
use crate::node;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;
use trial::{DarkTrial, Role};

/// The least time until a path goes dark after all are in: by then the server has told an owner that it sends `alive`
/// more often to a room with viewers. At most it takes the time between two heartbeats more, so that it happens at any
/// moment of them.
const AFTER: Duration = Duration::from_secs(7);

/// The time between the beginnings of two trials: at once they would slow each other down, and a client that was
/// answered slowly waits longer for the next answer.
const APART: Duration = Duration::from_millis(200);

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(600);

/// The options of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// dark: how many trials of each kind of client, role and direction
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=30))]
    dark_runs: u32,
    /// dark: the server's --ping-interval
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=60))]
    dark_ping_seconds: u32,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    seed: u64,
    options: Options,
}

impl Plan {
    /// Returns all trials, each at its own moment.
    fn trials(&self) -> Vec<DarkTrial> {
        let mut random = Random::new(self.seed, 0);
        let ping_ms = 1_000 * u64::from(self.options.dark_ping_seconds);
        let mut trials = Vec::new();
        for _ in 0..self.options.dark_runs {
            for kind in ClientKind::ALL {
                for role in Role::ALL {
                    for dark in Dark::ALL {
                        let after = AFTER + Duration::from_millis(random.within(0..ping_ms));
                        trials.push(DarkTrial { kind, role, dark, after });
                    }
                }
            }
        }
        trials
    }
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, options: options.clone() }]
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(self, steps).map(Report::from)
    }
}

/// Runs all trials on one server, without waiting for the one before.
fn measure(plan: Plan, steps: &mut Steps) -> Result<Findings, Failure> {
    node::ensure_websocket(steps)?;
    let started = Instant::now();
    let program = built("rtbroadcaster");
    let ping = format!("{}s", plan.options.dark_ping_seconds);
    let flags = ["--log", "error", "--rooms-per-address-max", "none", "--ping-interval", &ping];
    let server = Server::start(&program, &flags)?;
    let (address, trials) = (server.address(), plan.trials());
    let pasts = outcome(on_a_thread(LIMIT, move || play(trials, address, program)))?;
    server.stop()?;
    Ok(Findings { plan, pasts, time: started.elapsed() })
}

async fn play(
    trials: Vec<DarkTrial>,
    address: std::net::SocketAddr,
    program: PathBuf,
) -> Result<Vec<trial::TrialOutcome>, Failure> {
    let mut running = JoinSet::new();
    for (number, trial) in (0..).zip(trials) {
        let program = program.clone();
        running.spawn(async move {
            sleep(APART * number).await;
            trial.play(address, program).await
        });
    }
    let mut pasts = Vec::new();
    while let Some(past) = running.join_next().await {
        pasts.push(past.map_err(|error| Failure::new(format!("a trial: {error}")))??);
    }
    pasts.sort_by_key(|past| (past.trial.role, past.trial.kind, past.trial.dark, past.trial.after));
    Ok(pasts)
}
