//! The server that is attacked, with its log. Must not know the attacks.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::FULL_FROM;
use crate::load::server::Server;
use crate::load::{process, target};
use crate::steps::Failure;

/// The messages that a room keeps: few, so that the witnesses' room is full soon and grows no more.
const HISTORY_MESSAGES_MAX: &str = "256";

/// The most connections of plain HTTP from one address: the default, and few for a small attack.
const PLAIN_MAX: u64 = 1_000;
const PLAIN_MAX_SHORT: u64 = 20;

/// The most time until a server holds what it held before, besides the time in which rooms end.
const SETTLE: Duration = Duration::from_secs(20);

/// The time between two looks meanwhile, and the number of looks with the same memory, also after a short attack.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 8;
const LOOKS_SHORT: u32 = 2;

/// The difference that counts as the same: a store writes some of its memory now and then.
const SAME_BYTES: u64 = 128 * 1024;
const SAME_STORE_BYTES: u64 = 1024 * 1024;

/// The most that may be left after an attack: a twentieth, and in a small server some pages. A store holds its written
/// data until it writes more, so that a leak shows in a server without one.
const LEFT_MAX: f64 = 0.05;
pub(super) const LEFT_BYTES: u64 = 1024 * 1024;
const LEFT_STORE_BYTES: u64 = 64 * 1024 * 1024;
const LEFT_FILES: u64 = 4;
const LEFT_STORE_FILES: u64 = 16;

/// A server under attack.
pub(super) struct AttackedServer {
    server: Server,
    log: PathBuf,
    /// The time for which rooms without an owner live.
    grace: Duration,
    stall: Duration,
    plain_max: u64,
    store: RoomStore,
    /// The number of looks for which it has to hold the same.
    looks: u32,
}

/// The place where it keeps rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomStore {
    Disk,
    Memory,
}

/// The memory and files that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldResources {
    pub(super) store: RoomStore,
    pub(super) rss: u64,
    pub(super) files: u64,
}

impl HeldResources {
    pub(super) fn of(pid: u32, store: RoomStore) -> Result<Self, Failure> {
        Ok(Self { store, rss: process::rss(pid)?, files: process::open_files(pid)? })
    }

    /// Returns whether this is what was held before, or near it.
    pub(super) fn is_near(self, before: Self) -> bool {
        let most = |before: u64, least: u64| before + least.max(share(before));
        let (bytes, files) = match self.store {
            RoomStore::Disk => (LEFT_STORE_BYTES, LEFT_STORE_FILES),
            RoomStore::Memory => (LEFT_BYTES, LEFT_FILES),
        };
        self.rss <= most(before.rss, bytes) && self.files <= most(before.files, files)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a twentieth")]
fn share(of: u64) -> u64 {
    (of as f64 * LEFT_MAX) as u64
}

/// The server's log.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) bytes: u64,
    pub(super) panics: usize,
    pub(super) path: PathBuf,
}

impl AttackedServer {
    /// Starts it with all limits at their defaults. For a small attack its timeouts are shorter, and its limit of plain
    /// connections is so low that the attack reaches it.
    pub(super) fn start(program: &Path, scale: f64, store: RoomStore) -> Result<Self, Failure> {
        let log = target().join("hostile.log");
        let failed = |error| Failure::new(format!("{} cannot be written: {error}", log.display()));
        let file = File::create(&log).map_err(failed)?;
        let directory = target().join("hostile-rooms");
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::new(format!("{} cannot be removed: {error}", directory.display())));
            }
            _ => {}
        }
        let is_small = scale < FULL_FROM;
        let (plain_max, looks) = if is_small { (PLAIN_MAX_SHORT, LOOKS_SHORT) } else { (PLAIN_MAX, LOOKS) };
        let seconds = |full: u64, small: u64| Duration::from_secs(if is_small { small } else { full });
        // The least safe grace; without heartbeats it may be as short as an owner likes.
        let (grace, stall) = (seconds(55, 1), seconds(10, 2));
        let ping = if is_small { "none" } else { "25s" };
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--history-messages-max", HISTORY_MESSAGES_MAX]);
        command.args(["--owner-grace", &format!("{}s", grace.as_secs())]);
        command.args(["--ping-interval", ping]);
        command.args(["--stall-timeout", &format!("{}s", stall.as_secs())]);
        command.args(["--http-connections-per-address-max", &plain_max.to_string()]);
        if store == RoomStore::Disk {
            command.arg("--data-dir").arg(directory).args(["--ack", "disk"]);
        }
        command.stderr(file);
        Ok(Self { server: Server::spawn(&mut command)?, log, grace, stall, plain_max, store, looks })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(super) fn process(&self) -> u32 {
        self.server.process()
    }

    /// Returns the server's stall limit.
    pub(super) fn stall(&self) -> Duration {
        self.stall
    }

    /// Returns how long a room waits for its owner.
    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    /// Returns the most connections of plain HTTP from one address.
    pub(super) fn plain_max(&self) -> u64 {
        self.plain_max
    }

    /// Returns what it holds once that is what it held `before`, or does not change any more, or the time is over.
    pub(super) fn settled(&self, before: Option<HeldResources>) -> Result<HeldResources, Failure> {
        let deadline = Instant::now() + self.grace + SETTLE;
        let mut held = HeldResources::of(self.process(), self.store)?;
        let mut changed = Instant::now();
        let same = if self.store == RoomStore::Disk { SAME_STORE_BYTES } else { SAME_BYTES };
        loop {
            let is_done = match before {
                Some(before) => held.is_near(before),
                None => changed.elapsed() >= self.looks * LOOK,
            };
            if is_done || Instant::now() >= deadline {
                return Ok(held);
            }
            thread::sleep(LOOK);
            let now = HeldResources::of(self.process(), self.store)?;
            if now.files.abs_diff(held.files) > LEFT_FILES || now.rss.abs_diff(held.rss) > same {
                changed = Instant::now();
            }
            held = now;
        }
    }

    /// Returns its log so far.
    pub(super) fn log(&self) -> Result<Log, Failure> {
        let failed = |error| Failure::new(format!("{} cannot be read: {error}", self.log.display()));
        let text = fs::read(&self.log).map_err(failed)?;
        let panics = String::from_utf8_lossy(&text).matches("panicked at").count();
        Ok(Log { bytes: text.len() as u64, panics, path: self.log.clone() })
    }

    /// Ends it as an operator would.
    pub(super) fn stop(self) -> Result<(), Failure> {
        self.server.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_more_is_near_and_a_tenth_is_not() {
        let held =
            |mebibytes: u64, files| HeldResources { store: RoomStore::Memory, rss: mebibytes * 1024 * 1024, files };
        assert!(held(105, 210).is_near(held(100, 200)));
        assert!(!held(106, 200).is_near(held(100, 200)));
        assert!(!held(100, 211).is_near(held(100, 200)));
        assert!(held(11, 14).is_near(held(10, 10)), "some pages and files of a small server");
    }
}
