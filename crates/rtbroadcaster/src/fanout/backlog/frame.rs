//! A finished frame and what may happen to it while it waits.
//! Must not know where it waits.

use bytes::Bytes;

use crate::id::Seq;
use crate::message::{Change, Dialect, Entry, Key};

/// What may happen to a waiting frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Rank {
    /// It is for this member alone: nothing takes its place, and it goes out also when messages are lost.
    Answer,
    /// No newer frame takes its place.
    Event,
    /// A newer value of the key takes its place.
    State(Key),
    /// A newer one of the key takes its place.
    Ephemeral(Key),
}

/// A finished frame on its way to one member.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The bytes of the wire.
    pub bytes: Bytes,
    /// What may happen to it while it waits.
    pub rank: Rank,
    /// The number of the message in it, if it has one.
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

    /// The frame of `entry` in `dialect`, or `None` where that protocol says nothing.
    pub fn of(entry: &Entry, dialect: &Dialect) -> Option<Self> {
        let rank = match entry.change {
            // That a key holds nothing is the newest that can be said of it.
            Change::State | Change::Cleared => Rank::State(entry.key.clone()),
            Change::Ephemeral => Rank::Ephemeral(entry.key.clone()),
            Change::Event => Rank::Event,
        };
        entry.frame(dialect).map(|bytes| Self { bytes, rank, seq: entry.seq })
    }
}
