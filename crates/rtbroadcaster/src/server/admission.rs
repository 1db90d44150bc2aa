//! Admits connections to rooms, as viewers or owners, by rights and limits. The same for every transport.
//! Must not know sockets, nor how an answer is written.

use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::identity::ViewerKey;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::{KeyHash, OwnerKey};
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::room::core::Welcome;
use rtbroadcaster_core::standing::Start;

use super::Server;
use crate::fanout::Outbox;
use crate::rights::{Holding, Lease, Permit};
use crate::room::{Membership, Owner, Room};

/// A connection that wants to enter a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor<'a> {
    /// What it may do.
    pub(crate) permit: &'a Permit,
    /// Its part of rights that may change or end.
    pub(crate) lease: Option<&'a Lease>,
    /// The address block that it connects from, if that is known.
    pub(crate) place: Option<AddressBlock>,
}

impl Visitor<'_> {
    fn holds(&self, holding: Holding) {
        if let Some(lease) = self.lease {
            lease.holds(holding);
        }
    }
}

/// A viewer's request to join.
pub(crate) struct Visit<'a> {
    /// The room's name, as the request has it.
    pub(crate) room: &'a str,
    /// The position from which it wants messages.
    pub(crate) start: &'a Start,
    /// The key that it got when it was here before, if it shows one.
    pub(crate) shown: Option<&'a ViewerKey>,
    /// The viewer's outbox.
    pub(crate) outbox: &'a Arc<Outbox>,
    /// Writes the announcement that precedes the replay. Called under the room's lock, under which the replay is made.
    pub(crate) announce: &'a (dyn Fn(&Welcome, &ViewerKey) -> Bytes + Sync),
}

impl Server {
    /// Makes the visitor a viewer. Waits for its turn at the turnstile, and while a room is looked for on other nodes.
    ///
    /// # Errors
    /// The refusal that the visitor is sent. It is the same for a room that does not exist and for one that the visitor
    /// may not join.
    pub(crate) async fn enter(&self, visitor: Visitor<'_>, visit: Visit<'_>) -> Result<Membership, Refusal> {
        self.turn_of_join().await;
        self.may_be_replayed(visitor)?;
        let room: RoomId = visit.room.parse().map_err(|_| Refusal::NoRoom)?;
        if !visitor.permit.allows(|rights| rights.join.cover(&room)) {
            return Err(Refusal::NoRoom);
        }
        let found = self.find(visitor, &room).await?;
        let announce = |welcome: &Welcome, viewer: &ViewerKey| {
            ((visit.announce)(welcome, viewer), self.replays(visitor.place, welcome.bytes()))
        };
        let outbox = Arc::clone(visit.outbox);
        let membership = found.join(outbox, visit.start, visit.shown, &announce)?;
        visitor.holds(Holding::Joined(room));
        Ok(membership)
    }

    /// Finds a room for a visitor.
    async fn find(&self, visitor: Visitor<'_>, room: &RoomId) -> Result<Arc<Room>, Refusal> {
        let searches = self.registry().searches_for(room);
        if searches && !self.gate.may_search(visitor.place, self.clock.now()) {
            return Err(Refusal::Unavailable);
        }
        let found = self.registry().find(room).await.map_err(|_| Refusal::Unavailable)?;
        if searches && found.is_none() {
            self.gate.searched_in_vain(visitor.place, self.clock.now());
        }
        found.ok_or(Refusal::NoRoom)
    }

    /// Makes the visitor the owner of a new room.
    ///
    /// # Errors
    /// The refusal that the visitor is sent.
    pub(crate) async fn create(
        &self,
        visitor: Visitor<'_>,
        key: Option<OwnerKey>,
        options: RoomOptions,
    ) -> Result<Owner, Refusal> {
        if !visitor.permit.allows(|rights| rights.create) {
            return Err(Refusal::NotOwner);
        }
        if let Some(name) = options.name()
            && !visitor.permit.allows(|rights| rights.names.cover(&name.clone().into()))
        {
            return Err(Refusal::Unauthorized);
        }
        let options = self.lowered(visitor, options);
        let owner = self.registry().create(visitor.place, key, options).await?;
        visitor.holds(Holding::Created);
        Ok(owner)
    }

    /// Returns `options` with a grace that is no longer than the visitor's rights allow.
    fn lowered(&self, visitor: Visitor<'_>, options: RoomOptions) -> RoomOptions {
        let mut grace_max = None;
        visitor.permit.allows(|rights| {
            grace_max = rights.limits.owner_grace_max;
            true
        });
        match grace_max.filter(|most| options.grace().unwrap_or(self.config().owner_grace.most()) > *most) {
            Some(most) => options.with_grace(most),
            None => options,
        }
    }

    /// Makes the visitor the owner of the room whose key it has.
    ///
    /// # Errors
    /// The refusal that the visitor is sent. It is the same for a room that does not exist, for a wrong key, and for a
    /// room that the visitor may not own.
    pub(crate) async fn own(&self, visitor: Visitor<'_>, room: &str, key: &str) -> Result<Owner, Refusal> {
        self.may_be_replayed(visitor)?;
        let room: RoomId = room.parse().map_err(|_| Refusal::NoRoom)?;
        let key: OwnerKey = key.parse().map_err(|_| Refusal::NoRoom)?;
        if !visitor.permit.allows(|rights| rights.own.cover(&room)) {
            return Err(Refusal::NoRoom);
        }
        // Before the room is looked up: the time of the answer must not reveal whether the room exists.
        let hash = KeyHash::of(&key);
        let owner = self.find(visitor, &room).await?.take_over(&key, &hash).await?;
        visitor.holds(Holding::Owned(room));
        Ok(owner)
    }

    /// Refuses a visitor to which no replay may be sent at this moment. Checked before the room is looked up, so that
    /// the refusal does not reveal whether the room exists.
    pub(crate) fn may_be_replayed(&self, visitor: Visitor<'_>) -> Result<(), Refusal> {
        if self.may_replay(visitor.place) { Ok(()) } else { Err(Refusal::Rate) }
    }

    /// Returns whether a replay may be sent to a client at `place` at this moment. If the place is not known, only the
    /// limit for all clients applies.
    pub(crate) fn may_replay(&self, place: Option<AddressBlock>) -> bool {
        self.gate.may_replay(place, self.clock.now())
    }

    /// Counts `bytes` as replayed to a client at `place`, until the returned hold is dropped.
    pub(crate) fn replays(&self, place: Option<AddressBlock>, bytes: usize) -> Hold {
        if bytes == 0 { Hold::default() } else { Hold::of(self.gate.replays(place, bytes, self.clock.now())) }
    }
}
