//! An engine that keeps everything in memory, and is as slow and unreliable as its contract allows.
//! Must not know what a room makes of its log.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rtbroadcaster_core::id::{Life, RoomId};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::record::model::Model;
use rtbroadcaster_core::record::{Append, Handover, LifeIndex, Lives, LogPosition};
use tokio::sync::{mpsc, watch};

use super::{Engine, Follower, Health, OpenedEngine};
use crate::os_random::OsRandom;

/// Random numbers by a seed (splitmix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The disk, which outlives the process.
#[derive(Debug, Default)]
struct SimulatedDisk {
    synced: BTreeMap<RoomId, Model>,
    lives: Option<Lives>,
    /// The steps that the operating system has.
    written: Vec<(RoomId, Append)>,
}

impl SimulatedDisk {
    fn sync(&mut self) {
        for (room, append) in self.written.drain(..) {
            self.synced.entry(room.clone()).or_default().write(&room, &append);
        }
    }
}

/// A machine with a disk, on which processes start and end.
#[derive(Debug)]
pub(crate) struct Machine {
    disk: Arc<Mutex<SimulatedDisk>>,
    dice: Dice,
    process: Option<tokio::task::JoinHandle<()>>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        Self { disk: Arc::default(), dice: Dice::new(seed), process: None }
    }

    /// Starts a process: returns its engine, and the rooms that it finds.
    pub(crate) fn open(&mut self) -> OpenedEngine {
        let mut disk = self.disk.lock().unwrap();
        disk.sync();
        let life = Life::random(&OsRandom);
        let lives = match disk.lives.take() {
            None => Lives::only(life),
            Some(lives) => lives.followed_by(life),
        };
        disk.lives = Some(lives.clone());
        let rooms = disk.synced.iter().filter_map(|(room, store)| store.stored(room)).collect();
        drop(disk);
        let (orders, due) = mpsc::unbounded_channel();
        let dice = Dice::new(self.dice.below(u64::MAX));
        self.process = Some(tokio::spawn(write(Arc::clone(&self.disk), due, dice)));
        let health = watch::Sender::new(Health::Fine);
        let engine = Arc::new(Simulated { orders, health });
        OpenedEngine { engine, rooms, lives: Arc::new(lives), secret: Secret::random(&OsRandom) }
    }

    /// Kills the process. What the operating system has stays, or is lost in part if the power fails too.
    pub(crate) fn kill(&mut self, with_power: bool) {
        if let Some(process) = self.process.take() {
            process.abort();
        }
        let mut disk = self.disk.lock().unwrap();
        if with_power {
            let kept = self.dice.below(disk.written.len() as u64 + 1);
            disk.written.truncate(usize::try_from(kept).unwrap());
        }
        disk.sync();
    }
}

struct Simulated {
    orders: mpsc::UnboundedSender<(Arc<dyn Follower>, Handover)>,
    health: watch::Sender<Health>,
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").finish_non_exhaustive()
    }
}

impl Engine for Simulated {
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover) {
        // A killed process writes nothing.
        let _ = self.orders.send((Arc::clone(follower), handover));
    }

    /// It remembers all of them.
    fn forget_lives_before(&self, _: LifeIndex) {}

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn close(&self) {}
}

/// Writes and confirms, each some time later; between the two the process may be killed. Some positions are confirmed
/// together with later ones, and some are confirmed twice.
async fn write(
    disk: Arc<Mutex<SimulatedDisk>>,
    mut due: mpsc::UnboundedReceiver<(Arc<dyn Follower>, Handover)>,
    mut dice: Dice,
) {
    let mut untold: Vec<(Arc<dyn Follower>, LogPosition)> = Vec::new();
    let mut told = untold.clone();
    while let Some((follower, Handover { position, append, .. })) = due.recv().await {
        tokio::time::sleep(Duration::from_micros(dice.below(5_000))).await;
        disk.lock().unwrap().written.push((follower.room().clone(), append));
        tokio::time::sleep(Duration::from_micros(dice.below(5_000))).await;
        if dice.below(3) == 0 {
            disk.lock().unwrap().sync();
        }
        note(&mut untold, follower, position);
        if !due.is_empty() && dice.below(3) == 0 {
            continue;
        }
        if dice.below(3) == 0 {
            told.iter().for_each(|(follower, position)| follower.written(*position));
        }
        for (follower, position) in untold.drain(..) {
            follower.written(position);
            note(&mut told, follower, position);
        }
    }
}

/// Notes the position up to which the room of `follower` is to be notified: this very room, not another one of its
/// name.
fn note(rooms: &mut Vec<(Arc<dyn Follower>, LogPosition)>, follower: Arc<dyn Follower>, position: LogPosition) {
    match rooms.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &follower)) {
        Some((_, last)) => *last = position,
        None => rooms.push((follower, position)),
    }
}
