//! Names and positions: which room, which message, which life of the numbering, which owner.
//! Must not know what they are used for; nothing here does I/O or reads a clock.

mod room;

use std::fmt;
use std::sync::Arc;

use crate::random::{self, Random};
pub use room::{EncodedRoomId, InvalidRoomId, InvalidRoomName, RoomId, RoomName};

/// The number of a message in its room: 1 for the first, then one more for each that is not ephemeral.
/// [`Seq::ZERO`] stands before the first message.
///
/// ```
/// use rtbroadcaster::Seq;
///
/// assert_eq!(Seq::new(1).map(Seq::get), Some(1));
/// assert_eq!(Seq::new(u64::MAX), None, "JavaScript cannot hold it exactly");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Seq(u64);

impl Seq {
    /// The position before the first message.
    pub const ZERO: Seq = Seq(0);
    /// The greatest number a JavaScript client can hold exactly, 2^53 - 1 (RFC 8259 section 6).
    pub const MAX: Seq = Seq((1 << 53) - 1);

    /// Returns the position `number`, or `None` over [`Seq::MAX`].
    pub const fn new(number: u64) -> Option<Seq> {
        if number <= Self::MAX.0 { Some(Seq(number)) } else { None }
    }

    /// Returns the number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position before this one; for [`Seq::ZERO`], itself.
    pub const fn previous(self) -> Seq {
        Seq(self.0.saturating_sub(1))
    }

    /// Returns the position after this one.
    pub const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an owner's lease: each change of owner takes the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(u64);

impl Term {
    /// The lease of a room's first owner.
    pub const FIRST: Term = Term(1);

    /// Returns the lease of this number, or `None` for 0, which comes before the first.
    pub const fn new(number: u64) -> Option<Term> {
        if number > 0 { Some(Term(number)) } else { None }
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the lease of the next owner.
    pub const fn next(self) -> Term {
        Term(self.0 + 1)
    }
}

/// The random name of a room's numbering, drawn when the room is created.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Numbering(u64);

/// The random name of one life of a log, drawn each time the log is opened for writing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Life(u64);

/// Implements a random number of 64 bits that is written as 16 hexadecimal digits.
macro_rules! random_digits {
    ($name:ident) => {
        impl $name {
            /// The number for a log that has no other.
            pub const ZERO: Self = Self(0);

            /// Draws a new number.
            pub fn random(source: &dyn Random) -> Self {
                Self(u64::from_le_bytes(random::bytes(source)))
            }

            /// Reads the 16 hexadecimal digits by which it is written, or returns `None` for any other text.
            pub fn from_digits(digits: &str) -> Option<Self> {
                let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let fits = digits.len() == 16 && digits.bytes().all(is_digit);
                if fits { u64::from_str_radix(digits, 16).ok().map(Self) } else { None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

random_digits!(Numbering);
random_digits!(Life);

impl Numbering {
    /// Returns the bytes that the code of a viewer's key covers.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// The name of the copy of a room's log that the numbers of messages belong to. It is opaque to clients: 16 hexadecimal
/// digits of `Numbering` and 16 of the `Life` in which the answering server numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// The most bytes of an epoch's text.
    pub const BYTES_MAX: usize = 32;

    /// Returns the epoch of this numbering in this life.
    pub fn of(numbering: Numbering, life: Life) -> Self {
        Self(format!("{numbering}{life}").into())
    }

    /// Returns the epoch of a new numbering in a new life.
    pub fn random(source: &dyn Random) -> Self {
        Self::of(Numbering::random(source), Life::random(source))
    }

    /// Returns the numbering and the life that this epoch names, or `None` if no server of ours wrote it.
    pub fn parts(&self) -> Option<(Numbering, Life)> {
        let (numbering, life) = self.0.split_at_checked(16)?;
        Some((Numbering::from_digits(numbering)?, Life::from_digits(life)?))
    }

    /// Returns the epoch of this text, or `None` for a text over [`Epoch::BYTES_MAX`].
    pub fn from_wire(text: &str) -> Option<Self> {
        (text.len() <= Self::BYTES_MAX).then(|| Self(text.into()))
    }

    /// Returns the opaque text of the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The position of a viewer in a room's log: it has seen everything up to `seq` of `epoch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the numbering that `seq` belongs to.
    pub epoch: Epoch,
    /// The last message seen, [`Seq::ZERO`] for none.
    pub seq: Seq,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SEEDED;

    #[test]
    fn an_epoch_names_its_numbering_and_its_life() {
        let (numbering, life) = (Numbering::random(&SEEDED), Life::random(&SEEDED));
        let epoch = Epoch::of(numbering, life);
        assert_eq!((epoch.as_str().len(), epoch.parts()), (Epoch::BYTES_MAX, Some((numbering, life))));
        assert_ne!(Life::random(&SEEDED), Life::random(&SEEDED));
        let digits = epoch.as_str();
        for text in ["", "e", &digits[1..], &digits.to_uppercase(), "ü000000000000000000000000000000", &"+".repeat(32)]
        {
            let epoch = Epoch::from_wire(text).filter(|epoch| epoch.as_str() != digits);
            assert_eq!(epoch.and_then(|epoch| epoch.parts()), None, "{text:?}");
        }
    }

    #[test]
    fn positions_stay_exact_in_javascript() {
        assert_eq!(Seq::new(Seq::MAX.get()), Some(Seq::MAX));
        assert_eq!(Seq::new(Seq::MAX.get() + 1), None);
    }
}
