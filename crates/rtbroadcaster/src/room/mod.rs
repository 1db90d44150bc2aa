//! A room: its state behind one lock, and how viewers join, pause, resume and leave.
//! Must not know HTTP or protocols. Its lock is held for memory only.

mod audience;
mod audience_state;
mod end;
mod looks;
mod making;
mod members;
mod outage;
mod owner;
mod quota;
mod registry;
mod shared;
mod signals;
mod summary;
mod ticket;
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
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::random::Random;
use rtbroadcaster_core::rate::Rate;
use rtbroadcaster_core::record::{LifeIndex, Lives};
use rtbroadcaster_core::refusal::JoinError;
use rtbroadcaster_core::room::core::{Core, Welcome};
use rtbroadcaster_core::room::voters::Voters;
use rtbroadcaster_core::standing::{CursorScope, Standing, Start};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::engine::Engine;
use crate::fanout::{Lanes, Outbox};
use crate::lock_order::{Deferring, LockRank, Ordered, ordered};
use crate::metrics::Counters;
use audience_state::AudienceState;
use end::Departure;
use members::{Members, RosterIndex};
use quota::Share;
use waiting::Waiter;

pub use owner::Owner;
pub(crate) use registry::Registry;
pub use signals::Signals;
pub use summary::RoomSummary;
pub use ticket::Ticket;
pub(crate) use viewer::Membership;
pub(crate) use waiting::Done;

/// The most bytes that may wait for a room's slowest lane. Beyond it the owner waits.
const BUDGET_BYTES: usize = 1024 * 1024;
/// The bytes of the budget that a message costs besides its key and params.
const BUDGET_BYTES_PER_MESSAGE: usize = 256;

/// The hash in the header of a room without an owner key. No key has it.
pub(super) const NO_KEY: [u8; 32] = [0; 32];

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    /// Its numbering, for which the keys of its viewers are made.
    numbering: Numbering,
    clock: Clock,
    counters: Arc<Counters>,
    /// The registry that lists it and schedules its end.
    registry: Weak<Registry>,
    /// `message_bytes_max`.
    message_bytes_max: usize,
    /// The rate limits of signals.
    signal_rates: SignalRates,
    /// The hash of the owner's key. A room of a classic client has none.
    key: Option<KeyHash>,
    /// The maker and verifier of its viewers' keys.
    viewer_keys: Arc<Keys>,
    /// The source of its viewers' numbers.
    random: Arc<dyn Random>,
    /// The engine that keeps its log besides memory, if there is one.
    engine: Option<Arc<dyn Engine>>,
    /// Its share of the bytes that rooms may keep.
    share: Option<Share>,
    /// The room itself, as the follower that its engine notifies.
    me: Weak<Self>,
    /// The bytes that may still be queued for the lanes.
    budget: Arc<Semaphore>,
    state: Mutex<RoomState>,
}

/// The rate limits of signals.
#[derive(Debug, Clone, Copy)]
struct SignalRates {
    /// `signals_per_viewer_per_second`.
    per_viewer: Rate,
    /// `signals_per_room_per_second`, of those that are not counted.
    per_room: Rate,
}

/// The part of a room that its lock guards.
#[derive(Debug)]
struct RoomState {
    core: Core<Waiter>,
    members: Members,
    /// Its viewers, their signals, and the listeners of both.
    audience: AudienceState,
    /// The outbox of the owner, if that is a client.
    owner: Option<Arc<Outbox>>,
    /// When clients are asked to reconnect, once the room departs.
    departure: Option<Departure>,
    /// Whether its log, which several nodes write, has not answered for a long time.
    is_in_doubt: bool,
}

/// What all rooms of one manager share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    /// The source of names, numberings and keys.
    pub(crate) random: Arc<dyn Random>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) config: Arc<Config>,
    pub(crate) lanes: Arc<Lanes>,
    /// The engine that keeps logs besides memory, if there is one.
    pub(crate) engine: Option<Arc<dyn Engine>>,
    /// The lives of all logs.
    pub(crate) lives: Arc<Lives>,
    /// The maker and verifier of viewers' keys.
    pub(crate) viewer_keys: Arc<Keys>,
    /// The choices of viewers that all rooms remember.
    pub(crate) voters: Arc<Voters>,
}

/// A function that writes the announcement for an owner that enters, in its protocol.
pub(crate) type Announce<'a> = &'a dyn Fn(&Welcome) -> (Bytes, Hold);

/// A function that writes the announcement for a viewer that enters, with the key by which it is recognized later.
pub(crate) type AnnounceViewer<'a> = &'a dyn Fn(&Welcome, &ViewerKey) -> (Bytes, Hold);

impl Room {
    /// Returns the oldest life of the log that a cursor may still be resumed from.
    fn oldest_life_needed(&self) -> LifeIndex {
        self.lock().core.oldest_life_needed(self.clock.now())
    }

    /// Returns its name.
    pub(crate) fn id(&self) -> &RoomId {
        &self.id
    }

    /// Returns how long it waits for its owner; `None` for ever.
    pub(crate) fn grace(&self) -> Option<Duration> {
        self.lock().core.grace()
    }

    /// Returns how many connections watch it.
    pub(crate) fn viewers(&self) -> usize {
        self.lock().core.viewers()
    }

    /// Returns its standing.
    pub(crate) fn standing(&self) -> Standing {
        self.lock().core.standing()
    }

    /// Returns the room as a list shows it.
    pub(crate) fn summary(&self) -> RoomSummary {
        let state = self.lock();
        let Standing { room: id, seq, owner, .. } = state.core.standing();
        RoomSummary { id, viewers: state.core.viewers(), owner, seq }
    }

    /// Waits until the lanes have room for `bytes`. Returns `None` if the room has ended.
    async fn budget(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let cost = u32::try_from(cost_of(bytes)).expect("the budget is below 4 GiB");
        Arc::clone(&self.budget).acquire_many_owned(cost).await.ok()
    }

    /// Returns whether [`budget`](Self::budget) would return at once.
    fn has_budget(&self, bytes: usize) -> bool {
        self.budget.is_closed() || self.budget.available_permits() >= cost_of(bytes)
    }

    /// Adds a viewer with this `outbox`, which shows a key if it was here before. It is sent what `announce` writes,
    /// the replay from `start`, and every entry that is applied later. The replay and the admission happen under one
    /// lock, so no entry between them is lost, repeated or out of order.
    pub(crate) fn join(
        self: &Arc<Self>,
        outbox: Arc<Outbox>,
        start: &Start,
        shown: Option<&ViewerKey>,
        announce: AnnounceViewer<'_>,
    ) -> Result<Membership, JoinError> {
        // Before the lock is taken, so that no other part waits while codes are computed.
        let key = self.recognize(shown);
        let mut state = self.lock();
        let welcome = state.core.open()?.join(start, self.clock.now())?;
        if let Some(owner) = state.owner.as_ref().filter(|_| state.core.viewers() == 1) {
            // An owner with viewers is pinged more often.
            owner.wake();
        }
        let seq = welcome.standing.seq;
        self.counters.viewer_came();
        self.counters.replayed(welcome.how);
        outbox.replay(replay(welcome, &|welcome| announce(welcome, &key)));
        let index = state.members.admit(&outbox, seq);
        state.audience.attendance.came(key.number());
        if !self.notice_audience(&mut state) {
            self.notify_newcomer(&mut state, index, &outbox);
        }
        Ok(Membership::new(Arc::clone(self), outbox, index, key.number()))
    }

    /// Queues a replay for the viewer `number`, which paused after `position`. Until the lane reaches the replay in its
    /// queue, what the lane offers the viewer is dropped, since the replay contains it.
    fn unpause(
        &self,
        outbox: &Arc<Outbox>,
        index: RosterIndex,
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
        self.counters.replayed(welcome.how);
        outbox.expect_replay();
        state.members.replay(index, outbox, replay(welcome, &|welcome| announce(welcome, &key)));
        self.notify_newcomer(&mut state, index, outbox);
    }

    /// Queues the state for a viewer that lost messages, in the same way. `hold` is called with the size of the state
    /// in bytes.
    fn restore(&self, outbox: &Arc<Outbox>, index: RosterIndex, hold: impl FnOnce(usize) -> Hold) {
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
        state.members.replay(index, outbox, replay);
        self.notify_newcomer(&mut state, index, outbox);
    }

    /// Removes a connection of the viewer `number`.
    fn leave(&self, outbox: &Arc<Outbox>, index: RosterIndex, number: ViewerNumber) {
        let mut state = self.lock();
        let now = self.clock.now();
        self.counters.viewer_left();
        state.core.leave(now);
        state.members.remove(index, outbox);
        state.audience.attendance.left(number);
        state.audience.paces.left(number, now);
        self.notice_audience(&mut state);
        self.schedule_end(&mut state);
        self.schedule_unfollow(&state);
    }

    /// Sets the outbox of an owner that is a client, or disconnects it through `outbox` if the room is not open any
    /// more.
    fn set_owner_outbox(&self, outbox: &Arc<Outbox>) {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            self.turn_away(&state, outbox);
        } else {
            self.attach_owner(&mut state, outbox);
        }
    }

    fn lock(&self) -> Ordered<Deferring<MutexGuard<'_, RoomState>>> {
        let lock = || {
            self.state.lock().unwrap_or_else(|poisoned| {
                // Something may be numbered and not on every roster, or folded into the state and not in the history.
                let mut state = poisoned.into_inner();
                self.state.clear_poison();
                self.break_off(&mut state);
                state
            })
        };
        ordered(LockRank::ROOM, || Deferring::new(lock))
    }
}

/// Returns the replay of `welcome`, which begins with what `announce` writes.
fn replay(welcome: Welcome, announce: Announce<'_>) -> Replay {
    let (announcement, hold) = announce(&welcome);
    Replay { announcement, entries: welcome.entries, seq: welcome.standing.seq, hold }
}

/// Returns what a message of `bytes` costs of a room's budget.
fn cost_of(bytes: usize) -> usize {
    (bytes + BUDGET_BYTES_PER_MESSAGE).min(BUDGET_BYTES)
}

#[cfg(test)]
mod tests;
