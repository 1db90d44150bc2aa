//! Joins at random moments while an owner writes states as fast as it may. The state that a viewer gets is the fold of
//! all messages up to its number, and its first live message is the next one. Must not know how frames are made.

mod report;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Given;
use super::speaker::{Saying, SharedRecord, Speaker};
use crate::load::server::Server;
use crate::load::{CpuShare, Stretch, on_a_thread, outcome, release};
use crate::model::fault::Faults;
use crate::model::record::Effect;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;
use visitor::{Visitor, VisitsTally};

/// The number of keys besides the one that holds their sum.
const KEYS: usize = 64;

/// The key that holds the sum.
const SUM: &str = "sum";

/// The most messages without an answer.
const WINDOW: usize = 16;

/// The number of joins that are under way at the same time.
const AT_ONCE: u64 = 50;

/// The most time to open the room, and of everything besides the joins.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most time of a join on average; the run fails when all together take longer.
const JOIN: Duration = Duration::from_millis(20);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// joins: how many joins
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
    joins: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    joins: u32,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, joins: options.joins }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    // One address joins more often than the default limit allows.
    let server = Server::start(&release("rtbroadcaster"), &["--replay-bytes-per-address-per-second", "none"])?;
    let address = server.address();
    let limit = JOIN * plan.joins + PATIENCE;
    let (opened, record) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let owner = on_a_thread(limit, move || speak(address, plan, opened, ended));
    let Ok(record) = record.recv_timeout(PATIENCE) else {
        return Err(outcome(owner).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
    };
    let shared = record.clone();
    let visitors = on_a_thread(limit, move || visit(address, plan, shared));
    let visited = outcome(visitors);
    let time = started.elapsed();
    // A thread that has ended reports why when it is joined.
    let _ = end.send(());
    let (mut faults, owner_busy) = outcome(owner)?;
    let (tallies, visitors_busy) = visited?;
    server.stop()?;
    let mut tally = VisitsTally::default();
    tallies.iter().for_each(|one| tally.add(one));
    faults.add(&tally.faults);
    let said = record.read().last();
    Ok(Findings { plan, tally, faults, said, busy: [owner_busy, visitors_busy], time })
}

/// The owner: changes one key and then the sum, until `end`.
async fn speak(
    address: SocketAddr,
    plan: Plan,
    opened: mpsc::Sender<SharedRecord>,
    mut ended: oneshot::Receiver<()>,
) -> Result<(Faults, CpuShare), Failure> {
    let stretch = Stretch::begin()?;
    let spoken = async {
        let mut speaker = Speaker::open(address, plan.seed).await?;
        let mut random = Random::new(plan.seed, 0);
        let (mut values, mut sum) = ([0; KEYS], 0);
        let _ = opened.send(speaker.record().clone());
        while ended.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty) {
            let (at, value) = (random.index(KEYS), random.within(0..1_000_000));
            sum = sum - values[at] + value;
            values[at] = value;
            let state = |key: String, params| Saying { kind: Some(Effect::State), key, params, has_id: true };
            speaker.settle(WINDOW - 2).await?;
            speaker
                .say(&[state(format!("k{at}"), format!("[{value}]")), state(SUM.into(), format!("[{sum}]"))])
                .await?;
        }
        speaker.settle(0).await?;
        speaker.close().await
    };
    let faults = spoken.await.map_err(|error| Failure::new(format!("the owner: {error}")))?;
    Ok((faults, stretch.end()?))
}

/// Makes all joins, some at a time.
async fn visit(address: SocketAddr, plan: Plan, record: SharedRecord) -> Result<(Vec<VisitsTally>, CpuShare), Failure> {
    let stretch = Stretch::begin()?;
    let left = Arc::new(AtomicU64::new(plan.joins.into()));
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let random = Random::new(plan.seed, 1 << 32 | number);
        tasks.spawn(Visitor::new(address, record.clone(), random).run(Arc::clone(&left)));
    }
    let mut tallies = Vec::new();
    while let Some(tally) = tasks.join_next().await {
        tallies.push(tally.map_err(|error| Failure::new(format!("a visitor: {error}")))?);
    }
    Ok((tallies, stretch.end()?))
}
