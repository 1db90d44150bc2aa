//! Listens, and accepts whatever the system has to say about it.
//! Must not know what is spoken.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rtbroadcaster::Sampling;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::yield_now;
use tokio::time::Instant;

/// How many connections may wait to be accepted; Linux lowers it to `net.core.somaxconn`, 4 096 by default.
const BACKLOG: u32 = 4_096;

/// How long accepting rests after an error that the next attempt would meet too, such as `EMFILE`.
const REST: Duration = Duration::from_millis(50);

/// After so many connections everything else that is ready gets its turn, so that those who are here need not wait for
/// thousands. More than the gate lets through, since one that asks for nothing yet costs little, and others wait behind it.
const CROWD: u32 = 8;

/// Why the server does not listen, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    #[error(
        "cannot listen on {0}: another program does. \
         Stop it, or choose another address with {1} (port 0 takes a free one)"
    )]
    InUse(String, &'static str),
    #[error("cannot listen on {0}: this machine has no such address. Choose another one with {1}")]
    NotHere(String, &'static str),
    #[error("cannot listen on {0}: this needs more rights. Choose a port of 1024 or above with {1}")]
    Forbidden(String, &'static str),
    #[error("cannot listen on {0}: this name has no address. Choose another one with {1}")]
    Unknown(String, &'static str),
    #[error("cannot listen on {0}: {1}")]
    System(String, #[source] io::Error),
}

impl ListenError {
    /// Why nobody can listen on `address`, which `flag` chooses.
    pub(super) fn new(address: String, flag: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address, flag),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address, flag),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address, flag),
            _ => Self::System(address, error),
        }
    }
}

/// A connection, from where, and when it was accepted: its first deadline counts from there.
pub(super) struct Accepted {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) at: Instant,
}

/// Whether a socket for all IPv6 addresses takes IPv4 connections too, as far as the system allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dual {
    Yes,
    /// Another socket does.
    No,
}

/// A listening socket. Dropping it refuses whoever comes later.
pub(super) struct Listener {
    socket: TcpListener,
    /// As it is, not as it was asked for: with the real port.
    address: SocketAddr,
    /// Errors of accepting; only some are worth a line.
    failures: Sampling<()>,
    /// Until when accepting rests.
    rests_until: Option<Instant>,
    /// How many connections were accepted since others had their turn.
    crowd: u32,
}

impl Listener {
    /// Listens on `address`, and at all IPv6 addresses for IPv4 too if it is to be `dual`.
    pub(super) fn bind(address: SocketAddr, dual: Dual) -> io::Result<Self> {
        let (socket, address) = listen(address, dual)?;
        Ok(Self { socket, address, failures: Sampling::default(), rests_until: None, crowd: 0 })
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

fn listen(address: SocketAddr, dual: Dual) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if address.is_ipv6() && dual == Dual::No {
        SockRef::from(&socket).set_only_v6(true)?;
    }
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
    async fn everybody_gets_in_and_others_get_their_turn_after_each_crowd() {
        let mut listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Dual::Yes).unwrap();
        let mut clients = Vec::new();
        for _ in 0..=2 * CROWD {
            clients.push(TcpStream::connect(listener.address()).await.unwrap());
        }
        for number in 0..=2 * CROWD {
            let mut accept = std::pin::pin!(listener.accept());
            let at_once = futures_util::future::poll_immediate(accept.as_mut()).await;
            if number > 0 && number % CROWD == 0 {
                assert!(at_once.is_none(), "after {number} others have their turn, though the next one waits");
            }
            let accepted = match at_once {
                Some(accepted) => accepted,
                None => accept.await,
            };
            assert_eq!(accepted.peer, clients[usize::try_from(number).unwrap()].local_addr().unwrap());
        }
    }
}
