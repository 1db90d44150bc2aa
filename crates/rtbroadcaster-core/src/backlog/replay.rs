//! What brings a member to where the room stands: its state, or what the member missed.
//! Must not know what came since.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::queue::Queue;
use crate::id::Seq;
use crate::message::Entry;
use crate::protocol::Dialect;

/// The least pace at which a member has to take a replay, after the stall limit. Meanwhile the replay holds the messages that
/// it has not taken, also those that the room has forgotten. A link of a few KB a second carries more.
const BYTES_PER_SECOND_MIN: u64 = 2_048;

/// What is dropped when a replay is over, whichever way that comes.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn Any + Send + Sync>>);

impl Hold {
    /// Has `held` dropped.
    pub fn of(held: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(held)))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hold" } else { "Nothing" })
    }
}

/// An announcement and the messages that it announces. It does not count against the limit of what waits.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Says what follows.
    pub announcement: Bytes,
    /// What follows, in order.
    pub entries: Arc<[Arc<Entry>]>,
    /// Where the member stands after the last one.
    pub seq: Seq,
    /// What is dropped with it.
    pub hold: Hold,
}

/// A replay on its way.
#[derive(Debug)]
pub(super) struct Replaying {
    /// What waited when it was asked for: a joiner reads its answers in the order of its requests.
    before: Queue,
    /// Whether the announcement is taken.
    announced: bool,
    replay: Replay,
    /// The first entry that is not taken.
    next: usize,
    /// How long it may take from its first frame on, besides the stall limit; since when, once that is taken.
    pace: Duration,
    since: Option<Duration>,
}

impl Replaying {
    pub(super) fn new(before: Queue, replay: Replay) -> Self {
        let bytes: u64 = replay.entries.iter().map(|entry| entry.bytes() as u64).sum();
        let pace = Duration::from_secs(bytes / BYTES_PER_SECOND_MIN);
        Self { before, announced: false, replay, next: 0, pace, since: None }
    }

    /// When the member must have taken all of it, for a stall limit of `stall`. None before the first frame.
    pub(super) fn due(&self, stall: Duration) -> Option<Duration> {
        self.since.map(|since| since.saturating_add(stall).saturating_add(self.pace))
    }

    /// The bytes of what waited when it was asked for.
    pub(super) fn bytes_before(&self) -> usize {
        self.before.frame_bytes()
    }

    /// Where the member stands when nothing is left.
    pub(super) fn seq(&self) -> Seq {
        self.replay.seq
    }

    /// Removes the next frame. It is made here if no member needed it before.
    pub(super) fn pop(&mut self, dialect: &Dialect, now: Duration) -> Option<Bytes> {
        self.since.get_or_insert(now);
        if let Some((frame, _)) = self.before.pop() {
            return Some(frame.bytes);
        }
        if !std::mem::replace(&mut self.announced, true) {
            return Some(self.replay.announcement.clone());
        }
        let rest = self.replay.entries[self.next..].iter().enumerate();
        let (step, frame) = rest.into_iter().find_map(|(step, entry)| Some((step, dialect.frame(entry)?)))?;
        self.next += step + 1;
        Some(frame)
    }
}
