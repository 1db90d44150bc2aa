//! A log of several nodes in memory, as slow and unreliable as its contract allows, under tokio's clock and by a seed.
//! Must not know what a room makes of its entries.

mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::random::Seeded;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::{Asked, CopyId, EntryKind, FeedEvent, NodeId, StoredEntry};
pub(crate) use node::SeaNode;

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
    /// How far the log reaches is told as it was up to half a second before.
    pub(crate) late_extent: u64,
    /// A checkpoint is not stored.
    pub(crate) unkept: u64,
    /// An entry is stored although its writer did not know the last one.
    pub(crate) unchecked: u64,
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
    /// Also the copies that are lost.
    all_copies: BTreeMap<(RoomId, u64), Bytes>,
    /// When each entry was stored, whatever the clocks of the servers said.
    stored: BTreeMap<Offset, Duration>,
    /// How far the clock of the leader is ahead, and how far it is behind.
    ahead: Duration,
    behind: Duration,
    last: u64,
    /// How often the log was made.
    made: u64,
    /// Until when no server takes entries.
    leaderless: Option<Instant>,
    /// The nodes that reach nothing and are told nothing.
    cut: BTreeSet<u32>,
    chances: Chances,
    subscribers: Vec<Subscriber>,
    beacons: Vec<(u32, mpsc::Sender<Bytes>)>,
    questions: Vec<(u32, NodeId, mpsc::Sender<Asked>)>,
    /// How often a connection was lost and is there again.
    reconnections: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct RoomEntries {
    entries: Vec<StoredEntry>,
    /// Those that a loss may bring back, each with the time at which it was stored.
    checkpoints: Vec<(Duration, Bytes)>,
    copies: BTreeMap<u64, Bytes>,
}

#[derive(Debug, Clone)]
struct Subscriber {
    room: RoomId,
    node: u32,
    events: mpsc::Sender<FeedEvent>,
}

impl SeaState {
    fn tell_reconnection(&mut self) {
        self.subscribers.iter().for_each(|subscriber| _ = subscriber.events.try_send(FeedEvent::Missed));
        self.reconnections.send_modify(|count| *count += 1);
    }
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
            state.reconnections.send_modify(|count| *count += 1);
        }
    }

    /// Loses what was stored in the last `time`, and all connections, as servers do whose power fails.
    pub(crate) fn lose_power(&self, time: Duration) {
        let kept = self.since + self.begun.elapsed().saturating_sub(time);
        let mut state = self.lock();
        let mut last = 0;
        let SeaState { rooms, stored, .. } = &mut *state;
        for room in rooms.values_mut() {
            room.entries.retain(|entry| stored[&entry.offset] <= kept);
            room.checkpoints.retain(|(at, _)| *at <= kept);
            last = last.max(room.entries.last().map_or(0, |entry| entry.offset.0));
        }
        state.last = last;
        state.tell_reconnection();
    }

    /// Loses everything, and is made again.
    pub(crate) fn lose_everything(&self) {
        let mut state = self.lock();
        state.rooms.clear();
        (state.last, state.made) = (0, state.made + 1);
        state.tell_reconnection();
    }

    /// Returns a copy that `room` had at any time.
    pub(crate) fn copy_of_all_time(&self, room: &RoomId, CopyId(id): CopyId) -> Option<Bytes> {
        self.lock().all_copies.get(&(room.clone(), id)).cloned()
    }

    /// Lets another server lead, whose clock is this far ahead of the first one's, and this far behind it.
    pub(crate) fn sets_clock(&self, ahead: Duration, behind: Duration) {
        let mut state = self.lock();
        (state.ahead, state.behind) = (ahead, behind);
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

    /// Returns the last entry that was stored this long ago.
    fn last_before(&self, state: &SeaState, age: Duration) -> Offset {
        let then = self.since + self.begun.elapsed().saturating_sub(age);
        let mut stored = state.stored.range(..=Offset(state.last)).rev();
        stored.find(|(_, at)| **at <= then).map_or(Offset::START, |(offset, _)| *offset)
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
        let now = self.since + self.begun.elapsed();
        let is_unchecked = self.happens(self.lock().chances.unchecked);
        let mut guard = self.lock();
        let state = &mut *guard;
        let offset = state.last + 1 + self.below(3);
        let entries = &mut state.rooms.entry(room.clone()).or_default().entries;
        let last = entries.last().map_or(Offset::START, |last| last.offset);
        // A room that does not exist is created or not, and nothing stands behind what is lost.
        let is_unchecked = is_unchecked && kind == EntryKind::Next && after > Offset::START && after < last;
        if last != after && !is_unchecked {
            return false;
        }
        let at = now + state.ahead - state.behind;
        let entry = StoredEntry { offset: Offset(offset), at, follows: None, text };
        state.stored.insert(entry.offset, now);
        if kind != EntryKind::Next {
            entries.clear();
        }
        if kind == EntryKind::Last {
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
        drop(guard);
        self.tell(room, None, &FeedEvent::Entry(StoredEntry { follows: Some(last), ..entry }));
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
