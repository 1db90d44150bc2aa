//! The viewers: each counts its messages and their delay. Must not know the owners.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::ledger::{ArrivalCounts, ArrivalLedger};
use super::{Plan, RunClock, message};
use crate::load::peer::{Peer, PeerError, ReadOutcome};
use crate::load::{CpuShare, Stretch};
use crate::steps::Failure;

/// The number of viewers that join at the same moment.
const JOINING_MAX: usize = 128;

/// The record of all viewers.
#[derive(Debug)]
pub(super) struct ViewersRecord {
    pub(super) counts: ArrivalCounts,
    /// The delay of each message, in microseconds, in order.
    pub(super) late_micros: Vec<u32>,
    /// The number of viewers closed with 1000 after the last message.
    pub(super) done: u32,
    /// The other ends, and how often each came.
    pub(super) cut: BTreeMap<String, u32>,
    pub(super) busy: CpuShare,
}

/// The record of one viewer.
struct One {
    ledger: ArrivalLedger,
    late_micros: Vec<u32>,
    end: Result<(), PeerError>,
}

/// Lets all viewers join their rooms, reports to `joined`, and reads until every room has ended.
pub(super) async fn hear(
    address: SocketAddr,
    plan: Plan,
    stopwatch: RunClock,
    rooms: oneshot::Receiver<Vec<String>>,
    joined: Sender<()>,
) -> Result<ViewersRecord, Failure> {
    let rooms = rooms.await.map_err(|_| Failure::new("the owners did not open their rooms"))?;
    let rooms: Vec<Arc<str>> = rooms.into_iter().map(Arc::from).collect();
    let door = Arc::new(Semaphore::new(JOINING_MAX));
    let (came, mut comes) = mpsc::unbounded_channel();
    let mut viewers = JoinSet::new();
    for room in rooms.iter().cycle().take(plan.viewers as usize) {
        let (room, door, came) = (Arc::clone(room), Arc::clone(&door), came.clone());
        viewers.spawn(async move {
            let peer = {
                let _turn = door.acquire().await.expect("the door stays open");
                join(address, &room).await?
            };
            // The receiver may have given up.
            let _ = came.send(());
            Ok(listen(peer, plan, stopwatch).await)
        });
    }
    for _ in 0..plan.viewers {
        tokio::select! {
            _ = comes.recv() => {}
            Some(early) = viewers.join_next() => return Err(match early {
                Ok(Err(error)) => failed(&error),
                Ok(Ok(One { end: Err(error), .. })) => failed(&error),
                other => Failure::new(format!("a viewer ended before all had joined: {}", other.is_ok())),
            }),
        }
    }
    let _ = joined.send(());
    let stretch = Stretch::begin()?;
    let (mut counts, mut late_micros) = (ArrivalCounts::default(), Vec::new());
    let (mut done, mut cut) = (0, BTreeMap::new());
    while let Some(viewer) = viewers.join_next().await {
        let one = viewer.map_err(|error| Failure::new(format!("a viewer: {error}")))?;
        let one = one.map_err(|error: PeerError| failed(&error))?;
        counts += one.ledger.counts();
        late_micros.extend(one.late_micros);
        match one.end {
            Ok(()) => done += 1,
            Err(error) => *cut.entry(error.to_string()).or_insert(0) += 1,
        }
    }
    let busy = stretch.end()?;
    late_micros.sort_unstable();
    Ok(ViewersRecord { counts, late_micros, done, cut, busy })
}

fn failed(error: &PeerError) -> Failure {
    Failure::new(format!("a viewer: {error}"))
}

async fn join(address: SocketAddr, room: &str) -> Result<Peer, PeerError> {
    let mut peer = Peer::open(address).await?;
    peer.say(&format!(r#"{{"uuid":"{room}","status":{{"value":2}}}}"#)).await?;
    let answer = peer.answer().await?;
    if message::is_connected(&answer) { Ok(peer) } else { Err(PeerError::Answer(answer)) }
}

async fn listen(mut peer: Peer, plan: Plan, stopwatch: RunClock) -> One {
    let mut ledger = ArrivalLedger::new(plan.messages());
    let mut late_micros = Vec::with_capacity(plan.messages() as usize);
    let end = loop {
        let link = peer.hear(|text| {
            // Anything else is the room's end.
            if let Some((number, nanos)) = message::read(text) {
                ledger.enter(number);
                let late = stopwatch.nanos().saturating_sub(nanos) / 1_000;
                late_micros.push(u32::try_from(late).unwrap_or(u32::MAX));
            }
        });
        match link.await {
            Ok(ReadOutcome::Open) => {}
            Ok(ReadOutcome::Done) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    One { ledger, late_micros, end }
}
