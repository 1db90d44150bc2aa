//! What a connection may do, as data that the application hands over, and may change while the connection lives.
//! Must not know how the application decides, nor what a client is.

mod expiry;
mod grant;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use rtbroadcaster_core::id::RoomId;

pub(crate) use expiry::Expiries;
pub use grant::Grant;
pub(crate) use grant::{Holding, Lease, Leased};

/// Which rooms a right covers.
///
/// ```
/// use rtbroadcaster::{OsRandom, RoomId, Rooms};
///
/// let (one, other) = (RoomId::random(&OsRandom), RoomId::random(&OsRandom));
/// assert!(Rooms::from(one.clone()).cover(&one) && !Rooms::from(one).cover(&other));
/// assert!(Rooms::All.cover(&other) && !Rooms::None.cover(&other));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rooms {
    /// No room.
    #[default]
    None,
    /// Each room whose name the client knows.
    All,
    /// These.
    Only(Vec<RoomId>),
}

impl Rooms {
    /// Whether the right covers `room`.
    pub fn cover(&self, room: &RoomId) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(rooms) => rooms.contains(room),
        }
    }
}

impl From<RoomId> for Rooms {
    /// Returns a right that covers this room and no other.
    fn from(room: RoomId) -> Self {
        Self::Only(vec![room])
    }
}

/// What a connection may do. Nothing, where [`Default`] is taken: each right is said by name.
///
/// A client that may not create is told `not_owner`. One that may not own or join a room is told `no_room`, as if there were
/// no such room. What else it may not do is refused with `unauthorized`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use rtbroadcaster::{OsRandom, RoomId, Rights};
///
/// let room = RoomId::random(&OsRandom);
/// let mut rights = Rights::viewer_of(room.clone());
/// rights.signal = false;
/// rights.until = Some(SystemTime::now() + Duration::from_secs(3600));
/// assert!(rights.join.cover(&room) && !rights.own.cover(&room) && !rights.create);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rights {
    /// Whether it may create rooms.
    pub create: bool,
    /// Which names it may give to rooms that it creates.
    pub names: Rooms,
    /// Which rooms it may own, if it has their key.
    pub own: Rooms,
    /// Whether it may publish in the room that it owns.
    pub publish: bool,
    /// Whether it may end the room that it owns. The room of one that may not ends by its grace.
    pub end: bool,
    /// Which rooms it may join.
    pub join: Rooms,
    /// Whether it may signal in the room that it has joined.
    pub signal: bool,
    /// Until when all of this holds; the connection ends then, with 4005. The client is told 30 s before. `None`, the default, is for ever.
    pub until: Option<SystemTime>,
    /// Who it is, in the application's own words. Clients are not told.
    pub subject: Option<Box<str>>,
    /// By which token it has them, if it does. Clients are not told.
    pub token: Option<Box<str>>,
    /// What is bounded for it besides the limits of everybody.
    pub limits: RightLimits,
}

/// What is bounded for one connection besides the limits of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RightLimits {
    /// The longest grace that a room which it creates may have; a longer one is lowered. `None`, the default, is
    /// [`owner_grace_max`](crate::Config::owner_grace_max).
    pub owner_grace_max: Option<Duration>,
}

impl Rights {
    /// Create rooms, own those whose key it has, publish, end, join any room whose name it knows, and signal: what the ready
    /// handler gives to everybody. Rooms have no names of their own.
    pub fn anything() -> Self {
        Self { join: Rooms::All, signal: true, ..Self::owner() }
    }

    /// Create rooms, own those whose key it has, publish and end; join none.
    pub fn owner() -> Self {
        Self { create: true, own: Rooms::All, publish: true, end: true, ..Self::default() }
    }

    /// Join any room whose name it knows, and signal; create and own none.
    pub fn viewer() -> Self {
        Self { join: Rooms::All, signal: true, ..Self::default() }
    }

    /// Join this one room, and signal.
    pub fn viewer_of(room: RoomId) -> Self {
        Self { join: room.into(), signal: true, ..Self::default() }
    }

    /// Whether they still hold at the moment `now`.
    pub(crate) fn hold_at(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether they cover what a connection has.
    pub(crate) fn cover(&self, holding: &Holding) -> bool {
        match holding {
            Holding::Nothing => true,
            Holding::Created => self.publish,
            Holding::Owned(room) => self.own.cover(room),
            Holding::Joined(room) => self.join.cover(room),
        }
    }
}

/// What a connection has that has everybody's rights.
static ANYTHING: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::anything()));

/// The rights of a connection, as [`Upgrade::accept`](crate::Upgrade::accept) takes them: [`Rights`], a [`Grant`] that can
/// be changed while the connection lives, or one of these shorthands.
///
/// ```
/// use rtbroadcaster::{OsRandom, Permit, RoomId, Rights};
///
/// let room = RoomId::random(&OsRandom);
/// assert!(Permit::viewer_of(room.clone()).rights().join.cover(&room));
/// assert!(!Permit::viewer_of(room).rights().create);
/// assert_eq!(*Permit::from(Rights::owner()).rights(), *Permit::owner().rights());
/// ```
#[derive(Debug, Clone)]
pub struct Permit(Option<Arc<Held>>);

/// Where the rights of a connection that has not everybody's are.
#[derive(Debug)]
enum Held {
    /// They stay as they are.
    Fixed(Arc<Rights>),
    /// The application may change them.
    Granted(Grant),
}

impl Permit {
    /// As [`Rights::anything`].
    pub const fn anything() -> Self {
        Self(None)
    }

    /// As [`Rights::owner`].
    pub fn owner() -> Self {
        static OWNER: LazyLock<Permit> = LazyLock::new(|| Rights::owner().into());
        OWNER.clone()
    }

    /// As [`Rights::viewer`].
    pub fn viewer() -> Self {
        static VIEWER: LazyLock<Permit> = LazyLock::new(|| Rights::viewer().into());
        VIEWER.clone()
    }

    /// As [`Rights::viewer_of`].
    pub fn viewer_of(room: RoomId) -> Self {
        Rights::viewer_of(room).into()
    }

    /// Returns the rights as they are now.
    pub fn rights(&self) -> Arc<Rights> {
        match self.0.as_deref() {
            None => Arc::clone(&ANYTHING),
            Some(Held::Fixed(rights)) => Arc::clone(rights),
            Some(Held::Granted(grant)) => grant.rights(),
        }
    }

    /// Whether the connection has what `right` asks for.
    pub(crate) fn allows(&self, right: impl FnOnce(&Rights) -> bool) -> bool {
        match self.0.as_deref() {
            None => right(&ANYTHING),
            Some(Held::Fixed(rights)) => right(rights),
            Some(Held::Granted(grant)) => right(&grant.rights()),
        }
    }

    /// Returns the grant, if the rights can change or end while a connection lives.
    pub(crate) fn changeable(&self) -> Option<Grant> {
        match self.0.as_deref()? {
            Held::Granted(grant) => Some(grant.clone()),
            Held::Fixed(rights) => rights.until.map(|_| Grant::of(Arc::clone(rights))),
        }
    }
}

impl From<Rights> for Permit {
    fn from(rights: Rights) -> Self {
        Self(Some(Arc::new(Held::Fixed(Arc::new(rights)))))
    }
}

impl From<Grant> for Permit {
    fn from(grant: Grant) -> Self {
        Self(Some(Arc::new(Held::Granted(grant))))
    }
}

impl From<&Grant> for Permit {
    fn from(grant: &Grant) -> Self {
        grant.clone().into()
    }
}

#[cfg(test)]
mod tests;
