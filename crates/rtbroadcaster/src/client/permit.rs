//! What a connection may do, as data that the application hands over.
//! Must not know how the application decides.

use rtbroadcaster_core::id::RoomId;

/// What a connection may do, decided by the application before it is upgraded.
///
/// ```
/// use rtbroadcaster::{OsRandom, Permit, RoomId};
///
/// let room = RoomId::random(&OsRandom);
/// assert!(Permit::viewer_of(room).may_join(room));
/// assert!(!Permit::viewer_of(room).may_join(RoomId::random(&OsRandom)));
/// assert!(!Permit::viewer_of(room).may_create());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    create: bool,
    join: Joins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joins {
    None,
    Any,
    Only(RoomId),
}

impl Permit {
    /// Create rooms, own those whose key it has and join any room whose name it knows: what the ready handler gives to
    /// everybody.
    pub const fn anything() -> Self {
        Self { create: true, join: Joins::Any }
    }

    /// Create rooms and own those whose key it has, join none.
    pub const fn owner() -> Self {
        Self { create: true, join: Joins::None }
    }

    /// Join any room whose name it knows, create none.
    pub const fn viewer() -> Self {
        Self { create: false, join: Joins::Any }
    }

    /// Join this one room.
    pub const fn viewer_of(room: RoomId) -> Self {
        Self { create: false, join: Joins::Only(room) }
    }

    /// Whether it may create rooms, and own those whose key it has. A client that may not is told that only an owner may
    /// do this, or that there is no such room.
    pub const fn may_create(&self) -> bool {
        self.create
    }

    /// Whether it may join `room`. A client that may not is told `room not found`, as if there were none.
    pub fn may_join(&self, room: RoomId) -> bool {
        match self.join {
            Joins::None => false,
            Joins::Any => true,
            Joins::Only(only) => only == room,
        }
    }
}
