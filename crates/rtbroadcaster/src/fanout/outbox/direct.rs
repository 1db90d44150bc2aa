//! A lane's part of an outbox: writes a batch with one call, or queues it.
//! Must not know the client task.

use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::backlog::Frame;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::protocol::Dialect;

use super::{Flow, Outbox};
use crate::metrics::Sent;
use crate::socket::{LaneSocket, LaneWriter};

/// The frames that all members of one protocol get with one call.
#[derive(Debug)]
pub(in crate::fanout) struct Batch {
    /// The frames, in order.
    frames: Vec<Frame>,
    /// The bytes of `frames`, one behind the other. Copied once for all members: the kernel takes one piece at less
    /// cost than sixteen (docs/performance.md, "What was tried").
    whole: Bytes,
    /// The number of the last message in them.
    reached: Option<Seq>,
    /// The end of the hole that is announced before the first message.
    hole: Option<Seq>,
}

impl Batch {
    /// Makes a batch of `frames` in this order.
    pub(in crate::fanout) fn new(frames: Vec<Frame>) -> Self {
        let whole = match &frames[..] {
            [one] => one.bytes.clone(),
            all => all.iter().map(|frame| &frame.bytes[..]).collect::<Vec<_>>().concat().into(),
        };
        let reached = frames.iter().rev().find_map(|frame| frame.seq);
        let hole = Frame::leading_hole(&frames);
        Self { frames, whole, reached, hole }
    }

    /// Returns whether there is nothing to send.
    pub(in crate::fanout) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// How a batch may be sent at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneDelivery {
    /// Write it to the socket. The caller must end the write.
    Direct,
    /// Queue it.
    Queue,
    /// Drop it: the member gets no messages.
    Shut,
}

/// A member, and the socket that a lane may write to. A lane asks a socket for nothing but to take bytes now, and to
/// return how many it took.
///
/// Looked up for many members before the first write. A write leaves little in the processor's cache; looked up one by
/// one, each socket would have to be waited for (docs/performance.md, "What was tried").
pub(in crate::fanout) struct Member<'a> {
    outbox: &'a Outbox,
    socket: Option<LaneWriter<'a>>,
}

impl<'a> Member<'a> {
    pub(in crate::fanout) fn of(outbox: &'a Outbox) -> Self {
        Self { outbox, socket: outbox.direct.as_deref().map(LaneSocket::look_up) }
    }

    /// Returns its protocol.
    pub(in crate::fanout) fn dialect(&self) -> &'static Dialect {
        self.outbox.dialect
    }

    /// Sends `batch` with one call if nothing waits, and queues it otherwise. Returns what the socket took.
    pub(in crate::fanout) fn offer(&self, batch: &Batch) -> Sent {
        self.send(self.outbox.delivery(true, batch.hole), batch)
    }

    /// Sends one heartbeat: `beat`, which has the number `seq` of the last message and the time until the `next`
    /// heartbeat. Ends the connection of a client that has not answered the last one. Returns what the socket took.
    pub(in crate::fanout) fn heartbeat(&self, beat: &Batch, seq: Seq, next: Option<Duration>) -> Sent {
        if !self.outbox.has_answered() {
            self.outbox.cut(CloseReason::NoPong);
            return Sent::default();
        }
        match self.outbox.delivery(false, None) {
            // Not behind what waits: a slow member would be asked too late to answer before the next heartbeat.
            LaneDelivery::Queue | LaneDelivery::Shut => {
                self.outbox.beat(seq, next);
                Sent::default()
            }
            LaneDelivery::Direct => self.send(LaneDelivery::Direct, beat),
        }
    }

    fn send(&self, delivery: LaneDelivery, Batch { frames, whole, reached, .. }: &Batch) -> Sent {
        let outbox = self.outbox;
        match delivery {
            LaneDelivery::Direct => {}
            LaneDelivery::Queue => {
                outbox.change(|state, now| state.push(frames, outbox.dialect, now, outbox.limit));
                return Sent::default();
            }
            LaneDelivery::Shut => return Sent::default(),
        }
        // An error counts as nothing written: the client task will meet it too and end the connection.
        let written = self.socket.as_ref().map_or(0, |socket| socket.try_send(whole).unwrap_or(0));
        if written == whole.len() {
            outbox.end_direct_write(*reached);
            return Sent { frames: frames.len(), bytes: written };
        }
        outbox.change(|state, now| {
            state.writing = false;
            state.adopt(frames, written, outbox.dialect, now, outbox.limit);
        });
        Sent { frames: whole_frames(frames, written), bytes: written }
    }
}

/// Returns how many of `frames` are written whole, when `written` bytes of them are.
fn whole_frames(frames: &[Frame], mut written: usize) -> usize {
    let is_out = |frame: &&Frame| {
        let rest = written.checked_sub(frame.bytes.len());
        written = rest.unwrap_or_default();
        rest.is_some()
    };
    frames.iter().take_while(is_out).count()
}

impl Outbox {
    /// Returns how a batch may be sent. `live` is set for one of messages, which a paused member does not get; `hole`
    /// is the end of the hole that it begins with. After [`LaneDelivery::Direct`] the caller must end the write.
    pub(super) fn delivery(&self, live: bool, hole: Option<Seq>) -> LaneDelivery {
        let mut state = self.lock();
        if live && !state.is_live() {
            LaneDelivery::Shut
        } else if self.direct.is_some() && state.is_free(hole) {
            state.writing = true;
            LaneDelivery::Direct
        } else {
            LaneDelivery::Queue
        }
    }

    /// Ends a direct write that took everything. Meanwhile a frame or a pause may have come, which waits for that end.
    pub(super) fn end_direct_write(&self, reached: Option<Seq>) {
        let mut state = self.lock();
        state.was_sent(reached);
        let waits = state.backlog.is_some() || state.flow != Flow::Live;
        let waker = if waits { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
