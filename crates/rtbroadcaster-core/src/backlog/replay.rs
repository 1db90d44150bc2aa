//! A replay, which brings a member to the room's position: the state, or the messages that the member missed.
//! Must not know later messages.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::queue::FrameQueue;
use crate::id::Seq;
use crate::message::Entry;
use crate::protocol::Dialect;

/// The lowest rate at which a member must take a replay, besides the stall limit. Until it does, the replay holds its
/// messages in memory, also those that the room has forgotten. A link of a few KB a second is faster.
const BYTES_PER_SECOND_MIN: u64 = 2_048;

/// A value that is dropped when a replay ends, however it ends.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn Any + Send + Sync>>);

impl Hold {
    /// Returns a hold that drops `held`.
    pub fn of(held: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(held)))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hold" } else { "Nothing" })
    }
}

/// An announcement and the messages that it announces. A replay does not count against the backlog's limit.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The frame that announces the messages.
    pub announcement: Bytes,
    /// The messages, in order.
    pub entries: Arc<[Arc<Entry>]>,
    /// The member's position after the last one.
    pub seq: Seq,
    /// The value that is dropped with the replay.
    pub hold: Hold,
}

/// A replay that is being sent.
#[derive(Debug)]
pub(super) struct Replaying {
    /// The frames that waited when it was asked for: a joiner reads its answers in the order of its requests.
    before: FrameQueue,
    /// Whether the announcement is taken.
    announced: bool,
    replay: Replay,
    /// The index of the first entry that is not taken.
    next: usize,
    /// How long the member may take from its first frame on, besides the stall limit; and when that frame was taken.
    pace: Duration,
    since: Option<Duration>,
}

impl Replaying {
    pub(super) fn new(before: FrameQueue, replay: Replay) -> Self {
        let bytes: u64 = replay.entries.iter().map(|entry| entry.bytes() as u64).sum();
        let pace = Duration::from_secs(bytes / BYTES_PER_SECOND_MIN);
        Self { before, announced: false, replay, next: 0, pace, since: None }
    }

    /// Returns when the member must have taken all of it, for a stall limit of `stall`; `None` before the first frame.
    pub(super) fn due(&self, stall: Duration) -> Option<Duration> {
        self.since.map(|since| since.saturating_add(stall).saturating_add(self.pace))
    }

    /// Returns the bytes of the frames that waited when it was asked for.
    pub(super) fn bytes_before(&self) -> usize {
        self.before.frame_bytes()
    }

    /// Returns the member's position once everything is taken.
    pub(super) fn seq(&self) -> Seq {
        self.replay.seq
    }

    /// Removes and returns the next frame. It is encoded here if no member needed it before.
    #[inline]
    pub(super) fn pop(&mut self, dialect: &Dialect, now: Duration) -> Option<Bytes> {
        self.since.get_or_insert(now);
        if let Some((frame, _)) = self.before.pop() {
            return Some(frame.bytes);
        }
        if !std::mem::replace(&mut self.announced, true) {
            return Some(self.replay.announcement.clone());
        }
        while let Some(entry) = self.replay.entries.get(self.next) {
            self.next += 1;
            if let Some(frame) = dialect.frame(entry) {
                return Some(frame);
            }
        }
        None
    }
}
