//! A task that owns a share of the members of all rooms and writes to their sockets without ever waiting for one.
//! Must not know what a message means; order within a room is the order of its roster's items.

mod crew;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::roster::Roster;
use crate::clock::FAR;
use crew::Crew;

/// After how much work a lane lets the other tasks of its worker thread run.
const SLICE: Duration = Duration::from_millis(1);

/// The rosters that have something to do, in the order in which they will be served.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    ready: Mutex<VecDeque<Arc<Roster>>>,
    wake: Notify,
}

impl Lane {
    pub(super) fn push(&self, roster: Arc<Roster>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(roster);
        self.wake.notify_one();
    }

    fn pop(&self) -> Option<Arc<Roster>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    async fn next(&self) -> Arc<Roster> {
        loop {
            if let Some(roster) = self.pop() {
                return roster;
            }
            self.wake.notified().await;
        }
    }
}

/// All lanes of a manager. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Box<[Arc<Lane>]>,
    /// How many rooms were placed.
    placed: AtomicUsize,
    _end: DropGuard,
}

impl Lanes {
    /// Starts `count` lanes on the current runtime, each with a heartbeat every `ping_interval` (zero: none).
    pub(crate) fn start(count: usize, ping_interval: Duration) -> Self {
        let end = CancellationToken::new();
        let start = |_| {
            let lane = Arc::new(Lane::default());
            tokio::spawn(end.clone().run_until_cancelled_owned(run(Arc::clone(&lane), ping_interval)));
            lane
        };
        let lanes = (0..count.max(1)).map(start).collect();
        Self { lanes, placed: AtomicUsize::new(0), _end: end.drop_guard() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// The lane of a new room: each in turn.
    pub(crate) fn place(&self) -> usize {
        self.placed.fetch_add(1, Ordering::Relaxed) % self.lanes.len()
    }

    /// The lane at `index`, below [`len`](Self::len).
    pub(crate) fn get(&self, index: usize) -> &Arc<Lane> {
        &self.lanes[index]
    }
}

async fn run(lane: Arc<Lane>, ping_interval: Duration) {
    let mut crews: HashMap<u64, Crew> = HashMap::new();
    // A tick that never comes where there are no heartbeats.
    let period = if ping_interval.is_zero() { FAR } else { ping_interval.min(FAR) };
    let mut heartbeat = tokio::time::interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut slice = Instant::now();
    loop {
        tokio::select! {
            _ = heartbeat.tick() => crews.values_mut().for_each(Crew::order_heartbeat),
            roster = lane.next() => serve(&roster, &mut crews),
        }
        // Not after every roster: a yield costs a look at the network.
        if slice.elapsed() > SLICE {
            tokio::task::yield_now().await;
            slice = Instant::now();
        }
    }
}

/// Does a slice of what `roster` has to do.
fn serve(roster: &Arc<Roster>, crews: &mut HashMap<u64, Crew>) {
    let crew = crews.entry(roster.id()).or_insert_with(|| Crew::new(roster));
    let busy = crew.work();
    if crew.is_gone() {
        crews.remove(&roster.id());
    }
    roster.rest(busy);
}
