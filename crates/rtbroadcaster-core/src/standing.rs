//! Where a room stands at one moment, and how whoever enters it is brought there.
//! Must not know rooms, protocols or sockets.

use std::time::Duration;

use crate::id::{Cursor, Epoch, RoomId, Seq, Term};

/// Whether a room's owner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerStatus {
    /// It can speak at any time.
    Live,
    /// It is gone; the room ends after [`owner_grace`](crate::config::Config::owner_grace), unless somebody with the key comes
    /// by `Manager::own`.
    Away,
}

/// A room at one moment, as whoever enters it then is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub room: RoomId,
    /// The life of its numbering.
    pub epoch: Epoch,
    /// The lease of its owner.
    pub term: Term,
    /// The number of its last message.
    pub seq: Seq,
    /// Whether the owner is there.
    pub owner: OwnerStatus,
    /// For how long the owner has been away; zero while it is there.
    pub away: Duration,
}

/// Why a room has ended, as those in it are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RoomEnd {
    /// Its owner closed it.
    Owner,
    /// Its owner was away for longer than the grace.
    Grace,
    /// There was neither owner nor viewer for too long.
    Idle,
    /// The application or an administrator ended it.
    Admin,
    /// The server failed.
    Fault,
    /// The server went away, and keeps no rooms.
    Restart,
}

impl RoomEnd {
    /// Every end, in the order of PROTOCOL.md.
    pub const ALL: [RoomEnd; 6] = [Self::Owner, Self::Grace, Self::Idle, Self::Admin, Self::Fault, Self::Restart];

    /// The `why` of a `closed`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Grace => "grace",
            Self::Idle => "idle",
            Self::Admin => "admin",
            Self::Fault => "fault",
            Self::Restart => "restart",
        }
    }
}

/// Where a viewer wants to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nowhere: it is new.
    Fresh,
    /// Behind what it has seen.
    After(Cursor, Reach),
    /// It has sent something that is no cursor.
    Malformed,
}

/// Whether a client understands that a cursor of an older life may be continued, under another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It does not: a cursor of another life than the present one is of no use to it.
    OneLife,
    /// It does: it says `lives`.
    AllLives,
}

/// How a viewer is brought to where the room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the state, since it is new.
    Snapshot,
    /// By every message after its cursor.
    Resumed,
    /// By the state, since its cursor cannot be continued.
    Reset(ResetReason),
}

/// Why a cursor cannot be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// A message after it has left the history.
    Retention,
    /// It belongs to another life of the numbering.
    Epoch,
    /// It lies after the last message.
    Future,
    /// It is none.
    Malformed,
}

impl ResetReason {
    /// Every reason, in the order of PROTOCOL.md.
    pub const ALL: [ResetReason; 4] = [Self::Retention, Self::Epoch, Self::Future, Self::Malformed];

    /// The `reason` of a `reset`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Malformed => "malformed",
        }
    }
}
