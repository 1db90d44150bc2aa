//! The frames that wait for one member: bounded, in order, newer values superseding older ones of their key.
//! Pure: it takes the time as an argument and must not know sockets, tasks or protocols.

mod close_frames;
mod controls;
mod frame;
mod lost;
mod queue;
mod replay;
mod taken;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::id::Seq;
use crate::protocol::{Dialect, Notice, OnOverflow};

pub use crate::superseding::Rank;
pub use close_frames::CloseFrames;
pub use controls::ControlKind;
use controls::Controls;
pub use frame::Frame;
use lost::Lost;
pub use queue::FRAME_OVERHEAD_BYTES;
use queue::FrameQueue;
use replay::Replaying;
pub use replay::{Hold, Replay};
use taken::Taken;

/// The backlog is full and no replay can make up for a loss: the new frame was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// Whether and how the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It does not end.
    Open,
    /// It ends once everything that waits is written.
    Finishing,
    /// It ends at once: everything that waits is dropped.
    Cut,
}

/// The frames that wait for one member, in this order: frames taken for a write, control frames, the replays, the
/// queue, the close frame.
///
/// A writer [takes](Self::take) frames, writes them without access to the backlog, and then reports how many bytes it
/// [wrote](Self::advance). A frame that is taken is never superseded.
#[derive(Debug)]
pub struct Backlog {
    dialect: &'static Dialect,
    taken: Taken,
    controls: Controls,
    /// The replays, in the order in which they were asked for.
    replays: VecDeque<Replaying>,
    /// When the last replay ran out. The frames behind it waited for the replay, not for the member.
    replayed: Duration,
    queue: FrameQueue,
    /// The number up to which the member was sent every message, or the notice of a hole.
    reached: Seq,
    /// A bound: no message that superseded another one before it was pushed here has a greater number.
    until: Seq,
    lost: Option<Lost>,
    ending: Ending,
    /// The frames that close the connection, until they are taken.
    close: Option<CloseFrames>,
    /// How many frames were superseded, or dropped because they were ephemeral.
    superseded: usize,
}

impl Backlog {
    /// Returns an empty backlog for a member that speaks `dialect` and has everything up to `reached`.
    pub fn new(dialect: &'static Dialect, reached: Seq) -> Self {
        Self {
            dialect,
            taken: Taken::default(),
            controls: Controls::default(),
            replays: VecDeque::new(),
            replayed: Duration::ZERO,
            queue: FrameQueue::default(),
            reached,
            until: reached,
            lost: None,
            ending: Ending::Open,
            close: None,
            superseded: 0,
        }
    }

    /// Returns a backlog that is cut and has nothing to write.
    pub fn broken(dialect: &'static Dialect) -> Self {
        Self { ending: Ending::Cut, ..Self::new(dialect, Seq::ZERO) }
    }

    /// Queues a frame, and drops the waiting frame that it supersedes. After an ending it drops the frame.
    ///
    /// If more than `limit` bytes would wait in the queue, ephemeral frames are dropped first. If that is not enough,
    /// messages are [lost](Self::wants_state) where the protocol can say so. A frame counts its bytes and 128 more; a
    /// frame alone always fits. The greatest number is no limit.
    ///
    /// # Errors
    /// [`Overflow`] where the protocol cannot say so, and for an answer that does not fit besides other answers.
    pub fn push(&mut self, frame: Frame, now: Duration, limit: usize) -> Result<(), Overflow> {
        let is_answer = frame.rank == Rank::Answer;
        if self.ending != Ending::Open || matches!(frame.rank, Rank::Hole(_)) || (self.lost.is_some() && !is_answer) {
            if let Rank::Hole(until) = frame.rank {
                self.until = self.until.max(until);
            }
            return Ok(());
        }
        if self.queue.is_over_with(&frame, limit) && !self.make_room(&frame, limit) {
            if frame.rank.is_ephemeral() {
                self.superseded += 1;
                return Ok(());
            }
            if self.dialect.on_overflow == OnOverflow::Close {
                return Err(Overflow);
            }
            self.queue.keep_answers();
            self.lost.get_or_insert(Lost::Noticed);
            if !is_answer {
                return Ok(());
            }
            if self.queue.is_over_with(&frame, limit) {
                return Err(Overflow);
            }
        }
        self.superseded += usize::from(self.queue.push(frame, now));
        Ok(())
    }

    /// Drops ephemeral frames, the oldest first, until `frame` fits. Returns whether it does.
    fn make_room(&mut self, frame: &Frame, limit: usize) -> bool {
        while self.queue.drop_ephemeral() {
            self.superseded += 1;
            if !self.queue.is_over_with(frame, limit) {
                return true;
            }
        }
        false
    }

    /// Queues the rest of a direct write of `frames`, of which `written` bytes are written.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn adopt(&mut self, frames: &[Frame], mut written: usize, now: Duration, limit: usize) -> Result<(), Overflow> {
        debug_assert!(self.taken.is_empty(), "a direct write needs an empty backlog");
        let mut in_hole = false;
        for frame in frames {
            let length = frame.bytes.len();
            let must_go = written > 0 || (in_hole && self.ending != Ending::Cut);
            if !must_go {
                self.push(frame.clone(), now, limit)?;
                continue;
            }
            // At least a part of it is written, or it follows the notice of a hole that is.
            self.reached = frame.seq.unwrap_or(self.reached);
            in_hole = matches!(frame.rank, Rank::Hole(_));
            if written < length {
                self.taken.push(frame.bytes.clone(), now);
                self.taken.was_begun(written);
            }
            written = written.saturating_sub(length);
        }
        Ok(())
    }

    /// Notes that a direct write, which began while nothing waited, has brought the member to `reached`.
    pub fn was_sent(&mut self, reached: Seq) {
        self.reached = reached;
    }

    /// Returns the number up to which the member was sent every message, or the notice of a hole.
    pub fn reached(&self) -> Seq {
        self.reached
    }

    /// Queues a control frame for the next frame boundary (RFC 6455 section 5.4). It replaces a waiting one of its
    /// `kind`; a pong does so only when too many wait.
    pub fn control(&mut self, kind: ControlKind, bytes: Bytes) {
        if self.ending == Ending::Open {
            self.controls.put(kind, bytes);
        }
    }

    /// Ends the backlog: everything that waits is written, then `close`; nothing more is queued. Returns whether this
    /// is the first ending, which stands.
    pub fn finish(&mut self, close: impl Into<CloseFrames>) -> bool {
        let is_first = self.ending == Ending::Open;
        if is_first {
            self.ending = Ending::Finishing;
            self.lost = None;
            self.close = Some(close.into());
        }
        is_first
    }

    /// Ends the backlog at once: the rest of a half-written frame is written, then `close`; everything else is dropped.
    /// Overrides a [`finish`](Self::finish) whose close frame is not taken yet. Returns whether the cut took effect.
    pub fn cut(&mut self, close: impl Into<CloseFrames>) -> bool {
        let close_is_taken = self.ending == Ending::Finishing && self.close.is_none();
        if self.ending == Ending::Cut || close_is_taken {
            return false;
        }
        self.ending = Ending::Cut;
        self.close = Some(close.into());
        self.controls = Controls::default();
        self.replays.clear();
        self.lost = None;
        self.queue = FrameQueue::default();
        if !self.taken.is_writing() {
            self.taken.drop_unwritten();
        }
        true
    }

    /// Takes the next frames for one write into `frames`, or those that are still taken. It takes at most `frames_max`,
    /// or one more to keep the notice of a hole with its message, and none after the one that reaches `bytes_max`.
    /// Returns how many bytes of the first frame are already written.
    pub fn take(&mut self, frames: &mut Vec<Bytes>, frames_max: usize, bytes_max: usize, now: Duration) -> usize {
        if self.taken.is_empty() {
            let mut bytes = 0;
            while self.taken.len() < frames_max && bytes < bytes_max {
                match self.take_next(now) {
                    0 => break,
                    taken => bytes += taken,
                }
            }
        }
        self.taken.write(frames)
    }

    /// Notes that `written` more bytes of the taken frames are written. Returns how many frames these bytes completed.
    pub fn advance(&mut self, written: usize) -> usize {
        let ended = self.taken.advance(written);
        let close_waits = self.close.is_some();
        if self.ending == Ending::Cut && close_waits {
            self.taken.drop_unwritten();
        }
        ended
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
            && self.controls.is_empty()
            && self.replays.is_empty()
            && self.queue.is_empty()
            && self.lost.is_none()
            && self.close.is_none()
    }

    /// Returns whether everything is written, the close frame last.
    pub fn is_closed(&self) -> bool {
        self.ending != Ending::Open && self.is_empty()
    }

    /// Returns whether and how the connection ends.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Returns the bytes that count against the limit.
    pub fn bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Returns the bytes of all frames that are not written. A frame of a replay counts once it is taken: until then it
    /// is the room's.
    pub fn unsent(&self) -> usize {
        let before: usize = self.replays.iter().map(Replaying::bytes_before).sum();
        self.taken.bytes()
            + self.controls.bytes()
            + before
            + self.queue.frame_bytes()
            + self.close.as_ref().map_or(0, CloseFrames::bytes)
    }

    /// Returns how many frames were superseded, or dropped because they were ephemeral, since the backlog was made.
    pub fn superseded(&self) -> usize {
        self.superseded
    }

    /// Returns since when the first frame has been waiting for the member.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.taken.since().or_else(|| self.queue.since().map(|since| since.max(self.replayed)))
    }

    /// Returns when the member exceeds a stall limit of `stall`, by a frame that waits too long or a replay that it
    /// takes too slowly. `None` while nothing waits.
    pub fn stalls_at(&self, stall: Duration) -> Option<Duration> {
        let waits = self.waiting_since().map(|since| since.saturating_add(stall));
        let replay = self.replays.front().and_then(|replay| replay.due(stall));
        waits.into_iter().chain(replay).min()
    }

    /// Takes the next frame, and with it the notice of a hole before it. Returns the bytes of both, 0 if nothing waits.
    fn take_next(&mut self, now: Duration) -> usize {
        let mut take = |bytes: Bytes, since| {
            let length = bytes.len();
            self.taken.push(bytes, since);
            length
        };
        if let Some(control) = self.controls.pop() {
            return take(control, now);
        }
        while let Some(replay) = self.replays.front_mut() {
            if let Some(bytes) = replay.pop(self.dialect, now) {
                return take(bytes, now);
            }
            self.reached = replay.seq();
            self.replays.pop_front();
            self.replayed = now;
        }
        let mut skipped = 0;
        if let Some(seq) = self.queue.first_seq() {
            let through = seq.previous();
            // Taken together with the message behind it, so that the hole cannot grow between the two.
            if through > self.reached {
                let until = self.until.max(self.queue.last_seq().unwrap_or(seq));
                let notice = Notice::Skipped { through, until };
                skipped = (self.dialect.write)(&notice).map_or(0, |frame| take(frame, now));
            }
            self.reached = seq;
        }
        if let Some((frame, since)) = self.queue.pop() {
            return skipped + take(frame.bytes, since.max(self.replayed));
        }
        self.close.take().map_or(0, |close| close.into_frames().map(|frame| take(frame, now)).sum())
    }
}

#[cfg(test)]
mod tests;
