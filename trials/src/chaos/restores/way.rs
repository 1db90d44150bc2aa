//! The ways to restore a backup. Must not know its contents.

use std::fmt;
use std::path::Path;

use super::tool::{Tool, remove};
use crate::model::fault::Fault;
use crate::steps::Failure;

/// A way to restore a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RestoreWay {
    /// Into the directory, which was emptied.
    Emptied,
    /// Over the present files.
    Over,
    /// Over the present files except the file `alive`.
    OverWithoutMarker,
    /// Over the present files except the file `alive` and the store.
    OverWithoutStore,
    /// By rsync over the present files, in place.
    Rsync,
    /// The same in the second in which all was written: rsync takes files of the same size and second for equal.
    RsyncAtOnce,
    /// By rsync, which deletes the files that the backup does not have.
    RsyncDelete,
    /// The whole block device as it was.
    RolledBack,
    /// Not at all: the backup is used beside the original.
    Beside,
}

/// The moment of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Between two servers.
    AtRest,
    /// While a server ran and its owner published.
    Running,
}

/// Whether a backup has the file `alive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkerFile {
    Without,
    With,
}

impl RestoreWay {
    pub(super) const ALL: [Self; 9] = [
        Self::Emptied,
        Self::Over,
        Self::OverWithoutMarker,
        Self::OverWithoutStore,
        Self::Rsync,
        Self::RsyncAtOnce,
        Self::RsyncDelete,
        Self::RolledBack,
        Self::Beside,
    ];

    /// Returns whether files of two times may be mixed.
    pub(super) fn is_mixture(self) -> bool {
        matches!(self, Self::Over | Self::OverWithoutMarker | Self::Rsync | Self::RsyncAtOnce)
    }

    /// Returns whether it needs rsync.
    pub(super) fn needs_rsync(self) -> bool {
        matches!(self, Self::Rsync | Self::RsyncAtOnce | Self::RsyncDelete)
    }

    /// Returns the fault of a refused start, by whether a word can accept it; `None` where it is allowed.
    pub(super) fn refused(self, moment: Moment, marker: MarkerFile, has_word: bool) -> Option<Fault> {
        let is_allowed = if has_word {
            // The store may have been copied before its marker, and have fewer messages than that says.
            self.is_mixture() || (moment, marker) == (Moment::Running, MarkerFile::With) && self != Self::RolledBack
        } else {
            matches!(self, Self::Over | Self::Rsync | Self::RsyncAtOnce)
        };
        (!is_allowed).then_some(Fault::NotStarted)
    }

    /// Copies `backup` into `directory`, which exists.
    pub(super) fn restore(self, backup: &Path, directory: &Path) -> Result<(), Failure> {
        match self {
            Self::Emptied => Tool::new("find").path(directory).args("-mindepth 1 -delete").run()?,
            Self::OverWithoutMarker => remove(&directory.join("alive"))?,
            Self::OverWithoutStore => {
                remove(&directory.join("alive"))?;
                remove(&directory.join("store"))?;
            }
            Self::RsyncAtOnce => same_second(&[backup, directory])?,
            Self::Over | Self::Rsync | Self::RsyncDelete | Self::RolledBack | Self::Beside => {}
        }
        let inside = backup.join(".");
        match self {
            Self::Rsync | Self::RsyncAtOnce => {
                Tool::new("rsync").args("-a --inplace").inside(backup).path(directory).run()
            }
            Self::RsyncDelete => Tool::new("rsync").args("-a --inplace --delete").inside(backup).path(directory).run(),
            // Its device has it, or a directory of its own.
            Self::RolledBack | Self::Beside => Ok(()),
            _ => Tool::new("cp").args("-a").path(&inside).path(directory).run(),
        }
    }
}

/// Sets the time of all files of these directories to the same second.
fn same_second(directories: &[&Path]) -> Result<(), Failure> {
    directories.iter().try_for_each(|directory| age(directory, "2026-01-01"))
}

/// Sets the time of all files of a directory.
pub(super) fn age(directory: &Path, time: &str) -> Result<(), Failure> {
    Tool::new("find").path(directory).args("-type f -exec touch -d").args(time).args("{} +").run()
}

impl fmt::Display for RestoreWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Emptied => "emptied, cp -a",
            Self::Over => "cp -a over it",
            Self::OverWithoutMarker => "the same without alive",
            Self::OverWithoutStore => "the same without store",
            Self::Rsync => "rsync over it",
            Self::RsyncAtOnce => "rsync in one second",
            Self::RsyncDelete => "rsync --delete",
            Self::RolledBack => "block image",
            Self::Beside => "beside the original",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mixtures_may_be_refused_for_good_and_whole_copies_are_never_refused() {
        let refused = |way: RestoreWay, moment, marker, has_word| way.refused(moment, marker, has_word).is_some();
        for way in RestoreWay::ALL {
            let for_good = refused(way, Moment::Running, MarkerFile::With, false);
            assert_eq!(
                for_good,
                !matches!(way, RestoreWay::Over | RestoreWay::Rsync | RestoreWay::RsyncAtOnce),
                "{way}"
            );
            let whole = refused(way, Moment::AtRest, MarkerFile::Without, true);
            assert_eq!(whole, !way.is_mixture(), "{way}");
        }
        assert!(!refused(RestoreWay::Emptied, Moment::Running, MarkerFile::With, true));
        assert!(refused(RestoreWay::Emptied, Moment::AtRest, MarkerFile::With, true));
        assert!(refused(RestoreWay::RolledBack, Moment::Running, MarkerFile::With, true));
    }
}
