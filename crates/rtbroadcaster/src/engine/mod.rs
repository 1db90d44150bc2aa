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
//! 3. **Unknown is not failed.** When a write fails, [`Follower::lost`] is called once for each room that waits, and later
//!    for each that hands something over. Nothing is told after that. What was handed over and not told may be found at
//!    the next start, or not: always from the first such on, without a hole.
//! 4. **Loading** gives each room that was begun and not ended: its newest header, and of its messages and ids all that were
//!    told and not forgotten, in order. What nobody needs any more may be among them.
//! 5. **One writer.** A log that another process writes is not opened.

#![cfg_attr(not(any(test, feature = "disk")), expect(dead_code, reason = "the only engine comes with `disk`"))]

#[cfg(test)]
pub(crate) mod contract;
#[cfg(feature = "disk")]
pub(crate) mod disk;
#[cfg(test)]
pub(crate) mod simulated;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::id::{Epoch, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};
use crate::options::RoomOptions;

/// Keeps the logs of rooms.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Takes over what the room of `follower` hands over next.
    fn append(&self, follower: &Arc<dyn Follower>, append: Append);

    /// Writes everything that was handed over, so that it outlives the machine, and takes nothing more. Waits for that.
    fn close(&self);
}

/// A room, as an engine sees it.
pub(crate) trait Follower: fmt::Debug + Send + Sync {
    /// Its name.
    fn room(&self) -> RoomId;

    /// The oldest `count` of what it handed over and was not told of are written.
    fn written(&self, count: usize);

    /// Nothing is written any more.
    #[cfg_attr(all(test, not(feature = "disk")), expect(dead_code, reason = "the simulated engine of tests writes on"))]
    fn lost(&self);
}

/// What a room hands over.
#[derive(Debug, Clone)]
pub(crate) enum Append {
    /// What is known of the room from now on; with the first one it begins.
    Header(Header),
    /// A message, and what it makes superfluous.
    Message(Record, Forgotten),
    /// Nothing that is kept, only something that has its turn.
    Turn,
    /// The room has ended: nothing of it is kept.
    End,
}

/// What is kept of a room besides its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The life of its numbering.
    pub(crate) epoch: Epoch,
    /// The lease of its owner.
    pub(crate) term: Term,
    /// The SHA-256 of its owner's key.
    pub(crate) key: [u8; 32],
    /// Since when its owner is away.
    pub(crate) away: Option<Duration>,
    /// What it has besides messages.
    pub(crate) options: RoomOptions,
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
}
