//! What a relay can do to an open connection, and to a new one. Pure.

use std::time::Duration;

use crate::random::Random;

/// The bytes that pass before a cut in the middle of bytes.
const PART_BYTES: std::ops::Range<u64> = 1..400;

/// The time for which bytes are swallowed before a connection is reset, in milliseconds.
const SWALLOW_MS: std::ops::Range<u64> = 5..150;

/// The fault of an open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chaos) enum PathFault {
    /// None: it is carried.
    None,
    /// Both ends are closed.
    Finish,
    /// Both ends are reset.
    Reset,
    /// So many bytes more arrive at either end, and then it is closed.
    Part(usize),
    /// For a time bytes are taken and do not arrive; then it is reset.
    Swallow(Duration),
    /// Nothing is carried in these directions any more, and both sockets stay open for good, as after a network has
    /// forgotten a connection.
    Dark(Dark),
}

/// The directions in which a connection is dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chaos) enum Dark {
    Both,
    ToServer,
    ToClient,
}

/// The treatment of a new connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::chaos) enum PathEntry {
    /// It is carried.
    #[default]
    Open,
    /// It is reset at once.
    Reset,
    /// It is accepted, and nothing is carried until this changes.
    Held,
    /// Its request is answered with 503 at once.
    Unavailable,
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

impl PathFault {
    /// Returns a random way to end a connection.
    pub(in crate::chaos) fn any(random: &mut Random) -> Self {
        match random.index(4) {
            0 => Self::Finish,
            1 => Self::Reset,
            2 => Self::Part(usize::try_from(random.within(PART_BYTES)).unwrap_or(1)),
            _ => Self::Swallow(Duration::from_millis(random.within(SWALLOW_MS))),
        }
    }
}

impl Dark {
    /// All of them.
    pub(in crate::chaos) const ALL: [Self; 3] = [Self::Both, Self::ToServer, Self::ToClient];

    /// Returns whether nothing is carried in this direction.
    pub(super) fn holds(self, direction: Direction) -> bool {
        match self {
            Self::Both => true,
            Self::ToServer => direction == Direction::ToServer,
            Self::ToClient => direction == Direction::ToClient,
        }
    }

    /// Returns its name in a report.
    pub(in crate::chaos) fn name(self) -> &'static str {
        match self {
            Self::Both => "both ways",
            Self::ToServer => "to the server",
            Self::ToClient => "to the client",
        }
    }
}
