//! The simulated log as one node reaches it.
//! Must not know what a room makes of its entries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::{Sea, SeaState, Subscriber};
use crate::engine::shared::{
    Asked, CopyId, EntryKind, Extent, FeedEvent, NodeId, Published, SharedLog, StoredEntry, Unsure,
};

/// How long a call without an answer takes.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The log as one node reaches it.
#[derive(Debug, Clone)]
pub(crate) struct SeaNode {
    pub(super) sea: Arc<Sea>,
    pub(super) node: u32,
}

impl SeaNode {
    /// Waits for an answer; none comes if the node is cut off.
    async fn answer<T>(&self, read: impl FnOnce(&SeaState) -> T) -> Result<T, Unsure> {
        self.sea.moment().await;
        let is_leaderless = self.sea.lock().leaderless.is_some_and(|until| until > Instant::now());
        if is_leaderless || self.sea.lock().cut.contains(&self.node) {
            sleep(TIMEOUT).await;
            return Err(Unsure);
        }
        Ok(read(&self.sea.lock()))
    }
}

impl SharedLog for SeaNode {
    async fn publish(&self, room: &RoomId, after: Offset, text: Bytes, kind: EntryKind) -> Published {
        let sea = &self.sea;
        sea.moment().await;
        let (chances, is_cut, leaderless) = {
            let state = sea.lock();
            (state.chances, state.cut.contains(&self.node), state.leaderless)
        };
        if is_cut {
            sleep(TIMEOUT).await;
            return Published::Unknown;
        }
        if let Some(until) = leaderless.filter(|until| *until > Instant::now()) {
            if sea.happens(500) {
                return Published::Absent;
            }
            // It may be stored once there is a leader again.
            let (sea, room) = (Arc::clone(sea), room.clone());
            tokio::spawn(async move {
                tokio::time::sleep_until(until).await;
                sea.store(&room, after, text, kind);
            });
            sleep(TIMEOUT).await;
            return Published::Unknown;
        }
        if sea.happens(chances.busy) {
            return Published::Busy;
        }
        let is_stored = sea.store(room, after, text, kind);
        sea.moment().await;
        if is_stored && sea.happens(chances.unanswered) {
            sleep(TIMEOUT).await;
            return Published::Unknown;
        }
        if is_stored { Published::Stored } else { Published::Taken }
    }

    async fn last(&self, room: &RoomId) -> Result<Option<StoredEntry>, Unsure> {
        self.answer(|state| state.rooms.get(room).and_then(|room| room.entries.last().cloned())).await
    }

    async fn entry(&self, room: &RoomId, offset: Offset) -> Result<Option<StoredEntry>, Unsure> {
        let is_it = |entry: &&StoredEntry| entry.offset == offset;
        self.answer(|state| state.rooms.get(room)?.entries.iter().find(is_it).cloned()).await
    }

    async fn read(&self, room: &RoomId, offset: Offset) -> Result<Vec<StoredEntry>, Unsure> {
        let is_behind = self.sea.happens(self.sea.lock().chances.behind);
        let entries = |state: &SeaState| {
            let entries = state.rooms.get(room).map_or(&[][..], |room| &room.entries);
            let known = entries.len().saturating_sub(usize::from(is_behind));
            entries[..known].iter().filter(|entry| entry.offset > offset).take(50).cloned().collect()
        };
        self.answer(entries).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Offset)>, Unsure> {
        let head =
            |state: &SeaState, room: &RoomId| Some((room.clone(), state.rooms.get(room)?.entries.last()?.offset));
        self.answer(|state| rooms.iter().filter_map(|room| head(state, room)).collect()).await
    }

    async fn checkpoint(&self, room: &RoomId) -> Result<Option<Bytes>, Unsure> {
        self.answer(|state| Some(state.rooms.get(room)?.checkpoints.last()?.1.clone())).await
    }

    async fn keep_checkpoint(&self, room: &RoomId, text: Bytes, unneeded: Offset) -> Result<(), Unsure> {
        self.answer(|_| ()).await?;
        if self.sea.happens(self.sea.lock().chances.unkept) {
            return Err(Unsure);
        }
        let at = self.sea.since + self.sea.begun.elapsed();
        if let Some(room) = self.sea.lock().rooms.get_mut(room) {
            // Of older ones, one at most is needed by the losses of the tests.
            room.checkpoints.push((at, text));
            room.entries.retain(|entry| entry.offset > unneeded);
        }
        Ok(())
    }

    async fn keep_copy(&self, room: &RoomId, CopyId(id): CopyId, text: Bytes) -> Result<(), Unsure> {
        self.answer(|_| ()).await?;
        if self.sea.happens(self.sea.lock().chances.unkept) {
            return Err(Unsure);
        }
        let mut state = self.sea.lock();
        state.all_copies.insert((room.clone(), id), text.clone());
        state.rooms.entry(room.clone()).or_default().copies.insert(id, text);
        Ok(())
    }

    async fn copy(&self, room: &RoomId, CopyId(id): CopyId) -> Result<Option<Bytes>, Unsure> {
        self.answer(|state| state.rooms.get(room)?.copies.get(&id).cloned()).await
    }

    async fn extent(&self) -> Result<Extent, Unsure> {
        let is_late = self.sea.happens(self.sea.lock().chances.late_extent);
        let age = Duration::from_millis(if is_late { self.sea.below(500) } else { 0 });
        let extent = |state: &SeaState| Extent {
            made: Duration::from_secs(state.made),
            last: if is_late { self.sea.last_before(state, age) } else { Offset(state.last) },
        };
        self.answer(extent).await
    }

    fn reconnections(&self) -> watch::Receiver<u64> {
        self.sea.lock().reconnections.subscribe()
    }

    async fn follow(&self, room: &RoomId, events: mpsc::Sender<FeedEvent>) -> Result<(), Unsure> {
        self.answer(|_| ()).await?;
        self.sea.lock().subscribers.push(Subscriber { room: room.clone(), node: self.node, events });
        Ok(())
    }

    fn whisper(&self, room: &RoomId, text: Bytes) {
        if !self.sea.lock().cut.contains(&self.node) {
            self.sea.tell(room, Some(self.node), &FeedEvent::Whisper(text));
        }
    }

    fn beacon(&self, text: Bytes) {
        let state = self.sea.lock();
        if !state.cut.contains(&self.node) {
            let others = state.beacons.iter().filter(|(node, _)| *node != self.node && !state.cut.contains(node));
            others.for_each(|(_, beacons)| _ = beacons.try_send(text.clone()));
        }
    }

    fn beacons(&self) -> mpsc::Receiver<Bytes> {
        let (beacons, told) = mpsc::channel(64);
        self.sea.lock().beacons.push((self.node, beacons));
        told
    }

    async fn ask_node(&self, node: NodeId, text: Bytes, within: Duration) -> Result<Bytes, Unsure> {
        let (reply, replied) = oneshot::channel();
        let is_asked = {
            let state = self.sea.lock();
            let is_lost = state.cut.contains(&self.node) || self.sea.happens(state.chances.lost);
            let there = state.questions.iter().find(|(_, asked, _)| *asked == node);
            let there = there.filter(|(sea_node, ..)| !is_lost && !state.cut.contains(sea_node));
            there.is_some_and(|(.., questions)| questions.try_send(Asked { text, reply }).is_ok())
        };
        if !is_asked {
            sleep(within).await;
            return Err(Unsure);
        }
        timeout(within, replied).await.ok().and_then(Result::ok).ok_or(Unsure)
    }

    fn questions(&self, node: NodeId) -> mpsc::Receiver<Asked> {
        let (questions, asked) = mpsc::channel(64);
        self.sea.lock().questions.push((self.node, node, questions));
        asked
    }
}
