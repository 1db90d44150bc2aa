//! The one thread that writes: everything that waits goes into one batch, and when that is safe its rooms are told.
//! Must not know how anything is written.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

use fjall::PersistMode;

use super::run::{Marker, Run};
use super::{Ack, Store};
use crate::engine::{Append, Engine, Follower};
use crate::fault;
use crate::id::RoomId;
use crate::metrics::Counters;

/// How often the directory's marker is touched.
const TOUCH: Duration = Duration::from_secs(1);
/// How much goes into one batch.
const BATCH_MAX: usize = 4_096;

/// To the thread that writes.
pub(super) struct Journal(Sender<Order>);

enum Order {
    Append(Arc<dyn Follower>, Append),
    /// Write everything, and say when that is done.
    Close(SyncSender<()>),
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// Begins to write what is handed over.
    pub(super) fn start(store: Store, run: Run, marker: Marker, counters: Arc<Counters>) -> std::io::Result<Self> {
        let (orders, due) = mpsc::channel();
        let writer = Writer { store, run, marker, counters, is_lost: false };
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&due))?;
        Ok(Self(orders))
    }
}

impl Engine for Journal {
    fn append(&self, follower: &Arc<dyn Follower>, append: Append) {
        // Without a thread the process is going away, and nobody is told anything any more.
        let _ = self.0.send(Order::Append(Arc::clone(follower), append));
    }

    fn close(&self) {
        let (done, closed) = mpsc::sync_channel(1);
        if self.0.send(Order::Close(done)).is_ok() {
            // Closed before, if it does not answer.
            let _ = closed.recv();
        }
    }
}

struct Writer {
    store: Store,
    run: Run,
    marker: Marker,
    counters: Arc<Counters>,
    /// A write has failed: nobody knows what is written, so nothing is any more.
    is_lost: bool,
}

/// Who has to be told how many of its are written, in the order of the first.
#[derive(Default)]
struct Told {
    rooms: Vec<(Arc<dyn Follower>, usize)>,
    places: HashMap<RoomId, usize>,
}

impl Told {
    fn count(&mut self, follower: &Arc<dyn Follower>) {
        let place = *self.places.entry(follower.room()).or_insert_with(|| {
            self.rooms.push((Arc::clone(follower), 0));
            self.rooms.len() - 1
        });
        self.rooms[place].1 += 1;
    }
}

impl Writer {
    fn run(mut self, due: &Receiver<Order>) {
        let (mut closing, mut touched) = (None, Instant::now());
        while closing.is_none() {
            let first = match due.recv_timeout(TOUCH) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.touch();
                    touched = Instant::now();
                    continue;
                }
                // Nobody can hand anything over.
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut appends = Vec::new();
            for order in std::iter::once(first).chain(due.try_iter()) {
                match order {
                    Order::Append(follower, append) => appends.push((follower, append)),
                    Order::Close(done) => closing = Some(done),
                }
                if closing.is_some() || appends.len() == BATCH_MAX {
                    break;
                }
            }
            self.write(&appends);
            if touched.elapsed() >= TOUCH {
                self.touch();
                touched = Instant::now();
            }
        }
        self.end();
        // The store is closed before anybody who waits for that goes on.
        drop(self);
        if let Some(done) = closing {
            // Whoever wanted to know may have gone.
            let _ = done.send(());
        }
    }

    fn write(&mut self, appends: &[(Arc<dyn Follower>, Append)]) {
        let mut told = Told::default();
        appends.iter().for_each(|(follower, _)| told.count(follower));
        if !self.is_lost
            && let Err(error) = self.commit(appends)
        {
            self.is_lost = true;
            tracing::error!(%error, "nothing is kept any more: rooms refuse messages until the next start");
        }
        for (follower, count) in told.rooms {
            let told = fault::catch("room", &self.counters, || {
                if self.is_lost { follower.lost() } else { follower.written(count) }
            });
            if told.is_err() {
                // Whoever takes its lock ends it; should that panic too, it ends without a word.
                let _ = fault::catch("room", &self.counters, || follower.written(0));
            }
        }
    }

    fn commit(&self, appends: &[(Arc<dyn Follower>, Append)]) -> fjall::Result<()> {
        let mode = match self.run.ack {
            Ack::Written => PersistMode::Buffer,
            Ack::Disk => PersistMode::SyncData,
        };
        let begin = || self.store.database.batch().durability(Some(mode));
        let mut batch = begin();
        for (follower, append) in appends {
            if matches!(append, Append::End) {
                // It takes only what was written before.
                std::mem::replace(&mut batch, begin()).commit()?;
            }
            self.store.put(&mut batch, follower.room(), append)?;
        }
        batch.commit()
    }

    fn touch(&self) {
        if let Err(error) = self.marker.touch() {
            tracing::warn!(%error, "cannot mark the data directory as in use");
        }
    }

    /// Everything is on the disk, if it was written at all.
    fn end(&mut self) {
        self.touch();
        if self.is_lost {
            return;
        }
        let synced = self.store.database.persist(PersistMode::SyncAll).and_then(|()| {
            let run = Run { is_clean: true, ..self.run.clone() };
            let mut batch = self.store.database.batch().durability(Some(PersistMode::SyncAll));
            batch.insert(&self.store.house, "run", run.text());
            batch.commit()
        });
        if let Err(error) = synced {
            tracing::error!(%error, "the data directory was not closed cleanly");
        }
    }
}
