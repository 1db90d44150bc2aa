//! Where accepted connections come from: their TCP peer, or whom a proxy names in a PROXY header.
//! Must not know what is spoken behind it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use rtbroadcaster::Sampling;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::listener::Accepted;
use super::proxies::Proxies;
use super::proxy_header::{self, Header, Malformed};
use crate::settings::Settings;

/// Who is believed about where connections come from.
#[derive(Debug)]
pub(super) struct Arrivals {
    proxies: Proxies,
    /// Each connection begins with a PROXY header of a trusted proxy.
    proxy_protocol: bool,
    /// Connections that did not; only some are worth a line.
    refusals: Sampling<()>,
}

/// Why a connection is closed before anything is read of what it is for.
#[derive(Debug, thiserror::Error)]
enum RefuseError {
    #[error("with proxy_protocol only the trusted_proxies may connect")]
    Stranger,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("no whole PROXY header came in time")]
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

    /// No proxy is believed.
    pub(super) fn direct() -> Self {
        Self { proxies: Proxies::of(&[]), proxy_protocol: false, refusals: Sampling::default() }
    }

    /// The other end of the connection, or of the one that a proxy passes on. The header's bytes are read, and no other.
    /// `None` when it has to be closed; that is counted and logged.
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

    /// Where the client of a request is whose connection comes from `peer`.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        self.proxies.client(peer, headers)
    }

    /// The address for which a connection of `client` counts. None for a trusted proxy, which has no limit of its own.
    pub(super) fn counted(&self, client: SocketAddr) -> Option<IpAddr> {
        (!self.proxies.trust(client.ip())).then(|| client.ip())
    }

    fn refused(&self, error: &RefuseError, peer: SocketAddr) {
        if let Some(unsaid) = self.refusals.count((), std::time::Instant::now()) {
            tracing::warn!(%error, address = %peer.ip(), unsaid, "connection refused");
        }
    }
}

/// Reads the header at the beginning of the connection and tells whom it names. Looked at before it is read, so that what
/// follows stays in the socket: the web server takes the plain socket, and gives it back for the upgrade.
async fn read_header(socket: &TcpStream) -> Result<Option<SocketAddr>, RefuseError> {
    let mut buffer = vec![0; proxy_header::BYTES_MAX];
    let mut read = 0;
    loop {
        let seen = read + socket.peek(&mut buffer[read..]).await?;
        if seen == read {
            return Err(RefuseError::Ended);
        }
        match proxy_header::parse(&buffer[..seen])? {
            Some(Header { bytes, source }) => {
                take(socket, &mut buffer[read..bytes]).await?;
                return Ok(source);
            }
            // All of it belongs to the header. Left in the socket it would end the wait for more at once.
            None => {
                take(socket, &mut buffer[read..seen]).await?;
                read = seen;
            }
        }
    }
}

/// Reads bytes that are there.
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
