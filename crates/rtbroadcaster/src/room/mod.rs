//! A room: its lock, its members, and the two steps by which something said becomes something applied.
//! Must not know HTTP or protocols. Its lock is held for memory only.

mod audience;
mod end;
mod looks;
mod members;
mod outage;
mod owner;
mod quota;
mod reception;
mod registry;
mod signals;
mod summary;
mod turns;
mod viewer;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::backlog::{Hold, Replay};
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::{Cursor, Numbering, RoomId, Seq};
use rtbroadcaster_core::identity::{Keys, ViewerKey, ViewerNumber};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::random::Random;
use rtbroadcaster_core::rate::Rate;
use rtbroadcaster_core::record::{LifeIndex, Lives, Stored};
use rtbroadcaster_core::refusal::JoinError;
use rtbroadcaster_core::room::core::{Core, Welcome};
use rtbroadcaster_core::room::log::Lineage;
use rtbroadcaster_core::room::presence::AbsenceLimits;
use rtbroadcaster_core::room::voters::Voters;
use rtbroadcaster_core::standing::{CursorScope, Standing, Start};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::engine::Engine;
use crate::fanout::{Lanes, Outbox};
use crate::metrics::Counters;
use end::Departure;
use members::{Members, Seat};
use quota::Share;
use reception::Reception;
use waiting::Waiter;

pub use owner::Owner;
pub(crate) use registry::Registry;
pub use signals::Signals;
pub use summary::RoomSummary;
pub(crate) use viewer::Membership;
pub(crate) use waiting::Done;

/// What may wait for a room's slowest lane, in bytes; beyond it the owner waits.
const BUDGET_BYTES: usize = 1024 * 1024;
/// What a message costs besides its key and params while it waits for a lane.
const BUDGET_BYTES_PER_MESSAGE: usize = 256;
/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    /// Its numbering, for which the keys of its viewers are made.
    numbering: Numbering,
    clock: Clock,
    counters: Arc<Counters>,
    /// Where it is listed and its end is scheduled.
    registry: Weak<Registry>,
    /// `message_bytes_max`.
    message_bytes_max: usize,
    /// How often viewers may say something to the owner.
    signal_rates: SignalRates,
    /// By which an owner is known; a room of a classic client has none.
    key: Option<KeyHash>,
    /// Make the keys by which its viewers are recognized.
    viewer_keys: Arc<Keys>,
    /// Where the numbers of its viewers are drawn from.
    random: Arc<dyn Random>,
    /// Where its log is kept besides memory, if it is.
    engine: Option<Arc<dyn Engine>>,
    /// What it keeps there of what may be kept.
    share: Option<Share>,
    /// As the engine knows it.
    me: Weak<Self>,
    /// What may wait for the lanes.
    budget: Arc<Semaphore>,
    state: Mutex<State>,
}

/// How many signals may be said.
#[derive(Debug, Clone, Copy)]
struct SignalRates {
    /// `signals_per_viewer_per_second`.
    per_viewer: Rate,
    /// `signals_per_room_per_second`, of those that are not counted.
    per_room: Rate,
}

/// What the room's lock guards.
#[derive(Debug)]
struct State {
    core: Core<Waiter>,
    members: Members,
    /// What it has besides messages.
    reception: Reception,
    /// The way out to an owner that is a client, for the room's farewell and the takeover's.
    owner: Option<Arc<Outbox>>,
    /// When those in the room are asked to come back, once it departs.
    departure: Option<Departure>,
}

/// What all rooms of one manager share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    /// Where names, numberings and keys are drawn from.
    pub(crate) random: Arc<dyn Random>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) config: Arc<Config>,
    pub(crate) lanes: Arc<Lanes>,
    /// Where logs are kept besides memory.
    pub(crate) engine: Option<Arc<dyn Engine>>,
    /// The lives of all logs.
    pub(crate) lives: Arc<Lives>,
    /// Make the keys by which viewers are recognized.
    pub(crate) viewer_keys: Arc<Keys>,
    /// The choices of viewers that all rooms remember.
    pub(crate) voters: Arc<Voters>,
}

/// Writes what is announced to an owner that enters, in its protocol.
pub(crate) type Announce<'a> = &'a dyn Fn(&Welcome) -> (Bytes, Hold);

/// Writes what is announced to a viewer that enters, by which it is recognized later.
pub(crate) type AnnounceViewer<'a> = &'a dyn Fn(&Welcome, &ViewerKey) -> (Bytes, Hold);

impl Room {
    /// A room with its first owner. It is kept, if there is an engine, when it has [begun](Self::begin).
    fn new(
        id: RoomId,
        key: Option<KeyHash>,
        options: &RoomOptions,
        share: Share,
        registry: &Weak<Registry>,
        around: &Surroundings,
    ) -> Arc<Self> {
        let config = &around.config;
        let patience = match key {
            Some(_) => AbsenceLimits::of_a_key(options.grace(), config),
            None => AbsenceLimits::without_key(config),
        };
        let lineage = Lineage::new(Numbering::random(&*around.random), Arc::clone(&around.lives));
        let core = Core::with_lineage(id, lineage, patience, config);
        // Nobody can come back to a room without a key.
        let keeps = around.engine.clone().filter(|_| key.is_some()).map(|engine| (engine, share));
        Self::of(core, key, keeps, options, registry, around)
    }

    /// A room as it was kept: nobody is there, and its end is planned.
    fn recall(stored: Stored, share: Share, registry: &Weak<Registry>, around: &Surroundings) -> Arc<Self> {
        let key = KeyHash::from_bytes(stored.header.key);
        let (options, moment) = (stored.header.options.clone(), stored.header.moment);
        let now = around.clock.now();
        let patience = AbsenceLimits::of_a_key(options.grace(), &around.config).after_a_start(now, moment);
        let core = Core::restore(stored, &around.lives, &around.config, patience, now);
        share.holds(core.kept_bytes());
        let keeps = around.engine.clone().map(|engine| (engine, share));
        let room = Self::of(core, Some(key), keeps, &options, registry, around);
        room.schedule_end(&mut room.lock());
        room
    }

    /// Returns the oldest life of the log that a cursor may still be resumed from.
    fn oldest_life_needed(&self) -> LifeIndex {
        self.lock().core.oldest_life_needed(self.clock.now())
    }

    fn of(
        core: Core<Waiter>,
        key: Option<KeyHash>,
        keeps: Option<(Arc<dyn Engine>, Share)>,
        options: &RoomOptions,
        registry: &Weak<Registry>,
        around: &Surroundings,
    ) -> Arc<Self> {
        let (id, numbering) = (core.id().clone(), core.numbering());
        let (engine, share) = keeps.unzip();
        let members = Members::new(id.clone(), Arc::clone(&around.lanes));
        let state =
            State { core, members, reception: Reception::new(options, &around.voters), owner: None, departure: None };
        Arc::new_cyclic(|me| Self {
            id,
            numbering,
            clock: around.clock,
            random: Arc::clone(&around.random),
            counters: Arc::clone(&around.counters),
            registry: Weak::clone(registry),
            message_bytes_max: around.config.message_bytes_max.most(),
            signal_rates: SignalRates {
                per_viewer: Rate::per_second(around.config.signals_per_viewer_per_second),
                per_room: Rate::per_second(around.config.signals_per_room_per_second),
            },
            key,
            viewer_keys: Arc::clone(&around.viewer_keys),
            engine,
            share,
            me: Weak::clone(me),
            budget: Arc::new(Semaphore::new(BUDGET_BYTES)),
            state: Mutex::new(state),
        })
    }

    /// Its name.
    pub(crate) fn id(&self) -> &RoomId {
        &self.id
    }

    /// How long it waits for its owner; `None` for ever.
    pub(crate) fn grace(&self) -> Option<Duration> {
        self.lock().core.grace()
    }

    /// How many connections watch it.
    pub(crate) fn viewers(&self) -> usize {
        self.lock().core.viewers()
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.lock().core.standing()
    }

    /// The room as a list shows it.
    pub(crate) fn summary(&self) -> RoomSummary {
        let state = self.lock();
        let Standing { room: id, seq, owner, .. } = state.core.standing();
        RoomSummary { id, viewers: state.core.viewers(), owner, seq }
    }

    /// Waits until the lanes have room for `bytes`. `None` when the room has ended.
    async fn budget(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let cost = u32::try_from(cost_of(bytes)).expect("the budget is below 4 GiB");
        Arc::clone(&self.budget).acquire_many_owned(cost).await.ok()
    }

    /// Whether nobody would wait for [`budget`](Self::budget).
    fn has_budget(&self, bytes: usize) -> bool {
        self.budget.is_closed() || self.budget.available_permits() >= cost_of(bytes)
    }

    /// Makes `outbox` a viewer's, who shows a key if it was here before. It gets what `announce` says, what brings it from
    /// `start` to where the room stands, and whatever is applied later: both happen under one lock, so nothing is lost,
    /// repeated or out of order between them.
    fn join(
        self: &Arc<Self>,
        outbox: Arc<Outbox>,
        start: &Start,
        shown: Option<&ViewerKey>,
        announce: AnnounceViewer<'_>,
    ) -> Result<Membership, JoinError> {
        // Before the lock is taken: nobody waits while codes are made.
        let key = self.recognize(shown);
        let mut state = self.lock();
        let welcome = state.core.open()?.join(start, self.clock.now())?;
        if let Some(owner) = state.owner.as_ref().filter(|_| state.core.viewers() == 1) {
            // An owner that somebody waits for is pinged more often.
            owner.wake();
        }
        let seq = welcome.standing.seq;
        self.counters.viewer_came();
        self.counters.brought(welcome.how);
        outbox.replay(replay(welcome, &|welcome| announce(welcome, &key)));
        let seat = state.members.admit(&outbox, seq);
        state.reception.attendance.came(key.number());
        if !self.notice_audience(&mut state) {
            self.tell_newcomer(&mut state, seat, &outbox);
        }
        Ok(Membership::new(Arc::clone(self), outbox, seat, key.number()))
    }

    /// Brings the viewer `number`, which paused after `position`, to where the room stands. Until the lane comes to it in its
    /// queue, what it offers the viewer is dropped, since the replay contains it.
    fn unpause(
        &self,
        outbox: &Arc<Outbox>,
        seat: Seat,
        number: ViewerNumber,
        position: Seq,
        announce: AnnounceViewer<'_>,
    ) {
        let key = self.key_of(number);
        let mut state = self.lock();
        if !state.core.life().is_open() {
            // The farewell is on its way.
            return;
        }
        let epoch = state.core.standing().epoch;
        let start = Start::After(Cursor { epoch, seq: position }, CursorScope::OneLife);
        let welcome = state.core.welcome(&start, self.clock.now());
        self.counters.brought(welcome.how);
        outbox.returns();
        state.members.replay(seat, outbox, replay(welcome, &|welcome| announce(welcome, &key)));
        self.tell_newcomer(&mut state, seat, outbox);
    }

    /// Brings a viewer that lost messages to where the room stands, in the same way. `hold` is told how many bytes that takes.
    fn restore(&self, outbox: &Arc<Outbox>, seat: Seat, hold: impl FnOnce(usize) -> Hold) {
        let mut state = self.lock();
        if !outbox.order_state() || !state.core.life().is_open() {
            // The farewell, which was faster or is on its way, brings the state.
            return;
        }
        let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
        let reset = Notice::Reset { standing: &welcome.standing, replay: welcome.entries.len() };
        let Some(announcement) = (outbox.dialect().write)(&reset) else { return };
        let hold = hold(welcome.bytes());
        let replay = Replay { announcement, entries: welcome.entries, seq: welcome.standing.seq, hold };
        self.counters.reset_slow();
        state.members.replay(seat, outbox, replay);
        self.tell_newcomer(&mut state, seat, outbox);
    }

    /// A connection of the viewer of this number is gone.
    fn leave(&self, outbox: &Arc<Outbox>, seat: Seat, number: ViewerNumber) {
        let mut state = self.lock();
        let now = self.clock.now();
        self.counters.viewer_left();
        state.core.leave(now);
        state.members.remove(seat, outbox);
        state.reception.attendance.left(number);
        state.reception.paces.left(number, now);
        self.notice_audience(&mut state);
        self.schedule_end(&mut state);
    }

    /// The owner of `term` is a client, which is told the room's end and its own through `outbox`, also if that has come
    /// already.
    fn set_owner_outbox(&self, outbox: &Arc<Outbox>) {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            self.turn_away(&state, outbox);
        } else {
            self.seat_owner(&mut state, outbox);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // Something may be numbered and not on every roster, or folded into the state and not in the history.
            let mut state = poisoned.into_inner();
            self.state.clear_poison();
            self.break_off(&mut state);
            state
        })
    }
}

/// What `welcome` is on the wire.
fn replay(welcome: Welcome, announce: Announce<'_>) -> Replay {
    let (announcement, hold) = announce(&welcome);
    Replay { announcement, entries: welcome.entries, seq: welcome.standing.seq, hold }
}

/// What a message of `bytes` costs of a room's budget.
fn cost_of(bytes: usize) -> usize {
    (bytes + BUDGET_BYTES_PER_MESSAGE).min(BUDGET_BYTES)
}

#[cfg(test)]
mod tests;
