//! The records of a room that is kept: what it hands over to an engine, and from what it is restored.
//! Must not know where they are kept, nor what writes them.

mod lives;
pub mod model;
pub mod sum;

use std::time::Duration;

use crate::address_block::AddressBlock;
use crate::id::{Life, Numbering, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};
use crate::options::RoomOptions;
use crate::standing::RoomEnd;
pub use lives::{LifeIndex, Lives};
pub use sum::Sum;

/// A position in the order in which a room hands over, since the room was created or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition(u64);

impl LogPosition {
    /// The position before everything that a room hands over.
    pub const START: Self = Self(0);

    /// The position behind everything that a room ever hands over.
    pub const END: Self = Self(u64::MAX);

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

/// An append that a room hands over, and its position.
#[derive(Debug, Clone)]
pub struct Handover {
    /// The position: the first one is behind [`LogPosition::START`], and each other one behind the one before it.
    pub position: LogPosition,
    /// The lease under which the room decided it.
    pub term: Term,
    /// The append to write.
    pub append: Append,
}

/// A change of what is kept of a room.
#[derive(Debug, Clone)]
pub enum Append {
    /// The room's header from now on; the first one begins the room.
    Header(Header),
    /// A message, what it makes superfluous, and with the first message in a life the room's header from then on.
    Message(Record, Forgotten, Option<Box<Header>>),
    /// Nothing that is kept: a step that only has to wait for those before it.
    Turn,
    /// The room has ended, for this reason: nothing of it is kept.
    End(RoomEnd),
}

impl Append {
    /// Returns whether nothing comes behind it.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::End(_))
    }
}

/// The part of a room that is kept besides its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its numbering.
    pub numbering: Numbering,
    /// The life that its lease begins, where several nodes write the log.
    pub life: Option<Life>,
    /// The first number in each life in which it was created or got a message, the oldest life first.
    pub starts: Vec<(LifeIndex, Seq)>,
    /// The lease of its owner.
    pub term: Term,
    /// The SHA-256 of its owner's key.
    pub key: [u8; 32],
    /// Since when its owner is away.
    pub away: Option<Duration>,
    /// The moment at which its owner was asked to come back, by a process that stopped.
    pub moment: Option<Duration>,
    /// The address block that its first owner came from, where it is known.
    pub place: Option<AddressBlock>,
    /// Its options.
    pub options: RoomOptions,
    /// Members that a later version has written and this one does not know, in the engine's own format.
    pub unknown: Option<Box<str>>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub seq: Seq,
    /// When it was published.
    pub said: Duration,
    /// The lease under which it was published.
    pub term: Term,
    /// Its effect on the room.
    pub change: Change,
    /// The key that it calls or sets.
    pub key: Key,
    /// The parameters.
    pub params: Params,
    /// The publisher's own id for it, and the fingerprint of its content. Records that are loaded have none: see
    /// [`Stored::ids`].
    pub id: Option<(Box<str>, [u8; 16])>,
    /// The sum of everything that must exist of the room once this message is kept: the message and the room's past
    /// included.
    pub sum: Sum,
}

/// The messages and ids that need not be kept any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Messages, by their numbers.
    pub messages: Vec<Seq>,
    /// Ids of messages, by the numbers of these.
    pub ids: Vec<Seq>,
}

/// A room as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub room: RoomId,
    /// Its header.
    pub header: Header,
    /// Its messages, in order.
    pub records: Vec<Record>,
    /// The ids of messages with the fingerprints of their content, in order.
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

/// Ids of messages with the numbers of these and the fingerprints of their content, in order.
pub type MessageIds = Vec<(Seq, Box<str>, [u8; 16])>;

/// A room at one position of a log that several nodes write, from which a reader may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its header.
    pub header: Header,
    /// The lives of its log: those of its leases.
    pub lives: Lives,
    /// The number of its last message.
    pub seq: Seq,
    /// The number of the first message in its history, or of the next message if the history is empty.
    pub history: Seq,
    /// The messages that make the state, in order, and in a room that was loaded also those of the history.
    pub records: Vec<Record>,
    /// The ids of messages.
    pub ids: MessageIds,
}

impl Header {
    /// Returns the sum of the room's past, for which each message vouches besides all messages and ids.
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
