//! A TCP stream under plain HTTP, with a look at what it waits for and until when.
//! Must not know requests.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long a request's whole head may take, the first one's from the accept, with a PROXY header before it.
pub(super) const HEAD: Duration = Duration::from_secs(5);

/// How long an answer may take, from its request's head to its last byte in the socket, and the pace from then on: a slow
/// link has its time, a client that reads nothing does not.
const ANSWER: Duration = Duration::from_secs(10);
const ANSWER_BYTES_PER_SECOND: u64 = 2_048;

/// A stream that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TokioIo<TcpStream>,
    watch: Watch,
}

/// What is seen of a stream. Cheap to clone; every clone sees the same stream.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    phase: Phase,
    /// How long the stream may be idle behind an answer.
    idle: Duration,
    /// Bytes of the answer that the socket has taken.
    written: u64,
    /// The socket takes no more at the moment.
    is_blocked: bool,
}

/// What a stream waits for, and until when; an answer, since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For the first byte of another request.
    Idle(Instant),
    /// For the rest of a request's head.
    Head(Instant),
    /// For an answer.
    Answer(Instant),
    /// For the socket to take the answer.
    Writing(Instant),
}

impl Watch {
    /// A stream that was `accepted` then, and may be `idle` so long behind each answer.
    pub(super) fn new(accepted: Instant, idle: Duration) -> Self {
        let phase = Phase::Head(accepted + HEAD);
        Self(Arc::new(Mutex::new(Seen { phase, idle, written: 0, is_blocked: false })))
    }

    /// A request's head has come.
    pub(super) fn asked(&self) {
        let mut seen = self.lock();
        (seen.phase, seen.written) = (Phase::Answer(Instant::now()), 0);
    }

    /// The request's answer is known, with all of its body.
    pub(super) fn answered(&self) {
        let mut seen = self.lock();
        if let Phase::Answer(since) = seen.phase {
            seen.phase = Phase::Writing(since);
        }
    }

    /// Whether the last answer has just been written whole, once for each answer. To be asked when the connection has
    /// done what it can.
    pub(super) fn has_become_idle(&self) -> bool {
        let mut seen = self.lock();
        let has = matches!(seen.phase, Phase::Writing(_)) && !seen.is_blocked;
        if has {
            seen.phase = Phase::Idle(Instant::now() + seen.idle);
        }
        has
    }

    /// Whether the socket takes no more of an answer at the moment.
    pub(super) fn is_blocked(&self) -> bool {
        self.lock().is_blocked
    }

    /// Returns the moment at which the stream is to be closed if nothing else happens.
    pub(super) fn deadline(&self) -> Instant {
        let seen = self.lock();
        match seen.phase {
            Phase::Idle(deadline) | Phase::Head(deadline) => deadline,
            Phase::Answer(since) | Phase::Writing(since) => {
                since + ANSWER + Duration::from_secs(seen.written / ANSWER_BYTES_PER_SECOND)
            }
        }
    }

    fn read(&self) {
        let mut seen = self.lock();
        if let Phase::Idle(_) = seen.phase {
            seen.phase = Phase::Head(Instant::now() + HEAD);
        }
    }

    fn wrote(&self, written: &Poll<std::io::Result<usize>>) {
        let mut seen = self.lock();
        seen.is_blocked = written.is_pending();
        if let Poll::Ready(Ok(bytes)) = written {
            seen.written += *bytes as u64;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    pub(super) fn new(stream: TcpStream, watch: Watch) -> Self {
        Self { stream: TokioIo::new(stream), watch }
    }

    /// Returns the stream, which is watched no more.
    pub(super) fn into_inner(self) -> TcpStream {
        self.stream.into_inner()
    }
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.watch.read();
        }
        read
    }
}

impl Write for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
