//! The server under load: a process of its own. Must not know its clients.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::process;
use crate::steps::Failure;

/// The most time until it ends.
const END: Duration = Duration::from_secs(5);

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

/// The server's use of resources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) rss: u64,
    /// Since its start.
    pub(crate) cpu: Duration,
    /// The time of the sample.
    pub(crate) at: Instant,
}

impl Server {
    /// Starts it on a free port, with these flags besides.
    pub(crate) fn start(program: &Path, flags: &[&str]) -> Result<Self, Failure> {
        Self::start_on(([127, 0, 0, 1], 0).into(), program, flags)
    }

    /// Does the same on this address.
    pub(crate) fn start_on(address: SocketAddr, program: &Path, flags: &[&str]) -> Result<Self, Failure> {
        Self::spawn(command(program, address).args(flags))
    }

    /// Does the same with its log appended to a file.
    pub(crate) fn start_logged(
        address: SocketAddr,
        program: &Path,
        flags: &[String],
        log: &Path,
    ) -> Result<Self, Failure> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.map_err(|error| Failure::new(format!("{} cannot be written: {error}", log.display())))?;
        Self::spawn(command(program, address).args(flags).stderr(file))
    }

    /// Starts any server that announces its address on stdout.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self, Failure> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Failure::new(format!("the server does not start: {error}")))?;
        let stdout = child.stdout.take().expect("it is piped");
        // Its other lines do not matter; its end ends the lines.
        let address = BufReader::new(stdout).lines().map_while(Result::ok).find_map(|line| address(&line));
        // Constructed at once, so that its `Drop` ends the process also after a failure.
        let server = Self { child, address: address.unwrap_or(([127, 0, 0, 1], 0).into()) };
        match address {
            Some(_) => Ok(server),
            None => Err(Failure::new("the server announced no address")),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the id of its process, as long as it is not dropped.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn sample(&self) -> Result<Sample, Failure> {
        let pid = self.child.id();
        Ok(Sample { rss: process::rss(pid)?, cpu: process::cpu(pid)?, at: Instant::now() })
    }

    /// Kills it with SIGKILL. Fails if it had ended by itself.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            // Dropped, it is killed.
            Ok(None) => Ok(()),
            other => Err(Failure::new(format!("the server had ended by itself: {other:?}"))),
        }
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        process::signal(self.child.id(), "TERM")?;
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Ok(Some(status)) if status.success() => return Ok(()),
                other => return Err(Failure::new(format!("the server ended badly after SIGTERM: {other:?}"))),
            }
        }
        Err(Failure::new(format!("the server did not end within {END:?} after SIGTERM")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command of a server on this address that takes all viewers from one address.
fn command(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.args(["--connections-per-address-max", "none", "--handshakes-per-address-per-second", "none"]);
    command.args(["--http-connections-per-address-max", "none"]);
    command.args(["--listen", &address.to_string()]);
    command
}

/// Returns the address in the ready line.
fn address(line: &str) -> Option<SocketAddr> {
    line.split_once("ws://")?.1.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_ready_line() {
        let line = "  WebSocket  ws://127.0.0.1:4711/broadcasting";
        assert_eq!(address(line), Some(([127, 0, 0, 1], 4711).into()));
        assert_eq!(address("rtbroadcaster: cannot listen"), None);
    }
}
