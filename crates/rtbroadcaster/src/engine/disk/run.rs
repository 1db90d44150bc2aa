//! Whether a process goes on where the last one stopped: what it tells about itself in the directory that it uses.
//! Must not know rooms.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Ack;

/// One use of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Which life of the machine it began in, if that is known.
    pub(super) boot: Option<String>,
    /// What is acknowledged.
    #[serde(with = "ack")]
    pub(super) ack: Ack,
    /// Which file marks the directory: another one in a copy.
    pub(super) place: u64,
    /// Everything that was written is on the disk, and nothing is written any more.
    pub(super) is_clean: bool,
}

mod ack {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Ack;

    pub(super) fn serialize<S: Serializer>(ack: &Ack, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ack.word())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ack, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "written" => Ok(Ack::Written),
            "disk" => Ok(Ack::Disk),
            other => Err(serde::de::Error::unknown_variant(other, &["written", "disk"])),
        }
    }
}

impl Run {
    pub(super) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    pub(super) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data has a text")
    }

    /// Whether `next` finds everything that anybody was told of in this run. Not in a copy: the original may have gone on.
    pub(super) fn goes_on_as(&self, next: &Run) -> bool {
        let same_boot = self.boot.is_some() && self.boot == next.boot;
        self.place == next.place && (self.is_clean || same_boot || self.ack == Ack::Disk)
    }
}

/// Which life of the machine this is, where the system tells it.
pub(super) fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// A file that marks the directory and is touched while the directory is in use.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    place: u64,
    /// When it was touched last, before this run.
    touched: SystemTime,
}

/// The file that marks `directory`, which is made if it is not there.
pub(super) fn marker(directory: &Path) -> std::io::Result<Marker> {
    let path = directory.join("alive");
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let metadata = file.metadata()?;
    let marker = Marker { file, place: metadata.ino(), touched: metadata.modified()? };
    marker.touch()?;
    Ok(marker)
}

impl Marker {
    /// Which file it is.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// How long nobody used the directory before `now`, as the time since 1970.
    pub(super) fn downtime(&self, now: Duration) -> Duration {
        let touched = self.touched.duration_since(UNIX_EPOCH).unwrap_or_default();
        now.saturating_sub(touched)
    }

    /// The directory is in use.
    pub(super) fn touch(&self) -> std::io::Result<()> {
        self.file.set_modified(SystemTime::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(boot: &str, ack: Ack, place: u64, is_clean: bool) -> Run {
        Run { boot: (!boot.is_empty()).then(|| boot.to_owned()), ack, place, is_clean }
    }

    #[test]
    fn what_was_told_is_found_after_a_clean_end_after_a_kill_and_where_it_was_on_the_disk() {
        let next = run("b", Ack::Written, 7, false);
        let goes_on = |last: Run| last.goes_on_as(&next);
        assert!(goes_on(run("a", Ack::Written, 7, true)), "a clean end");
        assert!(goes_on(run("b", Ack::Written, 7, false)), "a killed process of the same boot");
        assert!(goes_on(run("a", Ack::Disk, 7, false)), "everything was on the disk");
        assert!(!goes_on(run("a", Ack::Written, 7, false)), "the machine was started anew");
        assert!(!goes_on(run("b", Ack::Disk, 8, true)), "a copy");
        let unknown = run("", Ack::Written, 7, false);
        assert!(!unknown.goes_on_as(&unknown), "nobody knows whether the machine was started anew");
    }

    #[test]
    fn a_run_reads_as_it_was_written() {
        for ack in [Ack::Written, Ack::Disk] {
            let run = run("a", ack, 7, true);
            assert_eq!(Run::parse(&run.text()).unwrap(), run);
        }
        assert!(Run::parse(b"{}").is_err());
    }
}
