//! The file with a viewer's identity, so that the room counts the next `watch` as the same viewer. Must not know
//! connections.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rtbroadcaster::remote::Identity;

use crate::ending::{Code, CommandError};
use crate::notes::note;

/// The most bytes that are read: a key, a line break, and some spaces.
const BYTES_MAX: u64 = 256;

/// The identity file, if the options name one.
#[derive(Debug)]
pub(super) struct IdentityFile {
    path: Option<PathBuf>,
    /// The content of the file.
    kept: Option<String>,
}

impl IdentityFile {
    /// Reads the file at `path`, which need not exist.
    pub(super) fn open(path: Option<&Path>) -> Result<(Self, Option<Identity>), CommandError> {
        let Some(path) = path else { return Ok((Self { path: None, kept: None }, None)) };
        let failed = |error: io::Error| CommandError::here(&format!("cannot read the file {}", path.display()), &error);
        let mut text = String::new();
        match fs::File::open(path) {
            Ok(file) => _ = file.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok((Self { path: Some(path.into()), kept: None }, None));
        }
        // The file is not overwritten: its content may still be needed.
        let identity = text.parse::<Identity>().map_err(|error| {
            let what = format!("the file {} holds no viewer's key", path.display());
            CommandError::new(Code::Usage, what, error.to_string())
        })?;
        Ok((Self { path: Some(path.into()), kept: Some(text.into()) }, Some(identity)))
    }

    /// Writes the identity that a server has sent, unless the file contains it.
    pub(super) fn keep(&mut self, identity: Option<Identity>) {
        let (Some(path), Some(identity)) = (&self.path, identity.filter(|identity| identity.number().is_some())) else {
            return;
        };
        let key = identity.to_string();
        if self.kept.as_ref() == Some(&key) {
            return;
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        match file.and_then(|mut file| writeln!(file, "{key}")) {
            Ok(()) => self.kept = Some(key),
            Err(error) => note(&format!("cannot write the file {}: {error}", path.display())),
        }
    }
}
