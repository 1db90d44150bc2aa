//! The reason why a directory cannot be used.
//! Must not know how it is opened.

use std::path::PathBuf;

use super::manifests::StoreRefusal;
use super::store::LoadError;
use super::tree::{Foreign, TreeError};
use super::{Disk, FORMAT};

/// The reason why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process keeps its rooms there.
    #[error("the directory {0} is in use by another process")]
    InUse(PathBuf),
    /// It was written by a later version.
    #[error("the directory {directory} has format {found}; this version knows formats up to {FORMAT}")]
    Newer {
        /// The directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It has something that only a later version understands.
    #[error("the directory {directory} was written by a later version: this one does not know `{field}`")]
    Unknown {
        /// The directory.
        directory: PathBuf,
        /// The name of the field that has to be known.
        field: String,
    },
    /// It lacks something that it had confirmed, or something in it was changed. Finding that changes nothing in it.
    #[error(
        "the directory {directory} has lost something: {what}. Put a backup in its place, or accept the loss with the word {word}"
    )]
    Loss {
        /// The directory.
        directory: PathBuf,
        /// What is missing or changed, in words.
        what: String,
        /// The word for [`Disk::accept_loss`]. Another loss has another word.
        word: String,
    },
    /// Something in it cannot be read, and the server cannot start without it.
    #[error("the directory {directory} is damaged: {what}. Put a backup in its place, or use another directory")]
    Damaged {
        /// The directory.
        directory: PathBuf,
        /// What cannot be read, in words.
        what: String,
    },
    /// Something in it is of the wrong kind, or neither a file nor a directory. It was not opened: a link could lead
    /// anywhere, and opening a pipe could wait for ever.
    #[error("the directory {directory} cannot be used: {path} is {what}. Remove it, or use another directory")]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// The path of what is in it.
        path: PathBuf,
        /// The kind of it, such as `a symbolic link`.
        what: &'static str,
    },
    /// The file of its secret has none, see [`Secret`](crate::Secret).
    #[error(
        "{path} is not 64 hexadecimal digits. Put the file from a backup in its place, or remove it, and all viewers are new ones"
    )]
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("cannot use the directory {directory}: {source}")]
    Io {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

impl Disk {
    pub(super) fn io(&self, source: std::io::Error) -> DiskError {
        DiskError::Io { directory: self.directory.clone(), source }
    }

    pub(super) fn damaged(&self, what: &dyn std::fmt::Display) -> DiskError {
        DiskError::Damaged { directory: self.directory.clone(), what: what.to_string() }
    }

    pub(super) fn error(&self, error: fjall::Error) -> DiskError {
        match error {
            fjall::Error::Locked => DiskError::InUse(self.directory.clone()),
            fjall::Error::Io(source) => self.io(source),
            fjall::Error::InvalidVersion(Some(version)) => {
                self.damaged(&format_args!("its store has version {version}"))
            }
            fjall::Error::JournalRecovery(error) => {
                self.damaged(&format_args!("a journal of its store is not what was written ({error:?})"))
            }
            fjall::Error::Storage(fjall::LsmError::Io(error)) => {
                self.damaged(&format_args!("a table of its store cannot be read ({error})"))
            }
            fjall::Error::Storage(error) => {
                self.damaged(&format_args!("a table of its store is not what was written ({error:?})"))
            }
            error => self.damaged(&format_args!("its store cannot be opened ({error:?})")),
        }
    }

    pub(super) fn error_of(&self, error: LoadError) -> DiskError {
        match error {
            LoadError::Store(error) => self.error(error),
            LoadError::Damaged(what) => self.damaged(&format_args!("{what} makes no sense")),
            LoadError::Newer(field) => self.unknown(field),
        }
    }

    pub(super) fn refused(&self, refused: StoreRefusal) -> DiskError {
        match refused {
            StoreRefusal::InUse => DiskError::InUse(self.directory.clone()),
            StoreRefusal::Damaged(what) => self.damaged(&what),
            StoreRefusal::Io(source) => self.io(source),
        }
    }

    pub(super) fn error_of_tree(&self, error: TreeError) -> DiskError {
        match error {
            TreeError::Foreign(Foreign { path, what }) => {
                DiskError::Foreign { directory: self.directory.clone(), path, what }
            }
            TreeError::Io(source) => self.io(source),
        }
    }

    pub(super) fn unknown(&self, field: String) -> DiskError {
        DiskError::Unknown { directory: self.directory.clone(), field }
    }
}
