//! Those who do nothing wrong: an owner that speaks at a steady rate, viewers of both protocols that must not lose a
//! message, and those who join and ask for files again and again. Must not know what is done to the server.

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

/// How many viewers there are; every other one speaks version 2.
pub(super) const VIEWERS: usize = 200;

/// How often the owner speaks, and how often somebody joins.
const BEAT: Duration = Duration::from_millis(50);
const JOIN: Duration = Duration::from_millis(100);

/// How long a run may take at most, and how long a join, and how long until a message is with everybody.
const PATIENCE: Duration = Duration::from_secs(3 * 3_600);
const SOON: Duration = Duration::from_secs(10);

/// The good ones.
pub(super) struct Witnesses {
    room: String,
    shared: Arc<Shared>,
    living: JoinHandle<Result<(), Failure>>,
}

/// What they came to, and what they are told.
struct Shared {
    began: Instant,
    /// How many messages were said.
    said: AtomicU32,
    /// Whether it is enough.
    enough: AtomicBool,
    /// For each viewer the number of the next message.
    next: Vec<AtomicU32>,
    heard: Mutex<Heard>,
}

/// What they heard in a stretch of time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// How late each message was, in microseconds; in order once it is taken.
    pub(super) late_micros: Vec<u32>,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    /// How connections ended that should not have.
    pub(super) ends: Vec<String>,
    pub(super) joins: u32,
    pub(super) slowest_join: Duration,
    pub(super) requests: u32,
    pub(super) slowest_request: Duration,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
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
    /// They open their room, are all in it, and begin.
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

    /// What they heard since this was asked last, up to what is said now.
    pub(super) fn take(&self) -> Result<Heard, Failure> {
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

    /// They stop; what they heard since it was taken last is let go.
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
    // Whoever waits for it may have given up.
    let _ = opened.send(room.clone());
    all.spawn(visit(address, room, Arc::clone(&shared)));
    all.spawn(request::repeat(address, Arc::clone(&shared)));
    let spoken = speak(owner, &shared).await;
    // Those who still listen end with it.
    all.shutdown().await;
    spoken.map_err(failed)
}

/// The owner, until it is enough.
async fn speak(mut owner: Peer, shared: &Shared) -> Result<(), PeerError> {
    let mut beat = interval(BEAT);
    // Late messages are said at once, so that a stall of the server counts for each.
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

/// Joins again and again, and notes how long that takes.
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
