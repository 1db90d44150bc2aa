//! A plain TCP socket: reading, writing and waiting. Must not know frames.

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// With it, a peer that is gone is an error of the call, not a signal to the process (`send(2)`). Other systems have no
/// such flag; there Rust's runtime ignores the signal.
#[cfg(target_os = "linux")]
const FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const FLAGS: libc::c_int = 0;

/// Writes once, past the runtime, whose record of the socket's readiness lies elsewhere in memory. The client task
/// finds out by itself that the socket takes no more.
pub(super) fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(bytes, FLAGS)
}

/// Writes several pieces once, in the same way.
#[cfg(feature = "tls")]
pub(super) fn send_vectored(socket: &SockRef<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored_with_flags(slices, FLAGS)
}

/// Reads once, when bytes have come.
pub(super) fn poll_read(tcp: &TcpStream, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.poll_read_ready(cx))?;
        match read_once(tcp, buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

/// Reads once. A read that leaves room in `buffer` has emptied the socket. The runtime learns at once that nothing
/// waits (`epoll(7)`, question 9), which saves a second read that would find nothing. What comes meanwhile is not
/// missed: the runtime forgets only the event that it had seen before the read.
fn read_once(tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut emptied = None;
    let read = tcp.try_io(Interest::READABLE, || match (&*SockRef::from(tcp)).read(buffer)? {
        read if 0 < read && read < buffer.len() => {
            emptied = Some(read);
            Err(io::ErrorKind::WouldBlock.into())
        }
        read => Ok(read),
    });
    emptied.map_or(read, Ok)
}

/// Writes once, as much as the socket takes, when it takes something.
pub(super) fn poll_write(tcp: &TcpStream, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        match tcp.try_write_vectored(slices) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

/// Shuts the write half down.
pub(super) fn shut(tcp: &TcpStream) -> io::Result<()> {
    SockRef::from(tcp).shutdown(Shutdown::Write)
}
