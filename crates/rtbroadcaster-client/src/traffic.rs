//! Notes when a connection last carried bytes, in each direction. Must not know what the bytes mean.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The traffic of one connection. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Traffic {
    begun: Instant,
    /// Microseconds from the beginning to the last read byte, and to the last written one.
    moments: Arc<[AtomicU64; 2]>,
}

/// A byte stream that notes its traffic.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    stream: S,
    traffic: Traffic,
}

const READ: usize = 0;
const WRITTEN: usize = 1;

impl Traffic {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), moments: Arc::default() }
    }

    /// Returns `stream`, wrapped to note its traffic here.
    pub(super) fn of<S>(&self, stream: S) -> TimedStream<S> {
        TimedStream { stream, traffic: self.clone() }
    }

    /// Returns when bytes were last read; the beginning if none were.
    pub(super) fn read(&self) -> Instant {
        self.last(READ)
    }

    /// Returns when bytes were last written; the beginning if none were.
    pub(super) fn written(&self) -> Instant {
        self.last(WRITTEN)
    }

    fn last(&self, way: usize) -> Instant {
        self.begun + std::time::Duration::from_micros(self.moments[way].load(Ordering::Relaxed))
    }

    fn carried(&self, way: usize) {
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.moments[way].store(micros, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, into));
        if into.filled().len() > before {
            self.traffic.carried(READ);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        if matches!(written, Ok(1..)) {
            self.traffic.carried(WRITTEN);
        }
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        if matches!(written, Ok(1..)) {
            self.traffic.carried(WRITTEN);
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
