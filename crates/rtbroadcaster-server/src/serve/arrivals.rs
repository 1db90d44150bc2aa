//! Finds the client's address of a connection: its TCP peer, or the address that a proxy sends in a PROXY header.
//! Must not know the protocol behind that header.

use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use rtbroadcaster::Sampling;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::listener::Accepted;
use super::proxies::Proxies;
use super::proxy_header::{self, MalformedHeader, ProxyHeader};
use crate::settings::Settings;

/// The rules that decide which proxies are trusted about a client's address.
#[derive(Debug)]
pub(super) struct Arrivals {
    proxies: Proxies,
    /// Each connection must begin with a PROXY header from a trusted proxy.
    proxy_protocol: bool,
    /// Limits the log lines about refused connections.
    refusals: Sampling<()>,
}

/// The reason to close a connection before its first request.
#[derive(Debug, thiserror::Error)]
enum RefuseError {
    #[error("with proxy_protocol only trusted_proxies may connect")]
    Stranger,
    #[error(transparent)]
    Malformed(#[from] MalformedHeader),
    #[error("no complete PROXY header arrived in time")]
    Late,
    #[error("the connection ended within its PROXY header")]
    Ended,
    #[error("cannot read the PROXY header: {0}")]
    Io(#[from] io::Error),
}

impl Arrivals {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            proxies: Proxies::of(&settings.trusted_proxies),
            proxy_protocol: settings.proxy_protocol,
            refusals: Sampling::default(),
        }
    }

    /// Returns rules that trust no proxy.
    pub(super) fn direct() -> Self {
        Self { proxies: Proxies::of(&[]), proxy_protocol: false, refusals: Sampling::default() }
    }

    /// Returns the peer of the connection, or the address in its PROXY header. Reads the header's bytes and no other.
    /// `None` if the connection has to be closed; the reason is logged, at a limited rate.
    pub(super) async fn peer(&self, accepted: &Accepted, deadline: Instant) -> Option<SocketAddr> {
        if !self.proxy_protocol {
            return Some(accepted.peer);
        }
        let told = if self.proxies.trust(accepted.peer.ip()) {
            let header = tokio::time::timeout_at(deadline, read_header(&accepted.socket));
            header.await.unwrap_or(Err(RefuseError::Late))
        } else {
            Err(RefuseError::Stranger)
        };
        match told {
            Ok(source) => Some(source.unwrap_or(accepted.peer)),
            Err(error) => {
                self.refused(&error, accepted.peer);
                None
            }
        }
    }

    /// Returns the address of the client that sent a request on a connection from `peer`.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        self.proxies.client(peer, headers)
    }

    /// Returns the address whose limits apply to a connection of `client`. `None` for a trusted proxy, which has no
    /// limits.
    pub(super) fn counted(&self, client: SocketAddr) -> Option<IpAddr> {
        (!self.proxies.trust(client.ip())).then(|| client.ip())
    }

    fn refused(&self, error: &RefuseError, peer: SocketAddr) {
        if let Some(unsaid) = self.refusals.count((), std::time::Instant::now()) {
            tracing::warn!(%error, address = %peer.ip(), unsaid, "connection refused");
        }
    }
}

/// Reads the header at the beginning of the connection and returns the source in it. Peeks before it reads, so that the
/// bytes behind the header stay in the socket: the HTTP server takes the plain socket, and returns it for the upgrade.
async fn read_header(socket: &TcpStream) -> Result<Option<SocketAddr>, RefuseError> {
    let mut buffer = vec![0; proxy_header::BYTES_MAX];
    let mut read = 0;
    loop {
        let seen = read + socket.peek(&mut buffer[read..]).await?;
        if seen == read {
            return Err(RefuseError::Ended);
        }
        match proxy_header::parse(&buffer[..seen])? {
            Some(ProxyHeader { bytes, source }) => {
                take(socket, &mut buffer[read..bytes]).await?;
                return Ok(source);
            }
            // All bytes belong to the header. If they stayed in the socket, `peek` would return at once, again and
            // again.
            None => {
                take(socket, &mut buffer[read..seen]).await?;
                read = seen;
            }
        }
    }
}

/// Reads bytes that `peek` has seen.
async fn take(socket: &TcpStream, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => bytes = &mut bytes[read..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.readable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
