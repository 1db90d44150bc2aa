//! A room as a list shows it.
//! Must not know more of the room than this.

use rtbroadcaster_core::id::{RoomId, Seq};
use rtbroadcaster_core::standing::OwnerStatus;

/// A room as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomSummary {
    /// Its name.
    pub id: RoomId,
    /// How many connections watch it.
    pub viewers: usize,
    /// Whether its owner is there.
    pub owner: OwnerStatus,
    /// The number of its last message.
    pub seq: Seq,
}
