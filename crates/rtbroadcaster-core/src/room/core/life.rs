//! Whether a room is open, and how it ends: the one place that decides this.
//! Must not know clients.

use crate::refusal::JoinError;
use crate::room::presence::Absence;
use crate::standing::RoomEnd;

use super::ProposeError;

/// The life of a room. Only an open room decides anything: see [`Core::open`](super::Core::open).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomLife {
    /// Viewers join and the owner publishes.
    Open,
    /// The room's end is decided and not written yet. The room is [open again](super::Core::end_was_beaten) if the log
    /// has given precedence to another owner.
    Ending(By),
    /// The process stops and the next one restores the room.
    Departing,
    /// The room has ended, and its viewers and its owner were notified.
    Ended(By),
    /// A panic has left the room half changed: nothing more is applied.
    Broken,
}

/// The cause of a room's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its owner.
    Owner,
    /// The program.
    Program,
    /// Its owner's absence for longer than the grace.
    OwnerAway,
    /// The absence of its owner and of all viewers.
    Empty,
    /// Its creator's address opened another room, after a long time without owner and viewers in this one.
    Place,
    /// The shutdown of a server that does not keep the room.
    Shutdown,
}

impl RoomLife {
    /// Returns whether viewers join and the owner publishes.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

impl By {
    /// Returns the reason as the server's log has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "its owner closed it",
            Self::Program => "the program closed it",
            Self::OwnerAway => "its owner did not come back",
            Self::Empty => "neither its owner nor a viewer came back",
            Self::Place => "its creator's address opened another one",
            Self::Shutdown => "the server shuts down",
        }
    }

    /// Returns the reason that the room's clients get.
    pub const fn told(self) -> RoomEnd {
        match self {
            Self::Owner => RoomEnd::Owner,
            Self::Program => RoomEnd::Admin,
            Self::OwnerAway => RoomEnd::Grace,
            Self::Empty | Self::Place => RoomEnd::Idle,
            Self::Shutdown => RoomEnd::Restart,
        }
    }
}

impl From<Absence> for By {
    fn from(absence: Absence) -> Self {
        match absence {
            Absence::Owner => Self::OwnerAway,
            Absence::Everybody => Self::Empty,
        }
    }
}

/// Whether it is known that the log of a room can be written. Independent of its life: a room in doubt is still open to
/// viewers, and may end in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Doubt {
    /// It is: each handover is going to be written.
    #[default]
    None,
    /// It is not: nothing can be written at the moment.
    Unwritable,
}

/// The refusal of a room that is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOpen(
    /// The room's life instead.
    pub RoomLife,
);

impl From<NotOpen> for ProposeError {
    fn from(_: NotOpen) -> Self {
        Self::Ended
    }
}

impl From<NotOpen> for JoinError {
    fn from(_: NotOpen) -> Self {
        Self::NoRoom
    }
}
