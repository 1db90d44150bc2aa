//! The byte stream under one client: a plain TCP socket, which a lane may write to, or any other stream.
//! Must not know frames.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rtbroadcaster_core::limit::Limit;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// How much one read takes.
const READ_BYTES: usize = 16 * 1024;

/// How much unsent data the kernel takes before it says that the peer is slow (`tcp(7)`, `TCP_NOTSENT_LOWAT`). Without
/// it 0.1 to 2.6 MiB hide in the kernel, where nothing can be superseded. At 100 KiB/s 16 KiB make a value 0.1 s older,
/// 128 KiB 1 s (docs/performance.md). No `SO_SNDBUF`: with this it changes nothing here, but it would limit what is on
/// its way to a distant peer.
const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// How long beyond the stall limit the kernel waits for a peer that acknowledges nothing, or lets nothing in
/// (`TCP_USER_TIMEOUT`). Only a backstop: of whoever has frames waiting the stall limit comes first.
const USER_TIMEOUT_MARGIN: Duration = Duration::from_secs(20);

/// The longest that the kernel takes: its milliseconds are a signed number of 32 bits.
const USER_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

thread_local! {
    /// One buffer per thread: an idle connection has none of its own.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// Any byte stream that is not a plain TCP socket: TLS, memory, a stream the web server has wrapped.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The byte stream under one client.
pub(crate) enum Socket {
    /// A lane may write to it too, without waiting.
    Direct(Arc<TcpStream>),
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
    /// A TCP socket, set for small messages and for noticing a slow peer early.
    pub(crate) fn direct(tcp: TcpStream, stall_timeout: Limit<Duration>) -> Self {
        let options = SockRef::from(&tcp);
        let backstop = stall_timeout.after(USER_TIMEOUT_MARGIN).map(|timeout| timeout.min(USER_TIMEOUT_MAX));
        // Each by itself: a kernel that refuses one may well take the others.
        for (option, set) in [
            ("TCP_NODELAY", options.set_tcp_nodelay(true)),
            ("TCP_NOTSENT_LOWAT", options.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)),
            ("TCP_USER_TIMEOUT", options.set_tcp_user_timeout(backstop)),
        ] {
            if let Err(error) = set {
                // Slower to notice a slow peer, but not wrong.
                tracing::debug!(option, %error, "socket option not set");
            }
        }
        Self::Direct(Arc::new(tcp))
    }

    /// What a lane may write to.
    pub(crate) fn handle(&self) -> Option<Arc<TcpStream>> {
        match self {
            Socket::Direct(tcp) => Some(Arc::clone(tcp)),
            Socket::Stream(_) => None,
        }
    }

    /// Where the peer is, as far as the stream knows.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Socket::Direct(tcp) => tcp.peer_addr().ok(),
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
            Socket::Direct(tcp) => loop {
                ready!(tcp.poll_read_ready(cx))?;
                match read_once(tcp, buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
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
            Socket::Direct(tcp) => loop {
                ready!(tcp.poll_write_ready(cx))?;
                match tcp.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            Socket::Stream(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    /// Passes on what the stream itself may hold back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Direct(_) => Poll::Ready(Ok(())),
            Socket::Stream(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Direct(tcp) => Poll::Ready(SockRef::from(&**tcp).shutdown(Shutdown::Write)),
            Socket::Stream(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Reads once. A read that leaves room in `buffer` has emptied the socket, so the runtime is told at once that nothing
/// waits (`epoll(7)`, question 9), which saves a second read that would find nothing. What comes meanwhile is not missed:
/// the runtime forgets only the event it had seen before the read.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_sends_at_once_holds_little_back_and_notices_a_dead_peer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stall = Limit::Max(Duration::from_secs(10));
        for (stall, backstop) in [(stall, Some(Duration::from_secs(30))), (Limit::None, None)] {
            let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            let tcp = Socket::direct(tcp, stall).handle().unwrap();
            let options = SockRef::from(&*tcp);
            assert!(options.tcp_nodelay().unwrap());
            assert_eq!(options.tcp_notsent_lowat().unwrap(), 16_384);
            assert_eq!(options.tcp_user_timeout().unwrap(), backstop);
        }
    }
}
