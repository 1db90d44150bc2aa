//! The file with the secret by which the viewers of the rooms in a directory are recognized.
//! Must not know rooms, nor what is made of a secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rtbroadcaster_core::identity::Secret;

use super::tree;
use crate::os_random::OsRandom;

/// The name of the file, and of the one that becomes it.
pub(super) const NAME: &str = "secret";
const NEW: &str = "secret.new";

/// More bytes than a secret and its end of line have.
const BYTES_MAX: u64 = 128;

/// The secret file of a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FoundSecret {
    /// There is no file.
    Nothing,
    /// A file with this secret.
    Secret(Secret),
    /// A file that cannot be read.
    Damaged,
}

/// Reads the secret of `directory`, without changing anything.
pub(super) fn read(directory: &Path) -> io::Result<FoundSecret> {
    let file = match tree::open(&directory.join(NAME), File::options().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundSecret::Nothing),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let secret = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse().ok());
    Ok(secret.map_or(FoundSecret::Damaged, FoundSecret::Secret))
}

/// Makes a secret for `directory`, which has none. When this returns, the file is whole and on the disk, or not there
/// at all.
pub(super) fn make(directory: &Path) -> io::Result<Secret> {
    let (secret, new) = (Secret::random(&OsRandom), directory.join(NEW));
    // A file of a start that was interrupted.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(format!("{}\n", secret.digits()).as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, directory.join(NAME))?;
    File::open(directory)?.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use rtbroadcaster_core::id::Life;

    use super::*;

    /// An empty directory.
    fn place() -> PathBuf {
        let place =
            std::env::temp_dir().join(format!("rtbroadcaster-{}-{}", std::process::id(), Life::random(&OsRandom)));
        fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn a_secret_is_made_once_closed_to_others_and_found_again() {
        let place = place();
        assert_eq!(read(&place).unwrap(), FoundSecret::Nothing);
        // A file that a killed start has left, and that others may read.
        fs::write(place.join(NEW), "half").unwrap();
        fs::set_permissions(place.join(NEW), fs::Permissions::from_mode(0o666)).unwrap();
        let secret = make(&place).unwrap();
        assert_eq!(read(&place).unwrap(), FoundSecret::Secret(secret.clone()));
        let mode = fs::metadata(place.join(NAME)).unwrap().permissions().mode();
        assert_eq!((mode & 0o7777, place.join(NEW).exists()), (0o600, false));
        fs::write(place.join(NAME), secret.digits()).unwrap();
        assert_eq!(read(&place).unwrap(), FoundSecret::Secret(secret), "also without an end of line");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (place, elsewhere) = (place(), place());
        let target = elsewhere.join("file");
        fs::write(&target, "of somebody else").unwrap();
        symlink(&target, place.join(NEW)).unwrap();
        make(&place).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "of somebody else");
        fs::remove_file(place.join(NAME)).unwrap();
        symlink(&target, place.join(NAME)).unwrap();
        assert!(read(&place).is_err(), "a link is not followed");
        for place in [place, elsewhere] {
            fs::remove_dir_all(place).unwrap();
        }
    }

    #[test]
    fn what_is_too_short_too_long_or_something_else_is_no_secret() {
        let place = place();
        let digits = Secret::random(&OsRandom).digits();
        for text in ["", "\n", &digits[2..], &format!("{digits}00"), &format!(" {digits}"), &"text".repeat(1_000)] {
            fs::write(place.join(NAME), text).unwrap();
            assert_eq!(read(&place).unwrap(), FoundSecret::Damaged, "{text:?}");
        }
        fs::write(place.join(NAME), [0xff; 64]).unwrap();
        assert_eq!(read(&place).unwrap(), FoundSecret::Damaged);
        fs::remove_dir_all(place).unwrap();
    }
}
