//! Rooms' logs in a directory of one node, in a log-structured store with one thread that writes.
//! Must not know what a room makes of its log.
//!
//! A batch of everything that waits is written with one call. Killing the process loses nothing that anybody was told of,
//! since it is in the operating system's hands by then; with [`Ack::Disk`] neither does a loss of power.

mod journal;
mod kept;
mod run;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{Engine, Stored};
use crate::id::Epoch;
use crate::metrics::Counters;
use journal::Journal;
use run::Run;

/// The format of what is in a directory; a greater one is of a later version of this software.
const FORMAT: u32 = 1;

/// What a store may have in memory before it writes it to a table.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
/// What a store may have of what it has read: little, since it reads at the start only.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// What the journal of the store may take before old parts of it are written to tables and go. The least that it takes.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

/// What is true of a message when it is acknowledged, and before anybody sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// It is in the operating system's hands: it survives the end of the process, however that comes, but maybe not that
    /// of the machine. Viewers of a tail that was lost are told `reset`.
    #[default]
    Written,
    /// It is on the disk (`fdatasync`): it survives a loss of power too, as far as the disk keeps its word.
    Disk,
}

impl Ack {
    /// As it is written in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Disk => "disk",
        }
    }
}

/// Where rooms are kept, see [`Manager::open`](crate::Manager::open).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    directory: PathBuf,
    ack: Ack,
    /// Which life of the machine this is, if that is known.
    boot: Option<String>,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process keeps its rooms there.
    #[error("the directory {0} is in use by another process")]
    InUse(PathBuf),
    /// It was written by a later version.
    #[error("the directory {directory} has format {found}; this version knows formats up to {FORMAT}")]
    Newer {
        /// Which directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
    },
    /// What is there makes no sense.
    #[error("the directory {directory} is damaged: {what}")]
    Damaged {
        /// Which directory.
        directory: PathBuf,
        /// What makes no sense.
        what: String,
    },
    /// It cannot be read or written.
    #[error("cannot use the directory {directory}: {source}")]
    Io {
        /// Which directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A directory in use.
pub(crate) struct Opened {
    /// Keeps rooms there.
    pub(crate) engine: Arc<dyn Engine>,
    /// The rooms that are kept there.
    pub(crate) rooms: Vec<Stored>,
}

/// The parts of the store.
#[derive(Clone)]
struct Store {
    database: Database,
    /// What is kept of each room.
    rooms: Keyspace,
    /// The messages, by room and number.
    log: Keyspace,
    /// The names of messages, by room and number.
    ids: Keyspace,
    /// What is known of all of it.
    house: Keyspace,
}

impl Disk {
    /// Rooms are kept in `directory`, which is made if it is not there, with [`Ack::Written`].
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ack: Ack::default(), boot: run::boot() }
    }

    /// What is true of a message when it is acknowledged.
    #[must_use]
    pub fn with_ack(mut self, ack: Ack) -> Self {
        self.ack = ack;
        self
    }

    /// As after another start of the machine.
    #[cfg(test)]
    pub(crate) fn with_boot(mut self, boot: &str) -> Self {
        self.boot = Some(boot.to_owned());
        self
    }

    /// Opens the directory and reads all of it.
    pub(crate) async fn open(&self, now: Duration, counters: Arc<Counters>) -> Result<Opened, DiskError> {
        let disk = self.clone();
        let opened = tokio::task::spawn_blocking(move || disk.open_and_wait(now, counters)).await;
        opened.unwrap_or_else(|panicked| Err(self.damaged(&panicked)))
    }

    fn open_and_wait(&self, now: Duration, counters: Arc<Counters>) -> Result<Opened, DiskError> {
        let store = self.store()?;
        self.check_format(&store)?;
        let marker = run::marker(&self.directory).map_err(|source| self.io(source))?;
        let last = store.house.get("run").map_err(|error| self.error(error))?;
        let last = last.map(|text| Run::parse(&text)).transpose().map_err(|error| self.damaged(&error))?;
        let downtime = last.as_ref().map_or(Duration::ZERO, |_| marker.downtime(now));
        let run = Run { boot: self.boot.clone(), ack: self.ack, place: marker.place(), is_clean: false };
        let goes_on = last.is_none_or(|last| last.goes_on_as(&run));
        let mut rooms = store.load().map_err(|error| self.error_of(error))?;
        for stored in &mut rooms {
            let header = &mut stored.header;
            // While nobody could come back no time has passed.
            header.away = Some(header.away.map_or(now, |away| (away + downtime).min(now)));
            if !goes_on {
                header.epoch = Epoch::random();
            }
        }
        if !goes_on && !rooms.is_empty() {
            tracing::warn!("the last messages may be lost: viewers are told `reset` with the state as it was kept");
        }
        store.begin(&rooms, &run).map_err(|error| self.error(error))?;
        let journal = Journal::start(store, run, marker, counters).map_err(|source| self.io(source))?;
        Ok(Opened { engine: Arc::new(journal), rooms })
    }

    fn store(&self) -> Result<Store, DiskError> {
        // What rooms said is nobody else's business on this machine.
        let directory = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        directory.map_err(|source| self.io(source))?;
        let store = self.directory.join("store");
        let builder = Database::builder(&store).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
        let database = builder.worker_threads(1).open().map_err(|error| self.error(error))?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = |name| database.keyspace(name, options).map_err(|error| self.error(error));
        let (rooms, log, ids, house) = (keyspace("rooms")?, keyspace("log")?, keyspace("ids")?, keyspace("house")?);
        Ok(Store { database, rooms, log, ids, house })
    }

    fn check_format(&self, store: &Store) -> Result<(), DiskError> {
        let Some(text) = store.house.get("format").map_err(|error| self.error(error))? else { return Ok(()) };
        let found = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<u32>().ok());
        match found {
            Some(found) if found <= FORMAT => Ok(()),
            Some(found) => Err(DiskError::Newer { directory: self.directory.clone(), found }),
            None => Err(self.damaged(&"its format is no number")),
        }
    }

    fn io(&self, source: std::io::Error) -> DiskError {
        DiskError::Io { directory: self.directory.clone(), source }
    }

    fn damaged(&self, what: &dyn std::fmt::Display) -> DiskError {
        DiskError::Damaged { directory: self.directory.clone(), what: what.to_string() }
    }

    fn error(&self, error: fjall::Error) -> DiskError {
        match error {
            fjall::Error::Locked => DiskError::InUse(self.directory.clone()),
            fjall::Error::Io(source) => self.io(source),
            fjall::Error::InvalidVersion(Some(version)) => {
                self.damaged(&format_args!("its store has version {version}"))
            }
            error => self.damaged(&error),
        }
    }

    fn error_of(&self, error: kept::LoadError) -> DiskError {
        match error {
            kept::LoadError::Store(error) => self.error(error),
            kept::LoadError::Name => self.damaged(&"a room without a name"),
            kept::LoadError::Value { room, what } => self.damaged(&format_args!("room {room:?}: {what}")),
        }
    }

    /// Where the rooms are kept.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

#[cfg(test)]
mod tests;
