//! A room as a list shows it.
//! Must not know more of the room than this.

use crate::id::{RoomId, Seq};

/// A room as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomSummary {
    /// Its name.
    pub id: RoomId,
    /// How many watch it.
    pub viewers: usize,
    /// Whether its owner is there.
    pub owner: OwnerStatus,
    /// The number of its last message.
    pub seq: Seq,
}

/// Whether a room's owner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerStatus {
    /// It can speak at any time.
    Live,
    /// It is gone; the room ends after [`owner_grace`](crate::Config::owner_grace), unless somebody with the key comes
    /// by [`Manager::own`](crate::Manager::own).
    Away,
}
