//! Directories and what people do to them.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rtbroadcaster_core::id::Life;

use crate::os_random::OsRandom;

/// A directory that goes with its test.
#[derive(Debug)]
pub(super) struct Directory(pub(super) PathBuf);

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is asked to.
    Clean,
    /// It is killed.
    Killed,
}

/// How a copy takes the place of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The directory is removed before.
    Replaced,
    /// The files of the copy take the places of those of the same names, and all others stay.
    Copied,
    /// The same, but each file is written where it is, as by `rsync --inplace`.
    InPlace,
    /// Each file is written where it is, and those that the copy does not have are removed: as a block image that is
    /// rolled back.
    RolledBack,
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Directory {
    pub(super) fn new() -> Self {
        Self(std::env::temp_dir().join(format!("rtbroadcaster-{}-{}", std::process::id(), Life::random(&OsRandom))))
    }

    /// Returns a copy as it is at this moment.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new();
        for file in self.files() {
            copy_file(&self.0.join(&file), &copy.0.join(&file));
        }
        copy
    }

    /// `copy` takes its place, with the file that marks the directory or without it.
    pub(super) fn be_replaced_by(&self, copy: &Self, over: Over, with_marker: bool) {
        if over == Over::Replaced {
            fs::remove_dir_all(&self.0).unwrap();
        }
        let files: Vec<_> = copy.files().into_iter().filter(|file| with_marker || !is_marker(file)).collect();
        if over == Over::RolledBack {
            let surplus = self.files().into_iter().filter(|file| !files.contains(file) && !is_marker(file));
            surplus.for_each(|file| fs::remove_file(self.0.join(file)).unwrap());
        }
        for file in files {
            let (from, to) = (copy.0.join(&file), self.0.join(&file));
            if over == Over::Copied && to.exists() {
                fs::remove_file(&to).unwrap();
            }
            copy_file(&from, &to);
        }
        if over != Over::Copied && over != Over::InPlace && !with_marker && self.0.join("alive").exists() {
            fs::remove_file(self.0.join("alive")).unwrap();
        }
    }

    /// Its files, in an order that depends on their names only.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&self.0, &self.0, &mut files);
        files.sort();
        files
    }
}

fn is_marker(file: &Path) -> bool {
    file == Path::new("alive")
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

/// Writes what `from` holds where `to` is. Zeros take no space: journals end with many.
fn copy_file(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    // A process that goes on meanwhile may have removed it.
    let Ok(mut source) = File::open(from) else { return };
    let mut target = OpenOptions::new().create(true).write(true).truncate(true).open(to).unwrap();
    let (mut block, mut length) = (vec![0; 256 * 1024], 0);
    loop {
        let count = source.read(&mut block).unwrap();
        if count == 0 {
            break;
        }
        if block[..count].iter().any(|byte| *byte != 0) {
            target.seek(SeekFrom::Start(length)).unwrap();
            target.write_all(&block[..count]).unwrap();
        }
        length += count as u64;
    }
    target.set_len(length).unwrap();
}
