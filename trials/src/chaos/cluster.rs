//! Three nodes with one room in a cluster of three NATS servers, while servers and nodes are killed, stopped and cut
//! off, and the owner moves between nodes: what owners and viewers see of each fault, and for how long. Must not know how
//! processes are started.

mod balancer;
mod disk;
mod flood;
mod house;
mod report;
mod speaker;
mod watcher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::time::sleep;

use super::Given;
use crate::load::{on_a_thread, outcome};
use crate::model::fault::{Fault, Faults};
use crate::nats_server;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use house::House;
use report::{FaultFindings, Findings};
use speaker::Speaker;
use watcher::Watchers;

/// The nodes and the NATS servers.
const NODES: usize = 3;

/// The time within which all viewers have everything, behind a fault.
const SETTLED: Duration = Duration::from_secs(60);

/// The most time of everything besides the faults.
const PATIENCE: Duration = Duration::from_secs(300);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// cluster: how many viewers each node has
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    cluster_viewers: u32,
    /// cluster: for how many seconds each fault is watched; at least twice as long as it lasts
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    cluster_seconds: u32,
    /// cluster: which fault; may be repeated [default: each]
    #[arg(long)]
    cluster_fault: Vec<ClusterFault>,
}

/// What happens to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ClusterFault {
    /// Nothing
    None,
    /// A node is killed, and started again after 10 s
    NodeKilled,
    /// The leader of the stream is killed, and started again after 15 s
    LeaderKilled,
    /// The leader of the stream is stopped for 7 s
    LeaderStopped,
    /// The node where the owner was is stopped for 15 s
    NodeStopped,
    /// All NATS servers are killed, and started again after 2 s
    ServersKilled,
    /// All NATS servers are killed and have lost everything when they start again
    StreamLost,
    /// A node does not reach NATS for 3 s
    Cut3,
    /// A node does not reach NATS for 8 s
    Cut8,
    /// A node does not reach NATS for 60 s
    Cut60,
    /// A node takes nothing of NATS for 15 s, while much is published that it should get: NATS gives it up
    SlowConsumer,
    /// The disks of all NATS servers are full for 15 s, and the servers are started again; needs root
    DisksFull,
    /// The machines of all NATS servers lose power; needs root
    PowerCut,
    /// The machines of all NATS servers, which sync each write, and of all nodes lose power; needs root
    Blackout,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    viewers: u32,
    time: Duration,
    disks: Disks,
    faults: Vec<ClusterFault>,
}

/// What the servers store on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disks {
    /// Folders of this machine.
    Folders,
    /// File systems of their own, which NATS syncs as it does without settings.
    Images,
    /// The same, and each write is synced.
    SyncedImages,
}

impl Disks {
    const ALL: [Self; 3] = [Self::Folders, Self::Images, Self::SyncedImages];
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, _: Given) -> Vec<Self> {
        let Options { cluster_viewers: viewers, cluster_seconds, cluster_fault: faults } = options.clone();
        let faults = if faults.is_empty() { clap::ValueEnum::value_variants().to_vec() } else { faults };
        let time = Duration::from_secs(cluster_seconds.into());
        let plan = |disks: Disks| {
            let faults: Vec<_> = faults.iter().copied().filter(|fault| fault.disks() == disks).collect();
            (!faults.is_empty()).then_some(Self { viewers, time, disks, faults })
        };
        Disks::ALL.into_iter().filter_map(plan).collect()
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        let (version, hash) = nats_server::NEWEST;
        let nats = nats_server::install(version, hash, steps)?;
        let limit = PATIENCE + (self.time * 2 + SETTLED) * u32::try_from(self.faults.len()).unwrap_or(u32::MAX);
        let findings = outcome(on_a_thread(limit, move || async move {
            let house = House::begin(&nats, self.disks).await?;
            play(self, house).await
        }))?;
        Ok(Report::from(findings))
    }
}

async fn play(plan: Plan, mut house: House) -> Result<Findings, Failure> {
    let mut speaker = Speaker::open(house.urls()).await?;
    let watchers = Watchers::join(&house.urls(), speaker.room(), plan.viewers).await?;
    let mut faults = Faults::default();
    let mut all = Vec::new();
    for fault in &plan.faults {
        let before = speaker.acked();
        speaker.forget_waits();
        watchers.forget_gaps();
        let time = plan.time.max(fault.lasts() * 2);
        let (done, speaking) = (Instant::now() + time, speaker.speak(time));
        let (happened, spoken) = tokio::join!(happen(*fault, &mut house), speaking);
        happened?;
        spoken?;
        sleep(done.saturating_duration_since(Instant::now())).await;
        speaker.settle(SETTLED).await?;
        if let Err(late) = watchers.reach(speaker.last(), SETTLED).await {
            faults.note(Fault::Late, || format!("{fault:?}: {late}"));
        }
        if !watchers.agree() {
            faults.note(Fault::OtherState, || format!("{fault:?}: viewers have different states"));
        }
        let acked = speaker.acked() - before;
        all.push(FaultFindings::new(*fault, acked, speaker.longest_wait(), watchers.gaps()));
        house.note_metrics().await;
    }
    watchers.judge(&speaker.record(), &mut faults);
    speaker.judge(&mut faults);
    let metrics = house.metrics();
    Ok(Findings::new(all, faults, speaker.tally(), metrics))
}

impl ClusterFault {
    /// Returns what it needs.
    fn disks(self) -> Disks {
        match self {
            Self::DisksFull | Self::PowerCut => Disks::Images,
            Self::Blackout => Disks::SyncedImages,
            _ => Disks::Folders,
        }
    }

    /// Returns for how long it lasts.
    fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::None => 0,
            Self::Cut3 => 3,
            Self::ServersKilled | Self::StreamLost | Self::PowerCut | Self::Blackout => 2,
            Self::LeaderStopped => 7,
            Self::Cut8 => 8,
            Self::NodeKilled => 10,
            Self::LeaderKilled | Self::NodeStopped | Self::SlowConsumer | Self::DisksFull => 15,
            Self::Cut60 => 60,
        })
    }
}

/// Lets a fault happen, and mends it.
async fn happen(fault: ClusterFault, house: &mut House) -> Result<(), Failure> {
    // Not at the very beginning: first all is well.
    sleep(Duration::from_secs(2)).await;
    let time = fault.lasts();
    match fault {
        ClusterFault::None => {}
        ClusterFault::NodeKilled => {
            house.note_metrics().await;
            house.kill_node(0)?;
            sleep(time).await;
            house.start_node(0).await?;
        }
        ClusterFault::NodeStopped => {
            house.signal_node(1, "STOP")?;
            sleep(time).await;
            house.signal_node(1, "CONT")?;
        }
        ClusterFault::LeaderKilled => {
            let leader = house.leader().await?;
            house.kill_server(leader)?;
            sleep(time).await;
            house.start_server(leader)?;
        }
        ClusterFault::LeaderStopped => {
            let leader = house.leader().await?;
            house.signal_server(leader, "STOP")?;
            sleep(time).await;
            house.signal_server(leader, "CONT")?;
        }
        ClusterFault::ServersKilled | ClusterFault::StreamLost => {
            (0..NODES).try_for_each(|server| house.kill_server(server))?;
            if fault == ClusterFault::StreamLost {
                (0..NODES).try_for_each(|server| house.empty_server(server))?;
            }
            sleep(time).await;
            (0..NODES).try_for_each(|server| house.start_server(server))?;
        }
        ClusterFault::Cut3 | ClusterFault::Cut8 | ClusterFault::Cut60 => {
            house.cut_node(2, true);
            sleep(time).await;
            house.cut_node(2, false);
        }
        ClusterFault::SlowConsumer => {
            let given_up = house.slow_consumers().await;
            let flood = tokio::spawn(flood::flood(house.urls(), time));
            sleep(Duration::from_secs(1)).await;
            house.slow_node(2, true);
            flood.await.map_err(failed)??;
            house.slow_node(2, false);
            if house.slow_consumers().await <= given_up {
                return Err(Failure::new("no NATS server has given the slow node up"));
            }
        }
        ClusterFault::DisksFull => {
            house.fill_disks(true)?;
            sleep(time).await;
            house.fill_disks(false)?;
            // A server whose disk was full does not write again by itself.
            for server in 0..NODES {
                house.kill_server(server)?;
                house.start_server(server)?;
                sleep(Duration::from_secs(1)).await;
            }
        }
        ClusterFault::PowerCut => {
            house.cut_power()?;
            sleep(time).await;
            (0..NODES).try_for_each(|server| house.start_server(server))?;
        }
        ClusterFault::Blackout => {
            house.note_metrics().await;
            (0..NODES).try_for_each(|node| house.kill_node(node))?;
            house.cut_power()?;
            sleep(time).await;
            (0..NODES).try_for_each(|server| house.start_server(server))?;
            for node in 0..NODES {
                house.start_node(node).await?;
            }
        }
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// The addresses by which clients reach the nodes: each prefers one node.
type Urls = Arc<[String]>;
