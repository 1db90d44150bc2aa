//! What can happen to a room's members.
//! Must not know who waits for it, nor in which order.

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

/// What happens to all members, or to one.
#[derive(Debug)]
pub(crate) enum Item {
    /// All members get something.
    Broadcast(Broadcast),
    /// The members change.
    Roll(Roll),
}

/// What all members get.
#[derive(Debug)]
pub(crate) enum Broadcast {
    /// A message. The room's budget has its cost back when the last lane has dropped `charge`.
    Message {
        /// What they get.
        entry: Arc<Entry>,
        /// When that was decided.
        applied: Duration,
        /// What it costs while it waits for a lane.
        #[expect(dead_code, reason = "its drop gives the room's budget back")]
        charge: Option<Charge>,
    },
    /// A notice.
    Notice(Notice<'static>),
}

/// Who comes, goes, and goes on.
#[derive(Debug)]
pub(crate) enum Roll {
    /// A member comes, who knows everything up to this number.
    Admit(Arc<Outbox>, Seq),
    /// A member is brought to where the room stands.
    Replay(Arc<Outbox>, Replay),
    /// A member is told something of its own.
    Tell(Arc<Outbox>, Frame),
    /// A member has gone.
    Remove(Arc<Outbox>),
    /// All members go.
    Part(Parting),
}

/// Why all members go, and what they are told.
#[derive(Debug)]
pub(crate) enum Parting {
    /// The room has ended: its farewell.
    Ended(Arc<Last>),
    /// The room has ended by our own fault: that.
    Broken,
    /// The process goes away: when to come back.
    Departing(Moments),
}

/// A room as it was at its end, for members who lost messages before it.
#[derive(Debug)]
pub(crate) struct Last {
    /// Where it stood.
    pub(crate) standing: Standing,
    /// Its state.
    pub(crate) entries: Arc<[Arc<Entry>]>,
    /// Why it has ended.
    pub(crate) end: RoomEnd,
}

/// A part of the room's budget, which has it back when the last clone is dropped.
type Charge = Arc<OwnedSemaphorePermit>;

impl Roll {
    /// Whoever would have been reached through the lane from then on.
    pub(super) fn into_newcomer(self) -> Option<Arc<Outbox>> {
        match self {
            Roll::Admit(member, _) | Roll::Replay(member, _) | Roll::Tell(member, _) => Some(member),
            Roll::Remove(_) | Roll::Part(_) => None,
        }
    }
}

impl Broadcast {
    /// The message, if it is one.
    pub(in crate::fanout) fn entry(&self) -> Option<&Entry> {
        match self {
            Broadcast::Message { entry, .. } => Some(entry),
            Broadcast::Notice(_) => None,
        }
    }

    /// Its frame in `dialect`, or `None` where that has no words for it.
    pub(in crate::fanout) fn frame(&self, dialect: &Dialect) -> Option<Frame> {
        match self {
            Broadcast::Message { entry, .. } => Frame::of(entry, dialect),
            Broadcast::Notice(notice) => Frame::notice(notice, dialect),
        }
    }

    /// What may happen to it where newer values remove waiting ones.
    fn rank(&self) -> Rank {
        match self {
            Broadcast::Message { entry, .. } => Rank::of(entry),
            Broadcast::Notice(notice) => notice.rank(),
        }
    }
}

impl Item {
    /// The message `entry` that was `applied` then, for all members.
    pub(crate) fn message(entry: Arc<Entry>, applied: Duration, charge: Option<Charge>) -> Self {
        Self::Broadcast(Broadcast::Message { entry, applied, charge })
    }

    /// A notice for all members.
    pub(crate) fn notice(notice: Notice<'static>) -> Self {
        Self::Broadcast(Broadcast::Notice(notice))
    }

    /// The message that all members get, if it is one.
    pub(super) fn entry(&self) -> Option<&Entry> {
        if let Item::Broadcast(broadcast) = self { broadcast.entry() } else { None }
    }

    /// What it changes among the members, if it does.
    pub(super) fn into_roll(self) -> Option<Roll> {
        if let Item::Roll(roll) = self { Some(roll) } else { None }
    }

    /// What may happen to it where newer values remove waiting ones.
    pub(super) fn rank(&self) -> Rank {
        if let Item::Broadcast(broadcast) = self { broadcast.rank() } else { Rank::Event }
    }
}
