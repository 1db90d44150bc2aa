//! Checks what the store itself reads without checking: the list of tables of each of its parts, by the checksum that
//! the store keeps of it. With a damaged one the store would ask for more memory than there is, or remove what it does
//! not list.
//! Must not know what is in a table.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rtbroadcaster_core::record::sum;

use super::tree;

/// The file whose lock gives one process the store for itself.
const LOCK: &str = "lock";
/// The directory of the parts, each in a directory of its own.
const PARTS: &str = "keyspaces";
/// The file that names the present list of tables: its number (8 bytes), its checksum (16), and the kind of checksum,
/// which is 0.
const CURRENT: &str = "current";
const CURRENT_BYTES: usize = 25;

/// The reason why a store is not opened.
#[derive(Debug)]
pub(super) enum StoreRefusal {
    /// Another process has it.
    InUse,
    /// It is damaged, in words.
    Damaged(String),
    /// It cannot be read.
    Io(io::Error),
}

impl From<io::Error> for StoreRefusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Checks the store in `directory`, which another process may have. A store that is not there passes.
pub(super) fn check(directory: &Path) -> Result<(), StoreRefusal> {
    let lock = match tree::open(&directory.join(LOCK), File::options().read(true).write(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        lock => Some(lock?),
    };
    match lock.as_ref().map_or(Ok(()), File::try_lock) {
        Err(TryLockError::WouldBlock) => return Err(StoreRefusal::InUse),
        Err(TryLockError::Error(error)) => return Err(error.into()),
        Ok(()) => {}
    }
    let parts = match fs::read_dir(directory.join(PARTS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        parts => parts?,
    };
    for part in parts {
        let part = part?.path();
        if part.is_dir() {
            check_part(&part)?;
        }
    }
    Ok(())
}

fn check_part(part: &Path) -> Result<(), StoreRefusal> {
    let damaged = |path: PathBuf, what: &str| Err(StoreRefusal::Damaged(format!("{} {what}", path.display())));
    let path = part.join(CURRENT);
    let current = match tree::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A part that a crash left half made has no tables.
            let tables = fs::read_dir(part.join("tables")).is_ok_and(|mut tables| tables.next().is_some());
            return if tables { damaged(path, "is missing") } else { Ok(()) };
        }
        current => current?,
    };
    let Some((number, rest)) = current.split_first_chunk::<8>().filter(|_| current.len() == CURRENT_BYTES) else {
        return damaged(path, "makes no sense");
    };
    let list = part.join(format!("v{}", u64::from_le_bytes(*number)));
    match tree::read(&list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => damaged(list, "is missing"),
        Ok(bytes) if sum::hash(&[&bytes]).to_le_bytes() != rest[..16] => damaged(list, "is not what was written"),
        read => Ok(read.map(|_| ())?),
    }
}
