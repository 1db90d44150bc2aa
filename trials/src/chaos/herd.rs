//! Thousands of viewers with a relay before them, in a process of their own: one process could not open the files of
//! all. This is its handle. Must not know what a scenario does with them.

mod account;
mod keeper;
mod owner;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::load::process;
use crate::steps::Failure;
pub(super) use account::Sums;
pub(crate) use keeper::be_a_herd;
pub(super) use owner::Owner;

/// The hidden command by which this program is a herd.
const COMMAND: &str = "chaos-herd";

/// The most viewers of one process: each has one file there, and the relay two for it, and three more for a connection
/// that is dark and kept.
pub(super) const VIEWERS_MAX: u32 = 3_000;

/// The most time until all viewers are in, and until they have reported.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program of the viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Breed {
    /// The Rust library's `remote::Viewer`
    Remote,
    /// The JavaScript SDK, in Node.js
    Sdk,
}

/// The parameters of a herd.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HerdTask {
    pub(super) server: SocketAddr,
    pub(super) room: String,
    pub(super) breed: Breed,
    pub(super) seed: u64,
    pub(super) viewers: u32,
    /// The number of addresses from which its relay reaches the server.
    pub(super) sources: u8,
}

/// An order to a herd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(super) enum HerdOrder {
    /// Each viewer is cut once in `every_ms` at random, half by RST and half by FIN, and its path stays closed for
    /// `off_ms`; this is done `times` times.
    Blink { every_ms: u64, off_ms: u64, times: u32 },
    /// All are cut by RST, and their paths stay open.
    Reset,
    /// All are cut by RST, and their paths answer with 503.
    Unavailable,
    /// All connections are dark, and new ones are held.
    Dark,
    /// All paths are open for new connections.
    Open,
    /// Waits until every viewer has message `last`, or `patience_ms` are over, and reports.
    Report { last: u64, patience_ms: u64 },
}

/// The process. Dropping it kills it.
pub(super) struct Herd {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Herd {
    /// Starts the process. `ready` waits for its viewers.
    pub(super) async fn start(task: &HerdTask) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("a process for viewers does not start: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("a process for viewers has no pipes"));
        };
        let mut herd = Self { child, stdin, lines: BufReader::new(stdout).lines() };
        herd.write(task).await?;
        Ok(herd)
    }

    /// Starts as many processes as `viewers` need, and waits until all viewers are in.
    pub(super) async fn start_all(task: &HerdTask, viewers: u32) -> Result<Vec<Self>, Failure> {
        let mut herds = Vec::new();
        let mut left = viewers;
        let count = viewers.div_ceil(VIEWERS_MAX).max(1);
        for number in 0..count {
            let viewers = left.div_ceil(count - number);
            left -= viewers;
            let seed = task.seed.wrapping_add(number.into());
            herds.push(Self::start(&HerdTask { seed, viewers, ..task.clone() }).await?);
        }
        for herd in &mut herds {
            herd.ready().await?;
        }
        Ok(herds)
    }

    /// Waits until all of its viewers are in.
    async fn ready(&mut self) -> Result<(), Failure> {
        self.read::<HerdReady>(PATIENCE).await.map(drop)
    }

    pub(super) async fn order(&mut self, order: HerdOrder) -> Result<(), Failure> {
        self.write(&order).await
    }

    /// Waits until its viewers have message `last`, or patience ends, and returns their sums.
    pub(super) async fn report(mut self, last: u64, patience: Duration) -> Result<Sums, Failure> {
        let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.order(HerdOrder::Report { last, patience_ms }).await?;
        self.read(patience + PATIENCE).await
    }

    /// Stops the process: no timer of it fires, and it reads nothing.
    pub(super) fn sleep(&self) -> Result<(), Failure> {
        process::stop(self.process()?)
    }

    /// Continues the process.
    pub(super) fn wake(&self) -> Result<(), Failure> {
        process::signal(self.process()?, "CONT")
    }

    fn process(&self) -> Result<u32, Failure> {
        self.child.id().ok_or_else(|| Failure::new("a process for viewers has ended"))
    }

    async fn write(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
        let written = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        written.map_err(|error| Failure::new(format!("a process for viewers takes nothing: {error}")))
    }

    async fn read<T: for<'a> Deserialize<'a>>(&mut self, patience: Duration) -> Result<T, Failure> {
        let line = timeout(patience, self.lines.next_line()).await;
        let line = line.map_err(|_| Failure::new(format!("a process of viewers printed nothing for {patience:?}")))?;
        match line {
            Ok(Some(line)) => serde_json::from_str(&line).map_err(|error| Failure::new(format!("{error}: {line}"))),
            other => Err(Failure::new(format!("a process for viewers has ended: {other:?}"))),
        }
    }
}

/// The line that a herd prints when its viewers are in.
#[derive(Debug, Serialize, Deserialize)]
struct HerdReady {
    inside: u32,
}
