//! A task that owns a share of the members of all rooms and writes to their sockets without ever waiting for one.
//! Must not know what a message means; order within a room is the order of its roster's items.

mod members;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::lags::{Lagging, Lags};
use super::roster::Roster;
use crate::clock::{Clock, FAR};
use crate::fault;
use crate::lock_order::{LockRank, Ordered, ordered};
use crate::metrics::Counters;
use members::{LaneMembers, SLICE_DISCONNECTED, SliceOutcome};

/// After how much work a lane lets the other tasks of its worker thread run.
const SLICE: Duration = Duration::from_millis(1);

/// The rosters that have something to do, in the order in which they will be served.
#[derive(Debug)]
pub(crate) struct Lane {
    queue: Mutex<LaneQueue>,
    wake: Notify,
    /// `flush_interval`: how long a roster waits for more before it is served. `None`: it does not wait.
    flush_interval: Option<Duration>,
    /// The interval of heartbeats, if there are any.
    heartbeat: Option<Duration>,
    clock: Clock,
    counters: Arc<Counters>,
    /// The sender of rooms in which a member has begun to wait for its socket.
    lagging: mpsc::UnboundedSender<RoomId>,
}

#[derive(Debug, Default)]
struct LaneQueue {
    ready: VecDeque<Arc<Roster>>,
    /// The rosters that wait for more, and until when: the same time for all, so they stand in order.
    waiting: VecDeque<(Instant, Arc<Roster>)>,
}

impl Lane {
    fn new(
        config: &Config,
        clock: Clock,
        counters: &Arc<Counters>,
        lagging: mpsc::UnboundedSender<RoomId>,
    ) -> Arc<Self> {
        let (counters, flush_interval) =
            (Arc::clone(counters), config.flush_interval.max().map(|interval| interval.min(FAR)));
        let (queue, wake, heartbeat) = (Mutex::default(), Notify::new(), config.heartbeat());
        Arc::new(Self { queue, wake, flush_interval, heartbeat, clock, counters, lagging })
    }

    /// Returns the interval of heartbeats; `None` if there are none.
    pub(super) fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat
    }

    /// Returns new lags for the members of `room` in this lane.
    pub(super) fn lags(&self, room: RoomId) -> Arc<Lags> {
        Arc::new(Lags::new(room, &self.lagging))
    }

    /// Queues `roster`, for which something waits since now.
    pub(super) fn push(&self, roster: Arc<Roster>) {
        let mut queue = self.lock();
        match self.flush_interval {
            Some(interval) => queue.waiting.push_back((Instant::now() + interval, roster)),
            None => queue.ready.push_back(roster),
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// Queues `roster` again, which was served and has more to do.
    pub(super) fn push_again(&self, roster: Arc<Roster>) {
        self.lock().ready.push_back(roster);
        self.wake.notify_one();
    }

    /// Makes the rosters ready that wait for more. Called with each heartbeat, which takes the turn of every roster. A
    /// roster that went on waiting would begin to wait again, and for ever if heartbeats come faster than `flush_interval`.
    fn hasten(&self) {
        let mut queue = self.lock();
        let waiting = std::mem::take(&mut queue.waiting);
        queue.ready.extend(waiting.into_iter().map(|(_, roster)| roster));
    }

    /// Returns whether messages wait for more, so that newer ones can supersede them.
    pub(super) fn is_slowed(&self) -> bool {
        self.flush_interval.is_some()
    }

    /// Returns the counters of everything that this lane does.
    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts that all members were served with messages, of which the oldest was `applied` then.
    fn written(&self, applied: Duration) {
        self.counters.written(self.clock.now().saturating_sub(applied));
    }

    /// Returns the next roster, or when the next one is ready, if one waits.
    fn pop(&self) -> Result<Arc<Roster>, Option<Instant>> {
        let mut queue = self.lock();
        if let Some(roster) = queue.ready.pop_front() {
            return Ok(roster);
        }
        let until = queue.waiting.front().ok_or(None)?.0;
        if until > Instant::now() {
            return Err(Some(until));
        }
        queue.waiting.pop_front().map(|(_, roster)| roster).ok_or(None)
    }

    async fn next(&self) -> Arc<Roster> {
        loop {
            match self.pop() {
                Ok(roster) => return roster,
                Err(None) => self.wake.notified().await,
                Err(Some(until)) => _ = tokio::time::timeout_at(until, self.wake.notified()).await,
            }
        }
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, LaneQueue>> {
        // Each change is one of a queue, which a panic leaves whole.
        ordered(LockRank::CONNECTION, || self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rooms over which a lane has panicked. The lane has disconnected the members that it knows; the room has to be
/// ended.
pub(crate) type Faults = mpsc::UnboundedReceiver<RoomId>;

/// All lanes of a manager. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Box<[Arc<Lane>]>,
    /// The number of rooms that were placed.
    placed: AtomicUsize,
    _end: DropGuard,
}

impl Lanes {
    /// Starts `count` lanes on the current runtime, each with heartbeats at the interval of `config`. Also returns the
    /// rooms over which a lane panics, see [`Faults`], and those in which a member begins to wait.
    pub(crate) fn start(
        count: usize,
        clock: Clock,
        counters: &Arc<Counters>,
        config: &Config,
    ) -> (Self, Faults, Lagging) {
        let end = CancellationToken::new();
        let (broken, faults) = mpsc::unbounded_channel();
        let (lagging, begun) = mpsc::unbounded_channel();
        let start = |_| {
            let lane = Lane::new(config, clock, counters, lagging.clone());
            let run = run(Arc::clone(&lane), broken.clone());
            tokio::spawn(end.clone().run_until_cancelled_owned(run));
            lane
        };
        let lanes = (0..count.max(1)).map(start).collect();
        (Self { lanes, placed: AtomicUsize::new(0), _end: end.drop_guard() }, faults, begun)
    }

    /// Returns the number of lanes.
    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Returns the lane of a new room: each in turn.
    pub(crate) fn place(&self) -> usize {
        self.placed.fetch_add(1, Ordering::Relaxed) % self.lanes.len()
    }

    /// Returns the lane at `index`, below [`len`](Self::len).
    pub(crate) fn get(&self, index: usize) -> &Arc<Lane> {
        &self.lanes[index]
    }
}

async fn run(lane: Arc<Lane>, broken: mpsc::UnboundedSender<RoomId>) {
    let mut rooms: HashMap<u64, LaneMembers> = HashMap::new();
    // A tick that never comes where there are no heartbeats.
    let period = lane.heartbeat.unwrap_or(FAR).min(FAR);
    let mut heartbeat = tokio::time::interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut slice, mut disconnected) = (Instant::now(), 0);
    loop {
        tokio::select! {
            _ = heartbeat.tick() => {
                lane.hasten();
                rooms.values_mut().for_each(|members| {
                    let _ = fault::catch("heartbeat", lane.counters(), || members.order_heartbeat());
                });
            }
            roster = lane.next() => {
                match fault::catch("room", lane.counters(), || serve(&roster, &mut rooms)) {
                    Ok(more) => disconnected += more,
                    Err(_) => {
                        give_up(&roster, &mut rooms);
                        // Without a receiver the manager is gone.
                        let _ = broken.send(roster.room().clone());
                    }
                }
            }
        }
        // Not after every roster: a yield costs a look at the network. But before so many tasks of clients that end are
        // woken that all others would wait behind them.
        if slice.elapsed() > SLICE || disconnected >= SLICE_DISCONNECTED {
            tokio::task::yield_now().await;
            (slice, disconnected) = (Instant::now(), 0);
        }
    }
}

/// Does a slice of the work for `roster`. Returns how many members it has disconnected.
fn serve(roster: &Arc<Roster>, rooms: &mut HashMap<u64, LaneMembers>) -> usize {
    let members = rooms.entry(roster.id()).or_insert_with(|| LaneMembers::new(roster));
    let SliceOutcome { busy, disconnected } = members.work();
    if members.is_gone() {
        rooms.remove(&roster.id());
    }
    roster.rest(busy);
    disconnected
}

/// Disconnects the members of a roster over which the lane has panicked: what they were sent is not known. The lane
/// goes on with all other rosters.
fn give_up(roster: &Arc<Roster>, rooms: &mut HashMap<u64, LaneMembers>) {
    let members = rooms.remove(&roster.id()).into_iter().flat_map(LaneMembers::into_members);
    for member in members.into_iter().chain(roster.break_off()) {
        // One of them may have caused the panic.
        let _ = fault::catch("client", roster.lane().counters(), || roster.fail(&member));
    }
}

#[cfg(test)]
mod tests;
