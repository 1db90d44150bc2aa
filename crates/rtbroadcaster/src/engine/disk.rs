//! Keeps rooms' logs in a directory of one node, in a log-structured store with one thread that writes.
//! Must not know what a room makes of its log.
//!
//! Everything that waits is written with one call. Killing the process loses nothing that was confirmed, since the
//! operating system has it by then; with [`Ack::Disk`] neither does a loss of power.

mod cut;
mod damage;
mod error;
mod journal;
mod kept;
mod manifests;
mod marker;
mod mending;
mod pulse;
mod secret;
mod store;
mod tally;
mod text;
mod tree;

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::id::{Life, Numbering, RoomId, Seq};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::record::{Lives, Stored, Sum};

use super::OpenedEngine;
use crate::metrics::Counters;
use crate::os_random::OsRandom;
use damage::{Findings, StoreLoss};
pub use error::DiskError;
use journal::Journal;
use marker::{Mark, Marker};
use store::{Contents, FoundRoom, Store, StoreFacts};
use tree::Exposed;

/// The format of a directory. A directory with a greater one was written by a later version of this software.
const FORMAT: u32 = 2;

/// How safe a message is when it is acknowledged, before any client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// The operating system has it: it survives every end of the process, but maybe not that of the machine. If a tail
    /// is lost, viewers that had it get `reset`.
    #[default]
    Written,
    /// It is on the disk (`fdatasync`): it survives a loss of power too, as far as the disk keeps its word.
    Disk,
}

impl Ack {
    /// Returns the word for it in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Disk => "disk",
        }
    }
}

/// The directory in which rooms are kept, see [`Manager::open`](crate::Manager::open).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    directory: PathBuf,
    ack: Ack,
    /// The boot id of the machine, if that is known.
    boot: Option<String>,
    /// The word by which the application accepts a loss.
    accepted: Option<String>,
}

impl Disk {
    /// Keeps rooms in `directory`, which is made if it is not there, with [`Ack::Written`].
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ack: Ack::default(), boot: marker::boot(), accepted: None }
    }

    /// Sets how safe a message is when it is acknowledged.
    #[must_use]
    pub fn with_ack(mut self, ack: Ack) -> Self {
        self.ack = ack;
        self
    }

    /// Starts without what is missing, if that is the loss for which [`DiskError::Loss`] gave this word. Rooms of which
    /// anything but the end is missing get another numbering, so that all their viewers get the state again.
    #[must_use]
    pub fn accept_loss(mut self, word: impl Into<String>) -> Self {
        self.accepted = Some(word.into());
        self
    }

    /// Opens the directory and reads all of it. Its secret is not read if another one is `given`.
    pub(crate) async fn open(
        &self,
        now: Duration,
        counters: Arc<Counters>,
        given: Option<Secret>,
    ) -> Result<OpenedEngine, DiskError> {
        let disk = self.clone();
        let opened = tokio::task::spawn_blocking(move || disk.open_and_wait(now, counters, given)).await;
        opened.unwrap_or_else(|panicked| Err(self.damaged(&panicked)))
    }

    fn open_and_wait(
        &self,
        now: Duration,
        counters: Arc<Counters>,
        given: Option<Secret>,
    ) -> Result<OpenedEngine, DiskError> {
        let path = self.directory.join(tree::STORE);
        // The messages of rooms are private on this machine. The store's files are in a directory that is closed to
        // others.
        let directory = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        // If something else is in its place, the next check names it.
        directory.or_else(|error| if path.symlink_metadata().is_ok() { Ok(()) } else { Err(self.io(error)) })?;
        let exposed = tree::check(&self.directory).map_err(|error| self.error_of_tree(error))?;
        let before = marker::read(&self.directory).map_err(|source| self.io(source))?;
        if let marker::FoundMarker::Newer(field) = before {
            return Err(self.unknown(field));
        }
        let secret = given.map_or_else(|| self.kept_secret(), |given| Ok(Some(given)))?;
        manifests::check(&path).map_err(|refused| self.refused(refused))?;
        let journals = cut::journals(&path).map_err(|source| self.io(source))?;
        let store = Store::open(&path).map_err(|error| self.error(error))?;
        let facts = store.facts().map_err(|error| self.error_of(error))?;
        if let Some(found) = facts.format.filter(|format| *format > FORMAT) {
            return Err(DiskError::Newer { directory: self.directory.clone(), found });
        }
        let contents = store.contents(&facts).map_err(|error| self.error_of(error))?;
        let Contents { rooms, stated, mut ledger } = contents;
        let cuts = cut::since(&journals);
        let newest = journals.last().map(cut::JournalFile::path);
        let (marker, boot, counted) = (&before, self.boot.as_deref(), ledger.tally());
        let findings = Findings { marker, boot, stated, counted, rooms: &rooms, cuts: &cuts, newest };
        let is_accepted = self.accept(&findings)?;
        findings.warn();
        if let Some(Exposed { path, mode, more }) = exposed {
            let (path, mode, directory) = (path.display(), format!("{mode:04o}"), self.directory.display());
            tracing::warn!(%path, mode, more, "other users of this machine may open it; `chmod -R go= {directory}` closes it");
        }
        let lives = facts.lives.clone();
        let lives = lives
            .map_or_else(|| Lives::only(Life::random(&OsRandom)), |lives| lives.followed_by(Life::random(&OsRandom)));
        let (mut rooms, changed) = renumbered(rooms, &facts, &lives);
        let downtime = downtime(&before, now);
        for Stored { header, .. } in &mut rooms {
            // No time has passed while no owner could return.
            header.away = Some(header.away.map_or(now, |away| (away + downtime).min(now)));
        }
        if is_accepted {
            store.sweep(&rooms, &mut ledger).map_err(|error| self.error(error))?;
        }
        store.begin(&facts, &lives, &rooms, &changed, &mut ledger).map_err(|error| self.error(error))?;
        let mark = Mark::new(lives.present(), self.boot.clone(), self.ack, ledger.tally());
        let marker = Marker::start(&self.directory, mark).map_err(|source| self.io(source))?;
        let secret = secret.map_or_else(|| self.make_secret(&rooms), Ok)?;
        let lives = Arc::new(lives);
        let journal = Journal::start(self.clone(), store, ledger, Arc::clone(&lives), marker, counters);
        let engine = Arc::new(journal.map_err(|source| self.io(source))?);
        Ok(OpenedEngine { engine, rooms, lives, secret })
    }

    /// Returns the secret of the directory, if it has one.
    fn kept_secret(&self) -> Result<Option<Secret>, DiskError> {
        match secret::read(&self.directory).map_err(|source| self.io(source))? {
            secret::FoundSecret::Nothing => Ok(None),
            secret::FoundSecret::Secret(secret) => Ok(Some(secret)),
            secret::FoundSecret::Damaged => Err(DiskError::Secret { path: self.directory.join(secret::NAME) }),
        }
    }

    /// Makes a secret for the directory, which has these rooms.
    fn make_secret(&self, rooms: &[Stored]) -> Result<Secret, DiskError> {
        if !rooms.is_empty() {
            // Also for a directory of an earlier version, which had none.
            let (rooms, directory) = (rooms.len(), self.directory.display());
            tracing::warn!(rooms, "made a new secret in {directory}: viewers of kept rooms count as new ones");
        }
        secret::make(&self.directory).map_err(|source| self.io(source))
    }

    /// Returns whether there is a loss that was accepted.
    ///
    /// # Errors
    /// [`DiskError::Loss`] if there is one that was not.
    fn accept(&self, findings: &Findings<'_>) -> Result<bool, DiskError> {
        match findings.loss() {
            None => Ok(false),
            Some(StoreLoss { what, word }) if self.accepted.as_ref() == Some(&word) => {
                tracing::warn!("the loss is accepted: {what}");
                Ok(true)
            }
            Some(StoreLoss { what, word }) => Err(DiskError::Loss { directory: self.directory.clone(), what, word }),
        }
    }

    /// Returns the directory in which the rooms are kept.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Returns the rooms that can be read, each with its numbering from now on, and those whose numbering is new. These are
/// all of format 1, and those of which anything but the end is missing.
fn renumbered(found: Vec<FoundRoom>, facts: &StoreFacts, lives: &Lives) -> (Vec<Stored>, HashSet<RoomId>) {
    let mut changed = HashSet::new();
    let renumber = |found: FoundRoom| {
        let is_old = facts.lives.is_none();
        let is_whole = found.is_whole();
        let mut stored = found.stored?;
        if is_old || !is_whole {
            stored.header.numbering = Numbering::random(&OsRandom);
            stored.header.starts = vec![(lives.present_index(), first())];
            changed.insert(found.room.clone());
            if !is_old {
                tracing::warn!(room = ?found.room, "its viewers get `reset`: its log is not what it was");
            }
        }
        let exists = stored.sum.with(stored.header.past(&found.room));
        match stored.records.last_mut() {
            Some(last) => last.sum = exists,
            None => (stored.ids, stored.sum) = (Vec::new(), Sum::default()),
        }
        Some(stored)
    };
    let rooms = found.into_iter().filter_map(renumber).collect();
    (rooms, changed)
}

/// The number of a room's first message.
const fn first() -> Seq {
    Seq::ZERO.next()
}

/// Returns how long no process used the directory before `now`, as the time since 1970, if that is known.
fn downtime(before: &marker::FoundMarker, now: Duration) -> Duration {
    match before {
        marker::FoundMarker::Mark(mark) => now.saturating_sub(mark.at()),
        marker::FoundMarker::Touched(at) => now.saturating_sub(*at),
        // Then all graces begin now.
        _ => now,
    }
}

#[cfg(test)]
mod tests;
