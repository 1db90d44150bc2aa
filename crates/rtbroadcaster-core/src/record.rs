//! What is kept of a room outside of its memory: what a room hands over, and how it is found again.
//! Must not know where it is kept, nor who writes it.

mod lives;
pub mod model;
pub mod sum;

use std::time::Duration;

use crate::id::{Numbering, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};
use crate::options::RoomOptions;
use crate::place::Place;
pub use lives::{LifeIndex, Lives};
pub use sum::Sum;

/// Where something stands in the order in which a room hands over, since the room was created or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition(u64);

impl LogPosition {
    /// The position before everything that a room hands over.
    pub const START: Self = Self(0);

    /// Returns the position behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns how many positions there are up to this one.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What a room hands over, and where it stands.
#[derive(Debug, Clone)]
pub struct Handover {
    /// The first one stands behind [`LogPosition::START`], and each behind the one before it.
    pub position: LogPosition,
    /// What has to be written.
    pub append: Append,
}

/// What is written of a room.
#[derive(Debug, Clone)]
pub enum Append {
    /// What is known of the room from now on; with the first one it begins.
    Header(Header),
    /// A message, what it makes superfluous, and with the first one in a life what is known of the room from then on.
    Message(Record, Forgotten, Option<Box<Header>>),
    /// Nothing that is kept, only something that has its turn.
    Turn,
    /// The room has ended: nothing of it is kept.
    End,
}

/// What is kept of a room besides its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its numbering.
    pub numbering: Numbering,
    /// The first number in each life in which it was created or got a message, the oldest life first.
    pub starts: Vec<(LifeIndex, Seq)>,
    /// The lease of its owner.
    pub term: Term,
    /// The SHA-256 of its owner's key.
    pub key: [u8; 32],
    /// Since when its owner is away.
    pub away: Option<Duration>,
    /// The moment at which its owner was asked to come back by a process that went away.
    pub moment: Option<Duration>,
    /// Where its first owner came from, as far as limits per address tell that.
    pub place: Option<Place>,
    /// What it has besides messages.
    pub options: RoomOptions,
    /// What a later version has written there and this one does not know, in the engine's own words.
    pub unknown: Option<Box<str>>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub seq: Seq,
    /// When it was said.
    pub said: Duration,
    /// The lease under which it was said.
    pub term: Term,
    /// What it does to the room.
    pub change: Change,
    /// What it calls or sets.
    pub key: Key,
    /// With which parameters.
    pub params: Params,
    /// The publisher's own name for it, and the fingerprint of what it names. Not among what is loaded: see [`Stored::ids`].
    pub id: Option<(Box<str>, [u8; 16])>,
    /// What must exist of the room once it is kept, itself and the room's past included.
    pub sum: Sum,
}

/// What need not be kept any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Messages, by their numbers.
    pub messages: Vec<Seq>,
    /// Names of messages, by the numbers of these.
    pub ids: Vec<Seq>,
}

/// A room as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub room: RoomId,
    /// What is known of it.
    pub header: Header,
    /// Its messages, in order.
    pub records: Vec<Record>,
    /// The names of messages with the fingerprint of what they name, in order.
    pub ids: Vec<(Seq, Box<str>, [u8; 16])>,
    /// The sum of these messages and ids.
    pub sum: Sum,
}

impl Stored {
    /// Returns a room with these messages and ids.
    pub fn new(room: RoomId, header: Header, records: Vec<Record>, ids: Vec<(Seq, Box<str>, [u8; 16])>) -> Self {
        let sum = Self::sum_of(&room, &records, &ids);
        Self { room, header, records, ids, sum }
    }

    fn sum_of(room: &RoomId, records: &[Record], ids: &[(Seq, Box<str>, [u8; 16])]) -> Sum {
        let messages = records.iter().map(|record| record.part(room));
        let ids = ids.iter().map(|(seq, id, fingerprint)| Sum::of_id(room, *seq, id, *fingerprint));
        messages.chain(ids).fold(Sum::default(), Sum::with)
    }
}

impl Header {
    /// Returns the sum of what is known of the room's past, which each message vouches for besides all messages and ids.
    pub fn past(&self, room: &RoomId) -> Sum {
        Sum::of_past(room, self.numbering, &self.starts)
    }
}

impl Record {
    /// Returns the sum of the message alone.
    pub fn part(&self, room: &RoomId) -> Sum {
        Sum::of_message(room, self.seq, self.term, self.change, &self.key, &self.params)
    }
}
