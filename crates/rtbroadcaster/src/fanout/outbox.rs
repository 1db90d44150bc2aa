//! One member's way out: written at once by a lane while nothing waits, by its own client task otherwise.
//! Must not know rooms or JSON. Nothing is held while a socket is written.

mod line;

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::backlog::{ControlKind, Ending, Frame};
use crate::clock::Clock;
use crate::close::CloseReason;
use crate::config::{Config, deadline};
use crate::id::RoomId;
use crate::message::{Dialect, Entry};
use crate::wire::{Control, encode};
use line::Line;

/// How much the client task takes for one write. What is taken is not superseded any more, so it is little more than
/// the kernel takes before it admits that the peer is slow.
const WRITE_FRAMES_MAX: usize = 64;
const WRITE_BYTES_MAX: usize = 32 * 1024;

/// The member is in no lane.
const NO_PLACE: usize = usize::MAX;

/// Everything that goes out to one client. Shared by the client task, which waits for the socket, and a lane, which
/// never does.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The socket, if writing to it directly is possible.
    direct: Option<Arc<TcpStream>>,
    /// The client's protocol.
    dialect: &'static Dialect,
    clock: Clock,
    /// `backlog_bytes_max`.
    limit: usize,
    /// `stall_timeout`.
    stall: Duration,
    /// Whether anything came from the client since the last sweep.
    heard: AtomicBool,
    /// The member's place in its lane's roster, known to that lane only.
    place: AtomicUsize,
    line: Mutex<Line>,
}

/// What a client task finds when it has written what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// The close frame is out.
    Closed,
}

impl Outbox {
    /// An outbox that writes directly to `direct`, or leaves all writing to the client task.
    pub(crate) fn new(
        direct: Option<Arc<TcpStream>>,
        dialect: &'static Dialect,
        clock: Clock,
        config: &Config,
    ) -> Arc<Self> {
        Arc::new(Self {
            direct,
            dialect,
            clock,
            limit: config.backlog_bytes_max,
            stall: config.stall_timeout,
            heard: AtomicBool::new(true),
            place: AtomicUsize::new(NO_PLACE),
            line: Mutex::default(),
        })
    }

    /// The client's protocol.
    pub(crate) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// A lane's write: everything in `frames` with one call if nothing waits. `slices` are the bytes of `frames`.
    pub(super) fn offer(&self, frames: &[Frame], slices: &[IoSlice<'_>]) {
        let Some(socket) = self.begin_direct_write() else {
            return self.change(|line, now| line.push(frames, now, self.limit));
        };
        // An error counts as nothing written: the client task will meet it too and end the connection.
        let written = socket.try_write_vectored(slices).unwrap_or(0);
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if written == total {
            self.end_direct_write();
        } else {
            self.change(|line, now| {
                line.writing = false;
                line.adopt(frames, written, now, self.limit);
            });
        }
    }

    /// Queues the answer to a request behind what waits.
    pub(crate) fn answer(&self, bytes: Bytes) {
        self.change(|line, now| line.push(&[Frame::event(bytes)], now, self.limit));
    }

    /// Queues the answer to a join and the state at that moment, before anything that a lane offers from now on.
    pub(crate) fn replay(&self, announcement: Bytes, entries: Arc<[Arc<Entry>]>) {
        self.change(|line, _| line.backlog().replay(announcement, entries, self.dialect));
    }

    /// Queues a pong (RFC 6455 section 5.5.3).
    pub(crate) fn pong(&self, frame: Bytes) {
        self.change(|line, _| line.backlog().control(ControlKind::Pong, frame));
    }

    /// Queues a ping (RFC 6455 section 5.5.2).
    pub(crate) fn ping(&self) {
        self.change(|line, _| line.backlog().control(ControlKind::Ping, encode::ping(&Control::default())));
    }

    /// The room has ended: what waits goes out, then the farewell, then the close.
    pub(crate) fn farewell(&self, room: RoomId) {
        self.change(|line, now| {
            let farewell = Frame::event((self.dialect.farewell)(room));
            line.push(&[farewell], now, self.limit);
            line.backlog().finish(encode::close(self.dialect.room_closed));
        });
    }

    /// The connection ends; what waits goes out first.
    pub(crate) fn finish(&self, close: Bytes) {
        self.change(|line, _| line.backlog().finish(close));
    }

    /// The connection ends; after the frame that is half written nothing but `close` goes out.
    pub(crate) fn cut(&self, close: Bytes) {
        self.change(|line, _| line.backlog().cut(close));
    }

    /// Has the client task look at its deadlines again.
    pub(crate) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Something came from the client.
    pub(crate) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// One heartbeat: `ping` for a client that was heard since the last one, the end of the connection for any other.
    pub(super) fn heartbeat(&self, ping: &[Frame], slices: &[IoSlice<'_>]) {
        if !self.heard.swap(false, Ordering::Relaxed) {
            self.cut(encode::close(CloseReason::NoPong));
        } else if self.direct.is_none() || self.lock().backlog.is_some() {
            // Not behind what waits: a slow member would be asked too late to answer before the next heartbeat.
            self.ping();
        } else {
            self.offer(ping, slices);
        }
    }

    /// Whether an ending was decided.
    pub(crate) fn ending(&self) -> Ending {
        self.lock().ending()
    }

    /// When the client will have waited too long for its socket; `None` while it does not wait.
    pub(crate) fn stalls_at(&self) -> Option<Duration> {
        let line = self.lock();
        let since = line.backlog.as_ref().filter(|_| line.waits_for_socket)?.waiting_since()?;
        deadline(since, self.stall)
    }

    /// The client task's part: writes what waits with `write` until nothing does (then it is pending and woken by the
    /// next frame), the socket takes no more (then `write` wakes it), or the close frame is out.
    pub(crate) fn poll_drain(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&mut Context<'_>, &[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<Drained>> {
        let mut frames = Vec::new();
        loop {
            frames.clear();
            let offset = match self.begin_drain(cx, &mut frames) {
                Poll::Ready(Some(offset)) => offset,
                Poll::Ready(None) => return Poll::Ready(Ok(Drained::Closed)),
                Poll::Pending => return Poll::Pending,
            };
            let mut slices: Vec<IoSlice<'_>> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
            slices[0] = IoSlice::new(&frames[0][offset..]);
            let result = write(cx, &slices);
            let mut line = self.lock();
            line.writing = false;
            line.waits_for_socket = result.is_pending();
            let written = if let Poll::Ready(Ok(written)) = result { written } else { 0 };
            line.backlog().advance(written);
            match result {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes what goes out next and gives how much of its first frame is out; `Ready(None)` behind the close frame.
    fn begin_drain(&self, cx: &mut Context<'_>, frames: &mut Vec<Bytes>) -> Poll<Option<usize>> {
        let mut line = self.lock();
        if !line.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            line.waker = Some(cx.waker().clone());
        }
        line.waits_for_socket = false;
        if line.writing {
            return Poll::Pending;
        }
        let Some(backlog) = &mut line.backlog else { return Poll::Pending };
        let offset = backlog.take(frames, WRITE_FRAMES_MAX, WRITE_BYTES_MAX, self.clock.now());
        if frames.is_empty() {
            if backlog.is_closed() {
                return Poll::Ready(None);
            }
            line.backlog = None;
            return Poll::Pending;
        }
        line.writing = true;
        Poll::Ready(Some(offset))
    }

    /// The socket, if nothing waits and nobody writes. Whoever gets it must end the write.
    fn begin_direct_write(&self) -> Option<&TcpStream> {
        let socket = self.direct.as_deref()?;
        let mut line = self.lock();
        if line.backlog.is_some() || line.writing {
            return None;
        }
        line.writing = true;
        Some(socket)
    }

    /// A direct write took everything. Meanwhile something may have come to wait for its end.
    fn end_direct_write(&self) {
        let mut line = self.lock();
        line.writing = false;
        let waker = if line.backlog.is_some() { line.waker.take() } else { None };
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Changes what waits and wakes the client task if it has something to do about it.
    fn change(&self, change: impl FnOnce(&mut Line, Duration)) {
        let mut line = self.lock();
        let ending = line.ending();
        change(&mut line, self.clock.now());
        let ends_now = line.ending() != ending;
        let waker = if ends_now || !line.waits_for_socket { line.waker.take() } else { None };
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The member's place in its roster.
    pub(super) fn place(&self) -> Option<usize> {
        Some(self.place.load(Ordering::Relaxed)).filter(|place| *place != NO_PLACE)
    }

    /// Only the member's lane moves it.
    pub(super) fn set_place(&self, place: Option<usize>) {
        self.place.store(place.unwrap_or(NO_PLACE), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // A panic between two complete changes leaves a usable line.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
