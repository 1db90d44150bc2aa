//! A listening socket: binds an address and accepts connections, whatever errors the system returns.
//! Must not know the protocol.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rtbroadcaster::Sampling;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::yield_now;
use tokio::time::Instant;

/// The most connections in the accept queue; Linux lowers it to `net.core.somaxconn`, 4 096 by default.
const BACKLOG: u32 = 4_096;

/// The pause after an accept error that the next attempt would get too, such as `EMFILE`.
const REST: Duration = Duration::from_millis(50);

/// The number of connections after which accepting yields to all other tasks, so that clients do not wait while
/// thousands connect. More than the gate admits in a turn: a connection without a request costs little, and others wait
/// behind it.
const CROWD: u32 = 8;

/// The error of an address on which the server cannot listen, with advice.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    #[error(
        "cannot listen on {0}: another program uses this address. \
         Stop it, or choose another address with {1} (port 0 takes a free one)"
    )]
    InUse(String, &'static str),
    #[error("cannot listen on {0}: this machine has no such address. Choose another one with {1}")]
    NotHere(String, &'static str),
    #[error("cannot listen on {0}: this needs more rights. Choose a port of 1024 or above with {1}")]
    Forbidden(String, &'static str),
    #[error("cannot listen on {0}: the name does not resolve. Choose another one with {1}")]
    Unknown(String, &'static str),
    #[error("cannot listen on {0}: {1}")]
    System(String, #[source] io::Error),
}

impl ListenError {
    /// Returns the error for `address`, which is set by `flag`.
    pub(super) fn new(address: String, flag: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address, flag),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address, flag),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address, flag),
            _ => Self::System(address, error),
        }
    }
}

/// An accepted connection, its peer, and the time of the accept, from which its first deadline counts.
pub(super) struct Accepted {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) at: Instant,
}

/// Whether a socket for all IPv6 addresses also accepts IPv4 connections, as far as the system allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DualStack {
    Yes,
    /// Another socket accepts them.
    No,
}

/// A listening socket. Dropping it refuses new connections.
pub(super) struct Listener {
    socket: TcpListener,
    /// The bound address, with the real port.
    address: SocketAddr,
    /// Limits the log lines about accept errors.
    failures: Sampling<()>,
    /// The end of the pause, while accepting pauses.
    rests_until: Option<Instant>,
    /// The number of connections that were accepted since the last yield.
    crowd: u32,
}

impl Listener {
    /// Listens on `address`. If it stands for all IPv6 addresses, `dual` decides about IPv4.
    pub(super) fn bind(address: SocketAddr, dual: DualStack) -> io::Result<Self> {
        let (socket, address) = listen(address, dual)?;
        Ok(Self { socket, address, failures: Sampling::default(), rests_until: None, crowd: 0 })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the next connection. An error neither ends the server nor makes it spin. Cancel safe.
    pub(super) async fn accept(&mut self) -> Accepted {
        loop {
            if let Some(end) = self.rests_until {
                tokio::time::sleep_until(end).await;
                self.rests_until = None;
            }
            if self.crowd >= CROWD {
                self.crowd = 0;
                yield_now().await;
            }
            let error = match self.socket.accept().await {
                Ok((socket, peer)) => {
                    let at = Instant::now();
                    self.crowd += 1;
                    return Accepted { socket, peer, at };
                }
                Err(error) => error,
            };
            let now = Instant::now();
            if !is_of_one_connection(&error) {
                self.rests_until = Some(now + REST);
            }
            if let Some(unsaid) = self.failures.count((), now.into_std()) {
                tracing::warn!(%error, unsaid, "connection not accepted");
            }
        }
    }
}

fn listen(address: SocketAddr, dual: DualStack) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if address.is_ipv6() && dual == DualStack::No {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    // A restarted server need not wait until the system forgets the old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Returns whether the error concerns only one connection, which ended before the accept (`accept(2)`).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_one_connection_are_followed_by_the_next_attempt_at_once() {
        assert!(is_of_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        let too_many_open_files = io::Error::from_raw_os_error(24);
        assert!(!is_of_one_connection(&too_many_open_files));
    }

    #[tokio::test]
    async fn all_connections_are_accepted_and_other_tasks_run_after_each_crowd() {
        let mut listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), DualStack::Yes).unwrap();
        let mut clients = Vec::new();
        for _ in 0..=2 * CROWD {
            clients.push(TcpStream::connect(listener.address()).await.unwrap());
        }
        for number in 0..=2 * CROWD {
            let mut accept = std::pin::pin!(listener.accept());
            let at_once = futures_util::future::poll_immediate(accept.as_mut()).await;
            if number > 0 && number % CROWD == 0 {
                assert!(at_once.is_none(), "after {number} accepts other tasks run, though the next connection waits");
            }
            let accepted = match at_once {
                Some(accepted) => accepted,
                None => accept.await,
            };
            assert_eq!(accepted.peer, clients[usize::try_from(number).unwrap()].local_addr().unwrap());
        }
    }
}
