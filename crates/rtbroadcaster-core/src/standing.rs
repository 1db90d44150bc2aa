//! The position of a room at one moment, and how a client that enters it is brought there.
//! Must not know rooms, protocols or sockets.

use std::time::Duration;

use crate::id::{Cursor, Epoch, RoomId, Seq, Term};

/// Whether a room's owner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerStatus {
    /// It can publish at any time.
    Live,
    /// It is gone; the room ends after [`owner_grace`](crate::config::Config::owner_grace), unless a client or the
    /// program takes it over with the key, as by `Manager::own`.
    Away,
}

/// A room at one moment, as a client gets it that enters then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
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

/// Why a room has ended, as its clients get it.
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
    /// The server stopped, and keeps no rooms.
    Restart,
}

impl RoomEnd {
    /// Every end, in the order of PROTOCOL.md.
    pub const ALL: [RoomEnd; 6] = [Self::Owner, Self::Grace, Self::Idle, Self::Admin, Self::Fault, Self::Restart];

    /// Returns the `why` of a `closed`.
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

/// The position from which a client wants to resume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// None: it is new.
    Fresh,
    /// The position behind everything that it has seen.
    After(Cursor, CursorScope),
    /// None: it has sent something that is no cursor.
    Malformed,
}

/// Whether a client understands that a cursor of an older life may be resumed, under another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorScope {
    /// It does not: only a cursor of the present life can be resumed.
    OneLife,
    /// It does: it sends `lives`.
    AllLives,
}

/// How a client is brought to the room's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the state, since it is new.
    Snapshot,
    /// By every message after its cursor, which is resumed.
    Resumed,
    /// By the state, since its cursor cannot be resumed.
    Reset(ResetReason),
}

/// Why a cursor cannot be resumed.
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

    /// Returns the `reason` of a `reset`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Malformed => "malformed",
        }
    }
}
