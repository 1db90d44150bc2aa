//! Finds what the store cuts from the ends of its journals when it is opened: a batch that is not whole, and everything
//! behind it.
//! Must not know what is in a journal, but that it ends with zeros which nothing has replaced yet.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::tree;

/// How many bytes are read at a time.
const BLOCK: usize = 64 * 1024;

/// A journal, and the end of its last byte that is not zero.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    end: u64,
}

/// A missing end of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// The journal.
    pub(super) path: PathBuf,
    /// The end of the journal now.
    pub(super) end: u64,
    /// The number of bytes that stood behind that.
    pub(super) bytes: u64,
}

impl JournalFile {
    /// Returns the path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns the journals of the store in `directory`, the newest last; none if there is no store.
pub(super) fn journals(directory: &Path) -> io::Result<Vec<JournalFile>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut journals = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse::<u64>().ok());
        if let Some(number) = number {
            journals.push((number, JournalFile { end: end(&path)?, path }));
        }
    }
    journals.sort_by_key(|(number, _)| *number);
    Ok(journals.into_iter().map(|(_, journal)| journal).collect())
}

/// Returns what was cut from `journals` since they were looked at.
pub(super) fn since(journals: &[JournalFile]) -> Vec<Cut> {
    let cut = |JournalFile { path, end }: &JournalFile| {
        // A journal that is missing was not needed any more.
        let length = std::fs::metadata(path).ok()?.len();
        let bytes = end.checked_sub(length).filter(|bytes| *bytes > 0)?;
        Some(Cut { path: path.clone(), end: length, bytes })
    };
    journals.iter().filter_map(cut).collect()
}

/// Returns the end of the last byte of a file that is not zero. The store makes journals of 64 MiB that hold nothing
/// yet, so parts without data in the file system are not read.
fn end(path: &Path) -> io::Result<u64> {
    let file = tree::open(path, File::options().read(true))?;
    let mut block = vec![0; BLOCK];
    for (start, mut end) in extents(&file)?.into_iter().rev() {
        while end > start {
            let begin = end.saturating_sub(BLOCK as u64).max(start);
            let read = &mut block[..usize::try_from(end - begin).unwrap_or(BLOCK)];
            file.read_exact_at(read, begin)?;
            if let Some(last) = read.iter().rposition(|byte| *byte != 0) {
                return Ok(begin + last as u64 + 1);
            }
            end = begin;
        }
    }
    Ok(0)
}

/// Returns the parts of a file for which the file system has data, in order; the whole file if it does not say.
fn extents(file: &File) -> io::Result<Vec<(u64, u64)>> {
    let mut extents = Vec::new();
    let mut end = 0;
    loop {
        let start = match seek(file, SeekFrom::Data(end)) {
            Ok(start) => start,
            // There is no more.
            Err(Errno::NXIO) => return Ok(extents),
            Err(error) => return Err(error.into()),
        };
        end = seek(file, SeekFrom::Hole(start))?;
        extents.push((start, end));
    }
}

#[cfg(test)]
mod tests {
    use rtbroadcaster_core::id::Life;

    use super::*;
    use crate::os_random::OsRandom;

    #[test]
    fn a_journal_ends_with_its_last_byte_that_is_not_zero() {
        let path =
            std::env::temp_dir().join(format!("rtbroadcaster-{}-{}", std::process::id(), Life::random(&OsRandom)));
        let file = File::create(&path).unwrap();
        assert_eq!(end(&path).unwrap(), 0, "empty");
        file.set_len(3 * BLOCK as u64).unwrap();
        assert_eq!(end(&path).unwrap(), 0, "nothing but a hole");
        for place in [0, 5, BLOCK as u64 - 1, BLOCK as u64, 2 * BLOCK as u64 + 17, 3 * BLOCK as u64 - 1] {
            file.write_all_at(&[1], place).unwrap();
            assert_eq!(end(&path).unwrap(), place + 1);
        }
        file.write_all_at(&vec![0; 2 * BLOCK], BLOCK as u64).unwrap();
        assert_eq!(end(&path).unwrap(), BLOCK as u64, "zeros that were written are none");
        std::fs::remove_file(path).unwrap();
    }
}
