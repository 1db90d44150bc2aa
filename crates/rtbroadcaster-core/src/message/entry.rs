//! One applied message and its finished frames, which all members share.
//! Must not know protocols: each has its slot and the function that writes it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;

use super::{Key, Params};
use crate::id::{RoomId, Seq, Term};

/// The number of encodings that an entry keeps. Each costs 40 bytes of every entry that a room keeps.
pub const SLOTS: usize = 2;

const _: () = assert!(SLOTS <= 3, "protocols whose frames are the same bytes share a slot");

/// A function that writes an entry with its parameters as one finished frame; `None` if a protocol has no words for it.
pub type Encode = fn(&Entry, &Params) -> Option<Written>;

/// The effect of an applied message on the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It happened.
    Event,
    /// Its key holds its params from now on.
    State,
    /// Its key holds nothing any more.
    Cleared,
    /// It passes: it has no number and leaves no trace.
    Ephemeral,
}

/// An applied message. Each protocol's frame is made when it is first needed and then shared, so that live, late and
/// resumed viewers get the same bytes.
#[derive(Debug)]
pub struct Entry {
    /// The room that it was published in.
    pub room: RoomId,
    /// Its number; `None` for an ephemeral one.
    pub seq: Option<Seq>,
    /// The lease of the owner that published it.
    pub term: Term,
    /// The key that it calls or sets.
    pub key: Key,
    /// Its effect on the room.
    pub change: Change,
    /// The parameters: a part of a finished frame once there is one, so that a room keeps them once.
    params: Mutex<Params>,
    /// The bytes of key and params in a frame.
    bytes: usize,
    /// The finished frame of each slot; `None` if its protocol has no words for it.
    frames: [OnceLock<Option<Bytes>>; SLOTS],
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
    /// Returns an applied message without frames.
    pub fn new(room: RoomId, seq: Option<Seq>, term: Term, key: Key, params: Params, change: Change) -> Self {
        let bytes = key.json_bytes() + params.as_bytes().len();
        Self { room, seq, term, key, change, params: Mutex::new(params), bytes, frames: Default::default() }
    }

    /// Returns the parameters.
    pub fn params(&self) -> Params {
        self.lock().clone()
    }

    /// Returns the bytes that limits on state, history and replays count: key and params, each as it stands in a frame.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the finished frame of `slot`. The first call for a slot writes it by `encode`.
    pub(crate) fn frame(&self, slot: usize, encode: Encode) -> Option<Bytes> {
        self.frames[slot].get_or_init(|| self.write(encode)).clone()
    }

    fn write(&self, encode: Encode) -> Option<Bytes> {
        let mut params = self.lock();
        let Written { frame, tail } = encode(self, &params)?;
        let end = frame.len() - tail;
        let inside = Params(frame.slice(end - params.0.len()..end));
        debug_assert_eq!(inside, *params, "they stand in the frame as they were sent");
        *params = inside;
        Some(frame)
    }

    fn lock(&self) -> MutexGuard<'_, Params> {
        // Nothing is half changed after a panic: equal parameters replace them, as a whole.
        self.params.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_no_more_than_192_bytes() {
        // A room keeps one of each key and of each message in its history.
        assert!(size_of::<Entry>() <= 192, "{}", size_of::<Entry>());
    }
}
