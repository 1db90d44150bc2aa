//! The byte stream under one client: a socket that a lane may write to, or any other stream.
//! Must not know frames.

mod lane_socket;
mod options;
#[cfg(test)]
pub(crate) mod pairs;
mod tcp;
#[cfg(feature = "tls")]
mod tls;

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use lane_socket::{LaneSocket, LaneWriter};
pub use options::{Tuned, tune};
#[cfg(feature = "tls")]
pub(crate) use tls::TlsSocket;

/// The most bytes that one read takes.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    /// One buffer per thread: an idle connection has none of its own.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// Any byte stream that is no [`LaneSocket`]: memory, or a stream that the web server has wrapped.
///
/// With it a message costs more: a lane cannot write to it, so each message wakes the client's task.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The byte stream under one client.
pub(crate) enum Socket {
    /// A lane may write to it too, without waiting.
    Direct(Arc<LaneSocket>),
    /// Only its client task writes to it.
    Stream(Box<dyn Stream>),
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Socket::Direct(_) => "Direct",
            Socket::Stream(_) => "Stream",
        })
    }
}

impl Socket {
    /// Returns a client's end of `socket`, whose options are set.
    pub(crate) fn direct(socket: LaneSocket) -> Self {
        Self::Direct(Arc::new(socket))
    }

    /// Returns the socket that a lane may write to, if there is one.
    pub(crate) fn handle(&self) -> Option<Arc<LaneSocket>> {
        match self {
            Socket::Direct(socket) => Some(Arc::clone(socket)),
            Socket::Stream(_) => None,
        }
    }

    /// Returns the address of the peer, as far as the stream has one.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Socket::Direct(socket) => socket.tcp().peer_addr().ok(),
            Socket::Stream(_) => None,
        }
    }

    /// Reads once and gives the bytes to `take`; none mean that the peer sends no more.
    pub(crate) fn poll_read<T>(&mut self, cx: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<io::Result<T>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let read = ready!(self.poll_read_into(cx, buffer))?;
            Poll::Ready(Ok(take(&buffer[..read])))
        })
    }

    fn poll_read_into(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Direct(socket) => socket.poll_read(cx, buffer),
            Socket::Stream(stream) => {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Writes once, as much as the stream takes.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Direct(socket) => socket.poll_write(cx, slices),
            Socket::Stream(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    /// Passes on what the stream itself may hold back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Direct(socket) => socket.poll_flush(cx),
            Socket::Stream(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Shuts the write half down.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Direct(socket) => socket.poll_shutdown(cx),
            Socket::Stream(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
