//! Rooms whose logs several nodes write: one shared log, in which each room has entries of its own.
//! Must not know which system keeps the log, nor what a room makes of its entries.
//!
//! A node writes a room's entries under a [`Lease`](rtbroadcaster_core::chain::Lease). The log stores an entry only
//! where its writer expects it, and every node reads the same entries by the same [rule](rtbroadcaster_core::chain): so a room decides,
//! and what it decided counts when the entry has come back from the log. What a node that was slower has decided is
//! refused. An answer that does not come says nothing: the replica looks at the log until it knows.
//!
//! | part | what it does |
//! |---|---|
//! | [`SharedLog`] | a system that keeps entries: NATS, and the simulated one of the tests |
//! | [`Replica`](replica) | the copy of one room on this node: writes and reads its entries in order, as a task |
//! | [`load`] | finds a room that this node does not have |
//! | [`losses`] | notices that the log has lost entries |
//! | [`nodes`] | which nodes are heard of |
//! | [`asking`] | questions between nodes |
//! | [`text`] | entries and checkpoints as bytes |

mod asking;
#[cfg(test)]
pub(crate) mod contract;
mod load;
mod losses;
mod nodes;
mod replica;
mod rooms;
#[cfg(test)]
pub(crate) mod sea;
mod text;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use nodes::NodeId;
pub(crate) use rooms::SharedEngine;
#[cfg(test)]
pub(crate) use text::{read_appends, read_checkpoint, read_copy_id, read_link};

/// The most events of one room that wait for its replica. Further ones are dropped, and the replica looks.
pub(crate) const FEED_EVENTS_MAX: usize = 1_024;

/// An entry as the log has stored it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredEntry {
    /// Where it is.
    pub(crate) offset: Offset,
    /// When the log stored it, since 1970.
    pub(crate) at: Duration,
    /// The room's entry that was the last one before it, where the log tells that. Read in order it needs not.
    pub(crate) follows: Option<Offset>,
    /// Its text.
    pub(crate) text: Bytes,
}

/// What a replica is told without having asked. Anything may be missing, repeated or late.
#[derive(Debug, Clone)]
pub(crate) enum FeedEvent {
    /// An entry was stored.
    Entry(StoredEntry),
    /// Another node has sent this to all replicas of the room.
    Whisper(Bytes),
    /// Events may be missing.
    Missed,
}

/// What an entry does to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// It stands behind them.
    Next,
    /// It is the last one of its room: the others are removed, and it is removed a minute later.
    Last,
    /// It continues a copy of the room: the others are removed.
    Copy,
}

/// A copy of a room that a node has written, since the log had lost entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyId(pub(crate) u64);

/// Which log it is, and how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// When the log was made, since 1970: one that was lost is made again.
    pub(crate) made: Duration,
    /// Where the last entry of all rooms was stored.
    pub(crate) last: Offset,
}

/// What another node asks this one.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The text of the question.
    pub(crate) text: Bytes,
    /// Takes the text of the reply. Without one, the other node is told nothing.
    pub(crate) reply: oneshot::Sender<Bytes>,
}

/// The outcome of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// The entry is stored.
    Stored,
    /// Another entry is where this one was to be stored, or this one is there already.
    Taken,
    /// It is not stored, and may be sent again at once.
    Busy,
    /// It is not stored: no server takes entries at the moment.
    Absent,
    /// No answer came: it may be stored, or be stored later.
    Unknown,
}

/// The log did not answer: whether something is in it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsure;

/// A system that keeps the entries of many rooms, each room's in an order of its own.
///
/// 1. **One place, one entry.** An entry is stored behind the room's entry at `after`, or not at all.
/// 2. **Stored means kept**, at the level that the system was set up for.
/// 3. **An answer is new.** [`last`](Self::last) is at least as new as the newest answer that any node had before it
///    was called.
/// 4. **What follows is told**, mostly: a subscriber may miss events and get them twice.
pub(crate) trait SharedLog: fmt::Debug + Send + Sync + 'static {
    /// Stores an entry of `room` behind the one at `after`.
    fn publish(
        &self,
        room: &RoomId,
        after: Offset,
        text: Bytes,
        kind: EntryKind,
    ) -> impl Future<Output = Published> + Send;

    /// Returns the room's last entry; `None` if it has none.
    fn last(&self, room: &RoomId) -> impl Future<Output = Result<Option<StoredEntry>, Unsure>> + Send;

    /// Returns the entry of the room at `offset`, if it is still there. As new as [`last`](Self::last).
    fn entry(&self, room: &RoomId, offset: Offset) -> impl Future<Output = Result<Option<StoredEntry>, Unsure>> + Send;

    /// Returns the first entries behind `offset`, in order. None if there is none; otherwise at least one.
    fn read(&self, room: &RoomId, offset: Offset) -> impl Future<Output = Result<Vec<StoredEntry>, Unsure>> + Send;

    /// Returns where the last entry of each of these rooms is.
    fn heads(&self, rooms: &[RoomId]) -> impl Future<Output = Result<Vec<(RoomId, Offset)>, Unsure>> + Send;

    /// Returns the room's newest checkpoint.
    fn checkpoint(&self, room: &RoomId) -> impl Future<Output = Result<Option<Bytes>, Unsure>> + Send;

    /// Replaces the room's checkpoint, and then removes the entries up to `unneeded`.
    fn keep_checkpoint(
        &self,
        room: &RoomId,
        text: Bytes,
        unneeded: Offset,
    ) -> impl Future<Output = Result<(), Unsure>> + Send;

    /// Keeps a copy of `room`, which an entry of this node continues.
    fn keep_copy(&self, room: &RoomId, id: CopyId, text: Bytes) -> impl Future<Output = Result<(), Unsure>> + Send;

    /// Returns a copy of `room`.
    fn copy(&self, room: &RoomId, id: CopyId) -> impl Future<Output = Result<Option<Bytes>, Unsure>> + Send;

    /// Returns how far the log reaches, and makes it again if it was lost as a whole.
    fn extent(&self) -> impl Future<Output = Result<Extent, Unsure>> + Send;

    /// Returns how often this node has lost its connection and has it again, from now on.
    fn reconnections(&self) -> watch::Receiver<u64>;

    /// Sends what happens in `room` to `events`, from the return on and until the receiver is dropped.
    fn follow(&self, room: &RoomId, events: mpsc::Sender<FeedEvent>)
    -> impl Future<Output = Result<(), Unsure>> + Send;

    /// Sends `text` to all replicas of `room` on other nodes: at most once, and in no order with the entries.
    fn whisper(&self, room: &RoomId, text: Bytes);

    /// Sends a beacon of this node to all others.
    fn beacon(&self, text: Bytes);

    /// Returns the beacons of other nodes.
    fn beacons(&self) -> mpsc::Receiver<Bytes>;

    /// Asks `node`, and returns its reply, unless none comes within a time: then it may have been asked, or not.
    fn ask_node(
        &self,
        node: NodeId,
        text: Bytes,
        within: Duration,
    ) -> impl Future<Output = Result<Bytes, Unsure>> + Send;

    /// Returns what other nodes ask this one, which is `node`, until the receiver is dropped.
    fn questions(&self, node: NodeId) -> mpsc::Receiver<Asked>;
}
