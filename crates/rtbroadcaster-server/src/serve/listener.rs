//! Listens, and accepts whatever the system has to say about it.
//! Must not know what is spoken.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

/// How many connections may wait to be accepted; Linux lowers it to `net.core.somaxconn`, 4 096 by default.
const BACKLOG: u32 = 4_096;

/// How long accepting rests after an error that the next attempt would meet too, such as `EMFILE`.
const REST: Duration = Duration::from_millis(50);

/// How often an error of accepting is logged at most.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// The address in `--listen`.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080")
}

/// Why the server does not listen, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    #[error(
        "cannot listen on {0}: another program does. \
         Stop it, or choose another address with --listen (port 0 takes a free one)"
    )]
    InUse(SocketAddr),
    #[error("cannot listen on {0}: this machine has no such address. Choose another one with --listen")]
    NotHere(SocketAddr),
    #[error("cannot listen on {0}: this needs more rights. Choose a port of 1024 or above with --listen")]
    Forbidden(SocketAddr),
    #[error("cannot listen on {0}: {1}")]
    System(SocketAddr, #[source] io::Error),
}

impl ListenError {
    fn new(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address),
            _ => Self::System(address, error),
        }
    }
}

/// A connection and when it was accepted: its first deadline counts from there.
pub(super) struct Accepted {
    pub(super) socket: TcpStream,
    pub(super) at: Instant,
}

/// A listening socket. Dropping it refuses whoever comes later.
pub(super) struct Listener {
    socket: TcpListener,
    /// As it is, not as it was asked for: with the real port.
    address: SocketAddr,
    failures: Failures,
    /// Until when accepting rests.
    rests_until: Option<Instant>,
}

impl Listener {
    pub(super) fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let (socket, address) = listen(address).map_err(|error| ListenError::new(address, error))?;
        Ok(Self { socket, address, failures: Failures::default(), rests_until: None })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection. An error neither ends the server nor makes it spin. Cancel safe.
    pub(super) async fn accept(&mut self) -> Accepted {
        loop {
            if let Some(end) = self.rests_until {
                tokio::time::sleep_until(end).await;
                self.rests_until = None;
            }
            let error = match self.socket.accept().await {
                Ok((socket, _)) => return Accepted { socket, at: Instant::now() },
                Err(error) => error,
            };
            let now = Instant::now();
            if !is_of_one_connection(&error) {
                self.rests_until = Some(now + REST);
            }
            if let Some(unsaid) = self.failures.count(now) {
                tracing::warn!(%error, unsaid, "connection not accepted");
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart need not wait for the connections of its predecessor to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Whether the error tells of a connection that ended before it was accepted (`accept(2)`); the next may be well.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Counts failures of which not every one is worth a line in the log.
#[derive(Debug, Default)]
struct Failures {
    said: Option<Instant>,
    unsaid: u64,
}

impl Failures {
    /// One more, at `now`. How many were not said before, if this one is to be said.
    fn count(&mut self, now: Instant) -> Option<u64> {
        if self.said.is_some_and(|said| now < said + LOG_INTERVAL) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_said_once_a_second_with_the_number_of_the_unsaid() {
        let start = Instant::now();
        let mut failures = Failures::default();
        let mut count = |millis| failures.count(start + Duration::from_millis(millis));
        assert_eq!(count(0), Some(0));
        assert_eq!(count(50), None);
        assert_eq!(count(999), None);
        assert_eq!(count(1_000), Some(2));
        assert_eq!(count(1_050), None);
        assert_eq!(count(9_000), Some(1));
    }

    #[test]
    fn an_address_is_an_ip_address_and_a_port() {
        for good in ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:80"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:65536", "::1:80"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_errors_of_one_connection_are_followed_by_the_next_attempt_at_once() {
        assert!(is_of_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        let too_many_open_files = io::Error::from_raw_os_error(24);
        assert!(!is_of_one_connection(&too_many_open_files));
    }
}
