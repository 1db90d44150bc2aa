//! The profile of a public benchmark: viewers that are each off for 2 s in every 15 s at random, half cut by RST and
//! half by FIN, at one message a second. Reports what arrived, and how late missed messages were. Must not know frames.

mod report;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Given;
use super::herd::{Breed, Herd, HerdOrder, HerdTask, Owner, Sums};
use crate::load::server::Server;
use crate::load::{built, on_a_thread, outcome};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;

/// How often each viewer is off, and for how long.
const EVERY: Duration = Duration::from_secs(15);
const OFF: Duration = Duration::from_secs(2);

/// The time between two messages.
const BEAT: Duration = Duration::from_secs(1);

/// The number of addresses of the viewers. All processes share them.
const SOURCES: u8 = 20;

/// The most time until every viewer has the last message.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most time of everything besides the messages.
const MARGIN: Duration = Duration::from_secs(600);

/// The options of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// blinks: how many viewers; the published profile has 10 000
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    blink_viewers: u32,
    /// blinks: how many messages, one a second
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(15..=3_600))]
    blink_messages: u32,
    /// blinks: which program the viewers are; may be repeated [default: both, one after the other]
    #[arg(long, value_enum)]
    blink_clients: Vec<Breed>,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    breed: Breed,
    viewers: u32,
    messages: u32,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let both = [Breed::Remote, Breed::Sdk];
        let breeds = if options.blink_clients.is_empty() { &both[..] } else { &options.blink_clients };
        let (seed, viewers, messages) = (given.seed, options.blink_viewers, options.blink_messages);
        breeds.iter().map(|&breed| Self { seed, breed, viewers, messages }).collect()
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(self, steps).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan, steps: &mut Steps) -> Result<Findings, Failure> {
    if plan.breed == Breed::Sdk {
        crate::node::ensure_websocket(steps)?;
    }
    let started = Instant::now();
    let server = Server::start(&built("rtbroadcaster"), &["--log", "error"])?;
    let address = server.address();
    let before = server.sample()?;
    let sums = outcome(on_a_thread(MARGIN + BEAT * plan.messages, move || play(plan, address)))?;
    let after = server.sample()?;
    server.stop()?;
    Ok(Findings { plan, sums, server_cpu: after.cpu.saturating_sub(before.cpu), time: started.elapsed() })
}

async fn play(plan: Plan, server: SocketAddr) -> Result<Sums, Failure> {
    let Plan { seed, breed, viewers, messages } = plan;
    let mut owner = Owner::open(server).await?;
    let task = HerdTask { server, room: owner.room.clone(), breed, seed, viewers, sources: SOURCES };
    let mut herds = Herd::start_all(&task, viewers).await?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let times = messages / u32::try_from(EVERY.as_secs()).unwrap_or(u32::MAX);
    for herd in &mut herds {
        herd.order(HerdOrder::Blink { every_ms: millis(EVERY), off_ms: millis(OFF), times }).await?;
    }
    owner.speak(BEAT, sleep(BEAT * messages - BEAT / 2)).await;
    let last = owner.settle().await?;
    let mut reporting: JoinSet<_> = herds.into_iter().map(|herd| herd.report(last, PATIENCE)).collect();
    let mut sums = Sums::default();
    while let Some(theirs) = reporting.join_next().await {
        sums.add(theirs.map_err(|error| Failure::new(error.to_string()))??);
    }
    Ok(sums)
}
