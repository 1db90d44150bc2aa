//! The order in which sockets that wait for a request are closed when places are needed. Pure.

use std::collections::BTreeMap;

/// What a socket waits for. The first kind is closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum Rest {
    /// For another request, after an answer.
    Idle,
    /// For its first request.
    Silent,
}

/// Since when a socket waits, in the order of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(Rest, u64);

/// The sockets that wait, by number.
#[derive(Debug, Default)]
pub(super) struct Resting {
    last: u64,
    sockets: BTreeMap<Turn, u64>,
}

impl Resting {
    /// Returns a turn behind all others of its kind.
    pub(super) fn next_turn(&mut self, rest: Rest) -> Turn {
        self.last += 1;
        Turn(rest, self.last)
    }

    pub(super) fn insert(&mut self, turn: Option<Turn>, number: u64) {
        if let Some(turn) = turn {
            self.sockets.insert(turn, number);
        }
    }

    pub(super) fn remove(&mut self, turn: Option<Turn>) {
        if let Some(turn) = turn {
            self.sockets.remove(&turn);
        }
    }

    /// Returns the socket that has been idle longest, or else silent longest.
    pub(super) fn longest(&self) -> Option<u64> {
        self.sockets.first_key_value().map(|(_, number)| *number)
    }
}
