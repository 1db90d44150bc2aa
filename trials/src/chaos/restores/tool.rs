//! Programs of the system that an operator uses. Must not know their use.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::steps::Failure;

/// One call of a program.
pub(super) struct Tool(Command);

impl Tool {
    pub(super) fn new(program: &str) -> Self {
        Self(Command::new(program))
    }

    /// Adds words.
    pub(super) fn args(mut self, words: &str) -> Self {
        self.0.args(words.split_whitespace());
        self
    }

    pub(super) fn path(mut self, path: &Path) -> Self {
        self.0.arg(path);
        self
    }

    /// Adds the contents of this directory, as rsync writes it.
    pub(super) fn inside(mut self, path: &Path) -> Self {
        self.0.arg(format!("{}/", path.display()));
        self
    }

    /// Runs it to its end. Fails with its stderr.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let program = self.0.get_program().to_string_lossy().into_owned();
        let output = self.0.output().map_err(|error| Failure::new(format!("{program} does not start: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::new(format!("{program}: {}: {said}", output.status)))
    }
}

/// Makes `to` a copy of `from`, which is a directory.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    remove(to)?;
    Tool::new("cp").args("-a").path(from).path(to).run()
}

/// Removes a file or a directory, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("{} cannot be removed: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
