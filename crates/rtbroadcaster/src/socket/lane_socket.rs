//! A socket that a lane may write to without waiting, while the client task waits for it. Must not know frames.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;

use super::tcp;
#[cfg(feature = "tls")]
use super::tls::TlsSocket;

/// A socket that a lane and a client task share. It is an enum and not a trait object, because a lane writes to thousands
/// of sockets one after the other.
///
/// TLS is in a box, so that a plain socket takes no memory for it.
#[derive(Debug)]
pub(crate) enum LaneSocket {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    #[cfg(feature = "tls")]
    Tls(Box<TlsSocket>),
}

/// A socket that was looked up for a write that comes soon.
#[derive(Debug)]
pub(crate) enum LaneWriter<'a> {
    /// Plain TCP.
    Tcp(SockRef<'a>),
    /// TLS over TCP.
    #[cfg(feature = "tls")]
    Tls(&'a TlsSocket),
}

impl LaneWriter<'_> {
    /// Writes what the socket takes at this moment, and returns how many of `bytes` those were.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            LaneWriter::Tcp(socket) => tcp::send(socket, bytes),
            #[cfg(feature = "tls")]
            LaneWriter::Tls(tls) => Ok(tls.try_send(bytes)),
        }
    }
}

impl LaneSocket {
    /// Looks the socket up, which reads its memory, for a write that comes soon.
    pub(crate) fn look_up(&self) -> LaneWriter<'_> {
        match self {
            LaneSocket::Tcp(tcp) => LaneWriter::Tcp(SockRef::from(tcp)),
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => LaneWriter::Tls(tls),
        }
    }

    /// Returns the TCP socket, for its options and addresses.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            LaneSocket::Tcp(tcp) => tcp,
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => tls.tcp(),
        }
    }

    /// Reads once into `buffer`, when bytes have come.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            LaneSocket::Tcp(tcp) => tcp::poll_read(tcp, cx, buffer),
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => tls.poll_read(cx, buffer),
        }
    }

    /// Writes once, as much as the socket takes, when it takes something.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            LaneSocket::Tcp(tcp) => tcp::poll_write(tcp, cx, slices),
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => tls.poll_write(cx, slices),
        }
    }

    /// Sends what is encrypted and not sent.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "a plain socket holds nothing back"))]
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            LaneSocket::Tcp(_) => Poll::Ready(Ok(())),
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Shuts the write half down.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "a plain socket holds nothing back"))]
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            LaneSocket::Tcp(tcp) => Poll::Ready(tcp::shut(tcp)),
            #[cfg(feature = "tls")]
            LaneSocket::Tls(tls) => tls.poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_socket_takes_no_memory_for_tls() {
        assert_eq!(size_of::<LaneSocket>(), size_of::<TcpStream>());
    }
}
