//! Rights that change while connections live, and what the connections have by them.
//! Must not know what a client does with its rights, nor when they expire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::RoomId;

use super::{Expiries, Rights};
use crate::fanout::Outbox;
use crate::lock_order::{LockRank, Ordered, ordered};

/// Rights that the application can replace or revoke while connections have them. Cheap to clone; every clone is the
/// same grant, and it may be given to several connections.
///
/// ```
/// use rtbroadcaster::{Grant, OsRandom, RoomId, Rights};
///
/// let (one, other) = (RoomId::random(&OsRandom), RoomId::random(&OsRandom));
/// let grant = Grant::new(Rights::viewer_of(one.clone()));
/// grant.replace(Rights::viewer_of(other.clone()));
/// assert!(grant.rights().join.cover(&other) && !grant.rights().join.cover(&one));
/// assert_eq!(grant.connections(), 0, "it was given to none yet");
/// ```
#[derive(Debug, Clone)]
pub struct Grant(Arc<Mutex<GrantState>>);

#[derive(Debug)]
struct GrantState {
    rights: Arc<Rights>,
    /// Whether it was revoked: its connections end at once.
    is_revoked: bool,
    /// The connections that have it.
    leases: Vec<Weak<Leased>>,
}

impl Grant {
    /// Returns a grant of these rights, which no connection has yet.
    pub fn new(rights: Rights) -> Self {
        Self::of(Arc::new(rights))
    }

    pub(super) fn of(rights: Arc<Rights>) -> Self {
        Self(Arc::new(Mutex::new(GrantState { rights, is_revoked: false, leases: Vec::new() })))
    }

    /// Returns the rights as they are now.
    pub fn rights(&self) -> Arc<Rights> {
        Arc::clone(&self.lock().rights)
    }

    /// Replaces the rights of all connections that have this grant. A connection ends with 4005 if the new rights do
    /// not cover the room that it owns or has joined, or hold no more.
    pub fn replace(&self, rights: Rights) {
        self.change(|state| state.rights = Arc::new(rights));
    }

    /// Ends all connections that have this grant, and those that it is given to from now on, with 4005.
    pub fn revoke(&self) {
        self.change(|state| state.is_revoked = true);
    }

    /// Returns how many connections have this grant.
    pub fn connections(&self) -> usize {
        self.lock().leases.iter().filter(|lease| lease.strong_count() > 0).count()
    }

    fn change(&self, change: impl FnOnce(&mut GrantState)) {
        let mut state = self.lock();
        change(&mut state);
        // After this lock, since a connection may end meanwhile and give the grant back.
        let leases: Vec<_> = state.leases.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        leases.iter().for_each(Leased::check_rights);
    }

    /// Returns whether what a connection has by this grant is covered now.
    fn covers(&self, holding: &Holding, now: SystemTime) -> bool {
        let state = self.lock();
        !state.is_revoked && state.rights.hold_at(now) && state.rights.cover(holding)
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, GrantState>> {
        // Each change is a whole one.
        ordered(LockRank::LEAF, || self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long before its rights end a client is notified, so that it can bring others.
const EXPIRING_BEFORE: Duration = Duration::from_secs(30);

/// What a connection has by its rights.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Holding {
    /// It is in no room.
    #[default]
    Nothing,
    /// It owns a room that it has created.
    Created,
    /// It owns this room, by its key.
    Owned(RoomId),
    /// It watches this room.
    Joined(RoomId),
}

/// A connection's part of a grant. Dropping it gives the grant back.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Leased>);

/// A connection, as a grant and the queue of expiries see it.
#[derive(Debug)]
pub(crate) struct Leased {
    grant: Grant,
    outbox: Arc<Outbox>,
    holding: Mutex<Holding>,
    expiries: Arc<Expiries>,
    /// Whether the client was notified that its rights end soon, and nothing has prolonged them since.
    is_told: AtomicBool,
    /// When it is looked at next; the lock of `expiries` guards it too.
    pub(super) queued: Mutex<Option<SystemTime>>,
}

impl Lease {
    /// Gives `grant` to the connection of `outbox`.
    pub(crate) fn new(grant: Grant, outbox: &Arc<Outbox>, expiries: &Arc<Expiries>) -> Self {
        let (outbox, expiries) = (Arc::clone(outbox), Arc::clone(expiries));
        let leased = Arc::new(Leased {
            grant,
            outbox,
            holding: Mutex::default(),
            expiries,
            is_told: AtomicBool::default(),
            queued: Mutex::default(),
        });
        let mut state = leased.grant.lock();
        if state.leases.len() == state.leases.capacity() {
            state.leases.retain(|lease| lease.strong_count() > 0);
        }
        state.leases.push(Arc::downgrade(&leased));
        drop(state);
        leased.check_rights();
        Self(leased)
    }

    /// Notes what the connection has from now on. Ends it if its rights have changed since it was admitted and do not
    /// cover that.
    pub(crate) fn holds(&self, holding: Holding) {
        *self.0.holding.lock().unwrap_or_else(PoisonError::into_inner) = holding;
        self.0.check_rights();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.expiries.forget(&self.0);
    }
}

impl Leased {
    /// Ends the connection if its rights do not cover what it has. Otherwise notifies the client if they end soon, and
    /// queues the connection for another look then and when they end.
    pub(super) fn check_rights(self: &Arc<Self>) {
        let (now, holding) = (SystemTime::now(), self.holding.lock().unwrap_or_else(PoisonError::into_inner).clone());
        if !self.grant.covers(&holding, now) {
            // What waits is dropped: the client may not see it any more.
            self.outbox.cut(CloseReason::TokenExpired);
        } else if let Some(until) = self.grant.rights().until {
            let left = until.duration_since(now).unwrap_or_default();
            let is_soon = left <= EXPIRING_BEFORE;
            if !self.is_told.swap(is_soon, Ordering::Relaxed) && is_soon {
                self.outbox.expiring(left);
            }
            self.expiries.look(self, if is_soon { until } else { until - EXPIRING_BEFORE });
        }
    }
}
