//! The file that marks a directory in use: its owner, and how much its store has confirmed, written after the store
//! did.
//! Must not know rooms, nor what is in the store.
//!
//! It has two slots that are written in turn, each with a checksum, so that a torn write leaves the one before.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rtbroadcaster_core::id::Life;
use rtbroadcaster_core::record::sum;
use serde::{Deserialize, Serialize};

use super::Ack;
use super::tally::Tally;
use super::text::{Text, Unreadable};
use super::tree;

/// The name of the file.
pub(super) const NAME: &str = "alive";
/// How many bytes a slot has.
const SLOT: usize = 512;

/// The contents of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The life of the log in which it was written, as its digits.
    life: String,
    /// The boot id of the machine, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
    /// How safe a message is when it is acknowledged.
    ack: AckText,
    /// Whether everything that was written is on the disk, and nothing is written any more.
    clean: bool,
    /// When it was written, in milliseconds since 1970.
    at: u64,
    /// The tally that the store has confirmed.
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AckText {
    Written,
    Disk,
}

impl Mark {
    /// Returns the mark for the beginning of `life`.
    pub(super) fn new(life: Life, boot: Option<String>, ack: Ack, tally: Tally) -> Self {
        let ack = match ack {
            Ack::Written => AckText::Written,
            Ack::Disk => AckText::Disk,
        };
        Self { life: life.to_string(), boot, ack, clean: false, at: 0, tally }
    }

    /// Notes that the store has confirmed so much.
    pub(super) fn confirm(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// Notes that nothing is written any more.
    pub(super) fn close(&mut self) {
        self.clean = true;
    }

    /// Returns the tally that the store had confirmed.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Returns whether all of that must be there: it was on the disk, or the system that has it still runs.
    pub(super) fn covers(&self, boot: Option<&str>) -> bool {
        self.clean || self.ack == AckText::Disk || (boot.is_some() && self.boot.as_deref() == boot)
    }

    /// Returns when it was written, as the time since 1970.
    pub(super) fn at(&self) -> Duration {
        Duration::from_millis(self.at)
    }
}

/// The marker file that was there before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FoundMarker {
    /// There is no file.
    Nothing,
    /// A file of format 1, which was touched last then, as the time since 1970.
    Touched(Duration),
    /// A file with this mark.
    Mark(Box<Mark>),
    /// A file that cannot be read.
    Damaged,
    /// A file with a field of this name that only a later version knows.
    Newer(String),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Marker {
    path: PathBuf,
    file: File,
    mark: Mark,
    /// The slot to write next.
    slot: usize,
    /// The tally that was on the disk when the mark was synced last.
    synced: Tally,
}

/// Returns the boot id of the machine, if the system has one.
pub(super) fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// Reads what the file in `directory` says, without changing it.
pub(super) fn read(directory: &Path) -> io::Result<FoundMarker> {
    let mut file = match tree::open(&directory.join(NAME), File::options().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundMarker::Nothing),
        file => file?,
    };
    let mut text = Vec::new();
    file.by_ref().take(4 * SLOT as u64).read_to_end(&mut text)?;
    if text.is_empty() {
        let touched = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(FoundMarker::Touched(touched));
    }
    let marks: Result<Vec<Mark>, String> = text.chunks(SLOT).filter_map(|slot| parse(slot).transpose()).collect();
    Ok(match marks {
        Err(newer) => FoundMarker::Newer(newer),
        Ok(marks) => marks
            .into_iter()
            .max_by_key(|mark| mark.at)
            .map_or(FoundMarker::Damaged, |mark| FoundMarker::Mark(mark.into())),
    })
}

/// Reads a slot: its checksum as 16 digits, a space, and a line of JSON.
fn parse(slot: &[u8]) -> Result<Option<Mark>, String> {
    let Some((checksum, rest)) = slot.split_at_checked(17) else { return Ok(None) };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    if checksum != self::checksum(&rest[..end]).as_bytes() {
        return Ok(None);
    }
    match Text::read(&rest[..end]) {
        Ok(Text { known, .. }) => Ok(Some(known)),
        Err(Unreadable::Damaged) => Ok(None),
        Err(Unreadable::Newer(field)) => Err(field),
    }
}

fn checksum(text: &[u8]) -> String {
    format!("{:016x} ", sum::hash(&[b"mark", text]) >> 64)
}

impl Marker {
    /// Begins to mark `directory`, and overwrites what its file said.
    pub(super) fn start(directory: &Path, mark: Mark) -> io::Result<Self> {
        let path = directory.join(NAME);
        let options = &mut File::options();
        let file = tree::open(&path, options.read(true).write(true).create(true).truncate(false).mode(0o600))?;
        let mut marker = Self { path, file, mark, slot: 0, synced: Tally::default() };
        // Both: whatever the other slot says is not about this life. Not synced: what an older mark says is true too.
        marker.write()?;
        marker.write()?;
        marker.file.set_len(2 * SLOT as u64)?;
        Ok(marker)
    }

    /// Notes that the store has confirmed so much, which is on the disk if `is_synced`. Only then the mark is synced
    /// too, if it says anything new.
    pub(super) fn confirm(&mut self, tally: Tally, is_synced: bool) -> io::Result<()> {
        self.mark.confirm(tally);
        self.write()?;
        if is_synced && tally != self.synced {
            self.file.sync_data()?;
            self.synced = tally;
        }
        Ok(())
    }

    /// Notes that everything that the store has confirmed is on the disk, and that nothing more is written.
    pub(super) fn close(&mut self, tally: Tally) -> io::Result<()> {
        self.mark.close();
        self.mark.confirm(tally);
        self.write()?;
        self.file.sync_all()
    }

    /// Makes the file again if it was removed.
    pub(super) fn renew(&mut self, directory: &Path) -> io::Result<()> {
        let same = |there: Metadata, here: Metadata| (there.dev(), there.ino()) == (here.dev(), here.ino());
        let both = std::fs::symlink_metadata(&self.path).and_then(|there| Ok(same(there, self.file.metadata()?)));
        if !both.unwrap_or(false) {
            *self = Self::start(directory, self.mark.clone())?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Later than before, whatever happens to the clock: the later slot counts.
        self.mark.at = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(self.mark.at + 1);
        let json = serde_json::to_vec(&self.mark).expect("plain data has a text");
        let mut slot = [checksum(&json).as_bytes(), &json, b"\n"].concat();
        debug_assert!(slot.len() <= SLOT, "a slot holds a mark");
        slot.resize(SLOT, b' ');
        self.file.write_all_at(&slot, (self.slot * SLOT) as u64)?;
        self.slot = 1 - self.slot;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_random::OsRandom;

    fn mark(writes: u64) -> Mark {
        let tally = Tally { writes, messages: u64::MAX, bytes: u64::MAX, digest: u128::MAX };
        Mark::new(Life::random(&OsRandom), Some("x".repeat(36)), Ack::Written, tally)
    }

    fn place() -> PathBuf {
        let place =
            std::env::temp_dir().join(format!("rtbroadcaster-{}-{}", std::process::id(), Life::random(&OsRandom)));
        std::fs::create_dir(&place).unwrap();
        place
    }

    #[test]
    fn the_newest_slot_that_is_whole_counts() {
        let place = place();
        assert_eq!(read(&place).unwrap(), FoundMarker::Nothing);
        std::fs::write(place.join(NAME), "").unwrap();
        assert!(matches!(read(&place).unwrap(), FoundMarker::Touched(_)), "of format 1");
        let mut marker = Marker::start(&place, mark(1)).unwrap();
        let writes = || match read(&place).unwrap() {
            FoundMarker::Mark(mark) => Some(mark.tally().writes),
            FoundMarker::Damaged => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(writes(), Some(1));
        for number in 2..6 {
            marker.confirm(Tally { writes: number, ..Tally::default() }, number == 3).unwrap();
            assert_eq!(writes(), Some(number));
        }
        // The slot that was written last.
        let newest = (1 - marker.slot) * SLOT;
        let whole = std::fs::read(place.join(NAME)).unwrap();
        for byte in [0, 5, 16, 17, 60] {
            let mut text = whole.clone();
            text[newest + byte] ^= 4;
            std::fs::write(place.join(NAME), &text).unwrap();
            assert_eq!(writes(), Some(4), "byte {byte}");
        }
        std::fs::write(place.join(NAME), "nonsense").unwrap();
        assert_eq!(writes(), None);
        std::fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_was_confirmed_must_be_there_after_a_clean_end_after_a_kill_and_where_it_was_on_the_disk() {
        let mark = |boot: Option<&str>, ack, clean| {
            let mut mark = Mark::new(Life::random(&OsRandom), boot.map(Into::into), ack, Tally::default());
            if clean {
                mark.close();
            }
            mark
        };
        assert!(mark(Some("a"), Ack::Written, true).covers(Some("b")), "a clean end");
        assert!(mark(Some("b"), Ack::Written, false).covers(Some("b")), "a killed process of the same boot");
        assert!(mark(Some("a"), Ack::Disk, false).covers(Some("b")), "everything was on the disk");
        assert!(!mark(Some("a"), Ack::Written, false).covers(Some("b")), "the machine was started anew");
        assert!(!mark(None, Ack::Written, false).covers(None), "nobody knows whether the machine was started anew");
    }

    #[test]
    fn a_link_or_a_pipe_is_no_marker() {
        let place = place();
        std::os::unix::fs::symlink("/dev/null", place.join(NAME)).unwrap();
        assert!(read(&place).is_err() && Marker::start(&place, mark(1)).is_err(), "a link");
        std::fs::remove_file(place.join(NAME)).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, place.join(NAME), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(read(&place).is_err() && Marker::start(&place, mark(1)).is_err(), "a pipe");
        std::fs::remove_dir_all(place).unwrap();
    }
}
