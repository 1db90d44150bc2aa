//! The file with a room's owner key: read for an existing room, written for a new one. It is created with mode 600,
//! since the key is all it takes to own the room. Must not know connections.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rtbroadcaster::remote::Owner;
use rtbroadcaster::{OwnerKey, RoomId};

use crate::ending::{Code, CommandError};
use crate::notes::note;

/// The most bytes that are read: a key, a line break, and some spaces.
const BYTES_MAX: u64 = 256;

/// The use of the file.
#[derive(Debug)]
pub(super) enum KeyFile {
    /// The key is read from this file.
    Read(PathBuf),
    /// The key is written to this file, which was created empty with mode 600.
    Write(PathBuf, File),
    /// The key is not kept.
    None,
}

impl KeyFile {
    /// Returns the use of `path`: to read the key of `room`, or to write the key of a new room.
    ///
    /// # Errors
    /// If the file for a new key cannot be created, or if `room` is given without a file.
    pub(super) fn of(path: Option<&Path>, room: Option<&RoomId>) -> Result<Self, CommandError> {
        match (path, room) {
            (Some(path), Some(_)) => Ok(Self::Read(path.into())),
            (Some(path), None) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                file.map(|file| Self::Write(path.into(), file)).map_err(|error| {
                    let advice = if error.kind() == io::ErrorKind::AlreadyExists {
                        "It may hold the key of another room. Name another file, or the ROOM to which it belongs."
                    } else {
                        ""
                    };
                    CommandError::new(Code::Here, format!("cannot create the file {}: {error}", path.display()), advice)
                })
            }
            (None, Some(room)) => Err(CommandError::new(
                Code::Usage,
                format!("publishing to the room {room} needs its owner key"),
                "Name the file that holds it: --owner-key-file FILE.",
            )),
            (None, None) => Ok(Self::None),
        }
    }

    /// Returns whether the key is kept in a file.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns the key of an existing room, `None` for a new room.
    pub(super) fn read(&self) -> Result<Option<OwnerKey>, CommandError> {
        let Self::Read(path) = self else { return Ok(None) };
        let failed = |error: io::Error| CommandError::here(&format!("cannot read the file {}", path.display()), &error);
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.file_type().is_fifo() && about.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            note(&format!("other users may read the owner key in {path}: chmod 600 {path}"));
        }
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        // The content is not shown: it may be another secret.
        text.trim().parse().map(Some).map_err(|error| {
            CommandError::new(
                Code::Usage,
                format!("the file {} holds no owner key", path.display()),
                format!("It is {error}."),
            )
        })
    }

    /// Writes the key of a new room to the file.
    pub(super) fn keep(&self, owner: &Owner) -> Result<(), CommandError> {
        let Self::Write(path, file) = self else { return Ok(()) };
        let mut file = file;
        let text = format!("{}\n", owner.key().as_str());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| CommandError::here(&format!("cannot write the file {}", path.display()), &error))
    }
}

impl Drop for KeyFile {
    /// Removes a file that is still empty: the next attempt would fail because it exists.
    fn drop(&mut self) {
        if let Self::Write(path, file) = self
            && file.metadata().is_ok_and(|about| about.len() == 0)
        {
            let _ = fs::remove_file(path);
        }
    }
}
