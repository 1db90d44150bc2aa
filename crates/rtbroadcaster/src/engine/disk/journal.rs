//! The one thread that writes: everything that waits is written as one batch, and when that is safe its rooms are
//! notified.
//! Must not know what is in a batch, nor how a store that failed is opened again.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

use fjall::PersistMode;
use rtbroadcaster_core::record::{Append, Handover, LifeIndex, Lives, LogPosition};
use tokio::sync::watch;

use super::marker::Marker;
use super::mending::{Failure, Mending};
use super::pulse::Pulse;
use super::store::Store;
use super::tally::{Ledger, Tally};
use super::{Ack, Disk};
use crate::engine::{Engine, Follower, Health};
use crate::fault;
use crate::metrics::Counters;

/// The interval at which the directory is checked and its marker written.
const LOOK: Duration = Duration::from_secs(1);
/// The most steps that one batch has.
const BATCH_MAX: usize = 4_096;

/// The handle of the thread that writes.
pub(super) struct Journal {
    orders: Sender<JournalOrder>,
    pulse: Arc<Pulse>,
}

#[expect(clippy::large_enum_variant, reason = "almost every one is an append, and is not boxed for that")]
enum JournalOrder {
    Append(HandedOver),
    ForgetLives(LifeIndex),
    /// Write everything, and report when that is done.
    Close(SyncSender<()>),
}

/// A step that a room handed over, and that room.
pub(super) type HandedOver = (Arc<dyn Follower>, Handover);

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// Begins to write what is handed over into `store`, whose contents `ledger` counts.
    pub(super) fn start(
        disk: Disk,
        store: Store,
        ledger: Ledger,
        lives: Arc<Lives>,
        marker: Marker,
        counters: Arc<Counters>,
    ) -> std::io::Result<Self> {
        let (orders, due) = mpsc::channel();
        let pulse = Pulse::start()?;
        let mending = Mending::of(disk)?;
        let (confirmed, written) = (ledger.tally(), Vec::new());
        let writer = Writer {
            store: Some(store),
            ledger,
            lives,
            marker,
            counters,
            mending,
            confirmed,
            possible: written,
            pending: Vec::new(),
            pulse: Arc::clone(&pulse),
        };
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&due))?;
        Ok(Self { orders, pulse })
    }

    fn order(&self, order: JournalOrder) -> bool {
        self.orders.send(order).is_ok()
    }
}

impl Engine for Journal {
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover) {
        // Without a thread the process is going away, and no room is notified any more.
        self.order(JournalOrder::Append((Arc::clone(follower), handover)));
    }

    fn forget_lives_before(&self, index: LifeIndex) {
        self.order(JournalOrder::ForgetLives(index));
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.pulse.health()
    }

    fn close(&self) {
        let (done, closed) = mpsc::sync_channel(1);
        if self.order(JournalOrder::Close(done)) {
            // If it does not answer, it was closed before.
            let _ = closed.recv();
        }
    }
}

/// The state of the thread that writes.
pub(super) struct Writer {
    /// The store; `None` after a write that failed, until it is opened again.
    pub(super) store: Option<Store>,
    /// The sums of the store once everything that was tried is written.
    pub(super) ledger: Ledger,
    pub(super) lives: Arc<Lives>,
    pub(super) marker: Marker,
    counters: Arc<Counters>,
    pub(super) mending: Mending,
    /// The tally that the store has confirmed.
    pub(super) confirmed: Tally,
    /// The tallies that the store may have instead, after writes whose outcome is not known.
    pub(super) possible: Vec<Tally>,
    /// The steps that were handed over and not confirmed, in order.
    pub(super) pending: Vec<HandedOver>,
    pub(super) pulse: Arc<Pulse>,
}

/// The rooms to notify and the positions up to which they are written, in the order of their first steps.
#[derive(Default)]
struct WrittenRooms {
    rooms: Vec<(Arc<dyn Follower>, LogPosition)>,
    /// The index of each room by its follower. Not by its name, which one that has ended and a new one may both have.
    places: HashMap<*const (), usize>,
}

impl WrittenRooms {
    fn note(&mut self, (follower, handover): &HandedOver) {
        let place = *self.places.entry(Arc::as_ptr(follower).cast()).or_insert_with(|| {
            self.rooms.push((Arc::clone(follower), handover.position));
            self.rooms.len() - 1
        });
        self.rooms[place].1 = handover.position;
    }
}

impl Writer {
    fn run(mut self, due: &Receiver<JournalOrder>) {
        let mut looked = Instant::now();
        let closing = loop {
            let first = match due.recv_timeout(LOOK.saturating_sub(looked.elapsed())) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                // No room can hand anything over.
                Err(RecvTimeoutError::Disconnected) => break None,
            };
            self.pulse.begin();
            let closing = self.take(first.into_iter().chain(due.try_iter()));
            if self.store.is_some() && self.pulse.may_write() {
                self.write();
            }
            if looked.elapsed() >= LOOK {
                self.look();
                looked = Instant::now();
            }
            self.pulse.rest();
            if closing.is_some() {
                break closing;
            }
        };
        self.end();
        // The store is closed before a part that waits for that goes on.
        drop(self);
        if let Some(done) = closing {
            // The receiver may be gone.
            let _ = done.send(());
        }
    }

    /// Takes the orders that are due, as many as one batch has.
    fn take(&mut self, due: impl Iterator<Item = JournalOrder>) -> Option<SyncSender<()>> {
        for order in due {
            match order {
                JournalOrder::Append(handed_over) => self.pending.push(handed_over),
                JournalOrder::ForgetLives(index) => self.forget_lives(index),
                JournalOrder::Close(done) => return Some(done),
            }
            if self.pending.len() >= BATCH_MAX {
                break;
            }
        }
        None
    }

    /// Writes what waits, and notifies its rooms.
    pub(super) fn write(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let result = self.commit(&pending);
        match result {
            Ok(()) => {
                self.confirm();
                self.notify_rooms(&pending);
                self.pulse.writes();
            }
            Err(error) => {
                self.pending = pending;
                self.fail(&Failure::Write(error));
            }
        }
    }

    /// Notes that what was tried last is written.
    fn confirm(&mut self) {
        self.confirmed = self.ledger.tally();
        self.possible.clear();
    }

    /// Notifies rooms of the positions up to which they are written.
    pub(super) fn notify_rooms(&self, written: &[HandedOver]) {
        let mut written_rooms = WrittenRooms::default();
        written.iter().for_each(|handed_over| written_rooms.note(handed_over));
        for (follower, through) in written_rooms.rooms {
            if fault::catch("room", &self.counters, || follower.written(through)).is_err() {
                // The room finds its lock poisoned and ends. If that panics too, its members are not notified.
                let _ = fault::catch("room", &self.counters, || follower.written(through));
            }
        }
    }

    fn commit(&mut self, appends: &[HandedOver]) -> fjall::Result<()> {
        let Self { store: Some(store), ledger, possible, mending, .. } = self else {
            return Err(fjall::Error::Poisoned);
        };
        let mode = mending.disk().persist_mode();
        let mut batch = store.batch(mode);
        let mut commit = |batch, ledger: &Ledger| {
            possible.push(ledger.tally());
            store.commit(batch, ledger)
        };
        let mut ended = HashSet::new();
        for (follower, Handover { append, .. }) in appends {
            let room = follower.room();
            // An end removes only what was written before. What one batch does to one key has no order, so a new room
            // of the same name begins in another batch.
            if matches!(append, Append::End(_)) || ended.contains(room) {
                commit(std::mem::replace(&mut batch, store.batch(mode)), ledger)?;
                ended.clear();
            }
            store.put(&mut batch, ledger, room, append)?;
            if matches!(append, Append::End(_)) {
                ended.insert(room);
            }
        }
        commit(batch, ledger)
    }

    /// Forgets the lives before `index`, if there are any. After a failure they stay where they are.
    fn forget_lives(&mut self, index: LifeIndex) {
        let Some(store) = self.store.as_ref().filter(|_| index > self.lives.oldest()) else { return };
        let lives = Lives::clone(&self.lives).without_those_before(index);
        let result = store.forget_lives(&lives, &mut self.ledger);
        self.possible.push(self.ledger.tally());
        match result {
            Ok(()) => self.confirm(),
            Err(error) => self.fail(&Failure::from(error)),
        }
    }

    /// Checks whether the directory can be used, and writes into its marker what the store has confirmed.
    fn look(&mut self) {
        if !self.pulse.is_fine() {
            return self.mend();
        }
        if let Err(failure) = self.mending.check() {
            return self.fail(&failure);
        }
        if let Err(failure) = self.mark() {
            self.fail(&failure);
        }
    }

    /// Writes into the marker what the store has confirmed: after the store, never before it.
    pub(super) fn mark(&mut self) -> Result<(), Failure> {
        let is_synced = self.mending.disk().ack == Ack::Disk;
        let renewed = self.marker.renew(self.mending.disk().directory());
        renewed.and_then(|()| self.marker.confirm(self.confirmed, is_synced)).map_err(Failure::Directory)
    }

    /// Puts everything on the disk, if it can be written at all.
    fn end(&mut self) {
        if !self.pulse.is_fine() {
            self.mend();
        }
        let Some(store) = self.store.as_ref().filter(|_| self.pulse.is_fine()) else {
            let left = self.pending.len();
            tracing::error!(left, "the data directory was not closed cleanly: it cannot be written");
            return;
        };
        let synced = store.sync().map_err(|error| error.to_string());
        let closed = synced.and_then(|()| self.marker.close(self.confirmed).map_err(|error| error.to_string()));
        if let Err(error) = closed {
            tracing::error!(%error, "the data directory was not closed cleanly");
        }
    }
}

impl Disk {
    /// Returns how safe a batch has to be before its rooms are notified.
    fn persist_mode(&self) -> PersistMode {
        match self.ack {
            Ack::Written => PersistMode::Buffer,
            Ack::Disk => PersistMode::SyncData,
        }
    }
}
