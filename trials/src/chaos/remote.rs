//! The library's own clients, `remote::Viewer` and `remote::Owner`, over connections that are cut at random
//! moments, while servers are killed and the room changes its owner. Their state is the owner's, and each gets all
//! events once and in order. Must not know how frames are made.

mod present_owner;
mod report;
mod viewer_check;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use rtbroadcaster::RoomOptions;
use rtbroadcaster::remote::{self as library, Owner, Status, Viewer};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::lives::{Keeping, ServerSuccession};
use super::relay::{PathFault, Relay, RelayTally};
use super::{Given, KILL_RATE};
use crate::load::{on_a_thread, outcome};
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use present_owner::{PresentOwner, PublishedRecord};
use report::Findings;
use viewer_check::ViewerCheck;

/// The time between two cuts, in milliseconds.
const CUT_MS: std::ops::Range<u64> = 20..300;

/// The time without a server after a kill, in milliseconds.
const GONE_MS: std::ops::Range<u64> = 0..200;

/// One cut in so many cuts all connections at once.
const ALL_IN: u64 = 5;

/// The most time of everything besides the cuts, and of each of those.
const PATIENCE: Duration = Duration::from_secs(120);
const CUT: Duration = Duration::from_secs(2);

/// The time between two looks for a connection to cut.
const LOOK: Duration = Duration::from_millis(2);

/// The most time of anything that should come soon.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// The close code of a viewer whose room has ended.
const ROOM_CLOSED: u16 = 4503;

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
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
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    viewers: u32,
    rate: u32,
    cuts: u32,
    kills: u32,
    takeovers: u32,
}

impl Plan {
    /// Returns whether the event number `number` of `times` is due at cut number `cut`.
    fn falls(self, times: u32, cut: u32) -> bool {
        let before = |cut: u32| u64::from(cut) * u64::from(times) / u64::from(self.cuts);
        before(cut + 1) > before(cut)
    }
}

/// The parts that the owners and the cutter share.
#[derive(Debug, Default)]
pub(super) struct CutProgress {
    /// Locked by the cutter during a cut, and by an owner that must not be cut.
    pub(super) calm: Mutex<()>,
    /// The number of takeovers that are due.
    pub(super) due: AtomicU32,
    /// Whether the last cut is over.
    pub(super) is_over: std::sync::atomic::AtomicBool,
}

/// The outcome of a run.
#[derive(Debug)]
struct Outcome {
    past: PublishedRecord,
    checks: Vec<ViewerCheck>,
    cuts: RelayTally,
    faults: Faults,
    keys: usize,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        let Options { cuts, remote_kills: kills, remote_takeovers: takeovers, remote_viewers: viewers } = *options;
        vec![Self { seed: given.seed, viewers, rate: given.rate * KILL_RATE, cuts, kills, takeovers }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    let lineage = ServerSuccession::begin("remote", Keeping::default(), &mut Random::new(plan.seed, 0))?;
    let outcome = outcome(on_a_thread(PATIENCE + CUT * plan.cuts, move || play(plan, lineage)))?;
    Ok(Findings::new(plan, outcome, started.elapsed()))
}

/// Returns the options of the clients: they come back at once, so that a cut meets them in the middle of everything.
pub(super) fn options() -> library::Options {
    let mut options = library::Options::default();
    (options.backoff_first, options.backoff_max) = (Duration::from_millis(20), Duration::from_millis(200));
    options
}

async fn play(plan: Plan, lineage: ServerSuccession) -> Result<Outcome, Failure> {
    let relay = Relay::open(lineage.lives().address()).await?;
    let opened = Owner::create_with(relay.url(), RoomOptions::new(), options()).await;
    let owner = opened.map_err(|error| Failure::new(format!("the owner: {error}")))?;
    let room = owner.room();
    let join =
        || Viewer::join_with(relay.url(), room.clone(), options()).map_err(|error| Failure::new(error.to_string()));
    let mut viewers = Vec::new();
    for _ in 0..plan.viewers {
        let viewer = join()?;
        let listening: JoinHandle<ViewerCheck> = tokio::spawn(viewer_check::listen(viewer.messages()));
        inside(&viewer).await?;
        viewers.push((viewer, listening));
    }
    let course = Arc::new(CutProgress::default());
    let voice = PresentOwner::new(owner, relay.url(), plan, Arc::clone(&course));
    let speaking = tokio::spawn(voice.speak());
    let mut random = Random::new(plan.seed, 2);
    let lineage = cut(plan, &relay, lineage, &course, &mut random).await?;
    course.is_over.store(true, Ordering::Release);
    let spoken = speaking.await.map_err(|error| Failure::new(format!("the owner: {error}")))?;
    let (owner, past) = spoken?;
    let mut faults = past.faults.clone();
    let late = join()?;
    inside(&late).await?;
    for viewer in viewers.iter().map(|(viewer, _)| viewer).chain([&late]) {
        let mut state = viewer.watch_state();
        let last = owner.state().seq();
        let came = timeout(SOON, state.wait_for(|state| state.seq() >= last)).await;
        if came.is_err() {
            faults.note(Fault::Late, || format!("{} of {last} after {SOON:?}", viewer.state().seq()));
        } else if viewer.state() != owner.state() {
            faults.note(Fault::OtherState, || format!("{:?} and not {:?}", viewer.state(), owner.state()));
        }
    }
    let keys = owner.state().len();
    let closed = timeout(SOON, owner.close()).await;
    if !matches!(closed, Ok(Ok(()))) {
        faults.note(Fault::OddEnd, || format!("the room's end: {closed:?}"));
    }
    let mut checks = Vec::new();
    for (viewer, listening) in viewers {
        let check = timeout(SOON, listening).await;
        let check = check.map_err(|_| Failure::new("a viewer does not end"))?;
        checks.push(check.map_err(|error| Failure::new(format!("a viewer: {error}")))?);
        match viewer.status() {
            Status::Closed(closing) if closing.code() == ROOM_CLOSED => {}
            other => faults.note(Fault::OddEnd, || format!("{other:?}")),
        }
    }
    checks.iter().for_each(|check| check.judge(&past.events, &mut faults));
    let stopped = spawn_blocking(move || {
        let mut lineage = lineage;
        lineage.stop()
    });
    stopped.await.map_err(|error| Failure::new(error.to_string()))??;
    Ok(Outcome { past, checks, cuts: relay.tally(), faults, keys })
}

async fn inside(viewer: &Viewer) -> Result<(), Failure> {
    match timeout(SOON, viewer.inside()).await {
        Ok(Ok(())) => Ok(()),
        other => Err(Failure::new(format!("a viewer does not come in: {other:?}"))),
    }
}

/// Makes all cuts and kills, and sets the moments of takeovers.
async fn cut(
    plan: Plan,
    relay: &Relay,
    mut lineage: ServerSuccession,
    course: &CutProgress,
    random: &mut Random,
) -> Result<ServerSuccession, Failure> {
    let failed = |error: tokio::task::JoinError| Failure::new(error.to_string());
    for cut in 0..plan.cuts {
        sleep(Duration::from_millis(random.within(CUT_MS))).await;
        if plan.falls(plan.takeovers, cut) {
            course.due.fetch_add(1, Ordering::AcqRel);
        }
        let _calm = course.calm.lock().await;
        if plan.falls(plan.kills, cut) {
            let gone = Duration::from_millis(random.within(GONE_MS));
            let succession = spawn_blocking(move || {
                lineage.kill()?;
                std::thread::sleep(gone);
                lineage.succeed().map(|()| lineage)
            });
            lineage = succession.await.map_err(failed)??;
        }
        let somebody = async {
            while relay.connections() == 0 {
                sleep(LOOK).await;
            }
        };
        timeout(SOON, somebody).await.map_err(|_| Failure::new("no client comes back"))?;
        let connections = relay.connections();
        let way = PathFault::any(random);
        let all = random.one_in(ALL_IN);
        relay.cut(way, if all { None } else { Some(random.index(connections)) });
    }
    Ok(lineage)
}
