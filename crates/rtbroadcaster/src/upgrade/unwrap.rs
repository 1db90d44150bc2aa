//! Finds the socket under an upgraded connection, so that a lane can write to it.
//! Must not know handshakes.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rtbroadcaster_core::config::Config;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

#[cfg(feature = "tls")]
use crate::socket::TlsSocket;
use crate::socket::{LaneSocket, Socket, Tuned, tune};

/// A function that takes the plain TCP socket out of an upgraded connection, with the bytes that were already read from
/// it, or gives the connection back.
pub(super) type TakeSocket = fn(Upgraded) -> Result<(TcpStream, Bytes), Upgraded>;

/// Returns the stream under `upgraded`, as a socket that a lane can write to if there is one, and the bytes that were
/// already read from it. Sets the socket's options if the listener has not.
pub(super) fn socket_of(
    upgraded: Upgraded,
    take: TakeSocket,
    tuned: Option<Tuned>,
    config: &Config,
) -> (Socket, Bytes) {
    let plain = take(upgraded).map(|(tcp, first)| (LaneSocket::Tcp(tcp), first));
    match plain.or_else(take_secured) {
        Ok((socket, first)) => {
            if tuned.is_none() {
                tune(socket.tcp(), config);
            }
            (Socket::direct(socket), first)
        }
        Err(upgraded) => (Socket::Stream(Box::new(TokioIo::new(upgraded))), Bytes::new()),
    }
}

/// Takes the plain TCP socket out of a connection of hyper's or axum's.
pub(super) fn take_back(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    unwrap(upgraded)
}

/// Takes the socket and the TLS session out of a connection over TLS.
#[cfg(feature = "tls")]
fn take_secured(upgraded: Upgraded) -> Result<(LaneSocket, Bytes), Upgraded> {
    unwrap::<tokio_rustls::server::TlsStream<TcpStream>>(upgraded).map(|(stream, first)| {
        let (tcp, session) = stream.into_inner();
        (LaneSocket::Tls(Box::new(TlsSocket::new(tcp, session))), first)
    })
}

/// Gives the connection back: without the feature `tls` it is a stream as any other.
#[cfg(not(feature = "tls"))]
fn take_secured(upgraded: Upgraded) -> Result<(LaneSocket, Bytes), Upgraded> {
    Err(upgraded)
}

/// Takes a stream out of a connection of hyper's or axum's, which holds it once or twice wrapped.
fn unwrap<S>(upgraded: Upgraded) -> Result<(S, Bytes), Upgraded>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<S>>(upgraded)
        .map(|parts| (parts.io.into_inner(), parts.read_buf))
        .or_else(|upgraded| upgraded.downcast::<TokioIo<S>>().map(|parts| (parts.io.into_inner(), parts.read_buf)))
}
