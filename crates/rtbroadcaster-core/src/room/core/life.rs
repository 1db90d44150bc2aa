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
    Ending(EndCause),
    /// The process stops and the next one restores the room.
    Departing,
    /// The room has ended, and its viewers and its owner were notified.
    Ended(EndCause),
    /// A panic has left the room half changed: nothing more is applied.
    Broken,
}

/// The cause of a room's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// Its owner.
    Owner,
    /// The program.
    Program,
    /// Its owner's absence for longer than the grace.
    OwnerAway,
    /// The absence of its owner and of all viewers.
    Empty,
    /// Its creator's address opened another room, after a long time without owner and viewers in this one.
    Replaced,
    /// The shutdown of a server that does not keep the room.
    Shutdown,
    /// A failure of the server that wrote its log, which another node has written.
    Fault,
}

impl RoomLife {
    /// Returns whether viewers join and the owner publishes.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

impl EndCause {
    /// Returns the reason as the server's log has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "its owner closed it",
            Self::Program => "the program closed it",
            Self::OwnerAway => "its owner did not come back",
            Self::Empty => "neither its owner nor a viewer came back",
            Self::Replaced => "its creator's address opened another one",
            Self::Shutdown => "the server shuts down",
            Self::Fault => "another node failed",
        }
    }

    /// Returns the reason that the room's clients get.
    pub const fn room_end(self) -> RoomEnd {
        match self {
            Self::Owner => RoomEnd::Owner,
            Self::Program => RoomEnd::Admin,
            Self::OwnerAway => RoomEnd::Grace,
            Self::Empty | Self::Replaced => RoomEnd::Idle,
            Self::Shutdown => RoomEnd::Restart,
            Self::Fault => RoomEnd::Fault,
        }
    }
}

impl From<RoomEnd> for EndCause {
    /// Returns the cause of an end that another node has written.
    fn from(end: RoomEnd) -> Self {
        match end {
            RoomEnd::Owner => Self::Owner,
            RoomEnd::Admin => Self::Program,
            RoomEnd::Grace => Self::OwnerAway,
            RoomEnd::Idle => Self::Empty,
            RoomEnd::Restart => Self::Shutdown,
            RoomEnd::Fault => Self::Fault,
        }
    }
}

impl From<Absence> for EndCause {
    fn from(absence: Absence) -> Self {
        match absence {
            Absence::Owner => Self::OwnerAway,
            Absence::Everybody => Self::Empty,
        }
    }
}

/// Whether the log of a room can be written. Independent of the room's life: a room whose log cannot be written is
/// still open to viewers, and may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writability {
    /// It can: each handover is going to be written.
    #[default]
    Writable,
    /// It cannot at the moment.
    Unwritable,
}

/// The refusal of a room that is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOpen(
    /// The room's life instead.
    pub RoomLife,
);

impl From<NotOpen> for ProposeError {
    fn from(NotOpen(life): NotOpen) -> Self {
        if life == RoomLife::Departing { Self::Departing } else { Self::Ended }
    }
}

impl From<NotOpen> for JoinError {
    fn from(NotOpen(life): NotOpen) -> Self {
        if life == RoomLife::Departing { Self::Departing } else { Self::NoRoom }
    }
}
