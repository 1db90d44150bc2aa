//! Servers one after the other, each on the directory and the address of the one before. Must not know why one ends.

pub(super) mod owner;
pub(super) mod room;
pub(super) mod tally;
pub(super) mod viewer;

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::load::built;
use crate::load::server::Server;
use crate::random::Random;
use crate::steps::Failure;

/// Only a count may limit the history. All clients come from one address.
const FLAGS: [&str; 10] = [
    "--log",
    "warn",
    "--rooms-per-address-max",
    "none",
    "--history-bytes-max",
    "none",
    "--history-age-max",
    "none",
    "--replay-bytes-per-address-per-second",
    "none",
];

/// The time between two pings.
const PINGS: [&str; 2] = ["--ping-interval", "10s"];

/// The number of ports that are tried.
const PORTS_MAX: usize = 100;

/// The level at which a message is acknowledged (`--ack`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Ack {
    /// It is in the operating system's hands
    #[default]
    Written,
    /// It is on the disk
    Disk,
}

/// How servers keep rooms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Keeping {
    pub(super) ack: Ack,
    /// The most messages of a history. Without it a history has everything, so that the last viewer can get all of it.
    pub(super) history_messages_max: Option<u64>,
}

impl Keeping {
    pub(super) fn flags(self, directory: &Path) -> Vec<String> {
        PINGS.map(str::to_owned).into_iter().chain(self.flags_but_pings(directory)).collect()
    }

    /// Returns the same flags without the time between two pings.
    pub(super) fn flags_but_pings(self, directory: &Path) -> Vec<String> {
        let ack = match self.ack {
            Ack::Written => "written",
            Ack::Disk => "disk",
        };
        let messages = self.history_messages_max.map_or_else(|| "none".to_owned(), |messages| messages.to_string());
        let directory = directory.to_string_lossy();
        let flags = ["--data-dir", &directory, "--ack", ack, "--history-messages-max", &messages];
        FLAGS.iter().chain(&flags).map(|&flag| flag.to_owned()).collect()
    }
}

impl From<Ack> for Keeping {
    /// Returns how rooms with an unlimited history are kept.
    fn from(ack: Ack) -> Self {
        Self { ack, history_messages_max: None }
    }
}

impl fmt::Display for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ack = match self.ack {
            Ack::Written => "written",
            Ack::Disk => "on the disk",
        };
        match self.history_messages_max {
            None => write!(f, "acknowledged when {ack}, full history"),
            Some(messages) => write!(f, "acknowledged when {ack}, a history of {messages} messages"),
        }
    }
}

/// A server and its successors. Dropping it kills the last one and removes the directory.
pub(super) struct ServerSuccession {
    program: PathBuf,
    directory: PathBuf,
    server: Option<Server>,
    lives: ServerLives,
}

/// The view that all tasks have of the servers.
#[derive(Debug, Clone)]
pub(super) struct ServerLives {
    address: SocketAddr,
    keeping: Keeping,
    /// When each server was started that lived until it was ready.
    begun: Arc<RwLock<Vec<Instant>>>,
}

impl ServerLives {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how they keep rooms.
    pub(super) fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// Returns how many there were.
    pub(super) fn count(&self) -> usize {
        self.begun().len()
    }

    /// Returns when each one was started.
    pub(super) fn begun(&self) -> Vec<Instant> {
        self.begun.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerSuccession {
    /// Starts the first one, on a directory that is named after `name`.
    pub(super) fn begin(name: &str, keeping: Keeping, random: &mut Random) -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("rtbroadcaster-{name}-{}", std::process::id()));
        let lives = ServerLives { address: free_address(random)?, keeping, begun: Arc::default() };
        let mut lineage = Self { program: built("rtbroadcaster"), directory, server: None, lives };
        lineage.succeed()?;
        Ok(lineage)
    }

    pub(super) fn lives(&self) -> &ServerLives {
        &self.lives
    }

    /// Starts the next one and waits until it is ready.
    pub(super) fn succeed(&mut self) -> Result<(), Failure> {
        let flags = self.lives.keeping.flags(&self.directory);
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        self.lives.begun.write().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        self.server = Some(Server::start_on(self.lives.address, &self.program, &flags)?);
        Ok(())
    }

    /// Starts one that is killed after `time`, ready or not.
    pub(super) fn miscarry(&self, time: Duration) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command.args(self.lives.keeping.flags(&self.directory));
        command.args(["--listen", &self.lives.address.to_string()]);
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut child = started.map_err(|error| Failure::new(format!("the server does not start: {error}")))?;
        thread::sleep(time);
        match child.try_wait() {
            Ok(None) => {}
            other => return Err(Failure::new(format!("the server had ended by itself: {other:?}"))),
        }
        let killed = child.kill().and_then(|()| child.wait());
        killed.map(|_| ()).map_err(|error| Failure::new(format!("the server cannot be killed: {error}")))
    }

    /// Kills it.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        self.server.take().map_or(Ok(()), Server::kill)
    }

    /// Ends it as an operator would. Returns how long that took.
    pub(super) fn stop(&mut self) -> Result<Duration, Failure> {
        let asked = Instant::now();
        self.server.take().map_or(Ok(()), Server::stop)?;
        Ok(asked.elapsed())
    }
}

impl Drop for ServerSuccession {
    fn drop(&mut self) {
        self.server = None;
        // The system removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns an address that no connection of this machine gets by chance while no server has it.
pub(super) fn free_address(random: &mut Random) -> Result<SocketAddr, Failure> {
    let path = "/proc/sys/net/ipv4/ip_local_port_range";
    let range = fs::read_to_string(path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))?;
    let end = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0);
    let ports = 1_024..end.max(1_025);
    let addresses = (0..PORTS_MAX).map(|_| {
        let port = u16::try_from(random.within(ports.clone())).unwrap_or(u16::MAX);
        SocketAddr::from(([127, 0, 0, 1], port))
    });
    let mut free = addresses.filter(|address| TcpListener::bind(address).is_ok());
    free.next().ok_or_else(|| Failure::new(format!("of {PORTS_MAX} ports none is free")))
}

/// Returns the smallest of the sorted values that `percent` of them do not exceed, in milliseconds.
pub(super) fn quantile(sorted: &[Duration], percent: usize) -> String {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or_else(|| "none".into(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_address_can_be_taken_and_a_quantile_is_one_of_the_values() {
        let address = free_address(&mut Random::new(1, 1)).unwrap();
        assert!(TcpListener::bind(address).is_ok());
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!([50, 99, 100].map(|percent| quantile(&times, percent)), ["100.0 ms", "198.0 ms", "200.0 ms"]);
        assert_eq!(quantile(&[], 50), "none");
    }
}
