//! Recovers when the directory cannot be written: tries again, and when it can be, opens the store again. The store
//! must hold what it had confirmed, and a first part of what was tried.
//! Must not know what rooms make of that.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rtbroadcaster_core::record::{Append, Handover};
use rustix::fs::{Access, access};

use super::journal::Writer;
use super::store::{Contents, LoadError, Store};
use super::tree::{self, Foreign, TreeError};
use super::{Ack, Disk};

/// How many bytes must fit on the disk before the store is opened again.
const PROBE_BYTES: usize = 1024 * 1024;
/// The name of the file that finds that out.
pub(super) const PROBE: &str = "probe";

/// The reason why the directory cannot be written.
#[derive(Debug)]
pub(super) enum Failure {
    /// A write has failed.
    Write(fjall::Error),
    /// The directory is not where it was, or may not be written.
    Directory(io::Error),
    /// The store is not what it was.
    Store(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(fjall::Error::Io(error)) | Self::Directory(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Store(what) => f.write_str(what),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => Self::Write(error),
            LoadError::Damaged(what) => Self::Store(format!("{what} makes no sense")),
            LoadError::Newer(field) => Self::Store(format!("`{field}` is not known")),
        }
    }
}

impl From<fjall::Error> for Failure {
    fn from(error: fjall::Error) -> Self {
        Self::Write(error)
    }
}

impl Failure {
    /// Returns whether trying again may help.
    fn may_end(&self, ack: Ack) -> bool {
        match self {
            Self::Directory(_) => true,
            Self::Store(_) => false,
            Self::Write(error) => match error {
                // The system reports once that it could not write what was to be synced, and forgets it.
                fjall::Error::Io(error) => ack == Ack::Written || !is_medium(error),
                fjall::Error::Storage(fjall::LsmError::Io(error)) => ack == Ack::Written || !is_medium(error),
                fjall::Error::Poisoned | fjall::Error::Locked => true,
                _ => false,
            },
        }
    }
}

/// Returns whether the medium itself fails.
fn is_medium(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// A directory, and the means to tell it from another one in its place.
#[derive(Debug)]
pub(super) struct Mending {
    disk: Disk,
    /// The device and the number of the store's own directory.
    place: (u64, u64),
    /// Whether this outage was logged, which is done once.
    is_told: bool,
}

impl Mending {
    /// Watches the directory of `disk`.
    pub(super) fn of(disk: Disk) -> io::Result<Self> {
        let place = place(&disk)?;
        Ok(Self { disk, place, is_told: false })
    }

    /// Returns the directory and its settings.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Checks that the directory is where it was and may be written.
    ///
    /// # Errors
    /// The reason why not.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let check = || {
            if place(&self.disk)? != self.place {
                return Err(io::Error::other("another directory has taken the place of the data directory"));
            }
            for directory in [self.disk.directory.clone(), store(&self.disk)] {
                access(directory, Access::WRITE_OK | Access::EXEC_OK)?;
            }
            Ok(())
        };
        check().map_err(Failure::Directory)
    }

    /// Checks that all of it may be opened, as it was checked at the start.
    fn check_tree(&self) -> Result<(), Failure> {
        match tree::check(&self.disk.directory) {
            Ok(_) => Ok(()),
            Err(TreeError::Io(error)) => Err(Failure::Directory(error)),
            Err(TreeError::Foreign(Foreign { path, what })) => {
                Err(Failure::Directory(io::Error::other(format!("{} is {what}", path.display()))))
            }
        }
    }

    /// Checks that `PROBE_BYTES` fit on the disk, and leaves nothing behind.
    fn probe(&self) -> Result<(), Failure> {
        let path = self.disk.directory.join(PROBE);
        // A new file of its own: what stands in its place may be a link to another file.
        let removed = fs::remove_file(&path);
        let removed =
            removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) });
        let made = removed.and_then(|()| File::options().write(true).create_new(true).mode(0o600).open(&path));
        let written = made.and_then(|mut file| {
            file.write_all(&vec![1; PROBE_BYTES])?;
            file.sync_data()
        });
        // Also a file that was written in part.
        let removed = fs::remove_file(&path);
        written.and(removed).map_err(Failure::Directory)
    }
}

fn store(disk: &Disk) -> PathBuf {
    disk.directory.join(tree::STORE)
}

fn place(disk: &Disk) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(store(disk))?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Writer {
    /// Notes that nothing can be written: notifies all rooms, and tries again unless that cannot help.
    pub(super) fn fail(&mut self, failure: &Failure) {
        // The store in memory may differ from its files when they can be written again.
        self.store = None;
        if failure.may_end(self.mending.disk.ack) {
            if !std::mem::replace(&mut self.mending.is_told, true) {
                let directory = self.mending.disk.directory.display();
                tracing::error!(error = %failure, "cannot write to {directory}: rooms refuse messages until that works again");
            }
            self.pulse.fails();
        } else {
            tracing::error!(error = %failure, "the data directory cannot be used any more");
            self.pending.clear();
            self.pulse.is_lost();
        }
    }

    /// Tries to write again what was handed over.
    pub(super) fn mend(&mut self) {
        if self.pulse.has_lost() {
            self.pending.clear();
            return;
        }
        match self.open_again() {
            Err(failure) => self.fail(&failure),
            Ok(()) => {
                self.write();
                if self.store.is_some() && self.pending.is_empty() {
                    self.mending.is_told = false;
                    tracing::info!("the data directory can be written again");
                    self.pulse.writes();
                }
            }
        }
    }

    /// Opens the store again, and confirms what was tried and is there.
    fn open_again(&mut self) -> Result<(), Failure> {
        self.mending.check()?;
        self.mending.check_tree()?;
        self.mark()?;
        self.mending.probe()?;
        let path = store(&self.mending.disk);
        // The store may panic over files that are damaged.
        let opened = catch_unwind(AssertUnwindSafe(|| Store::open(&path)));
        let store = opened.map_err(|_| Failure::Store("the store cannot be opened".to_owned()))??;
        let Contents { stated, ledger, .. } = store.contents(&store.facts()?)?;
        let counted = ledger.tally();
        let is_possible = std::iter::once(&self.confirmed).chain(&self.possible).any(|tally| *tally == counted);
        if stated != Some(counted) || !is_possible {
            return Err(Failure::Store("the data directory does not hold what it had confirmed".to_owned()));
        }
        let mut written = counted.writes - self.confirmed.writes;
        let mut is_written = |(_, handover): &&(_, Handover)| {
            let is_written = written > 0;
            written -= u64::from(is_written && !matches!(handover.append, Append::Turn));
            is_written
        };
        let count = self.pending.iter().take_while(|handed| is_written(handed)).count();
        let told: Vec<_> = self.pending.drain(..count).collect();
        (self.ledger, self.confirmed) = (ledger, counted);
        self.possible.clear();
        self.store = Some(store);
        self.notify_rooms(&told);
        Ok(())
    }
}
