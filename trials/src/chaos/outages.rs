//! Thousands of viewers that lose the server at one moment and come back: how soon all are in the room again, how often
//! they try, and how much slower another room is meanwhile. Must not know frames.

mod report;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Given;
use super::herd::{Breed, Herd, HerdOrder, HerdTask, Owner, Sums};
use super::witness::{MessageAges, RoomBeside};
use crate::load::server::Server;
use crate::load::{built, on_a_thread, outcome};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;

/// The time between two messages to the viewers.
const BEAT: Duration = Duration::from_secs(1);

/// The quiet time before, against which the room beside is compared.
const QUIET: Duration = Duration::from_secs(10);

/// The time for which the room beside is measured once the viewers may come back: within it all must be back.
const RUSH: Duration = Duration::from_secs(10);

/// The time in which requests are answered with 503.
const UNAVAILABLE: Duration = Duration::from_secs(30);

/// The most time until all viewers are back.
const PATIENCE: Duration = Duration::from_secs(90);

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(600);

/// The limits that are raised for thousands of viewers behind one address.
const FLAGS: [&str; 6] =
    ["--log", "error", "--replay-bytes-per-address-per-second", "none", "--replay-bytes-per-address-max", "none"];

/// The options of these scenarios.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// wakes: how many viewers of one address
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    wake_viewers: u32,
    /// wakes: how long their path is dark
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    wake_seconds: u32,
    /// stampedes: how many viewers
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    stampede_viewers: u32,
    /// wakes, stampedes: which program the viewers are
    #[arg(long, value_enum, default_value_t = Breed::Remote)]
    outage_clients: Breed,
}

/// The fault that the viewers meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    /// They sleep while their path is dark, and wake when it is not.
    Sleep(Duration),
    /// They are awake while their path is dark: the access point is gone.
    Dark(Duration),
    /// All are cut by RST, and the server is there.
    Cut,
    /// All are cut by RST, and for some time all requests are answered with 503 at once.
    Unavailable,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    outage: Outage,
    breed: Breed,
}

/// The beginnings of the phases.
#[derive(Debug, Clone, Copy)]
struct PhaseStarts {
    /// All are in, and nothing happens.
    quiet: Instant,
    /// The viewers lose the server.
    lost: Instant,
    /// They can come back.
    open: Instant,
}

/// Viewers of one address that wake up.
pub(super) struct Wakes(Plan);

/// Viewers that are cut at one moment.
pub(super) struct Stampedes(Plan);

impl Scenario for Wakes {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let time = Duration::from_secs(options.wake_seconds.into());
        let (seed, viewers, breed) = (given.seed, options.wake_viewers, options.outage_clients);
        let outages = [Outage::Sleep(time), Outage::Dark(time)];
        outages.map(|outage| Self(Plan { seed, viewers, outage, breed })).into()
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(self.0, steps).map(Report::from)
    }
}

impl Scenario for Stampedes {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let (seed, viewers, breed) = (given.seed, options.stampede_viewers, options.outage_clients);
        [Outage::Cut, Outage::Unavailable].map(|outage| Self(Plan { seed, viewers, outage, breed })).into()
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(self.0, steps).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan, steps: &mut Steps) -> Result<Findings, Failure> {
    if plan.breed == Breed::Sdk {
        crate::node::ensure_websocket(steps)?;
    }
    let started = Instant::now();
    let server = Server::start(&built("rtbroadcaster"), &FLAGS)?;
    let address = server.address();
    let (sums, moments, ages) = outcome(on_a_thread(LIMIT, move || play(plan, address)))?;
    server.stop()?;
    Ok(Findings { plan, sums, moments, ages, time: started.elapsed() })
}

async fn play(plan: Plan, server: SocketAddr) -> Result<(Sums, PhaseStarts, MessageAges), Failure> {
    let Plan { seed, viewers, outage, breed } = plan;
    let mut owner = Owner::open(server).await?;
    // Viewers that wake are behind one access point.
    let sources = if matches!(outage, Outage::Sleep(_) | Outage::Dark(_)) { 1 } else { 20 };
    let task = HerdTask { server, room: owner.room.clone(), breed, seed, viewers, sources };
    let mut herds = Herd::start_all(&task, viewers).await?;
    let witness = RoomBeside::start(server)?;
    let quiet = Instant::now();
    owner.speak(BEAT, sleep(QUIET)).await;
    let lost = Instant::now();
    let open = lose(&mut owner, &mut herds, outage).await?;
    owner.speak(BEAT, sleep(RUSH)).await;
    let last = owner.settle().await?;
    let mut reporting: JoinSet<_> = herds.into_iter().map(|herd| herd.report(last, PATIENCE)).collect();
    let mut sums = Sums::default();
    while let Some(theirs) = reporting.join_next().await {
        sums.add(theirs.map_err(|error| Failure::new(error.to_string()))??);
    }
    Ok((sums, PhaseStarts { quiet, lost, open }, witness.end()?))
}

/// Cuts the viewers off from the server, and returns when they can come back.
async fn lose(owner: &mut Owner, herds: &mut [Herd], outage: Outage) -> Result<Instant, Failure> {
    match outage {
        Outage::Cut => {
            let now = Instant::now();
            order(herds, HerdOrder::Reset).await?;
            return Ok(now);
        }
        Outage::Unavailable => {
            order(herds, HerdOrder::Unavailable).await?;
            owner.speak(BEAT, sleep(UNAVAILABLE)).await;
            order(herds, HerdOrder::Open).await?;
        }
        Outage::Dark(time) => {
            order(herds, HerdOrder::Dark).await?;
            owner.speak(BEAT, sleep(time)).await;
            order(herds, HerdOrder::Open).await?;
        }
        Outage::Sleep(time) => {
            order(herds, HerdOrder::Dark).await?;
            // Orders are carried out before the process sleeps.
            owner.speak(BEAT, sleep(BEAT)).await;
            herds.iter().try_for_each(Herd::sleep)?;
            owner.speak(BEAT, sleep(time)).await;
            let now = Instant::now();
            herds.iter().try_for_each(Herd::wake)?;
            order(herds, HerdOrder::Open).await?;
            return Ok(now);
        }
    }
    Ok(Instant::now())
}

async fn order(herds: &mut [Herd], order: HerdOrder) -> Result<(), Failure> {
    for herd in herds {
        herd.order(order).await?;
    }
    Ok(())
}
