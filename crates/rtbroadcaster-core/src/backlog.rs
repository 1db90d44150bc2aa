//! What waits for one member: bounded, in order, newer values superseding older ones of their key.
//! Pure: it takes the time as an argument and must not know sockets, tasks or protocols.

mod closing;
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
pub use closing::Closing;
pub use controls::ControlKind;
use controls::Controls;
pub use frame::Frame;
use lost::Lost;
pub use queue::PLACE_BYTES;
use queue::Queue;
use replay::Replaying;
pub use replay::{Hold, Replay};
use taken::Taken;

/// More waits than may, and no replay can mend that: the new frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It does.
    Open,
    /// What waits goes out first.
    Finishing,
    /// What waits is dropped.
    Cut,
}

/// What waits for one member. In this order: frames taken for a write, control frames, the replay, the queue, the
/// close frame.
///
/// A writer [takes](Self::take) frames, writes them without holding anything, and then says how many bytes
/// [went out](Self::advance). What was taken is never superseded.
#[derive(Debug)]
pub struct Backlog {
    dialect: &'static Dialect,
    taken: Taken,
    controls: Controls,
    /// In the order in which they were asked for.
    replays: VecDeque<Replaying>,
    /// When the replay ran out: what stood behind it waited for it, not for the member.
    replayed: Duration,
    queue: Queue,
    /// The number up to which the member was sent all messages, or told of the holes.
    reached: Seq,
    /// What superseded any message before it came here has no greater number.
    until: Seq,
    lost: Option<Lost>,
    ending: Ending,
    /// The last words, until they are taken.
    close: Option<Closing>,
    /// How many frames went for newer ones, or because they were ephemeral.
    superseded: usize,
}

impl Backlog {
    /// An empty one for a member that speaks `dialect` and stands at `reached`.
    pub fn new(dialect: &'static Dialect, reached: Seq) -> Self {
        Self {
            dialect,
            taken: Taken::default(),
            controls: Controls::default(),
            replays: VecDeque::new(),
            replayed: Duration::ZERO,
            queue: Queue::default(),
            reached,
            until: reached,
            lost: None,
            ending: Ending::Open,
            close: None,
            superseded: 0,
        }
    }

    /// One that is cut and has said everything.
    pub fn broken(dialect: &'static Dialect) -> Self {
        Self { ending: Ending::Cut, ..Self::new(dialect, Seq::ZERO) }
    }

    /// Appends a frame; the waiting frame that it supersedes is removed. After an ending it is dropped.
    ///
    /// When more than `limit` bytes would wait in the queue (each frame with 128 bytes for its place; the greatest number is no
    /// limit, a frame alone always fits), what is ephemeral goes first. If that is not enough, messages are
    /// [lost](Self::wants_state) where the protocol can say so.
    ///
    /// # Errors
    /// [`Overflow`] where it cannot.
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

    /// Drops what is ephemeral, the oldest first, until `frame` fits. Says whether it does.
    fn make_room(&mut self, frame: &Frame, limit: usize) -> bool {
        while self.queue.drop_ephemeral() {
            self.superseded += 1;
            if !self.queue.is_over_with(frame, limit) {
                return true;
            }
        }
        false
    }

    /// Keeps what a direct write of `frames` left over, `written` bytes of them being out.
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
            // It is out, at least a part of it, or must not be parted from what is.
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

    /// A direct write that began before anything waited has brought the member to `reached`.
    pub fn was_sent(&mut self, reached: Seq) {
        self.reached = reached;
    }

    /// The number up to which the member was sent all messages, or told of the holes.
    pub fn reached(&self) -> Seq {
        self.reached
    }

    /// Sends a frame of `kind` at the next frame boundary (RFC 6455 section 5.4), instead of a waiting one of its kind; a
    /// pong only when too many wait.
    pub fn control(&mut self, kind: ControlKind, bytes: Bytes) {
        if self.ending == Ending::Open {
            self.controls.put(kind, bytes);
        }
    }

    /// What waits goes out, then `close`; nothing else is accepted. The first ending stands: says whether it is this.
    pub fn finish(&mut self, close: impl Into<Closing>) -> bool {
        let is_first = self.ending == Ending::Open;
        if is_first {
            self.ending = Ending::Finishing;
            self.lost = None;
            self.close = Some(close.into());
        }
        is_first
    }

    /// Only a half-written frame still goes out, then `close`. Overrides a [`finish`](Self::finish) whose close frame
    /// is not taken yet, and says whether it did.
    pub fn cut(&mut self, close: impl Into<Closing>) -> bool {
        let close_is_taken = self.ending == Ending::Finishing && self.close.is_none();
        if self.ending == Ending::Cut || close_is_taken {
            return false;
        }
        self.ending = Ending::Cut;
        self.close = Some(close.into());
        self.controls = Controls::default();
        self.replays.clear();
        self.lost = None;
        self.queue = Queue::default();
        if !self.taken.is_writing() {
            self.taken.drop_unwritten();
        }
        true
    }

    /// Takes the next frames for one write into `frames`, unless some are still taken: at most `frames_max` (and one
    /// more where two must not be parted), and none after the one that reaches `bytes_max`. Gives how many bytes of the
    /// first one are already out.
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

    /// Of what was taken, `written` more bytes are out. Says how many frames ended with them.
    pub fn advance(&mut self, written: usize) -> usize {
        let ended = self.taken.advance(written);
        let close_waits = self.close.is_some();
        if self.ending == Ending::Cut && close_waits {
            self.taken.drop_unwritten();
        }
        ended
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
            && self.controls.is_empty()
            && self.replays.is_empty()
            && self.queue.is_empty()
            && self.lost.is_none()
            && self.close.is_none()
    }

    /// Whether everything went out, the close frame last.
    pub fn is_closed(&self) -> bool {
        self.ending != Ending::Open && self.is_empty()
    }

    /// Whether an ending was decided.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The bytes that count against the limit.
    pub fn bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// The bytes of all frames that are not out. A replay counts as its frames are taken: until then they are the room's.
    pub fn unsent(&self) -> usize {
        let before: usize = self.replays.iter().map(Replaying::bytes_before).sum();
        self.taken.bytes()
            + self.controls.bytes()
            + before
            + self.queue.frame_bytes()
            + self.close.as_ref().map_or(0, Closing::bytes)
    }

    /// How many frames went for newer ones, or because they were ephemeral, since there is this backlog.
    pub fn superseded(&self) -> usize {
        self.superseded
    }

    /// Since when the frame that stands first has been waiting for the member.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.taken.since().or_else(|| self.queue.since().map(|since| since.max(self.replayed)))
    }

    /// When the member will have waited too long, or taken a replay too slowly, for a stall limit of `stall`. None while
    /// nothing waits.
    pub fn stalls_at(&self, stall: Duration) -> Option<Duration> {
        let waits = self.waiting_since().map(|since| since.saturating_add(stall));
        let replay = self.replays.front().and_then(|replay| replay.due(stall));
        waits.into_iter().chain(replay).min()
    }

    /// Takes the frame that goes out next, and with it what says that there is a hole before it. Gives their bytes, 0
    /// if nothing waits.
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
            // Taken together with what follows, so that the hole cannot grow between the two.
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
