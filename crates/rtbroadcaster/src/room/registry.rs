//! Creates, finds, lists and ends the rooms of one manager, and looks at each when its time may have come.
//! Must not know clients.

mod drain;
mod list;
mod search;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::id::{RoomId, Term};
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::record::Stored;
use rtbroadcaster_core::refusal::{CreateError, OwnError};
use rtbroadcaster_core::room::core::{FixedHeader, ProposeError};
use rtbroadcaster_core::room::log::Rejection;
use tokio::sync::{mpsc, watch};

use super::looks::Looks;
use super::{NO_KEY, Owner, Room, RoomSummary, Surroundings};
use crate::clock::Clock;
use crate::engine::{Engine, Health};
use crate::fanout::{Faults, Lagging, Moments};
use crate::fault;
use crate::lock_order::{Deferring, LockRank, Ordered, log_later, ordered};
use crate::sampling::Sampling;
use list::{Full, List};
use search::Searches;

/// All rooms.
#[derive(Debug)]
pub(crate) struct Registry {
    around: Surroundings,
    rooms: Mutex<List>,
    /// The sender to the task that looks at rooms.
    looks: mpsc::UnboundedSender<(RoomId, Look, Duration)>,
    /// The rooms that are looked for on other nodes.
    searches: Searches,
    /// The sampling of log lines about rooms that open and end: any client that may open rooms can cause them.
    logged: Sampling<&'static str>,
}

/// How many rooms that open, and that end, are logged at once; then one a second is.
const LOGGED_AT_ONCE: u32 = 16;

/// The kind of a look at a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Look {
    /// Whether its time has come.
    End,
    /// How many watch it.
    Audience,
    /// The totals of its viewers' signals.
    Totals,
    /// Whether it is needed on this node.
    Unfollow,
}

impl Registry {
    /// Makes a registry of the rooms that were `stored`, and starts the task that looks at rooms. It does so when they
    /// are due, for `faults`, and to notify listeners of viewers that are `lagging`.
    pub(crate) fn new(around: Surroundings, stored: Vec<Stored>, faults: Faults, lagging: Lagging) -> Arc<Self> {
        let (looks, due) = mpsc::unbounded_channel();
        let registry = Arc::new(Self {
            around,
            rooms: Mutex::default(),
            looks,
            searches: Searches::default(),
            logged: Sampling::bursts_of(LOGGED_AT_ONCE),
        });
        let me = Arc::downgrade(&registry);
        for stored in stored {
            let place = stored.header.place;
            let recall = |share| Room::recall(stored, share, &me, &registry.around);
            let room = registry.lock().add(place, &registry.around.config, recall);
            room.end_if_due();
        }
        registry.forget_lives();
        // The task ends with the registry, which holds the only sender.
        tokio::spawn(look_when_due(me, registry.around.clock, due, faults, lagging));
        if let Some(engine) = registry.engine() {
            tokio::spawn(follow(Arc::downgrade(&registry), engine.health()));
        }
        registry
    }

    /// Creates a room and its first owner, which can return if there is a `key`. Where logs are kept, the room's log is
    /// begun before any client learns of the room.
    pub(crate) async fn create(
        self: &Arc<Self>,
        place: Option<AddressBlock>,
        key: Option<OwnerKey>,
        mut options: RoomOptions,
    ) -> Result<Owner, CreateError> {
        let hash = key.as_ref().map(KeyHash::of);
        // A room without a key is kept where other nodes have to find it.
        let is_kept = self.around.engine.as_ref().is_some_and(|engine| hash.is_some() || engine.shared().is_some());
        if is_kept && self.health() != Health::Fine {
            return Err(CreateError::Unavailable);
        }
        let id = options.take_name().map_or_else(|| RoomId::random(&*self.around.random), RoomId::from);
        let owner = self.list(id, place, key, hash, &options)?;
        if is_kept {
            let key = hash.map_or(NO_KEY, |hash| hash.to_bytes());
            let origin = FixedHeader { key, options, place, unknown: None };
            match owner.begins(origin).await {
                Ok(()) => {}
                Err(ProposeError::Rejected(Rejection::Fenced)) => {
                    // Another node has a room of this name, which this node ends if its time is over.
                    let id = owner.room();
                    owner.forget_room();
                    let _ = self.find(&id).await;
                    return Err(CreateError::Exists);
                }
                Err(_) => {
                    owner.close_now();
                    return Err(CreateError::Unavailable);
                }
            }
        }
        Ok(owner)
    }

    /// Returns whether what rooms keep can be written.
    pub(crate) fn health(&self) -> Health {
        self.engine().map_or(Health::Fine, |engine| *engine.health().borrow())
    }

    /// Has the engine forget the lives from which no cursor can be resumed any more.
    fn forget_lives(&self) {
        let needed = self.rooms().iter().map(|room| room.oldest_life_needed()).min();
        if let Some(engine) = self.engine() {
            engine.forget_lives_before(needed.unwrap_or(self.around.lives.present_index()));
        }
    }

    fn list(
        self: &Arc<Self>,
        id: RoomId,
        place: Option<AddressBlock>,
        key: Option<OwnerKey>,
        hash: Option<KeyHash>,
        options: &RoomOptions,
    ) -> Result<Owner, CreateError> {
        let config = &self.around.config;
        let mut rooms = self.lock();
        if rooms.is_shut {
            return Err(CreateError::ShuttingDown);
        }
        if let Err(full) = rooms.check(&id, place, config) {
            drop(rooms);
            if full != Full::OfItsOwn || !place.is_some_and(|place| self.end_loneliest_of(place)) {
                return Err(full.into());
            }
            rooms = self.lock();
            rooms.check(&id, place, config)?;
        }
        let me = Arc::downgrade(self);
        let room = rooms.add(place, config, |share| Room::new(id, hash, options, share, &me, &self.around));
        let count = rooms.len();
        drop(rooms);
        if let Some(unsaid) = self.logged.count("opened", Instant::now()) {
            tracing::info!(room = ?room.id(), rooms = count, unsaid, "room opened");
        }
        Ok(Owner::new(room, Term::FIRST, key))
    }

    /// Ends the room of `place` in which there has been neither an owner nor a viewer for the longest time, if that is
    /// longer than `owner_grace`. Returns whether there was one.
    fn end_loneliest_of(&self, place: AddressBlock) -> bool {
        let rooms = self.lock().rooms_of(place);
        let loneliest = rooms.iter().filter_map(|room| Some((room.lonely_for()?, room))).max_by_key(|(time, _)| *time);
        let grace = self.around.config.owner_grace;
        let (Some((_, room)), Limit::Max(grace)) = (loneliest, grace) else { return false };
        if !room.end_if_lonely(grace) {
            return false;
        }
        // A room that is kept stays listed until its end is written.
        self.lock().release_place_of(room);
        true
    }

    /// Makes the holder of `key` the owner of the room `id`.
    ///
    /// # Errors
    /// [`OwnError`] if the takeover is refused or cannot be written.
    pub(crate) async fn own(self: &Arc<Self>, id: &RoomId, key: &OwnerKey) -> Result<Owner, OwnError> {
        // Before the room is looked up: the time of the answer must not reveal whether the room exists.
        let hash = KeyHash::of(key);
        let room = self.find(id).await.map_err(|_| OwnError::Unavailable)?.ok_or(OwnError::NoRoom)?;
        room.take_over(key, &hash).await
    }

    /// Returns the room `id`, if this process has it.
    pub(crate) fn get(&self, id: &RoomId) -> Option<Arc<Room>> {
        self.lock().get(id)
    }

    /// Returns how many choices of viewers all rooms remember.
    pub(crate) fn voters(&self) -> usize {
        self.around.voters.choices()
    }

    /// Returns how many rooms there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns summaries of all rooms, in no order.
    pub(crate) fn summaries(&self) -> Vec<RoomSummary> {
        self.rooms().iter().map(|room| room.summary()).collect()
    }

    /// Ends every room that is not kept, lets the others depart, and creates no more. Returns the moments at which
    /// clients are asked to reconnect.
    pub(crate) fn shut(&self) -> Moments {
        self.lock().is_shut = true;
        let rooms = self.rooms();
        let crowds = rooms.iter().map(|room| room.crowd());
        let (owners, viewers) = crowds.fold((0, 0), |(owners, viewers), crowd| (owners + crowd.0, viewers + crowd.1));
        let moments = Moments::of(owners, viewers, &*self.around.random);
        rooms.iter().for_each(|room| room.shut(&moments));
        moments
    }

    /// Returns the engine that keeps logs besides memory, if there is one.
    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.around.engine.as_ref()
    }

    /// Ends every room that a panic has left half changed.
    pub(crate) fn end_broken(&self) {
        self.rooms().iter().for_each(|room| room.end_if_broken());
    }

    /// Removes `room`, which has ended for the reason `why`, unless that was done before.
    pub(crate) fn remove(&self, room: &Room, why: &'static str) {
        let mut rooms = self.lock();
        let is_removed = rooms.remove(room);
        let count = rooms.len();
        drop(rooms);
        if is_removed && let Some(unsaid) = self.logged.count("ended", Instant::now()) {
            let room = room.id().clone();
            log_later(move || tracing::info!(?room, why, rooms = count, unsaid, "room ended"));
        }
    }

    /// Schedules a look at the room `id`.
    pub(super) fn look_later(&self, id: RoomId, look: Look, at: Duration) {
        // Without a receiver the runtime is shutting down, and every room with it.
        let _ = self.looks.send((id, look, at));
    }

    /// Returns all rooms, so that each can be locked without holding the lock of the list.
    fn rooms(&self) -> Vec<Arc<Room>> {
        self.lock().rooms()
    }

    fn lock(&self) -> Ordered<Deferring<MutexGuard<'_, List>>> {
        // Each change is one of a map: a panic leaves at most one room of an address counted too many.
        ordered(LockRank::COLLECTION, || Deferring::new(|| self.rooms.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Looks at each room when it may have ended or its listeners may be due. One task for all rooms, so that an idle room
/// costs memory only.
async fn look_when_due(
    registry: std::sync::Weak<Registry>,
    clock: Clock,
    mut due: mpsc::UnboundedReceiver<(RoomId, Look, Duration)>,
    mut faults: Faults,
    mut lagging: Lagging,
) {
    let look = |id: &RoomId, look: &dyn Fn(&Room)| {
        if let Some(registry) = registry.upgrade()
            && let Some(room) = registry.get(id)
            && fault::catch("room", &registry.around.counters, || look(&room)).is_err()
        {
            room.end_if_broken();
        }
    };
    let mut looks = Looks::default();
    loop {
        tokio::select! {
            check = due.recv() => {
                let Some((id, what, at)) = check else { return };
                looks.plan((id, what), clock.instant(at));
            }
            (id, what) = looks.next() => look(&id, &|room| room.look(what)),
            Some(id) = lagging.recv() => look(&id, &|room| room.look_at_audience(false)),
            Some(id) = faults.recv() => {
                if let Some(room) = registry.upgrade().and_then(|registry| registry.get(&id)) {
                    room.fail();
                }
            }
        }
    }
}

/// Notifies each room whether what it keeps can be written, as that changes.
async fn follow(registry: std::sync::Weak<Registry>, mut health: watch::Receiver<Health>) {
    loop {
        let now = *health.borrow_and_update();
        let Some(registry) = registry.upgrade() else { return };
        for room in registry.rooms() {
            if fault::catch("room", &registry.around.counters, || room.follow(now)).is_err() {
                room.end_if_broken();
            }
        }
        drop(registry);
        if health.changed().await.is_err() {
            return;
        }
    }
}
