//! The rights of a connection, as data that the application hands over, and may change while the connection lives.
//! Must not know how the application decides, nor what a client is.

mod expiry;
mod grant;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use rtbroadcaster_core::id::RoomId;

pub(crate) use expiry::Expiries;
pub use grant::Grant;
pub(crate) use grant::{Holding, Lease, Leased};

/// The rooms that a right covers.
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
    /// Returns whether the right covers `room`.
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

/// The rights of a connection. By [`Default`] it has none: each right is given by name.
///
/// A client that may not create is refused with `not_owner`. One that may not own or join a room is refused with
/// `no_room`, as if there were no such room. What else it may not do is refused with `unauthorized`.
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
    /// The names that it may give to rooms which it creates.
    pub names: Rooms,
    /// The rooms that it may own, if it has their key.
    pub own: Rooms,
    /// Whether it may publish in the room that it owns.
    pub publish: bool,
    /// Whether it may end the room that it owns. Otherwise the room ends by its grace.
    pub end: bool,
    /// The rooms that it may join.
    pub join: Rooms,
    /// Whether it may signal in the room that it has joined.
    pub signal: bool,
    /// The time at which all of this ends; the connection is closed then, with 4005. The client is notified 30 s
    /// before. `None`, the default, is for ever.
    pub until: Option<SystemTime>,
    /// The client's identity, in the application's own words. It is not sent to clients.
    pub subject: Option<Box<str>>,
    /// The token by which it has these rights, if there is one. It is not sent to clients.
    pub token: Option<Box<str>>,
    /// Its limits besides those of all connections.
    pub limits: RightLimits,
}

/// The limits of one connection besides those of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RightLimits {
    /// The longest grace that a room which it creates may have; a longer one is lowered. `None`, the default, is
    /// [`owner_grace_max`](crate::Config::owner_grace_max).
    pub owner_grace_max: Option<Duration>,
}

impl Rights {
    /// Returns the right to create rooms, own those whose key the client has, publish, end, join any room whose name it
    /// knows, and signal. The ready handler gives it to every client. Rooms have no names of their own.
    pub fn anything() -> Self {
        Self { join: Rooms::All, signal: true, ..Self::owner() }
    }

    /// Returns the right to create rooms, own those whose key the client has, publish and end; to join none.
    pub fn owner() -> Self {
        Self { create: true, own: Rooms::All, publish: true, end: true, ..Self::default() }
    }

    /// Returns the right to join any room whose name the client knows, and to signal; to create and own none.
    pub fn viewer() -> Self {
        Self { join: Rooms::All, signal: true, ..Self::default() }
    }

    /// Returns the right to join this one room, and to signal.
    pub fn viewer_of(room: RoomId) -> Self {
        Self { join: room.into(), signal: true, ..Self::default() }
    }

    /// Returns whether they still hold at the moment `now`.
    pub(crate) fn hold_at(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Returns whether they cover what a connection has.
    pub(crate) fn cover(&self, holding: &Holding) -> bool {
        match holding {
            Holding::Nothing => true,
            Holding::Created => self.publish,
            Holding::Owned(room) => self.own.cover(room),
            Holding::Joined(room) => self.join.cover(room),
        }
    }
}

/// The rights of a connection that may do anything.
static ANYTHING: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::anything()));

/// The rights of a connection, as [`Upgrade::accept`](crate::Upgrade::accept) takes them: [`Rights`], a [`Grant`] that
/// can be changed while the connection lives, or one of these shorthands.
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

/// The rights of a connection that has others than [`ANYTHING`].
#[derive(Debug)]
enum Held {
    /// They stay as they are.
    Fixed(Arc<Rights>),
    /// The application may change them.
    Granted(Grant),
}

impl Permit {
    /// Returns a permit for [`Rights::anything`].
    pub const fn anything() -> Self {
        Self(None)
    }

    /// Returns a permit for [`Rights::owner`].
    pub fn owner() -> Self {
        static OWNER: LazyLock<Permit> = LazyLock::new(|| Rights::owner().into());
        OWNER.clone()
    }

    /// Returns a permit for [`Rights::viewer`].
    pub fn viewer() -> Self {
        static VIEWER: LazyLock<Permit> = LazyLock::new(|| Rights::viewer().into());
        VIEWER.clone()
    }

    /// Returns a permit for [`Rights::viewer_of`].
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

    /// Returns whether the connection has what `right` asks for.
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
