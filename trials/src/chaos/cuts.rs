//! Viewers that are cut again and again while an owner publishes: no viewer loses a message, or gets one twice or out
//! of order, and all end in the owner's state. Must not know how frames are made.

mod cut;
mod report;
pub(super) mod script;
mod tally;
mod viewer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Given;
use super::patience::{missing, wait_until};
use super::speaker::{SharedRecord, Speaker};
use crate::load::server::Server;
use crate::load::{CpuShare, Stretch, on_a_thread, outcome, release};
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;
use viewer::{Viewer, ViewerShared};

/// A heartbeat so short that connections last long enough to see `alive`.
const FLAGS: [&str; 2] = ["--ping-interval", "2s"];

/// A heartbeat so long that a viewer that reads late is closed by the stall limit.
const LAG_FLAGS: [&str; 2] = ["--ping-interval", "10s"];

/// The most messages without an answer.
const WINDOW: usize = 32;

/// One viewer in so many joins later than the others.
const LATE_IN: u32 = 10;

/// The most time of joining, and of catching up after the storm.
const PATIENCE: Duration = Duration::from_secs(30);

/// One viewer of these lags where all of them are cut.
const LAG_VIEWERS: u32 = 5;

/// The factor of the message rate for viewers that lag: they must be able to fall behind.
const LAG_RATE: u32 = 4;

/// The flags of both scenarios.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// cuts, lags: how many viewers; a fifth of them lags
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    viewers: u32,
    /// cuts, lags: how many seconds messages are published
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    rate: u32,
    seconds: u32,
    /// Whether viewers also read late, so that messages wait for them and newer values supersede older ones.
    lags: bool,
}

/// The scenario with viewers that lag.
pub(super) struct Lags(Plan);

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let Options { viewers, seconds } = *options;
        vec![Self { seed: given.seed, viewers, rate: given.rate, seconds, lags: false }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

impl Scenario for Lags {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let (viewers, rate) = (options.viewers / LAG_VIEWERS + 1, given.rate * LAG_RATE);
        vec![Self(Plan { seed: given.seed, viewers, rate, seconds: options.seconds, lags: true })]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self.0).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    let server = Server::start(&release("rtbroadcaster"), if plan.lags { &LAG_FLAGS } else { &FLAGS })?;
    let address = server.address();
    let limit = Duration::from_secs(plan.seconds.into()) + 3 * PATIENCE;
    let (opened, record) = mpsc::channel();
    let (begin, begun) = oneshot::channel();
    let (said, all_said) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let owner = on_a_thread(limit, move || speak(address, plan, opened, begun, said, ended));
    let Ok(record) = record.recv_timeout(PATIENCE) else {
        return Err(outcome(owner).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
    };
    let (storm, calm) = watch::channel(false);
    let (stop, over) = watch::channel(false);
    let (joined, caught_up) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let shared = ViewerShared {
        address,
        lags: plan.lags,
        record: record.clone(),
        calm,
        over,
        joined: Arc::clone(&joined),
        caught_up: Arc::clone(&caught_up),
    };
    let viewers = on_a_thread(limit, move || hear(plan, shared));
    missing(PATIENCE, &joined, plan.viewers - plan.viewers.div_ceil(LATE_IN));
    // A thread that has ended reports why when it is joined.
    let _ = begin.send(());
    let _ = all_said.recv();
    storm.send_replace(true);
    let calm_at = Instant::now();
    let mut faults = Faults::default();
    let missing = missing(PATIENCE, &caught_up, plan.viewers);
    if missing > 0 {
        faults.note(Fault::Late, || format!("{missing} viewers did not catch up within {PATIENCE:?}"));
    }
    let catching_up = calm_at.elapsed();
    let _ = end.send(());
    let of = |who| move |failure| Failure::new(format!("{who}: {failure}"));
    let (owner_faults, owner_busy) = outcome(owner).map_err(of("the owner"))?;
    wait_until(PATIENCE, || viewers.is_finished());
    // Each viewer that is still connected reports what it waits for.
    stop.send_replace(true);
    let (viewers, viewers_busy) = outcome(viewers).map_err(of("the viewers"))?;
    server.stop()?;
    faults.add(&owner_faults);
    let busy = [owner_busy, viewers_busy];
    let record = record.read();
    Ok(Findings::new(plan, &viewers, &record, faults, busy, catching_up, started.elapsed()))
}

/// The owner: opens the room, publishes from `begin` on, and ends the room on `end`.
async fn speak(
    address: SocketAddr,
    plan: Plan,
    opened: mpsc::Sender<SharedRecord>,
    begun: oneshot::Receiver<()>,
    said: mpsc::Sender<()>,
    ended: oneshot::Receiver<()>,
) -> Result<(Faults, CpuShare), Failure> {
    let stretch = Stretch::begin()?;
    let spoken = async {
        let mut speaker = Speaker::open(address, plan.seed).await?;
        let _ = opened.send(speaker.record().clone());
        let _ = speaker.hear_until(begun).await?;
        let mut ticks = interval(Duration::from_secs(1) / plan.rate);
        // Late messages are sent at once: their number is fixed.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0..u64::from(plan.rate) * u64::from(plan.seconds) {
            speaker.hear_until(ticks.tick()).await?;
            speaker.settle(WINDOW - 1).await?;
            speaker.say(&[script::saying(plan.seed, number)]).await?;
        }
        speaker.settle(0).await?;
        let _ = said.send(());
        let _ = speaker.hear_until(ended).await?;
        speaker.close().await
    };
    let faults = spoken.await.map_err(|error| Failure::new(format!("the owner: {error}")))?;
    Ok((faults, stretch.end()?))
}

/// Runs all viewers until the room has ended.
async fn hear(plan: Plan, shared: ViewerShared) -> Result<(Vec<Viewer>, CpuShare), Failure> {
    let stretch = Stretch::begin()?;
    let mut tasks = JoinSet::new();
    for number in 0..plan.viewers {
        let mut random = Random::new(plan.seed, 1 << 32 | u64::from(number));
        let is_late = number % LATE_IN == LATE_IN - 1;
        let delay = if is_late { random.within(0..u64::from(plan.seconds) * 500 + 1) } else { 0 };
        let viewer = Viewer::new(shared.clone(), random);
        tasks.spawn(viewer.run(Duration::from_millis(delay)));
    }
    drop(shared);
    let mut viewers = Vec::new();
    while let Some(viewer) = tasks.join_next().await {
        viewers.push(viewer.map_err(|error| Failure::new(format!("a viewer: {error}")))?);
    }
    Ok((viewers, stretch.end()?))
}
