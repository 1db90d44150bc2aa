//! A lane's part of an outbox: one call that writes everything, or nothing that waits.
//! Must not know the client task.

use std::io::IoSlice;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::{Flow, Outbox};
use crate::close::CloseReason;
use crate::fanout::backlog::Frame;
use crate::id::Seq;

/// What all members of one protocol get with one call.
#[derive(Debug, Clone, Copy)]
pub(in crate::fanout) struct Batch<'a> {
    /// In order.
    frames: &'a [Frame],
    /// The bytes of `frames`.
    slices: &'a [IoSlice<'a>],
    /// The number of the last message in them.
    reached: Option<Seq>,
    /// Where the hole ends that is told before the first message.
    hole: Option<Seq>,
}

impl<'a> Batch<'a> {
    /// `slices` are the bytes of `frames`.
    pub(in crate::fanout) fn new(frames: &'a [Frame], slices: &'a [IoSlice<'a>]) -> Self {
        let reached = frames.iter().rev().find_map(|frame| frame.seq);
        Self { frames, slices, reached, hole: Frame::leading_hole(frames) }
    }
}

/// What may be done with a batch at this moment.
pub(super) enum Way<'a> {
    /// Write it; whoever gets this must end the write.
    Socket(&'a TcpStream),
    /// Queue it.
    Queue,
    /// Nothing: the member gets no messages.
    Shut,
}

impl Outbox {
    /// A lane's write: everything in `batch` with one call if nothing waits.
    pub(in crate::fanout) fn offer(&self, batch: Batch<'_>) {
        let way = self.way(true, batch.hole);
        self.send(&way, batch);
    }

    fn send(&self, way: &Way<'_>, batch: Batch<'_>) {
        let Batch { frames, slices, reached, .. } = batch;
        let socket = match way {
            Way::Socket(socket) => socket,
            Way::Queue => return self.change(|line, now| line.push(frames, self.dialect, now, self.limit)),
            Way::Shut => return,
        };
        let written = match slices {
            // `send` costs the kernel less than `writev`.
            [one] => socket.try_write(one),
            all => socket.try_write_vectored(all),
        };
        // An error counts as nothing written: the client task will meet it too and end the connection.
        let written = written.unwrap_or(0);
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if written == total {
            self.end_direct_write(reached);
        } else {
            self.change(|line, now| {
                line.writing = false;
                line.adopt(frames, written, self.dialect, now, self.limit);
            });
        }
    }

    /// One heartbeat: `beat`, whose last message is `seq`, for a client that was heard since the last one, the end of the
    /// connection for any other.
    pub(in crate::fanout) fn heartbeat(&self, beat: Batch<'_>, seq: Seq) {
        if !self.heard.swap(false, Ordering::Relaxed) {
            return self.cut(CloseReason::NoPong);
        }
        match self.way(false, None) {
            // Not behind what waits: a slow member would be asked too late to answer before the next heartbeat.
            Way::Queue | Way::Shut => self.beat(seq),
            way @ Way::Socket(_) => self.send(&way, beat),
        }
    }

    /// What may be done with a batch: `live` for one of messages, which a paused member does not get; `hole` is where the
    /// hole ends that it begins with. With a socket comes the duty to end the write.
    pub(super) fn way(&self, live: bool, hole: Option<Seq>) -> Way<'_> {
        let mut line = self.lock();
        if live && !line.is_live() {
            return Way::Shut;
        }
        match self.direct.as_deref() {
            Some(socket) if line.is_free(hole) => {
                line.writing = true;
                Way::Socket(socket)
            }
            _ => Way::Queue,
        }
    }

    /// A direct write took everything. Meanwhile something may have come to wait for its end.
    pub(super) fn end_direct_write(&self, reached: Option<Seq>) {
        let mut line = self.lock();
        line.was_sent(reached);
        let waits = line.backlog.is_some() || line.flow != Flow::Live;
        let waker = if waits { line.waker.take() } else { None };
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
