//! Checks what a directory holds before any of it is opened. Opening a pipe may wait for ever, a link leads elsewhere,
//! and what other users of the machine may open is theirs too.
//! Must not know what is in a file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::mending::PROBE;
use super::{marker, secret};

/// The directory of the store.
pub(super) const STORE: &str = "store";
/// All permissions of others than the owner.
const OTHERS: u32 = 0o077;

/// A thing of a wrong kind where a file or a directory must be.
#[derive(Debug)]
pub(super) struct Foreign {
    /// Its path.
    pub(super) path: PathBuf,
    /// Its kind.
    pub(super) what: &'static str,
}

/// The reason why a directory is not used.
#[derive(Debug)]
pub(super) enum TreeError {
    Foreign(Foreign),
    Io(io::Error),
}

impl From<io::Error> for TreeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The files and directories that others may open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exposed {
    /// The first of them, and its permissions.
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    /// The number of the others.
    pub(super) more: usize,
}

/// Checks that everything in `directory` that is ever opened is a file or a directory; other things beside it are not
/// checked. Returns what others may open.
///
/// Between this and the opening, only the user that owns the directory could exchange anything.
pub(super) fn check(directory: &Path) -> Result<Option<Exposed>, TreeError> {
    let mut exposed = Walk { exposed: None };
    // A link may name it: the operator who starts the server chooses it.
    let metadata = fs::metadata(directory)?;
    let is_exposed = exposed.note(directory, &metadata, true);
    for (name, is_directory) in [(marker::NAME, false), (secret::NAME, false), (PROBE, false), (STORE, true)] {
        let path = directory.join(name);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() != is_directory && (metadata.is_dir() || metadata.is_file()) {
            let what = if is_directory { "a file" } else { "a directory" };
            return Err(TreeError::Foreign(Foreign { path, what }));
        }
        exposed.walk(&path, &metadata, is_exposed)?;
    }
    Ok(exposed.exposed)
}

/// Opens a file as `options` say: through no link, and without waiting for a pipe's other end.
///
/// # Errors
/// Also if it is no file.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let is_file = file.metadata()?.is_file();
    if is_file { Ok(file) } else { Err(io::Error::other(format!("{} is no file", path.display()))) }
}

/// Reads a whole file in the same way.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, File::options().read(true))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Walk {
    exposed: Option<Exposed>,
}

impl Walk {
    /// Checks `path` and all below it. Others can reach it if `is_reachable`.
    fn walk(&mut self, path: &Path, metadata: &Metadata, is_reachable: bool) -> Result<(), TreeError> {
        if let Some(what) = foreign(metadata) {
            return Err(TreeError::Foreign(Foreign { path: path.to_owned(), what }));
        }
        let is_exposed = self.note(path, metadata, is_reachable);
        if metadata.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                // The metadata of a link itself, not of its target.
                let metadata = match entry.metadata() {
                    // Another process has the store, which the next check finds out.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    metadata => metadata?,
                };
                self.walk(&entry.path(), &metadata, is_exposed)?;
            }
        }
        Ok(())
    }

    /// Notes whether others may open it. Returns whether they may reach what is in it.
    fn note(&mut self, path: &Path, metadata: &Metadata, is_reachable: bool) -> bool {
        let mode = metadata.mode() & 0o7777;
        let is_exposed = is_reachable && mode & OTHERS != 0;
        if is_exposed {
            match &mut self.exposed {
                Some(exposed) => exposed.more += 1,
                None => self.exposed = Some(Exposed { path: path.to_owned(), mode, more: 0 }),
            }
        }
        is_exposed
    }
}

/// Returns its kind, unless it is a file or a directory.
fn foreign(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() || kind.is_dir() {
        None
    } else if kind.is_symlink() {
        Some("a symbolic link")
    } else if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rtbroadcaster_core::id::Life;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;
    use crate::os_random::OsRandom;

    /// A directory with a store, closed to others.
    fn place() -> PathBuf {
        let place =
            std::env::temp_dir().join(format!("rtbroadcaster-{}-{}", std::process::id(), Life::random(&OsRandom)));
        fs::create_dir_all(place.join("store/keyspaces/1/tables")).unwrap();
        fs::write(place.join("store/0.jnl"), "").unwrap();
        allow(&place, 0o700);
        place
    }

    fn allow(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn links_and_pipes_are_named_wherever_they_are() {
        let place = place();
        for name in
            ["alive", "secret", "probe", "store/1.jnl", "store/lock", "store/keyspaces/2", "store/keyspaces/1/tables/9"]
        {
            let path = place.join(name);
            symlink("/etc/hostname", &path).unwrap();
            let refused = || match check(&place) {
                Err(TreeError::Foreign(Foreign { path, what })) => Some((path, what)),
                _ => None,
            };
            assert_eq!(refused(), Some((path.clone(), "a symbolic link")));
            fs::remove_file(&path).unwrap();
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
            assert_eq!(refused(), Some((path.clone(), "a named pipe")));
            fs::remove_file(&path).unwrap();
            let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
            assert_eq!(refused(), Some((path.clone(), "a socket")));
            drop(socket);
            fs::remove_file(&path).unwrap();
        }
        symlink("/dev/null", place.join("of-somebody-else")).unwrap();
        assert!(check(&place).is_ok(), "what is never opened is nobody's business here");
        fs::remove_dir_all(place.join("store")).unwrap();
        symlink(std::env::temp_dir(), place.join("store")).unwrap();
        assert!(matches!(check(&place), Err(TreeError::Foreign(Foreign { what: "a symbolic link", .. }))));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn a_directory_in_place_of_a_file_and_the_reverse_are_named_too() {
        let place = place();
        fs::create_dir(place.join("alive")).unwrap();
        assert!(matches!(check(&place), Err(TreeError::Foreign(Foreign { what: "a directory", .. }))));
        fs::remove_dir(place.join("alive")).unwrap();
        fs::remove_dir_all(place.join("store")).unwrap();
        fs::write(place.join("store"), "").unwrap();
        assert!(matches!(check(&place), Err(TreeError::Foreign(Foreign { what: "a file", .. }))));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_others_may_open_is_told_and_what_they_cannot_come_to_is_not() {
        let place = place();
        let (store, journal) = (place.join("store"), place.join("store/0.jnl"));
        allow(&store, 0o700);
        allow(&journal, 0o644);
        assert_eq!(check(&place).unwrap(), None);
        allow(&store, 0o755);
        assert_eq!(check(&place).unwrap(), None, "nobody comes through the directory itself");
        allow(&place, 0o750);
        allow(&store, 0o700);
        let exposed = |more| Some(Exposed { path: place.clone(), mode: 0o750, more });
        assert_eq!(check(&place).unwrap(), exposed(0), "the directory itself");
        allow(&store, 0o710);
        assert!(check(&place).unwrap().is_some_and(|exposed| exposed.more >= 2), "it, the store and the journal");
        allow(&place, 0o700);
        assert_eq!(check(&place).unwrap(), None);
        fs::remove_dir_all(place).unwrap();
    }
}
