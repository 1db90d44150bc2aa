//! The owners: each publishes its room's messages at the given rate, then ends the room. Must not know the viewers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::{Plan, RunClock, message};
use crate::load::peer::{Peer, PeerError, ReadOutcome};
use crate::load::{CpuShare, Stretch};
use crate::steps::Failure;

/// The record of the owners.
#[derive(Debug)]
pub(super) struct OwnersRecord {
    /// From the first message to the last.
    pub(super) time: Duration,
    pub(super) busy: CpuShare,
}

/// Opens the rooms, sends them to `opened`, and publishes once `begun` changes.
pub(super) async fn speak(
    address: SocketAddr,
    plan: Plan,
    stopwatch: RunClock,
    opened: oneshot::Sender<Vec<String>>,
    mut begun: watch::Receiver<()>,
) -> Result<OwnersRecord, Failure> {
    let failed = |error: PeerError| Failure::new(format!("an owner: {error}"));
    let (mut rooms, mut owners) = (Vec::new(), JoinSet::new());
    for _ in 0..plan.rooms {
        let (peer, room) = open(address).await.map_err(failed)?;
        rooms.push(room);
        owners.spawn(run(peer, plan, stopwatch, begun.clone()));
    }
    // Without a receiver there are no viewers, which report why themselves.
    let _ = opened.send(rooms);
    begun.changed().await.map_err(|_| Failure::new("the owners were not asked to begin"))?;
    let stretch = Stretch::begin()?;
    let mut time = Duration::ZERO;
    while let Some(owner) = owners.join_next().await {
        let spoke = owner.map_err(|error| Failure::new(format!("an owner: {error}")))?;
        time = time.max(spoke.map_err(failed)?);
    }
    Ok(OwnersRecord { time, busy: stretch.end()? })
}

async fn open(address: SocketAddr) -> Result<(Peer, String), PeerError> {
    let mut peer = Peer::open(address).await?;
    peer.say(r#"{"status":{"value":1}}"#).await?;
    let answer = peer.answer().await?;
    let room = message::room(&answer).ok_or_else(|| PeerError::Answer(answer.clone()))?.to_owned();
    Ok((peer, room))
}

/// Publishes, ends the room, and returns how long it took from the first message to the last.
async fn run(
    mut peer: Peer,
    plan: Plan,
    stopwatch: RunClock,
    mut begun: watch::Receiver<()>,
) -> Result<Duration, PeerError> {
    loop {
        tokio::select! {
            begin = begun.changed() => match begin {
                Ok(()) => break,
                Err(_) => return Ok(Duration::ZERO),
            },
            readable = peer.readable() => {
                readable?;
                peer.hear(|_| ()).await?;
            }
        }
    }
    let started = Instant::now();
    let mut ticks = interval(Duration::from_secs(1) / plan.rate);
    // Late messages are sent at once: their number is fixed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0;
    while number < plan.messages() {
        tokio::select! {
            _ = ticks.tick() => {
                peer.say(&message::write(number, stopwatch.nanos(), plan.size as usize)).await?;
                number += 1;
            }
            readable = peer.readable() => {
                readable?;
                peer.hear(|_| ()).await?;
            }
        }
    }
    let time = started.elapsed();
    peer.say(r#"{"status":{"value":4}}"#).await?;
    while peer.hear(|_| ()).await? == ReadOutcome::Open {}
    Ok(time)
}
