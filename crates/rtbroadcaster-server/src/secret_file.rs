//! The file with the secret of an installation, created by its operator.
//! Must not know what the secret is for.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use rtbroadcaster::Secret;
use rustix::fs::OFlags;

/// The most bytes that are read: a secret, a line break, and some spaces.
const BYTES_MAX: u64 = 256;

/// The permissions for other users. The group may have any: operators hand a secret to a service by its group.
const OTHERS: u32 = 0o007;

/// The path of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretFile(pub(crate) PathBuf);

/// The error for a file without a secret. It never contains the content of the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("cannot read {0}: {1}")]
    Unreadable(SecretFile, #[source] io::Error),
    #[error("{0} is not a regular file")]
    NoFile(SecretFile),
    #[error("{0} does not hold 64 hexadecimal digits, as `openssl rand -hex 32` writes them")]
    NoSecret(SecretFile),
}

impl SecretFile {
    /// Reads the secret. The path may contain symbolic links, as mounted secrets do, since the operator chooses it.
    /// Does not wait for the other end of a pipe.
    pub(crate) fn read(&self) -> Result<Secret, SecretError> {
        let failed = |error| SecretError::Unreadable(self.clone(), error);
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.0).map_err(failed)?;
        let about = File::metadata(&file).map_err(failed)?;
        if !about.is_file() {
            return Err(SecretError::NoFile(self.clone()));
        }
        let mode = about.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            let mode = format!("{mode:04o}");
            tracing::warn!(path = %self, mode, "all users of this machine may use the secret; fix it with `chmod 600 {self}`");
        }
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(|text| text.trim_end().parse().ok()).ok_or_else(|| SecretError::NoSecret(self.clone()))
    }
}

impl fmt::Display for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

    /// A directory that is removed after its test.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("rtbroadcaster-secret-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> SecretFile {
            SecretFile(self.0.join(name))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_secret_is_read_with_or_without_its_line_break_and_through_links() {
        let directory = Directory::new("right");
        let expected: Secret = DIGITS.parse().unwrap();
        for text in [DIGITS, &format!("{DIGITS}\n"), &format!("{DIGITS} \r\n")] {
            fs::write(directory.0.join("secret"), text).unwrap();
            assert_eq!(directory.file("secret").read().unwrap(), expected, "{text:?}");
        }
        symlink("secret", directory.0.join("link")).unwrap();
        assert_eq!(directory.file("link").read().unwrap(), expected);
    }

    #[test]
    fn an_error_names_the_path_and_never_the_content() {
        let directory = Directory::new("wrong");
        let told = |name: &str| directory.file(name).read().unwrap_err().to_string();
        assert!(told("missing").contains("cannot read"), "{}", told("missing"));
        assert!(told("").contains("is not a regular file"), "{}", told(""));
        mknodat(CWD, directory.0.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(told("pipe").contains("is not a regular file"), "{}", told("pipe"));
        assert!(SecretFile("/dev/zero".into()).read().unwrap_err().to_string().contains("is not a regular file"));
        for text in ["", &DIGITS[1..], &format!("{DIGITS}00"), &"words".repeat(1_000), &format!(" {DIGITS}")] {
            fs::write(directory.0.join("secret"), text).unwrap();
            let told = told("secret");
            assert!(
                told.contains("64 hexadecimal digits") && !told.contains("words") && !told.contains("2233"),
                "{told}"
            );
        }
        fs::write(directory.0.join("secret"), [0xff; 64]).unwrap();
        assert!(told("secret").contains("64 hexadecimal digits"));
    }
}
