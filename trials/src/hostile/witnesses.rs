//! The clients that behave: an owner that publishes at a steady rate, viewers of both protocols that must not lose a
//! message, and clients that join and ask for files again and again. Must not know what is done to the server.

mod message;
mod request;
mod viewer;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::sources::GOOD;
use crate::load::peer::{Peer, PeerError, V2};
use crate::load::{on_a_thread, outcome};
use crate::steps::Failure;

/// The number of viewers; every other one speaks version 2.
pub(super) const VIEWERS: usize = 200;

/// The time between two messages, and between two joins.
const BEAT: Duration = Duration::from_millis(50);
const JOIN: Duration = Duration::from_millis(100);

/// The most time of a run, of a join, and until every viewer has a message.
const PATIENCE: Duration = Duration::from_secs(3 * 3_600);
const SOON: Duration = Duration::from_secs(10);

/// All of them, on a thread.
pub(super) struct Witnesses {
    room: String,
    shared: Arc<Shared>,
    living: JoinHandle<Result<(), Failure>>,
}

/// Their record, and the signal to stop.
struct Shared {
    began: Instant,
    /// The number of messages published.
    said: AtomicU32,
    /// Whether to stop.
    enough: AtomicBool,
    /// The number of the next message of each viewer.
    next: Vec<AtomicU32>,
    heard: Mutex<WitnessRecord>,
}

/// The record of a stretch of time.
#[derive(Debug, Default)]
pub(super) struct WitnessRecord {
    /// The delay of each message, in microseconds; in order once it is taken.
    pub(super) late_micros: Vec<u32>,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    /// The reasons of connections that ended and should not have.
    pub(super) ends: Vec<String>,
    pub(super) joins: u32,
    pub(super) slowest_join: Duration,
    pub(super) requests: u32,
    pub(super) slowest_request: Duration,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, WitnessRecord> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }
}

impl Witnesses {
    /// Lets the owner open the room and all viewers join, then starts.
    pub(super) fn start(address: SocketAddr) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            began: Instant::now(),
            said: AtomicU32::new(0),
            enough: AtomicBool::new(false),
            next: (0..VIEWERS).map(|_| AtomicU32::new(0)).collect(),
            heard: Mutex::default(),
        });
        let (opened, room) = mpsc::channel();
        let all = Arc::clone(&shared);
        let living = on_a_thread(PATIENCE, move || live(address, all, opened));
        match room.recv_timeout(SOON) {
            Ok(room) => Ok(Self { room, shared, living }),
            Err(_) => Err(outcome(living).err().unwrap_or_else(|| Failure::new("the witnesses are not in a room"))),
        }
    }

    pub(super) fn room(&self) -> &str {
        &self.room
    }

    /// Returns their record since the last call, up to the messages published now.
    pub(super) fn take(&self) -> Result<WitnessRecord, Failure> {
        let (said, deadline) = (self.shared.said.load(Ordering::Relaxed), Instant::now() + SOON);
        let missing = || self.shared.next.iter().map(|next| said.saturating_sub(next.load(Ordering::Relaxed)));
        while missing().any(|missing| missing > 0) && Instant::now() < deadline {
            if self.living.is_finished() {
                return Err(Failure::new("the witnesses are gone"));
            }
            std::thread::sleep(BEAT);
        }
        let mut heard = std::mem::take(&mut *self.shared.heard());
        heard.lost += missing().map(u64::from).sum::<u64>();
        heard.late_micros.sort_unstable();
        Ok(heard)
    }

    /// Stops them; the record since the last call is dropped.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.shared.enough.store(true, Ordering::Relaxed);
        outcome(self.living)
    }
}

async fn live(address: SocketAddr, shared: Arc<Shared>, opened: mpsc::Sender<String>) -> Result<(), Failure> {
    let failed = |error: PeerError| Failure::new(format!("a witness: {error}"));
    let mut owner = Peer::open_from(GOOD.of(0), address, V2).await.map_err(failed)?;
    owner.say(r#"{"type":"create","id":"a"}"#).await.map_err(|error| failed(error.into()))?;
    let answer = owner.answer().await.map_err(failed)?;
    let room = message::room(&answer).ok_or_else(|| Failure::new(format!("no room: {answer}")))?.to_owned();
    let mut all = JoinSet::new();
    for number in 0..VIEWERS {
        let peer = viewer::join(address, number, &room).await.map_err(failed)?;
        all.spawn(viewer::listen(peer, number, Arc::clone(&shared)));
    }
    // The receiver may have given up.
    let _ = opened.send(room.clone());
    all.spawn(visit(address, room, Arc::clone(&shared)));
    all.spawn(request::repeat(address, Arc::clone(&shared)));
    let spoken = speak(owner, &shared).await;
    // Viewers that still read end with it.
    all.shutdown().await;
    spoken.map_err(failed)
}

/// The owner, until it has to stop.
async fn speak(mut owner: Peer, shared: &Shared) -> Result<(), PeerError> {
    let mut beat = interval(BEAT);
    // Late messages are sent at once, so that a stall of the server counts for each.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !shared.is_enough() {
        tokio::select! {
            _ = beat.tick() => {
                let number = shared.said.load(Ordering::Relaxed);
                owner.say(&message::write(number, shared.micros())).await?;
                shared.said.store(number + 1, Ordering::Relaxed);
            }
            readable = owner.readable() => {
                readable?;
                owner.hear(|_| ()).await?;
            }
        }
    }
    Ok(())
}

/// Joins again and again, and records how long that takes.
async fn visit(address: SocketAddr, room: String, shared: Arc<Shared>) {
    let mut turns = interval(JOIN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        turns.tick().await;
        let began = Instant::now();
        let joined = timeout(SOON, viewer::join(address, number, &room)).await;
        let mut heard = shared.heard();
        match joined {
            Ok(Ok(_)) => {
                heard.joins += 1;
                heard.slowest_join = heard.slowest_join.max(began.elapsed());
            }
            Ok(Err(error)) => heard.ends.push(format!("a join: {error}")),
            Err(_) => heard.ends.push(format!("a join takes over {SOON:?}")),
        }
    }
}
