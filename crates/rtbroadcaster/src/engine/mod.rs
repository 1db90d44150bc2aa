//! Where rooms' logs are kept besides memory, so that they outlive the process: what an engine takes, and what it owes.
//! Must not know sockets, lanes, protocols, nor what a room makes of its log.
//!
//! A room decides, hands over what it decided, and applies it when the engine says that it is written: nobody sees what
//! could still be lost. Every engine keeps this contract:
//!
//! 1. **Order.** What one room hands over is written and told in that order, each once. What is handed over together
//!    with its consequences (a message and what it makes superfluous) is written whole or not at all.
//! 2. **Told means kept.** [`Follower::written`] is called when what it tells is safe at the engine's level, and never from
//!    within [`Engine::append`], which is called under the room's lock and does not wait.
//! 3. **Unknown is not failed.** When a write fails, the engine's [`Health`] is `Failing` until it can write again; then it
//!    writes what was handed over and not told, each once, and tells it before it is `Fine`. If the process ends before,
//!    what was not told may be found at the next start, or not: always from the first such on, without a hole.
//! 4. **Loading** gives each room that was begun and not ended: its newest header, and of its messages and ids all that were
//!    told and not forgotten, in order. What nobody needs any more may be among them.
//! 5. **One writer.** A log that another process writes is not opened.
//! 6. **Lives.** Each opening draws a [life](Lives) and keeps it, with those before it, before anything is handed over. A room
//!    of which anything but the end is missing gets another numbering. While an engine is open it keeps its life only if
//!    everything that it told is there.

#![cfg_attr(not(any(test, feature = "disk")), expect(dead_code, reason = "the only engine comes with `disk`"))]

#[cfg(test)]
pub(crate) mod contract;
#[cfg(feature = "disk")]
pub(crate) mod disk;
mod lives;
#[cfg(test)]
pub(crate) mod simulated;
pub(crate) mod sum;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::id::{Numbering, RoomId, Seq, Term};
use crate::identity::Secret;
use crate::message::{Change, Key, Params};
use crate::options::RoomOptions;
use crate::place::Place;
pub(crate) use lives::{LifeIndex, Lives};
pub(crate) use sum::Sum;

/// Keeps the logs of rooms.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Takes over what the room of `follower` hands over next.
    fn append(&self, follower: &Arc<dyn Follower>, append: Append);

    /// Forgets the lives before `index`: no cursor of these can be resumed any more.
    fn forget_lives_before(&self, index: LifeIndex);

    /// Whether it writes, from now on.
    fn health(&self) -> watch::Receiver<Health>;

    /// Writes everything that was handed over, so that it outlives the machine, and takes nothing more. Waits for that.
    fn close(&self);
}

/// A room, as an engine sees it.
pub(crate) trait Follower: fmt::Debug + Send + Sync {
    /// Its name.
    fn room(&self) -> RoomId;

    /// The oldest `count` of what it handed over and was not told of are written.
    fn written(&self, count: usize);
}

/// Whether an engine writes what it is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It does.
    Fine,
    /// It cannot at the moment, and tries again.
    Failing,
    /// It never will again: what was told is not what is kept.
    Lost,
}

/// What an engine begins with.
pub(crate) struct Opened {
    /// Keeps rooms from now on.
    pub(crate) engine: Arc<dyn Engine>,
    /// The rooms that were kept.
    pub(crate) rooms: Vec<Stored>,
    /// The lives of the log; the present one was drawn for this opening.
    pub(crate) lives: Arc<Lives>,
    /// By which viewers are recognized.
    pub(crate) secret: Secret,
}

/// What a room hands over.
#[derive(Debug, Clone)]
pub(crate) enum Append {
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
pub(crate) struct Header {
    /// Its numbering.
    pub(crate) numbering: Numbering,
    /// The first number in each life in which it was created or got a message, the oldest life first.
    pub(crate) starts: Vec<(LifeIndex, Seq)>,
    /// The lease of its owner.
    pub(crate) term: Term,
    /// The SHA-256 of its owner's key.
    pub(crate) key: [u8; 32],
    /// Since when its owner is away.
    pub(crate) away: Option<Duration>,
    /// The moment at which its owner was asked to come back by a process that went away.
    pub(crate) moment: Option<Duration>,
    /// Where its first owner came from, as far as limits per address tell that.
    pub(crate) place: Option<Place>,
    /// What it has besides messages.
    pub(crate) options: RoomOptions,
    /// What a later version has written there and this one does not know, in the engine's own words.
    pub(crate) unknown: Option<Box<str>>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number.
    pub(crate) seq: Seq,
    /// When it was said.
    pub(crate) said: Duration,
    /// The lease under which it was said.
    pub(crate) term: Term,
    /// What it does to the room.
    pub(crate) change: Change,
    /// What it calls or sets.
    pub(crate) key: Key,
    /// With which parameters.
    pub(crate) params: Params,
    /// The publisher's own name for it, and the fingerprint of what it names. Not among what is loaded: see [`Stored::ids`].
    pub(crate) id: Option<(Box<str>, [u8; 16])>,
    /// What must exist of the room once it is kept, itself and the room's past included.
    pub(crate) sum: Sum,
}

/// What need not be kept any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Messages, by their numbers.
    pub(crate) messages: Vec<Seq>,
    /// Names of messages, by the numbers of these.
    pub(crate) ids: Vec<Seq>,
}

/// A room as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its name.
    pub(crate) room: RoomId,
    /// What is known of it.
    pub(crate) header: Header,
    /// Its messages, in order.
    pub(crate) records: Vec<Record>,
    /// The names of messages with the fingerprint of what they name, in order.
    pub(crate) ids: Vec<(Seq, Box<str>, [u8; 16])>,
    /// The sum of these messages and ids.
    pub(crate) sum: Sum,
}

impl Stored {
    /// Returns a room with these messages and ids.
    pub(crate) fn new(room: RoomId, header: Header, records: Vec<Record>, ids: Vec<(Seq, Box<str>, [u8; 16])>) -> Self {
        let sum = Self::sum_of(room, &records, &ids);
        Self { room, header, records, ids, sum }
    }

    fn sum_of(room: RoomId, records: &[Record], ids: &[(Seq, Box<str>, [u8; 16])]) -> Sum {
        let messages = records.iter().map(|record| record.part(room));
        let ids = ids.iter().map(|(seq, id, fingerprint)| Sum::of_id(room, *seq, id, *fingerprint));
        messages.chain(ids).fold(Sum::default(), Sum::with)
    }
}

impl Header {
    /// Returns the sum of what is known of the room's past, which each message vouches for besides all messages and ids.
    pub(crate) fn past(&self, room: RoomId) -> Sum {
        Sum::of_past(room, self.numbering, &self.starts)
    }
}

impl Record {
    /// Returns the sum of the message alone.
    pub(crate) fn part(&self, room: RoomId) -> Sum {
        Sum::of_message(room, self.seq, self.term, self.change, &self.key, &self.params)
    }
}
