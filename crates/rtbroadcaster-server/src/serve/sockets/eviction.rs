//! The order in which sockets that wait for a request are closed to make room for new ones. Pure.

use std::collections::BTreeMap;

/// The reason why a socket waits. Sockets with the first reason are closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) enum WaitReason {
    /// It waits for another request, after a response.
    Idle,
    /// It waits for its first request.
    Silent,
}

/// The position of a waiting socket in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EvictionRank(WaitReason, u64);

/// The numbers of the waiting sockets, in the order in which they are closed.
#[derive(Debug, Default)]
pub(super) struct EvictionOrder {
    last: u64,
    sockets: BTreeMap<EvictionRank, u64>,
}

impl EvictionOrder {
    /// Returns the position behind all others with the same reason.
    pub(super) fn next_rank(&mut self, reason: WaitReason) -> EvictionRank {
        self.last += 1;
        EvictionRank(reason, self.last)
    }

    pub(super) fn insert(&mut self, rank: Option<EvictionRank>, number: u64) {
        if let Some(rank) = rank {
            self.sockets.insert(rank, number);
        }
    }

    pub(super) fn remove(&mut self, rank: Option<EvictionRank>) {
        if let Some(rank) = rank {
            self.sockets.remove(&rank);
        }
    }

    /// Returns the socket that has been idle longest, or else silent longest.
    pub(super) fn first(&self) -> Option<u64> {
        self.sockets.first_key_value().map(|(_, number)| *number)
    }
}
