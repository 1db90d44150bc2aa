//! What waits for one member: bounded, in order, newer values superseding older ones of their key.
//! Pure: it takes the time as an argument and must not know sockets, tasks or protocols.

mod queue;
mod replay;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::config::exceeds;
use crate::message::{Change, Dialect, Entry, Key};

use queue::Queue;
use replay::Replay;

/// What a newer frame may do to a waiting one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Rank {
    /// Never superseded.
    Event,
    /// Superseded by a newer value of the key.
    State(Key),
    /// Superseded by a newer one of the key.
    Ephemeral(Key),
}

/// A finished frame on its way to one member.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The bytes of the wire.
    pub bytes: Bytes,
    /// What a newer frame may do to it while it waits.
    pub rank: Rank,
}

impl Frame {
    /// A frame that is never superseded.
    pub fn event(bytes: Bytes) -> Self {
        Self { bytes, rank: Rank::Event }
    }

    /// The frame of `entry` in `dialect`, or `None` where that protocol says nothing.
    pub fn of(entry: &Entry, dialect: &Dialect) -> Option<Self> {
        let rank = match entry.change {
            Change::State => Rank::State(entry.key.clone()),
            Change::Ephemeral => Rank::Ephemeral(entry.key.clone()),
            Change::Event | Change::Cleared => Rank::Event,
        };
        entry.frame(dialect).map(|bytes| Self { bytes, rank })
    }
}

/// The waiting frames are over the limit and the new one was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// A frame that stands before everything that may still change.
#[derive(Debug)]
struct Taken {
    bytes: Bytes,
    /// Since when it waits for the member.
    since: Duration,
}

/// A kind of control frame (RFC 6455 section 5.5); of each at most one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// Ours, to hear whether the member is there.
    Ping,
    /// The answer to the newest ping of the member.
    Pong,
}

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
    taken: VecDeque<Taken>,
    /// How many bytes of the first taken frame are out.
    written: usize,
    /// Between `take` and `advance`.
    writing: bool,
    controls: Vec<(ControlKind, Bytes)>,
    replay: Option<Replay>,
    /// When the replay ran out: what stood behind it waited for it, not for the member.
    replayed: Duration,
    queue: Queue,
    ending: Ending,
    /// The close frame, until it is taken.
    close: Option<Bytes>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            taken: VecDeque::new(),
            written: 0,
            writing: false,
            controls: Vec::new(),
            replay: None,
            replayed: Duration::ZERO,
            queue: Queue::default(),
            ending: Ending::Open,
            close: None,
        }
    }
}

impl Backlog {
    /// Appends a frame; the waiting frame that it supersedes is removed. After an ending it is dropped.
    ///
    /// # Errors
    /// [`Overflow`] when more than `limit` bytes would wait in the queue (0 lifts the limit; a frame alone always fits).
    pub fn push(&mut self, frame: Frame, now: Duration, limit: usize) -> Result<(), Overflow> {
        if self.ending != Ending::Open {
            return Ok(());
        }
        let bytes = self.queue.bytes_with(&frame);
        if exceeds(bytes, limit) && bytes > frame.bytes.len() {
            return Err(Overflow);
        }
        self.queue.push(frame, now);
        Ok(())
    }

    /// Keeps what a direct write of `frames` left over, `written` bytes of them being out.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn adopt(&mut self, frames: &[Frame], mut written: usize, now: Duration, limit: usize) -> Result<(), Overflow> {
        debug_assert!(self.taken.is_empty() && !self.writing, "a direct write needs an empty backlog");
        for frame in frames {
            if written >= frame.bytes.len() {
                written -= frame.bytes.len();
            } else if written > 0 {
                self.taken.push_back(Taken { bytes: frame.bytes.clone(), since: now });
                self.written = std::mem::take(&mut written);
            } else {
                self.push(frame.clone(), now, limit)?;
            }
        }
        Ok(())
    }

    /// Puts the answer to a join and the state at that moment behind what waits and before everything that is pushed
    /// from now on.
    pub fn replay(&mut self, announcement: Bytes, entries: Arc<[Arc<Entry>]>, dialect: &'static Dialect) {
        debug_assert!(self.replay.is_none(), "a member joins once");
        let before = std::mem::take(&mut self.queue);
        self.replay = Some(Replay::new(before, announcement, entries, dialect));
    }

    /// Sends a control frame at the next frame boundary (RFC 6455 section 5.4), instead of a waiting one of its kind.
    pub fn control(&mut self, kind: ControlKind, bytes: Bytes) {
        if self.ending != Ending::Open {
            return;
        }
        match self.controls.iter_mut().find(|(waiting, _)| *waiting == kind) {
            Some((_, waiting)) => *waiting = bytes,
            None => self.controls.push((kind, bytes)),
        }
    }

    /// What waits goes out, then `close`; nothing else is accepted. The first ending stands.
    pub fn finish(&mut self, close: Bytes) {
        if self.ending == Ending::Open {
            self.ending = Ending::Finishing;
            self.close = Some(close);
        }
    }

    /// Only a half-written frame still goes out, then `close`. Overrides a [`finish`](Self::finish) whose close frame
    /// is not taken yet.
    pub fn cut(&mut self, close: Bytes) {
        let close_is_taken = self.ending == Ending::Finishing && self.close.is_none();
        if self.ending == Ending::Cut || close_is_taken {
            return;
        }
        self.ending = Ending::Cut;
        self.close = Some(close);
        self.controls.clear();
        self.replay = None;
        self.queue = Queue::default();
        if !self.writing {
            self.drop_unwritten();
        }
    }

    /// Takes the next frames for one write into `frames`, unless some are still taken: at most `frames_max`, and none
    /// after the one that reaches `bytes_max`. Gives how many bytes of the first one are already out.
    pub fn take(&mut self, frames: &mut Vec<Bytes>, frames_max: usize, bytes_max: usize, now: Duration) -> usize {
        debug_assert!(!self.writing, "one write at a time");
        if self.taken.is_empty() {
            let mut bytes = 0;
            while self.taken.len() < frames_max && bytes < bytes_max {
                let Some(next) = self.next(now) else { break };
                bytes += next.bytes.len();
                self.taken.push_back(next);
            }
        }
        frames.extend(self.taken.iter().map(|taken| taken.bytes.clone()));
        self.writing = !frames.is_empty();
        self.written
    }

    /// Of what was taken, `written` more bytes are out.
    pub fn advance(&mut self, written: usize) {
        self.writing = false;
        self.written += written;
        while let Some(first) = self.taken.front()
            && self.written >= first.bytes.len()
        {
            self.written -= first.bytes.len();
            self.taken.pop_front();
        }
        let close_waits = self.close.is_some();
        if self.ending == Ending::Cut && close_waits {
            self.drop_unwritten();
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
            && self.controls.is_empty()
            && self.replay.is_none()
            && self.queue.is_empty()
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

    /// Since when the frame that stands first has been waiting for the member.
    pub fn waiting_since(&self) -> Option<Duration> {
        match self.taken.front() {
            Some(first) => Some(first.since),
            None => self.queue.since().map(|since| since.max(self.replayed)),
        }
    }

    /// Removes the frame that goes out next from where it waits.
    fn next(&mut self, now: Duration) -> Option<Taken> {
        if !self.controls.is_empty() {
            return Some(Taken { bytes: self.controls.remove(0).1, since: now });
        }
        if let Some(replay) = &mut self.replay {
            if let Some(bytes) = replay.pop() {
                return Some(Taken { bytes, since: now });
            }
            self.replay = None;
            self.replayed = now;
        }
        if let Some((frame, since)) = self.queue.pop() {
            return Some(Taken { bytes: frame.bytes, since: since.max(self.replayed) });
        }
        self.close.take().map(|bytes| Taken { bytes, since: now })
    }

    /// Keeps only the frame that the member has seen a part of.
    fn drop_unwritten(&mut self) {
        self.taken.truncate(usize::from(self.written > 0));
    }
}

#[cfg(test)]
mod tests;
