//! The figures that an owner gets of its viewers, against the truth, while viewers join, stop reading, read on and
//! leave at random: at most a second old while they change, and exact at rest. Must not know how frames are made.

mod report;
mod truth;
mod watcher;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Given;
use super::files;
use crate::load::peer::{Peer, PeerError, V2};
use crate::load::server::Server;
use crate::load::{on_a_thread, outcome, release};
use crate::model::answer::Answer;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;
use truth::{Truth, ViewerCounts};
use watcher::Watcher;

/// The time between two messages, and their length: unread ones soon wait in the server.
const BEAT: Duration = Duration::from_millis(100);
const MESSAGE_BYTES: usize = 4_096;

/// How long viewers change before they rest, and how long they rest: the last changes take some seconds of it.
const MOVE: Duration = Duration::from_secs(10);
const REST: Duration = Duration::from_secs(8);

/// How long the owner listens after all viewers have left.
const LAST: Duration = Duration::from_secs(2);

/// The most time of everything besides.
const PATIENCE: Duration = Duration::from_secs(60);

/// No viewer is closed because it does not read: its lag is to be reported.
const FLAGS: [&str; 6] = ["--log", "warn", "--stall-timeout", "none", "--backlog-bytes-max", "none"];

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// audience: how many viewers come and go
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    audience_viewers: u32,
    /// audience: how often they move and rest
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    audience_rounds: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    /// How often viewers change and rest.
    rounds: u32,
}

/// The figures that the owner got, and when.
#[derive(Debug, Clone, Copy)]
struct ReportedFigures {
    at: Instant,
    figures: ViewerCounts,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let Options { audience_viewers: viewers, audience_rounds: rounds } = *options;
        vec![Self { seed: given.seed, viewers, rounds }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    files::suffice_for(plan.viewers)?;
    let server = Server::start(&release("rtbroadcaster"), &FLAGS)?;
    let (address, limit) = (server.address(), PATIENCE + (MOVE + REST) * plan.rounds);
    let (opened, room) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let owner = on_a_thread(limit, move || speak(address, opened, ended));
    let Ok(room) = room.recv_timeout(PATIENCE) else {
        return Err(outcome(owner).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
    };
    let truth = Arc::new(Mutex::new(Truth::new()));
    let shared = Arc::clone(&truth);
    let before = server.sample()?;
    let viewers = on_a_thread(limit, move || watch(address, plan, room, shared));
    let rests = outcome(viewers);
    let after = server.sample()?;
    let _ = end.send(());
    let told = outcome(owner)?;
    let rests = rests?;
    server.stop()?;
    let truth = std::mem::replace(&mut *truth.lock().unwrap_or_else(std::sync::PoisonError::into_inner), Truth::new());
    Ok(Findings { plan, told, truth, rests, before, after })
}

/// The owner: publishes all the time, and notes the figures.
async fn speak(
    address: SocketAddr,
    opened: mpsc::Sender<String>,
    mut ended: oneshot::Receiver<()>,
) -> Result<Vec<ReportedFigures>, Failure> {
    let spoken = async {
        let mut peer = Peer::open_as(address, V2).await?;
        peer.say(r#"{"type":"create","id":"create"}"#).await?;
        let text = peer.answer().await?;
        let Ok(Answer::Created(created)) = Answer::read(&text) else { return Err(PeerError::Answer(text)) };
        let _ = opened.send(created.room.into_owned());
        let message = format!(r#"{{"type":"publish","key":"k","params":["{}"]}}"#, "x".repeat(MESSAGE_BYTES));
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Vec::new();
        loop {
            tokio::select! {
                _ = &mut ended => return Ok(told),
                _ = beat.tick() => peer.say(&message).await?,
                readable = peer.readable() => {
                    readable?;
                    peer.hear(|text| told.extend(heard(&String::from_utf8_lossy(text)))).await?;
                }
            }
        }
    };
    spoken.await.map_err(|error| Failure::new(format!("the owner: {error}")))
}

fn heard(text: &str) -> Option<ReportedFigures> {
    let Ok(Answer::Audience(audience)) = Answer::read(text) else { return None };
    let figures = ViewerCounts { viewers: audience.viewers, lagging: audience.lagging? };
    Some(ReportedFigures { at: Instant::now(), figures })
}

/// All viewers change, and rest; returns the moments at which all rested.
async fn watch(
    address: SocketAddr,
    plan: Plan,
    room: String,
    truth: Arc<Mutex<Truth>>,
) -> Result<Vec<Instant>, Failure> {
    let mut watchers: Vec<Watcher> = (0..plan.viewers)
        .map(|number| Watcher::new(address, room.clone(), Random::new(plan.seed, number.into()), Arc::clone(&truth)))
        .collect();
    let mut rests = Vec::new();
    for _ in 0..plan.rounds {
        let rest = Instant::now() + MOVE;
        let end = rest + REST;
        let living: JoinSet<_> = watchers.into_iter().map(|watcher| watcher.live(rest, end)).collect();
        watchers = Vec::new();
        for watcher in living.join_all().await {
            watchers.push(watcher.map_err(|error| Failure::new(format!("a viewer: {error}")))?);
        }
        rests.push(end);
    }
    let going: JoinSet<()> = watchers.into_iter().map(Watcher::go).collect();
    going.join_all().await;
    sleep(LAST).await;
    Ok(rests)
}
