//! The order in which sockets that wait for a request are closed to make room for new ones. Pure.

use std::collections::BTreeMap;

/// The reason why a socket waits. Sockets with the first reason are closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum Rest {
    /// It waits for another request, after a response.
    Idle,
    /// It waits for its first request.
    Silent,
}

/// The position of a waiting socket in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(Rest, u64);

/// The numbers of the waiting sockets, in the order in which they are closed.
#[derive(Debug, Default)]
pub(super) struct Resting {
    last: u64,
    sockets: BTreeMap<Turn, u64>,
}

impl Resting {
    /// Returns the position behind all others with the same reason.
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
