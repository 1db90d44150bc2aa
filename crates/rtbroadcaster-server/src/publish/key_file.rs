//! The file that holds a room's owner key: read for a room that is there, written for a new one. Whoever reads it owns the
//! room, so it is made for its owner's eyes only. Must not know connections.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rtbroadcaster::remote::Broadcaster;
use rtbroadcaster::{OwnerKey, RoomId};

use crate::ending::{Code, Failure};
use crate::notes::note;

/// A key and a line break, and room for spaces around them.
const BYTES_MAX: u64 = 256;

/// What is to be done with the key.
#[derive(Debug)]
pub(super) enum KeyFile {
    /// It is in this file.
    Read(PathBuf),
    /// It goes to this file, which is empty and only for its owner.
    Write(PathBuf, File),
    /// Nobody keeps it.
    None,
}

impl KeyFile {
    /// What `path` is for, with `room` or for a new one.
    pub(super) fn of(path: Option<&Path>, room: Option<&RoomId>) -> Result<Self, Failure> {
        match (path, room) {
            (Some(path), Some(_)) => Ok(Self::Read(path.into())),
            (Some(path), None) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                file.map(|file| Self::Write(path.into(), file)).map_err(|error| {
                    let advice = if error.kind() == io::ErrorKind::AlreadyExists {
                        "It may hold the key of another room. Name another file, or name the ROOM that it belongs to."
                    } else {
                        ""
                    };
                    Failure::new(Code::Here, format!("cannot make the file {}: {error}", path.display()), advice)
                })
            }
            (None, Some(room)) => Err(Failure::new(
                Code::Usage,
                format!("the room {room} has an owner key, and it is needed to speak there"),
                "Name the file that holds it: --owner-key-file FILE.",
            )),
            (None, None) => Ok(Self::None),
        }
    }

    /// Whether the key is kept.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The key, where there is one already.
    pub(super) fn read(&self) -> Result<Option<OwnerKey>, Failure> {
        let Self::Read(path) = self else { return Ok(None) };
        let failed = |error: io::Error| Failure::here(&format!("cannot read the file {}", path.display()), &error);
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.file_type().is_fifo() && about.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            note(&format!("others may read the owner key in {path}: chmod 600 {path}"));
        }
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        // What is there instead may be another secret.
        text.trim().parse().map(Some).map_err(|error| {
            Failure::new(
                Code::Usage,
                format!("the file {} holds no owner key", path.display()),
                format!("It is {error}."),
            )
        })
    }

    /// Writes the key of a new room down.
    pub(super) fn keep(&self, owner: &Broadcaster) -> Result<(), Failure> {
        let Self::Write(path, file) = self else { return Ok(()) };
        let mut file = file;
        let text = format!("{}\n", owner.key().as_str());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| Failure::here(&format!("cannot write the file {}", path.display()), &error))
    }
}

impl Drop for KeyFile {
    /// A file that holds no key would only be in the way of the next attempt.
    fn drop(&mut self) {
        if let Self::Write(path, file) = self
            && file.metadata().is_ok_and(|about| about.len() == 0)
        {
            let _ = fs::remove_file(path);
        }
    }
}
