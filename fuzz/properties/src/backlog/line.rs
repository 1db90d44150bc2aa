//! A backlog as an outbox uses it: who may write when, and when messages are queued. Must not know their contents.

use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::backlog::{Backlog, Ending, Frame, Overflow, Rank, Replay};
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::protocol::Dialect;

use super::frame::{Tag, frame};

/// The bytes that a waiting frame counts besides its own (PROTOCOL.md section 2, rule 4).
const PLACE_BYTES: usize = 128;

/// Whether the member gets messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MemberFlow {
    Live,
    Paused,
    /// Its replay is being made.
    Returning,
}

/// The write to the socket at this moment.
enum Write {
    Idle,
    /// A write of the lane: its frames, and how many bytes the socket took.
    Lane(Vec<Frame>, usize),
    /// A write of the client task: its bytes.
    Client(Vec<u8>),
}

/// One member's line.
pub(super) struct MemberOutbox {
    pub(super) dialect: &'static Dialect,
    pub(super) backlog: Backlog,
    /// The most bytes that may wait.
    limit: usize,
    flow: MemberFlow,
    write: Write,
    pub(super) now: Duration,
    /// The bytes that the socket took and the member has not read.
    pub(super) out: Vec<u8>,
}

impl MemberOutbox {
    pub(super) fn new(dialect: &'static Dialect, limit: usize) -> Self {
        Self {
            dialect,
            backlog: Backlog::new(dialect, Seq::ZERO),
            limit,
            flow: MemberFlow::Live,
            write: Write::Idle,
            now: Duration::ZERO,
            out: Vec::new(),
        }
    }

    /// Offers a lane's batch. If nothing waits, it is written at once and the socket takes `takes` bytes of it;
    /// otherwise it is queued.
    pub(super) fn offer(&mut self, frames: Vec<Frame>, takes: usize) {
        if self.flow != MemberFlow::Live || self.backlog.is_lost() {
            return;
        }
        let hole = Frame::leading_hole(&frames);
        let reached = self.backlog.reached();
        let is_idle = matches!(self.write, Write::Idle) && self.backlog.is_empty();
        if is_idle && self.backlog.ending() == Ending::Open && hole.is_none_or(|end| reached < end) {
            let whole: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
            let written = takes.min(whole.len());
            self.out.extend_from_slice(&whole[..written]);
            self.write = Write::Lane(frames, written);
        } else {
            self.push(&frames, self.limit);
        }
    }

    /// Returns whether a lane's write is under way, during which the lane does nothing else.
    pub(super) fn is_offering(&self) -> bool {
        matches!(self.write, Write::Lane(..))
    }

    /// Returns whether a write is under way.
    pub(super) fn is_writing(&self) -> bool {
        !matches!(self.write, Write::Idle)
    }

    /// Ends the write under way. If it is the client task's, the socket took `takes` bytes.
    pub(super) fn end_write(&mut self, takes: usize) {
        match std::mem::replace(&mut self.write, Write::Idle) {
            Write::Idle => {}
            Write::Client(bytes) => {
                let written = takes.min(bytes.len());
                self.out.extend_from_slice(&bytes[..written]);
                self.backlog.advance(written);
            }
            Write::Lane(frames, written) => {
                if written == frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() {
                    if let Some(reached) = frames.iter().rev().find_map(|frame| frame.seq) {
                        self.backlog.was_sent(reached);
                    }
                    return;
                }
                let before = self.backlog.bytes();
                let adopted = self.backlog.adopt(&frames, written, self.now, self.limit);
                self.check_limit(before, &frames, self.limit);
                self.cut_if_over(adopted);
                if self.flow != MemberFlow::Live {
                    self.backlog.pause();
                }
            }
        }
    }

    /// Starts the client task's next write, unless a write is under way.
    pub(super) fn take(&mut self, frames_max: usize, bytes_max: usize) {
        if !matches!(self.write, Write::Idle) {
            return;
        }
        let mut frames: Vec<Bytes> = Vec::new();
        let offset = self.backlog.take(&mut frames, frames_max, bytes_max, self.now);
        if !frames.is_empty() {
            self.write = Write::Client(frames.concat().split_off(offset));
        } else if self.backlog.is_empty() && self.backlog.ending() == Ending::Open {
            // An idle outbox keeps the position only.
            self.backlog = Backlog::new(self.dialect, self.backlog.reached());
        }
    }

    /// Queues an answer.
    pub(super) fn answer(&mut self, number: u64, size: usize, limit: Option<usize>) {
        let answer = Frame::answer(frame(Tag::Answer, number, &vec![0; size]));
        self.push(&[answer], limit.unwrap_or(self.limit));
    }

    fn push(&mut self, frames: &[Frame], limit: usize) {
        let is_live = self.flow == MemberFlow::Live;
        let before = self.backlog.bytes();
        let mut wanted = frames.iter().filter(|frame| is_live || frame.rank == Rank::Answer);
        let pushed = wanted.try_for_each(|frame| self.backlog.push(frame.clone(), self.now, limit));
        self.check_limit(before, frames, limit);
        self.cut_if_over(pushed);
    }

    /// Checks that no more waits than the limit, or than before; a frame alone may always wait.
    fn check_limit(&self, before: usize, frames: &[Frame], limit: usize) {
        let alone = frames.iter().map(|frame| frame.bytes.len() + PLACE_BYTES).max().unwrap_or(0);
        let waits = self.backlog.bytes();
        assert!(waits <= limit.max(before).max(alone), "{waits} bytes wait, {limit} may");
    }

    fn cut_if_over(&mut self, pushed: Result<(), Overflow>) {
        if pushed.is_err() {
            self.cut();
        }
    }

    /// Ends the connection after the waiting frames are written.
    pub(super) fn finish(&mut self) {
        self.backlog.finish(frame(Tag::Close, 0, &[]));
    }

    /// Ends the connection now.
    pub(super) fn cut(&mut self) {
        self.backlog.cut(frame(Tag::Close, 1, &[]));
    }

    /// Stops the messages to the member, as soon as it is live or whole.
    pub(super) fn pause(&mut self) {
        if self.flow == MemberFlow::Live {
            self.flow = MemberFlow::Paused;
            self.backlog.pause();
        }
    }

    /// Unpauses: returns the position of the member, as soon as that cannot change any more.
    pub(super) fn unpause(&mut self) -> Option<Seq> {
        let is_whole = matches!(self.write, Write::Idle) && !self.backlog.is_replaying();
        if self.flow != MemberFlow::Paused || !is_whole {
            return None;
        }
        self.flow = MemberFlow::Returning;
        Some(self.backlog.reached())
    }

    /// Returns whether the member lost messages and its task asks for the state.
    pub(super) fn asks_for_state(&mut self) -> bool {
        matches!(self.write, Write::Idle) && self.backlog.wants_state() && self.backlog.order_state()
    }

    /// Queues the member's replay.
    pub(super) fn replay(&mut self, replay: Replay) {
        if self.flow == MemberFlow::Returning {
            self.flow = MemberFlow::Live;
        }
        self.backlog.replay(replay);
    }
}
