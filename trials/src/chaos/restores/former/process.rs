//! A program that reads lines and writes lines. Must not know their meaning.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::steps::Failure;

/// The most time until a line: a client comes back up to 23 s after a stop, or by its backoff of up to 15 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program. Dropping it kills it.
pub(super) struct Process {
    /// Its name in a failure.
    name: String,
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(super) fn start(name: String, mut command: Command) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| Failure::new(format!("{name} does not start: {error}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new(format!("{name} has no pipes")));
        };
        Ok(Self { name, _child: child, stdin, lines: BufReader::new(stdout).lines() })
    }

    pub(super) async fn write(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        written.map_err(|error| Failure::new(format!("{} takes nothing: {error}", self.name)))
    }

    /// Returns the next line, which is JSON.
    pub(super) async fn read(&mut self) -> Result<Value, Failure> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.map_err(|_| Failure::new(format!("{} printed nothing for {PATIENCE:?}", self.name)))?;
        match line {
            Ok(Some(line)) => {
                serde_json::from_str(&line).map_err(|error| Failure::new(format!("{}: {line}: {error}", self.name)))
            }
            other => Err(Failure::new(format!("{} has ended: {other:?}", self.name))),
        }
    }
}
