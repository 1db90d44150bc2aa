//! A finished frame and what may happen to it while it waits.
//! Must not know where it waits.

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
    /// The number up to which a member who gets it was sent all messages, or told of the holes; `None` for a frame
    /// without a number.
    pub seq: Option<Seq>,
}

impl Frame {
    /// A frame for this member alone.
    pub fn answer(bytes: Bytes) -> Self {
        Self { bytes, rank: Rank::Answer, seq: None }
    }

    /// A frame without a number whose place nothing takes.
    pub fn event(bytes: Bytes) -> Self {
        Self { bytes, rank: Rank::Event, seq: None }
    }

    /// The frame of `notice` in `dialect`, or `None` where that has no words for it.
    pub fn notice(notice: &Notice<'_>, dialect: &Dialect) -> Option<Self> {
        let seq = if let Notice::Skipped { through, .. } = notice { Some(*through) } else { None };
        (dialect.write)(notice).map(|bytes| Self { bytes, rank: notice.rank(), seq })
    }

    /// `frames` for those who were sent everything up to the message `after`: where values were superseded before they
    /// went out, by others up to `until`, it is said. Only for those who are sent them at once: what waits finds its own
    /// holes.
    pub fn with_holes(frames: impl Iterator<Item = Self>, after: Seq, until: Seq, dialect: &Dialect) -> Vec<Self> {
        let mut sent = after;
        let mut told = Vec::with_capacity(frames.size_hint().1.unwrap_or_default());
        for frame in frames {
            if let Some(seq) = frame.seq {
                let through = seq.previous();
                if through > sent {
                    told.extend(Self::notice(&Notice::Skipped { through, until }, dialect));
                }
                sent = seq;
            }
            told.push(frame);
        }
        told
    }

    /// Where the hole ends that `frames` tell of before their first message.
    pub fn leading_hole(frames: &[Self]) -> Option<Seq> {
        let first = frames.iter().find(|frame| frame.seq.is_some())?;
        first.seq.filter(|_| matches!(first.rank, Rank::Hole(_)))
    }

    /// The frame of `entry` in `dialect`, or `None` where that has no words for it.
    pub fn of(entry: &Entry, dialect: &Dialect) -> Option<Self> {
        dialect.frame(entry).map(|bytes| Self { bytes, rank: Rank::of(entry), seq: entry.seq })
    }
}
