//! The viewers: what they get is what was acknowledged, once and in order, and for how long they get nothing. Must not
//! know what happens to nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtbroadcaster::RoomId;
use rtbroadcaster::remote::{Heard, Messages, Options, Viewer};
use tokio::time::timeout;

use super::speaker::STALE;
use super::{NODES, Urls};
use crate::model::fault::{Fault, Faults};
use crate::steps::Failure;

/// The most time until a viewer is in the room.
const JOINED: Duration = Duration::from_secs(30);

/// What one viewer got.
#[derive(Debug)]
struct Got {
    /// The number of the last message or state.
    last: u64,
    /// The messages of the last run without a gap, by number.
    messages: Vec<(u64, u64)>,
    resets: u64,
    heard_at: Instant,
    /// The longest time without a message, and outside of the room.
    silence: Duration,
    absence: Duration,
    faults: Faults,
}

/// One viewer.
struct Watcher {
    viewer: Viewer,
    got: Arc<Mutex<Got>>,
}

/// All viewers.
pub(super) struct Watchers(Vec<Watcher>);

/// What viewers saw of a fault.
#[derive(Debug, Clone, Default)]
pub(super) struct Gaps {
    /// The longest time of each without a message, sorted.
    pub(super) silences: Vec<Duration>,
    /// The longest time outside of the room, sorted, of those that were.
    pub(super) absences: Vec<Duration>,
    pub(super) resets: u64,
}

fn lock(got: &Mutex<Got>) -> MutexGuard<'_, Got> {
    got.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watchers {
    /// Joins so many viewers by each address.
    pub(super) async fn join(urls: &Urls, room: RoomId, each: u32) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for number in 0..each as usize * NODES {
            let viewer = Viewer::join_with(&*urls[number % NODES], room.clone(), Options::default());
            let viewer = viewer.map_err(|error| Failure::new(error.to_string()))?;
            let got = Arc::new(Mutex::new(Got {
                last: 0,
                messages: Vec::new(),
                resets: 0,
                heard_at: Instant::now(),
                silence: Duration::ZERO,
                absence: Duration::ZERO,
                faults: Faults::default(),
            }));
            tokio::spawn(listen(viewer.messages(), Arc::clone(&got)));
            tokio::spawn(follow_status(viewer.watch_status(), Arc::clone(&got)));
            all.push(Watcher { viewer, got });
        }
        for Watcher { viewer, .. } in &all {
            match timeout(JOINED, viewer.inside()).await {
                Ok(Ok(())) => {}
                other => return Err(Failure::new(format!("a viewer does not come in: {other:?}"))),
            }
        }
        Ok(Self(all))
    }

    pub(super) fn forget_gaps(&self) {
        for Watcher { got, .. } in &self.0 {
            let mut got = lock(got);
            (got.silence, got.absence, got.resets, got.heard_at) = (Duration::ZERO, Duration::ZERO, 0, Instant::now());
        }
    }

    pub(super) fn gaps(&self) -> Gaps {
        let mut gaps = Gaps::default();
        for Watcher { got, .. } in &self.0 {
            let got = lock(got);
            gaps.silences.push(got.silence);
            gaps.absences.extend(Some(got.absence).filter(|time| !time.is_zero()));
            gaps.resets += got.resets;
        }
        gaps.silences.sort();
        gaps.absences.sort();
        gaps
    }

    /// Waits until all have the message of this number.
    ///
    /// # Errors
    /// How many have not.
    pub(super) async fn reach(&self, last: u64, limit: Duration) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut late = Vec::new();
        for Watcher { viewer, .. } in &self.0 {
            let mut state = viewer.watch_state();
            if tokio::time::timeout_at(deadline, state.wait_for(|state| state.seq().get() >= last)).await.is_err() {
                late.push(format!("{:?} at {}", viewer.status(), viewer.state().seq()));
            }
        }
        match late.first() {
            None => Ok(()),
            Some(first) => Err(format!("{} viewers are not at {last}, the first is {first}", late.len())),
        }
    }

    /// Returns whether all have the same state.
    pub(super) fn agree(&self) -> bool {
        self.0.windows(2).all(|pair| pair[0].viewer.state() == pair[1].viewer.state())
    }

    /// Adds the faults of all, given the messages by number.
    pub(super) fn judge(&self, record: &BTreeMap<u64, u64>, faults: &mut Faults) {
        for Watcher { got, .. } in &self.0 {
            let got = lock(got);
            faults.add(&got.faults);
            let other = got.messages.iter().find(|(seq, number)| record.get(seq) != Some(number));
            if let Some((seq, number)) = other {
                faults.note(Fault::OtherBytes, || {
                    format!("message {seq} was {number} for a viewer, and {:?} is acknowledged", record.get(seq))
                });
            }
        }
    }
}

async fn listen(mut messages: Messages, got: Arc<Mutex<Got>>) {
    while let Some(heard) = messages.next().await {
        let mut got = lock(&got);
        let last = got.last;
        match heard {
            Heard::State { reset, state } => {
                got.resets += u64::from(reset.is_some());
                got.last = state.seq().get();
            }
            Heard::Skipped { through } => got.last = got.last.max(through.get()),
            Heard::Message(message) if message.key() == STALE => {
                got.faults.note(Fault::Stale, || format!("{message:?}"));
            }
            Heard::Message(message) => {
                let (Some(seq), Ok([number])) = (message.seq(), message.parse::<[u64; 1]>()) else { continue };
                let case = || format!("{seq} behind {last}");
                match seq.get() {
                    seq if seq == last + 1 => {}
                    seq if seq == last => got.faults.note(Fault::Repeated, case),
                    seq if seq < last => got.faults.note(Fault::OutOfOrder, case),
                    _ => got.faults.note(Fault::Gap, case),
                }
                let now = Instant::now();
                got.silence = got.silence.max(now - got.heard_at);
                got.heard_at = now;
                got.messages.push((seq.get(), number));
                got.last = seq.get();
            }
            _ => {}
        }
    }
}

async fn follow_status(mut status: tokio::sync::watch::Receiver<rtbroadcaster::remote::Status>, got: Arc<Mutex<Got>>) {
    let mut left: Option<Instant> = None;
    while status.changed().await.is_ok() {
        let is_inside = status.borrow_and_update().is_inside();
        match (is_inside, left) {
            (false, None) => left = Some(Instant::now()),
            (true, Some(since)) => {
                let mut got = lock(&got);
                got.absence = got.absence.max(since.elapsed());
                left = None;
            }
            _ => {}
        }
    }
}
