//! The nodes that write the log, as far as they are heard of.
//! Must not know rooms.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Writer;
use rtbroadcaster_core::random::{self, Random};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::SharedLog;

/// The time between two beacons of a node.
pub(super) const BEACON_INTERVAL: Duration = Duration::from_secs(2);

/// The time without a beacon after which a node is not heard of any more: three beacons.
const SILENCE: Duration = Duration::from_secs(6);

/// A node, by a number that it draws when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl NodeId {
    /// Draws a node from `source`.
    pub(super) fn random(source: &dyn Random) -> Self {
        Self(u32::from_be_bytes(random::bytes(source)))
    }

    /// Returns the node of a writer.
    pub(super) fn of(writer: Writer) -> Self {
        Self(u32::try_from(writer.0 >> 32).expect("half of a number"))
    }

    /// Draws a writer on this node from `source`.
    pub(super) fn writer(self, source: &dyn Random) -> Writer {
        let copy = u32::from_be_bytes(random::bytes(source));
        Writer(u64::from(self.0) << 32 | u64::from(copy))
    }
}

#[derive(Serialize, Deserialize)]
struct BeaconText {
    format: u32,
    node: u32,
    /// Whether it is about to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaves: bool,
}

/// The nodes that are heard of.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes {
    heard: HashSet<NodeId>,
    /// Whether this node listens for so long that it would have heard of every node.
    is_complete: bool,
}

impl Nodes {
    /// Returns whether the node of `writer` is heard of, or may be.
    pub(super) fn is_heard(&self, writer: Writer) -> bool {
        !self.is_complete || self.heard.contains(&NodeId::of(writer))
    }
}

/// Sends beacons of `node` and keeps `nodes` up to date, until the receivers of `nodes` or the log are gone.
async fn listen<L: SharedLog>(log: Weak<L>, node: NodeId, leaves: Arc<AtomicBool>, nodes: watch::Sender<Nodes>) {
    let Some(mut beacons) = log.upgrade().map(|log| log.beacons()) else { return };
    let mut last: HashMap<NodeId, Instant> = HashMap::new();
    let started = Instant::now();
    let mut beat = interval(BEACON_INTERVAL);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beat.tick() => {
                let Some(log) = log.upgrade() else { return };
                log.beacon(beacon(node, leaves.load(Ordering::Relaxed)));
            }
            Some(text) = beacons.recv() => if let Ok(BeaconText { format: _, node, leaves }) = serde_json::from_slice(&text) {
                match leaves {
                    true => last.remove(&NodeId(node)),
                    false => last.insert(NodeId(node), Instant::now()),
                };
            },
            () = nodes.closed() => return,
        }
        last.retain(|_, heard| heard.elapsed() < SILENCE);
        let is_complete = started.elapsed() >= SILENCE;
        nodes.send_if_modified(|nodes| {
            let is_new = nodes.is_complete != is_complete
                || nodes.heard.len() != last.len()
                || !last.keys().all(|node| nodes.heard.contains(node));
            if is_new {
                *nodes = Nodes { heard: last.keys().copied().collect(), is_complete };
            }
            is_new
        });
    }
}

/// Writes a beacon.
pub(super) fn beacon(node: NodeId, leaves: bool) -> Bytes {
    serde_json::to_vec(&BeaconText { format: 1, node: node.0, leaves }).expect("plain data has a text").into()
}

/// Returns the nodes that are heard of, kept up to date by a task of its own, which tells the others of this one; that
/// it `leaves` once that is set.
pub(super) fn spawn<L: SharedLog>(log: &Arc<L>, node: NodeId, leaves: &Arc<AtomicBool>) -> watch::Receiver<Nodes> {
    let (told, nodes) = watch::channel(Nodes::default());
    tokio::spawn(listen(Arc::downgrade(log), node, Arc::clone(leaves), told));
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::shared::sea::Sea;
    use crate::os_random::OsRandom;

    #[tokio::test(start_paused = true)]
    async fn a_node_is_heard_of_until_it_is_silent_for_six_seconds_or_leaves() {
        let sea = Sea::new(1);
        let (here, there) = (sea.node(0), sea.node(1));
        let (me, other) = (NodeId::random(&OsRandom), NodeId::random(&OsRandom));
        let (stays, leaves) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mut nodes = spawn(&here, me, &stays);
        let _theirs = spawn(&there, other, &leaves);
        let writer = other.writer(&OsRandom);
        assert_eq!(NodeId::of(writer), other);
        assert!(nodes.borrow_and_update().is_heard(NodeId::random(&OsRandom).writer(&OsRandom)), "not known yet");
        tokio::time::sleep(SILENCE + BEACON_INTERVAL).await;
        assert!(nodes.borrow_and_update().is_heard(writer));
        assert!(!nodes.borrow_and_update().is_heard(NodeId::random(&OsRandom).writer(&OsRandom)));
        sea.cut(1, true);
        let begun = Instant::now();
        nodes.wait_for(|nodes| !nodes.is_heard(writer)).await.unwrap();
        assert!(begun.elapsed() >= SILENCE - BEACON_INTERVAL && begun.elapsed() < SILENCE + 2 * BEACON_INTERVAL);
        sea.cut(1, false);
        nodes.wait_for(|nodes| nodes.is_heard(writer)).await.unwrap();
        leaves.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        nodes.wait_for(|nodes| !nodes.is_heard(writer)).await.unwrap();
        assert!(begun.elapsed() <= BEACON_INTERVAL);
    }
}
