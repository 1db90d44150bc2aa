//! Servers that keep rooms are stopped or killed, and the next ones start a second or a minute later. No room is lost
//! whose owner behaves as a client does, however short its grace may be. Must not know how frames are made.

mod backoff;
mod owner;
mod plot;
mod report;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout_at};

use super::Given;
use super::lives::{Ack, Keeping, free_address};
use crate::load::server::Server;
use crate::load::{on_a_thread, outcome, release};
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use owner::{Owner, OwnerEvent};
use plot::{GracePlan, ServerEnd, Stop};
use report::Findings;

/// The number of servers that run at a time.
const SERVERS_MAX: u32 = 20;

/// The most time from the start of a server until every owner is back.
const RETURN: Duration = Duration::from_secs(60);

/// The most time of one stop with everything that follows it, and of all of them together besides.
const STOP: Duration = Duration::from_secs(150);
const MARGIN: Duration = Duration::from_secs(60);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// graces: how many servers are stopped or killed
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    grace_stops: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    /// The number of servers that are stopped or killed.
    stops: u32,
    ack: Ack,
}

/// The findings of one stop.
#[derive(Debug)]
struct Stopped {
    stop: Stop,
    /// From the start of the next server until every owner was back; none if one is not.
    back: Option<Duration>,
    /// The number of rooms lost.
    lost: usize,
}

/// The findings of all servers on one directory.
#[derive(Debug, Default)]
struct Outcome {
    stops: Vec<Stopped>,
    rooms: usize,
    /// How often an owner found no server.
    retries: u64,
    /// How often an owner was told to come back later.
    refusals: u64,
    faults: Faults,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, stops: options.grace_stops, ack: given.ack }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    let servers = plan.stops.min(SERVERS_MAX);
    let random = &mut Random::new(plan.seed, 0);
    let mut addresses = BTreeSet::new();
    while addresses.len() < servers as usize {
        addresses.insert(free_address(random)?);
    }
    let threads: Vec<_> = (0..servers)
        .zip(addresses)
        .map(|(number, address)| {
            let stops: Vec<_> = plot::stops(number, servers, plan.stops).collect();
            let limit = MARGIN + STOP * u32::try_from(stops.len()).unwrap_or(u32::MAX);
            on_a_thread(limit, move || async move { GraceSite::open(plan, number, address)?.play(stops).await })
        })
        .collect();
    let outcomes: Result<Vec<_>, _> = threads.into_iter().map(outcome).collect();
    Ok(Findings::new(plan, outcomes?, started.elapsed()))
}

/// The servers on one directory, and the rooms in it.
struct GraceSite {
    plan: Plan,
    number: u32,
    address: SocketAddr,
    directory: PathBuf,
    /// The file of the servers' logs.
    log: PathBuf,
    server: Option<Server>,
    grace: GracePlan,
}

impl GraceSite {
    fn open(plan: Plan, number: u32, address: SocketAddr) -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("rtbroadcaster-graces-{number}-{}", std::process::id()));
        // A process with this number may have been killed here.
        let _ = fs::remove_dir_all(&directory);
        let log = directory.with_extension("log");
        Ok(Self { plan, number, address, directory, log, server: None, grace: GracePlan::of(number) })
    }

    async fn play(mut self, stops: Vec<Stop>) -> Result<Outcome, Failure> {
        self.begin().await?;
        let mut outcome = Outcome::default();
        let (events, mut heard) = mpsc::unbounded_channel();
        let mut owners = JoinSet::new();
        for (room, wish) in self.grace.wishes().into_iter().enumerate() {
            let random = Random::new(self.plan.seed, u64::from(self.number) << 32 | room as u64 | 1 << 63);
            let owner = Owner::create(self.address, room, (wish, self.grace.of_room(wish)), random).await;
            let owner = owner.map_err(|error| Failure::new(format!("the owner of room {room}: {error}")))?;
            owners.spawn(owner.attend(self.address, events.clone()));
        }
        outcome.rooms = owners.len();
        let mut present: BTreeSet<usize> = (0..outcome.rooms).collect();
        for stop in stops {
            self.end(stop.way).await?;
            sleep(stop.pause.time()).await;
            let begun = Instant::now();
            self.begin().await?;
            let before = present.len();
            let back = returned(&mut heard, &mut present, begun, &mut outcome).await;
            outcome.stops.push(Stopped { stop, back, lost: before - present.len() });
            if back.is_none() {
                outcome.faults.note(Fault::Late, || {
                    let log = fs::read_to_string(&self.log).unwrap_or_default();
                    let number = self.number;
                    format!("server {number}, {stop}: not every owner is back {RETURN:?} after the start; {log}")
                });
                break;
            }
        }
        drop(owners);
        self.end(ServerEnd::Term).await?;
        Ok(outcome)
    }

    async fn end(&mut self, way: ServerEnd) -> Result<(), Failure> {
        let Some(server) = self.server.take() else { return Ok(()) };
        let ended = spawn_blocking(move || match way {
            ServerEnd::Term => server.stop(),
            ServerEnd::Kill => server.kill(),
        });
        let ended = ended.await.map_err(|error| Failure::new(error.to_string()))?;
        ended.map_err(|failure| Failure::new(format!("server {}: {failure}", self.number)))
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        let keeping = Keeping { ack: self.plan.ack, history_messages_max: None };
        let flags: Vec<_> = self.grace.flags().into_iter().chain(keeping.flags_but_pings(&self.directory)).collect();
        let (address, log) = (self.address, self.log.clone());
        let begun =
            spawn_blocking(move || Server::start_logged(address, &release("rtbroadcaster"), &flags, &log)).await;
        self.server = Some(begun.map_err(|error| Failure::new(error.to_string()))??);
        Ok(())
    }
}

impl Drop for GraceSite {
    fn drop(&mut self) {
        self.server = None;
        // The system removes what cannot be removed now.
        let _ = (fs::remove_dir_all(&self.directory), fs::remove_file(&self.log));
    }
}

/// Waits until every owner that has a room is back. Returns how long that took.
async fn returned(
    heard: &mut mpsc::UnboundedReceiver<OwnerEvent>,
    present: &mut BTreeSet<usize>,
    begun: Instant,
    outcome: &mut Outcome,
) -> Option<Duration> {
    let deadline = (begun + RETURN).into();
    let (mut back, mut last) = (BTreeSet::new(), begun);
    while back.len() < present.len() {
        let event = timeout_at(deadline, heard.recv()).await.ok().flatten()?;
        match event {
            OwnerEvent::Back { room, at } => {
                back.insert(room);
                last = last.max(at);
            }
            OwnerEvent::Lost { room, text } => {
                present.remove(&room);
                outcome.faults.note(Fault::Forgotten, || format!("room {room} is lost: {text}"));
            }
            OwnerEvent::NoServer => outcome.retries += 1,
            OwnerEvent::Refused => outcome.refusals += 1,
            OwnerEvent::Odd { room, what } => outcome.faults.note(Fault::OddRoom, || format!("room {room}: {what}")),
        }
    }
    Some(last.saturating_duration_since(begun))
}
