//! A TCP stream with plain HTTP on it, and the deadlines of its current phase.
//! Must not know what the requests are.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The limit for a request's whole head. For the first request it counts from the accept, and includes a PROXY header.
pub(super) const HEAD: Duration = Duration::from_secs(5);

/// The limit for a response, from the request's head to the last byte in the socket.
const ANSWER: Duration = Duration::from_secs(10);

/// A response gets one more second for each so many bytes that the server has written: a slow link gets more time, a
/// client that reads nothing does not.
const ANSWER_BYTES_PER_SECOND: u64 = 2_048;

/// A TCP stream that records its reads and writes in a [`StreamMonitor`].
#[derive(Debug)]
pub(super) struct MonitoredStream {
    stream: TokioIo<TcpStream>,
    monitor: StreamMonitor,
}

/// The recorded state of a stream. Cheap to clone; all clones share the state.
#[derive(Debug, Clone)]
pub(super) struct StreamMonitor(Arc<Mutex<MonitorState>>);

#[derive(Debug)]
struct MonitorState {
    phase: Phase,
    /// How long the stream may be idle after a response.
    idle: Duration,
    /// The bytes of the response that were written to the socket.
    written: u64,
    /// Whether the socket's buffer is full.
    is_blocked: bool,
}

/// The phase of a stream, with its deadline or its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The stream waits for the first byte of another request until this instant.
    Idle(Instant),
    /// The stream waits for the rest of a request's head until this instant.
    Head(Instant),
    /// The stream has waited for the response since this instant.
    Answer(Instant),
    /// The stream writes the response, for which it began to wait at this instant.
    Writing(Instant),
}

impl StreamMonitor {
    /// Returns the state of a stream that was accepted at `accepted` and may be idle for `idle` after each response.
    pub(super) fn new(accepted: Instant, idle: Duration) -> Self {
        let phase = Phase::Head(accepted + HEAD);
        Self(Arc::new(Mutex::new(MonitorState { phase, idle, written: 0, is_blocked: false })))
    }

    /// Notes that a request's head has arrived.
    pub(super) fn asked(&self) {
        let mut state = self.lock();
        (state.phase, state.written) = (Phase::Answer(Instant::now()), 0);
    }

    /// Notes that the response is complete and only has to be written.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        if let Phase::Answer(since) = state.phase {
            state.phase = Phase::Writing(since);
        }
    }

    /// Returns whether the last response was just written in full. If so, begins the idle phase: it returns true once for
    /// each response. Call it after polling the connection.
    pub(super) fn has_become_idle(&self) -> bool {
        let mut state = self.lock();
        let has = matches!(state.phase, Phase::Writing(_)) && !state.is_blocked;
        if has {
            state.phase = Phase::Idle(Instant::now() + state.idle);
        }
        has
    }

    /// Returns whether the socket's buffer is full.
    pub(super) fn is_blocked(&self) -> bool {
        self.lock().is_blocked
    }

    /// Returns the deadline of the current phase, at which the stream is closed.
    pub(super) fn deadline(&self) -> Instant {
        let state = self.lock();
        match state.phase {
            Phase::Idle(deadline) | Phase::Head(deadline) => deadline,
            Phase::Answer(since) | Phase::Writing(since) => {
                since + ANSWER + Duration::from_secs(state.written / ANSWER_BYTES_PER_SECOND)
            }
        }
    }

    fn read(&self) {
        let mut state = self.lock();
        if let Phase::Idle(_) = state.phase {
            state.phase = Phase::Head(Instant::now() + HEAD);
        }
    }

    fn wrote(&self, written: &Poll<std::io::Result<usize>>) {
        let mut state = self.lock();
        state.is_blocked = written.is_pending();
        if let Poll::Ready(Ok(bytes)) = written {
            state.written += *bytes as u64;
        }
    }

    fn lock(&self) -> MutexGuard<'_, MonitorState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MonitoredStream {
    pub(super) fn new(stream: TcpStream, monitor: StreamMonitor) -> Self {
        Self { stream: TokioIo::new(stream), monitor }
    }

    /// Returns the TCP stream, whose reads and writes are no longer recorded.
    pub(super) fn into_inner(self) -> TcpStream {
        self.stream.into_inner()
    }
}

impl Read for MonitoredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.monitor.read();
        }
        read
    }
}

impl Write for MonitoredStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.monitor.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.monitor.wrote(&written);
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
