//! A server with many rooms that ends, and how soon the next one has all of them: when it is ready, when the first
//! viewer is in a room, and when all are back. Must not know how frames are made.

mod arrival;
mod report;
mod room_owner;

use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::{JoinSet, spawn_blocking};

use super::Given;
use super::files;
use super::lives::{Keeping, ServerSuccession};
use crate::load::{on_a_thread, outcome};
use crate::model::fault::Faults;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use arrival::ArrivalDelays;
use report::Findings;
use room_owner::RoomOwner;

/// The number of messages in each room when its server ends: a fifth of them are values of five keys.
const MESSAGES: [u32; 2] = [25, 200];

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(300);

/// The way in which a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerEnd {
    /// By SIGTERM.
    Stopped,
    /// By SIGKILL.
    Killed,
}

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// restarts: how many rooms; each needs two open files here and two in the server
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=9_000))]
    restart_rooms: u32,
    /// restarts: how often each number of messages is tried with each way to end
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    restarts: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    rooms: u32,
    /// How often each number of messages is tried with each way to end.
    restarts: u32,
    keeping: Keeping,
}

/// The findings of one successor.
#[derive(Debug)]
struct Restart {
    /// The number of messages that each room had in the beginning.
    messages: u32,
    way: ServerEnd,
    arrival: ArrivalDelays,
    /// From its start until each owner had its room, and an answer to its next message.
    owners: Duration,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let Options { restart_rooms: rooms, restarts } = *options;
        vec![Self { seed: given.seed, rooms, restarts, keeping: given.ack.into() }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    // An owner and a viewer in each room.
    files::suffice_for(2 * plan.rooms)?;
    let started = Instant::now();
    let (mut restarts, mut faults) = (Vec::new(), Faults::default());
    for messages in MESSAGES {
        let random = &mut Random::new(plan.seed, messages.into());
        let lineage = ServerSuccession::begin(&format!("restarts-{messages}"), plan.keeping, random)?;
        let (theirs, found) = outcome(on_a_thread(LIMIT, move || play(plan, messages, lineage)))?;
        restarts.extend(theirs);
        faults.add(&found);
    }
    Ok(Findings { plan, restarts, faults, time: started.elapsed() })
}

async fn play(plan: Plan, messages: u32, mut lineage: ServerSuccession) -> Result<(Vec<Restart>, Faults), Failure> {
    let address = lineage.lives().address();
    let (mut restarts, mut faults) = (Vec::new(), Faults::default());
    let mut random = Random::new(plan.seed, u64::from(messages) << 32);
    let mut attending = JoinSet::new();
    for number in 0..plan.rooms {
        let owner = RoomOwner::open(address, random.next(), messages).await;
        let owner = owner.map_err(|error| Failure::new(format!("the owner of room {number}: {error}")))?;
        attending.spawn(owner.attend());
    }
    for number in 0..2 * plan.restarts {
        let way = if number % 2 == 0 { ServerEnd::Stopped } else { ServerEnd::Killed };
        lineage = ended(lineage, way).await?;
        let owners = all(attending, "an owner").await?;
        let rooms = owners.iter().map(|owner| owner.record().clone()).collect();
        let arriving = tokio::spawn(arrival::arrive(address, rooms, random.index(owners.len())));
        lineage = begun(lineage).await?;
        let begun = lineage.lives().begun().last().copied().unwrap_or_else(Instant::now);
        let seen = arriving.await.map_err(|error| Failure::new(format!("the viewers: {error}")))??;
        let (arrival, theirs) = seen.since(begun);
        faults.add(&theirs);
        let back = all(owners.into_iter().map(|owner| owner.return_to(address)).collect(), "an owner").await?;
        restarts.push(Restart { messages, way, arrival, owners: begun.elapsed() });
        attending = back.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().map(RoomOwner::attend).collect();
    }
    ended(lineage, ServerEnd::Stopped).await?;
    all(attending, "an owner").await?.iter().for_each(|owner| faults.add(owner.faults()));
    Ok((restarts, faults))
}

/// Waits for all of them.
async fn all<T: 'static>(mut tasks: JoinSet<T>, who: &str) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    while let Some(one) = tasks.join_next().await {
        all.push(one.map_err(|error| Failure::new(format!("{who}: {error}")))?);
    }
    Ok(all)
}

/// Ends the server.
pub(super) async fn ended(mut lineage: ServerSuccession, way: ServerEnd) -> Result<ServerSuccession, Failure> {
    let ending = spawn_blocking(move || {
        match way {
            ServerEnd::Stopped => lineage.stop().map(|_| ())?,
            ServerEnd::Killed => lineage.kill()?,
        }
        Ok(lineage)
    });
    ending.await.map_err(|error| Failure::new(error.to_string()))?
}

/// Starts the next one.
pub(super) async fn begun(mut lineage: ServerSuccession) -> Result<ServerSuccession, Failure> {
    let beginning = spawn_blocking(move || lineage.succeed().map(|()| lineage));
    beginning.await.map_err(|error| Failure::new(error.to_string()))?
}
