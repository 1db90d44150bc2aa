//! A log of several nodes in memory, as slow and unreliable as its contract allows, under tokio's clock and by a seed.
//! Must not know what a room makes of its entries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::random::Seeded;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{EntryKind, FeedEvent, Published, SharedLog, StoredEntry, Unsure};

/// How long a call without an answer takes.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long the last entry of a room that has ended stays.
const TOMBSTONE: Duration = Duration::from_secs(60);

/// The chances of faults, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chances {
    /// An event is not told.
    pub(crate) lost: u64,
    /// An event is told twice.
    pub(crate) twice: u64,
    /// An event comes up to two seconds late.
    pub(crate) late: u64,
    /// A publish is stored, and its answer is lost.
    pub(crate) unanswered: u64,
    /// A publish is not taken, and may be sent again.
    pub(crate) busy: u64,
    /// A read is answered by a copy that is behind.
    pub(crate) behind: u64,
    /// A checkpoint is not stored.
    pub(crate) unkept: u64,
}

/// The log, which all nodes share.
#[derive(Debug)]
pub(crate) struct Sea {
    state: Mutex<SeaState>,
    random: Seeded,
    begun: Instant,
    /// When it began, since 1970.
    since: Duration,
}

#[derive(Debug, Default)]
struct SeaState {
    rooms: BTreeMap<RoomId, RoomEntries>,
    /// Also the entries that are removed.
    all: BTreeMap<RoomId, Vec<StoredEntry>>,
    last: u64,
    /// Until when no server takes entries.
    leaderless: Option<Instant>,
    /// The nodes that reach nothing and are told nothing.
    cut: BTreeSet<u32>,
    chances: Chances,
    subscribers: Vec<Subscriber>,
    beacons: Vec<(u32, mpsc::Sender<Bytes>)>,
}

#[derive(Debug, Default)]
struct RoomEntries {
    entries: Vec<StoredEntry>,
    checkpoint: Option<Bytes>,
}

#[derive(Debug, Clone)]
struct Subscriber {
    room: RoomId,
    node: u32,
    events: mpsc::Sender<FeedEvent>,
}

/// The log as one node reaches it.
#[derive(Debug, Clone)]
pub(crate) struct SeaNode {
    sea: Arc<Sea>,
    node: u32,
}

impl Sea {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Arc::new(Self { state: Mutex::default(), random: Seeded::of(seed), begun: Instant::now(), since })
    }

    /// Returns the log as `node` reaches it.
    pub(crate) fn node(self: &Arc<Self>, node: u32) -> Arc<SeaNode> {
        Arc::new(SeaNode { sea: Arc::clone(self), node })
    }

    pub(crate) fn set_chances(&self, chances: Chances) {
        self.lock().chances = chances;
    }

    /// Cuts a node off, or connects it again.
    pub(crate) fn cut(&self, node: u32, is_cut: bool) {
        let mut state = self.lock();
        if is_cut {
            state.cut.insert(node);
        } else if state.cut.remove(&node) {
            let own = state.subscribers.iter().filter(|subscriber| subscriber.node == node);
            own.for_each(|subscriber| _ = subscriber.events.try_send(FeedEvent::Missed));
        }
    }

    /// Takes no entries for a while.
    pub(crate) fn loses_leader(&self, time: Duration) {
        self.lock().leaderless = Some(Instant::now() + time);
    }

    /// Removes what is older than `age`, as a log does that keeps nothing for ever.
    pub(crate) fn forget_older_than(&self, age: Duration) {
        let now = self.since + self.begun.elapsed();
        for room in self.lock().rooms.values_mut() {
            room.entries.retain(|entry| now.saturating_sub(entry.at) < age);
        }
    }

    /// Returns the age of the last entry of `room`.
    pub(crate) fn age_of_last(&self, room: &RoomId) -> Duration {
        let now = self.since + self.begun.elapsed();
        self.entries(room).last().map_or(Duration::MAX, |last| now - last.at)
    }

    /// Returns all entries that `room` ever had.
    pub(crate) fn entries_of_all_time(&self, room: &RoomId) -> Vec<StoredEntry> {
        self.lock().all.get(room).cloned().unwrap_or_default()
    }

    /// Returns all entries of `room`.
    pub(crate) fn entries(&self, room: &RoomId) -> Vec<StoredEntry> {
        self.lock().rooms.get(room).map_or_else(Vec::new, |room| room.entries.clone())
    }

    fn lock(&self) -> MutexGuard<'_, SeaState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a number below `end`.
    fn below(&self, end: u64) -> u64 {
        self.random.number() % end
    }

    fn happens(&self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    async fn moment(&self) {
        sleep(Duration::from_micros(self.below(4_000))).await;
    }

    /// Stores an entry if it is expected there, and tells the nodes.
    fn store(self: &Arc<Self>, room: &RoomId, after: Offset, text: Bytes, kind: EntryKind) -> bool {
        let at = self.since + self.begun.elapsed();
        let mut state = self.lock();
        let offset = state.last + 1 + self.below(3);
        let entries = &mut state.rooms.entry(room.clone()).or_default().entries;
        if entries.last().map_or(Offset::START, |last| last.offset) != after {
            return false;
        }
        let entry = StoredEntry { offset: Offset(offset), at, text };
        if kind == EntryKind::Last {
            entries.clear();
            let (sea, room, offset) = (Arc::clone(self), room.clone(), entry.offset);
            tokio::spawn(async move {
                sleep(TOMBSTONE).await;
                let mut state = sea.lock();
                if let Some(room) = state.rooms.get_mut(&room) {
                    // Its checkpoint stays.
                    room.entries.retain(|entry| entry.offset != offset);
                }
            });
        }
        entries.push(entry.clone());
        state.all.entry(room.clone()).or_default().push(entry.clone());
        state.last = offset;
        drop(state);
        self.tell(room, None, &FeedEvent::Entry(entry));
        true
    }

    /// Tells those who follow `room`, besides the node `by`.
    fn tell(self: &Arc<Self>, room: &RoomId, by: Option<u32>, event: &FeedEvent) {
        let mut state = self.lock();
        state.subscribers.retain(|subscriber| !subscriber.events.is_closed());
        let (chances, cut) = (state.chances, state.cut.clone());
        let others =
            state.subscribers.iter().filter(|subscriber| subscriber.room == *room && Some(subscriber.node) != by);
        let others: Vec<_> = others.filter(|subscriber| !cut.contains(&subscriber.node)).cloned().collect();
        drop(state);
        for Subscriber { events, .. } in others {
            if self.happens(chances.lost) {
                continue;
            }
            let times = 1 + u64::from(self.happens(chances.twice));
            for _ in 0..times {
                let delay = if self.happens(chances.late) { self.below(2_000_000) } else { 0 };
                let (events, event) = (events.clone(), event.clone());
                if delay == 0 {
                    let _ = events.try_send(event);
                    continue;
                }
                tokio::spawn(async move {
                    sleep(Duration::from_micros(delay)).await;
                    let _ = events.try_send(event);
                });
            }
        }
    }
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
        self.answer(|state| state.rooms.get(room).and_then(|room| room.checkpoint.clone())).await
    }

    async fn keep_checkpoint(&self, room: &RoomId, text: Bytes, unneeded: Offset) -> Result<(), Unsure> {
        self.answer(|_| ()).await?;
        if self.sea.happens(self.sea.lock().chances.unkept) {
            return Err(Unsure);
        }
        if let Some(room) = self.sea.lock().rooms.get_mut(room) {
            room.checkpoint = Some(text);
            room.entries.retain(|entry| entry.offset > unneeded);
        }
        Ok(())
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
}
