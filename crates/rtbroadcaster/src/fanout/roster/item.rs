//! The items of a roster: what can happen to a room's members.
//! Must not know the queue.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::{Frame, Replay};
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::Entry;
use rtbroadcaster_core::protocol::{Dialect, Notice};
use rtbroadcaster_core::standing::{RoomEnd, Standing};
use rtbroadcaster_core::superseding::Rank;
use tokio::sync::OwnedSemaphorePermit;

use crate::fanout::moments::Moments;
use crate::fanout::outbox::Outbox;

/// An item of a roster.
#[derive(Debug)]
pub(crate) enum Item {
    /// A message or notice for all members.
    Broadcast(Broadcast),
    /// A change of the members.
    Change(MemberChange),
}

/// A message or notice for all members.
#[derive(Debug)]
pub(crate) enum Broadcast {
    /// A message. Its cost returns to the room's budget when the last lane has dropped `charge`.
    Message {
        /// The message.
        entry: Arc<Entry>,
        /// When it was applied.
        applied: Duration,
        /// The part of the room's budget that it holds while it waits for a lane.
        #[expect(dead_code, reason = "its drop gives the room's budget back")]
        charge: Option<Charge>,
    },
    /// A notice.
    Notice(Notice<'static>),
}

/// A change of a roster's members, or a frame for one of them.
#[derive(Debug)]
pub(crate) enum MemberChange {
    /// Adds a member that has everything up to this number.
    Admit(Arc<Outbox>, Seq),
    /// Sends a replay to a member.
    Replay(Arc<Outbox>, Replay),
    /// Sends a frame to one member.
    Send(Arc<Outbox>, Frame),
    /// Removes a member.
    Remove(Arc<Outbox>),
    /// Disconnects all members.
    DisconnectAll(Disconnection),
    /// Asks one in so many members to come back, to other nodes.
    DepartOneIn(usize, Moments),
}

/// Why all members are disconnected, and what they are sent.
#[derive(Debug)]
pub(crate) enum Disconnection {
    /// The room has ended: its farewell.
    Ended(Arc<FinalState>),
    /// The room has ended by our own fault.
    Broken,
    /// The process ends: when to reconnect.
    Departing(Moments),
}

/// A room as it was at its end, for members that lost messages before it.
#[derive(Debug)]
pub(crate) struct FinalState {
    /// Its standing.
    pub(crate) standing: Standing,
    /// Its state.
    pub(crate) entries: Arc<[Arc<Entry>]>,
    /// Why it has ended.
    pub(crate) end: RoomEnd,
}

/// A part of the room's budget, to which it returns when the last clone is dropped.
type Charge = Arc<OwnedSemaphorePermit>;

impl MemberChange {
    /// Returns the member that would have been reached through the lane from then on.
    pub(super) fn into_newcomer(self) -> Option<Arc<Outbox>> {
        match self {
            MemberChange::Admit(member, _) | MemberChange::Replay(member, _) | MemberChange::Send(member, _) => {
                Some(member)
            }
            MemberChange::Remove(_) | MemberChange::DisconnectAll(_) | MemberChange::DepartOneIn(..) => None,
        }
    }
}

impl Broadcast {
    /// Returns the message, if it is one.
    pub(in crate::fanout) fn entry(&self) -> Option<&Entry> {
        match self {
            Broadcast::Message { entry, .. } => Some(entry),
            Broadcast::Notice(_) => None,
        }
    }

    /// Returns its frame in `dialect`, or `None` if that has no words for it.
    pub(in crate::fanout) fn frame(&self, dialect: &Dialect) -> Option<Frame> {
        match self {
            Broadcast::Message { entry, .. } => Frame::of(entry, dialect),
            Broadcast::Notice(notice) => Frame::notice(notice, dialect),
        }
    }

    /// Returns its rank, by which newer items remove waiting ones.
    fn rank(&self) -> Rank {
        match self {
            Broadcast::Message { entry, .. } => Rank::of(entry),
            Broadcast::Notice(notice) => notice.rank(),
        }
    }
}

impl Item {
    /// Makes the item for the message `entry`, which was `applied` then, for all members.
    pub(crate) fn message(entry: Arc<Entry>, applied: Duration, charge: Option<Charge>) -> Self {
        Self::Broadcast(Broadcast::Message { entry, applied, charge })
    }

    /// Makes the item for a notice to all members.
    pub(crate) fn notice(notice: Notice<'static>) -> Self {
        Self::Broadcast(Broadcast::Notice(notice))
    }

    /// Returns the message that all members get, if it is one.
    pub(super) fn entry(&self) -> Option<&Entry> {
        if let Item::Broadcast(broadcast) = self { broadcast.entry() } else { None }
    }

    /// Returns the change of the members, if it is one.
    pub(super) fn into_change(self) -> Option<MemberChange> {
        if let Item::Change(change) = self { Some(change) } else { None }
    }

    /// Returns its rank, by which newer items remove waiting ones.
    pub(super) fn rank(&self) -> Rank {
        if let Item::Broadcast(broadcast) = self { broadcast.rank() } else { Rank::Event }
    }
}
