//! One applied message and its finished frames, shared by everybody who sends it.
//! Must not know how a protocol writes it: a [`Dialect`] brings that.

use std::sync::OnceLock;

use bytes::Bytes;

use super::{Key, Params};
use crate::close::CloseReason;
use crate::id::{RoomId, Seq, Term};

/// How many protocols a room can speak at the same time.
pub const PROTOCOLS: usize = 1;

/// What an applied message does to the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It happened.
    Event,
    /// Its key holds its params from now on.
    State,
    /// Its key holds nothing any more.
    Cleared,
    /// It passes: no number, no trace.
    Ephemeral,
}

/// An applied message. Each protocol's frame is made when it is first needed and then shared, so that live, late and
/// resumed viewers get the same bytes.
#[derive(Debug)]
pub struct Entry {
    /// The room that it was said in.
    pub room: RoomId,
    /// Its number; `None` for an ephemeral one.
    pub seq: Option<Seq>,
    /// The lease of the owner who said it.
    pub term: Term,
    /// What it calls or sets.
    pub key: Key,
    /// With which parameters.
    pub params: Params,
    /// What it does to the room.
    pub change: Change,
    /// The finished frame of each protocol; `None` where a protocol has no words for it.
    frames: [OnceLock<Option<Bytes>>; PROTOCOLS],
}

impl Entry {
    /// An applied message of which no frame is made yet.
    pub fn new(room: RoomId, seq: Option<Seq>, term: Term, key: Key, params: Params, change: Change) -> Self {
        Self { room, seq, term, key, params, change, frames: Default::default() }
    }

    /// What limits on state and history count: the bytes of key and params.
    pub fn bytes(&self) -> usize {
        self.key.as_str().len() + self.params.as_bytes().len()
    }

    /// The finished frame in `dialect`, or `None` where that protocol says nothing.
    pub fn frame(&self, dialect: &Dialect) -> Option<Bytes> {
        self.frames[dialect.slot].get_or_init(|| (dialect.encode)(self)).clone()
    }
}

/// What the fan-out has to know of one protocol.
#[derive(Debug)]
pub struct Dialect {
    /// Which of an entry's frames belongs to it, below [`PROTOCOLS`].
    pub slot: usize,
    /// Writes an entry as one finished frame.
    pub encode: fn(&Entry) -> Option<Bytes>,
    /// The last frame of a client whose room has ended.
    pub farewell: fn(RoomId) -> Bytes,
    /// The close that follows it.
    pub room_closed: CloseReason,
}
