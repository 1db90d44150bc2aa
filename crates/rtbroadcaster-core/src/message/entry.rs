//! One applied message and its finished frames, shared by everybody who sends it.
//! Must not know how a protocol writes it: a [`Dialect`] brings that.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{Key, Params};
use crate::audience::Audience;
use crate::close::CloseReason;
use crate::id::{RoomId, Seq, Term};
use crate::signal::Signal;
use crate::standing::{OwnerStatus, RoomEnd, Standing};

/// How many protocols a room can speak at the same time.
pub const PROTOCOLS: usize = 2;

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
    /// What it does to the room.
    pub change: Change,
    /// With which parameters: a part of a finished frame once there is one, so that what a room keeps it keeps once.
    params: Mutex<Params>,
    /// The bytes of key and params in a frame.
    bytes: usize,
    /// The finished frame of each protocol; `None` where a protocol has no words for it.
    frames: [OnceLock<Option<Bytes>>; PROTOCOLS],
}

/// A message's finished frame.
#[derive(Debug)]
pub struct Written {
    /// All of it.
    pub frame: Bytes,
    /// How many of its bytes stand behind the parameters.
    pub tail: usize,
}

impl Entry {
    /// An applied message of which no frame is made yet.
    pub fn new(room: RoomId, seq: Option<Seq>, term: Term, key: Key, params: Params, change: Change) -> Self {
        let bytes = key.json_bytes() + params.as_bytes().len();
        Self { room, seq, term, key, change, params: Mutex::new(params), bytes, frames: Default::default() }
    }

    /// With which parameters.
    pub fn params(&self) -> Params {
        self.lock().clone()
    }

    /// What limits on state, history and replays count: the bytes of key and params, each as it stands in a frame.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The finished frame in `dialect`, or `None` where that protocol says nothing.
    pub fn frame(&self, dialect: &Dialect) -> Option<Bytes> {
        self.frames[dialect.slot].get_or_init(|| self.write(dialect)).clone()
    }

    fn write(&self, dialect: &Dialect) -> Option<Bytes> {
        let mut params = self.lock();
        let Written { frame, tail } = (dialect.encode)(self, &params)?;
        let end = frame.len() - tail;
        let inside = Params(frame.slice(end - params.0.len()..end));
        debug_assert_eq!(inside, *params, "they stand in the frame as they were sent");
        *params = inside;
        Some(frame)
    }

    fn lock(&self) -> MutexGuard<'_, Params> {
        // They are replaced by the same ones, whole.
        self.params.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the fan-out has to know of one protocol: how it writes what only the fan-out knows when to say. A function that
/// gives `None` stands for a protocol without words for it.
#[derive(Debug)]
pub struct Dialect {
    /// Which of an entry's frames belongs to it, below [`PROTOCOLS`].
    pub slot: usize,
    /// Writes an entry with its parameters as one finished frame.
    pub encode: fn(&Entry, &Params) -> Option<Written>,
    /// Writes that everything up to the first number which the member did not get was superseded, by values that have come
    /// once it has the second one.
    pub skipped: fn(Seq, Seq) -> Option<Bytes>,
    /// Writes that the owner has come or gone, its lease, and for how long it has been away.
    pub owner: fn(OwnerStatus, Term, Duration) -> Option<Bytes>,
    /// Writes to a viewer how many watch the room.
    pub audience: fn(usize) -> Option<Bytes>,
    /// Writes to the owner how many watch the room and how far they are behind.
    pub own_audience: fn(&Audience) -> Option<Bytes>,
    /// Writes to the owner what viewers say.
    pub signal: fn(&Signal) -> Option<Bytes>,
    /// Writes a heartbeat with the number of the room's last message, and within which time the next one comes.
    pub alive: fn(Seq, Option<Duration>) -> Option<Bytes>,
    /// Writes that a member lost messages and the state follows in so many frames.
    pub reset: fn(&Standing, usize) -> Option<Bytes>,
    /// Writes that the server goes away and when the client shall come back.
    pub draining: fn(Duration) -> Option<Bytes>,
    /// The last frame of a client whose room has ended, before [`closed`](Self::closed).
    pub farewell: fn(RoomId) -> Option<Bytes>,
    /// The last frame before a close, and how the client's room has ended, if it has.
    pub closed: fn(CloseReason, Option<RoomEnd>) -> Option<Bytes>,
    /// How a client is closed whose room has ended.
    pub room_closed: CloseReason,
    /// How the client is closed that has ended its own room.
    pub own_room_closed: CloseReason,
    /// Whether a member that lost messages can be told so and brought back by the state; else it is closed.
    pub overflow: Overflowing,
}

impl Dialect {
    /// A protocol without a word.
    pub const MUTE: Self = Self {
        slot: 0,
        encode: |_, _| None,
        skipped: |_, _| None,
        owner: |_, _, _| None,
        audience: |_| None,
        own_audience: |_| None,
        signal: |_| None,
        alive: |_, _| None,
        reset: |_, _| None,
        draining: |_| None,
        farewell: |_| None,
        closed: |_, _| None,
        room_closed: CloseReason::Done,
        own_room_closed: CloseReason::Done,
        overflow: Overflowing::Close,
    };
}

/// What becomes of a member when more waits for it than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflowing {
    /// What waits goes, and the state follows.
    Reset,
    /// It is closed.
    Close,
}
