//! The id of a room: random, or a name that its creator gave it.
//! Must not know rights.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::random::{self, Random};

/// The id of a room: a version 4 UUID, 122 random bits (RFC 9562 section 5.4), or a [`RoomName`].
///
/// A client that knows the id may join the room, unless its rights say otherwise. So a random id is never written to a
/// log in full. A name can be guessed.
///
/// ```
/// use rtbroadcaster::{OsRandom, RoomId, RoomName};
///
/// let room = RoomId::random(&OsRandom);
/// assert_eq!(room.to_string().parse::<RoomId>(), Ok(room));
/// assert_eq!("physics-101".parse::<RoomId>(), Ok(RoomName::new("physics-101")?.into()));
/// assert!("good-id&utm_source=x".parse::<RoomId>().is_err());
/// # Ok::<(), rtbroadcaster::InvalidRoomName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(Repr);

/// A room's id in 16 bytes: the first half of a version 4 UUID contains the version, so it is not zero.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Uuid(NonZeroU64, u64),
    Name(RoomName),
}

/// The most bytes of an id's binary form: eight zeroes, a length and a name.
const ENCODED_MAX: usize = 8 + 1 + RoomName::BYTES_MAX;

impl RoomId {
    /// Draws a new id, as unguessable as the random numbers of `source`.
    pub fn random(source: &dyn Random) -> Self {
        let uuid = uuid::Builder::from_random_bytes(random::bytes(source)).into_uuid();
        Self::from_uuid(uuid).expect("a version is in its first half")
    }

    /// Returns the id of this UUID, or `None` for one whose first half is zero: no server draws it.
    fn from_uuid(uuid: Uuid) -> Option<Self> {
        let (first, second) = uuid.as_u64_pair();
        Some(Self(Repr::Uuid(NonZeroU64::new(first)?, second)))
    }

    /// Returns the name, if this is one.
    pub fn name(&self) -> Option<&RoomName> {
        match &self.0 {
            Repr::Uuid(..) => None,
            Repr::Name(name) => Some(name),
        }
    }

    /// Returns the binary form, of which none is a prefix of another: the 16 bytes of a UUID, or eight zeroes, one byte
    /// with the length, and the name.
    pub fn encode(&self) -> EncodedRoomId {
        let mut encoded = EncodedRoomId { bytes: [0; ENCODED_MAX], len: 0 };
        match &self.0 {
            Repr::Uuid(first, second) => {
                encoded.push(&first.get().to_be_bytes());
                encoded.push(&second.to_be_bytes());
            }
            Repr::Name(name) => {
                encoded.push(&[0; 8]);
                encoded.push(&[u8::try_from(name.as_str().len()).expect("a name has at most 64 bytes")]);
                encoded.push(name.as_str().as_bytes());
            }
        }
        encoded
    }

    /// Returns the id of this binary form, or `None` for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        match NonZeroU64::new(u64::from_be_bytes(*first)) {
            Some(first) => Some(Self(Repr::Uuid(first, u64::from_be_bytes(rest.try_into().ok()?)))),
            None => {
                let (len, name) = rest.split_first()?;
                let name = std::str::from_utf8(name).ok().filter(|name| name.len() == usize::from(*len))?;
                RoomName::new(name).ok().map(Self::from)
            }
        }
    }
}

/// The binary form of a [`RoomId`], on the stack.
#[derive(Clone, Copy)]
pub struct EncodedRoomId {
    bytes: [u8; ENCODED_MAX],
    len: usize,
}

impl EncodedRoomId {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl AsRef<[u8]> for EncodedRoomId {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl From<RoomName> for RoomId {
    fn from(name: RoomName) -> Self {
        Self(Repr::Name(name))
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Uuid(first, second) => Uuid::from_u64_pair(first.get(), *second).as_hyphenated().fmt(f),
            Repr::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Debug for RoomId {
    /// Writes a name, or the first eight digits of a UUID: enough to follow one room through a log, too few to join it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Uuid(first, _) => write!(f, "{:08x}…", first.get() >> 32),
            Repr::Name(name) => name.fmt(f),
        }
    }
}

/// The text is neither 36 characters of lower-case hyphenated UUID nor a [`RoomName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a room id: expected a lower-case hyphenated UUID, or a name of 1 to 64 of a-z, 0-9, _ and -")]
pub struct InvalidRoomId;

impl FromStr for RoomId {
    type Err = InvalidRoomId;

    /// Reads the one form that the wire has. Upper case, braces or missing hyphens of a UUID are refused, so that a
    /// room has one id.
    fn from_str(text: &str) -> Result<Self, InvalidRoomId> {
        let Some(uuid) = as_uuid(text) else {
            return RoomName::new(text).map(Self::from).map_err(|_| InvalidRoomId);
        };
        let mut canonical = [0; uuid::fmt::Hyphenated::LENGTH];
        let is_canonical = uuid.as_hyphenated().encode_lower(&mut canonical) == text;
        Self::from_uuid(uuid).filter(|_| is_canonical).ok_or(InvalidRoomId)
    }
}

/// Returns the UUID of this text, if it has the form of one, with hyphens and in any case.
fn as_uuid(text: &str) -> Option<Uuid> {
    if text.len() == uuid::fmt::Hyphenated::LENGTH { Uuid::try_parse(text).ok() } else { None }
}

/// The name of a room: 1 to 64 bytes of `a` to `z`, `0` to `9`, `_` and `-`, of which the first is a letter or a digit,
/// and which do not have the form of a UUID.
///
/// Only a random id cannot be guessed. A client that guesses a name may join the room, if its rights allow it.
///
/// ```
/// use rtbroadcaster::{InvalidRoomName, RoomName};
///
/// assert_eq!(RoomName::new("physics-101")?.as_str(), "physics-101");
/// assert_eq!(RoomName::new("Physics 101"), Err(InvalidRoomName));
/// # Ok::<(), InvalidRoomName>(())
/// ```
// A box in the Arc: with it a name has one word, and a `RoomId` two.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<Box<str>>);

impl RoomName {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 64;

    /// Returns the name of this text.
    ///
    /// # Errors
    /// [`InvalidRoomName`] for a text that may not be one.
    pub fn new(text: &str) -> Result<Self, InvalidRoomName> {
        let may_begin = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let may_follow = |byte: u8| may_begin(byte) || matches!(byte, b'_' | b'-');
        let is_name = text.len() <= Self::BYTES_MAX
            && text.bytes().next().is_some_and(may_begin)
            && text.bytes().all(may_follow)
            && as_uuid(text).is_none();
        if is_name { Ok(Self(Arc::new(text.into()))) } else { Err(InvalidRoomName) }
    }

    /// Returns the text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = InvalidRoomName;

    fn from_str(text: &str) -> Result<Self, InvalidRoomName> {
        Self::new(text)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text cannot name a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a room name: expected 1 to 64 of a-z, 0-9, _ and -, of which the first is a letter or a digit, without the form of a \
     UUID"
)]
pub struct InvalidRoomName;

#[cfg(test)]
mod tests;
