//! A finished frame, and what may happen to it while it waits.
//! Must not know queues.

use bytes::Bytes;

use crate::id::Seq;
use crate::message::Entry;
use crate::protocol::{Dialect, Notice};
use crate::superseding::Rank;

/// A finished frame on its way to one member.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The bytes of the wire.
    pub bytes: Bytes,
    /// What may happen to it while it waits.
    pub rank: Rank,
    /// The number up to which a member that is sent this frame has every message, or the notice of a hole; `None` for a
    /// frame without a number.
    pub seq: Option<Seq>,
}

impl Frame {
    /// Returns a frame for one member alone.
    pub fn answer(bytes: Bytes) -> Self {
        Self { bytes, rank: Rank::Answer, seq: None }
    }

    /// Returns a frame without a number, which nothing supersedes.
    pub fn event(bytes: Bytes) -> Self {
        Self { bytes, rank: Rank::Event, seq: None }
    }

    /// Returns the frame of `notice` in `dialect`, or `None` if the dialect has no words for it.
    pub fn notice(notice: &Notice<'_>, dialect: &Dialect) -> Option<Self> {
        let seq = if let Notice::Skipped { through, .. } = notice { Some(*through) } else { None };
        (dialect.write)(notice).map(|bytes| Self { bytes, rank: notice.rank(), seq })
    }

    /// Returns `frames` with a notice of each hole, for members that were sent everything up to the message `after`. A
    /// hole is left by values that were superseded before they were sent, by messages up to `until`. Only for members
    /// that are sent the frames at once: a backlog finds the holes between its own frames.
    pub fn with_holes(frames: impl Iterator<Item = Self>, after: Seq, until: Seq, dialect: &Dialect) -> Vec<Self> {
        let mut sent = after;
        let mut with_notices = Vec::with_capacity(frames.size_hint().1.unwrap_or_default());
        for frame in frames {
            if let Some(seq) = frame.seq {
                let through = seq.previous();
                if through > sent {
                    with_notices.extend(Self::notice(&Notice::Skipped { through, until }, dialect));
                }
                sent = seq;
            }
            with_notices.push(frame);
        }
        with_notices
    }

    /// Returns the end of the hole that `frames` announce before their first message.
    pub fn leading_hole(frames: &[Self]) -> Option<Seq> {
        let first = frames.iter().find(|frame| frame.seq.is_some())?;
        first.seq.filter(|_| matches!(first.rank, Rank::Hole(_)))
    }

    /// Returns the frame of `entry` in `dialect`, or `None` if the dialect has no words for it.
    pub fn of(entry: &Entry, dialect: &Dialect) -> Option<Self> {
        dialect.frame(entry).map(|bytes| Self { bytes, rank: Rank::of(entry), seq: entry.seq })
    }
}
