//! A room: its lock, its members, and the two steps by which something said becomes something applied.
//! Must not know HTTP or protocols. Its lock is held for memory only.

pub mod core;
mod end;
mod key;
pub mod log;
mod members;
mod owner;
mod presence;
mod registry;
mod summary;
mod viewer;

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::close::CloseReason;
use crate::config::Config;
use crate::fanout::{Item, Lanes, Outbox, Replay};
use crate::id::{Cursor, Epoch, RoomId, Seq, Term};
use crate::metrics::Counters;
use crate::standing::{OwnerStatus, Standing, Start};
use core::{Core, ProposeError, Proposed};
use key::KeyHash;
use log::Proposal;
use members::{Members, Seat};

pub(crate) use core::{JoinError, Welcome};
pub use key::{InvalidOwnerKey, OwnerKey};
pub use owner::{Owner, PublishError};
pub use registry::CreateError;
pub(crate) use registry::{Place, Registry};
pub use summary::RoomSummary;
pub(crate) use viewer::Membership;

/// What may wait for a room's slowest lane, in bytes; beyond it the owner waits.
const BUDGET_BYTES: usize = 1024 * 1024;
/// What a message costs besides its key and params while it waits for a lane.
const BUDGET_BYTES_PER_MESSAGE: usize = 256;
/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    clock: Clock,
    counters: Arc<Counters>,
    /// Where it is listed and its end is scheduled.
    registry: Weak<Registry>,
    /// `message_bytes_max`.
    message_bytes_max: usize,
    /// By which an owner is known; a room of a classic client has none.
    key: Option<KeyHash>,
    /// What may wait for the lanes.
    budget: Arc<Semaphore>,
    state: Mutex<State>,
}

/// What the room's lock guards.
#[derive(Debug)]
struct State {
    core: Core,
    members: Members,
    /// The way out to an owner that is a client, for the room's farewell and the takeover's.
    owner: Option<Arc<Outbox>>,
}

/// Writes what is announced to whoever enters, in its protocol.
pub(crate) type Announce<'a> = &'a dyn Fn(&Welcome) -> Bytes;

impl Room {
    fn new(
        id: RoomId,
        key: Option<KeyHash>,
        clock: Clock,
        counters: Arc<Counters>,
        lanes: Arc<Lanes>,
        registry: Weak<Registry>,
        config: &Config,
    ) -> Self {
        let core = Core::new(id, Epoch::random(), config);
        Self {
            id,
            clock,
            counters,
            registry,
            key,
            message_bytes_max: config.message_bytes_max,
            budget: Arc::new(Semaphore::new(BUDGET_BYTES)),
            state: Mutex::new(State { core, members: Members::new(id, lanes), owner: None }),
        }
    }

    /// Its name.
    pub(crate) fn id(&self) -> RoomId {
        self.id
    }

    /// How many watch it.
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
        let cost = (bytes + BUDGET_BYTES_PER_MESSAGE).min(BUDGET_BYTES);
        let cost = u32::try_from(cost).expect("the budget is below 4 GiB");
        Arc::clone(&self.budget).acquire_many_owned(cost).await.ok()
    }

    /// Proposes, and where it is allowed applies: order is decided here. With a log in memory both are one step; the
    /// entry is in the queue of every lane before anybody else has the lock.
    fn propose(&self, proposal: Proposal, charge: OwnedSemaphorePermit) -> Result<Seq, ProposeError> {
        let mut state = self.lock();
        let applied = self.clock.now();
        let Proposed { seq, entry } = state.core.propose(proposal, applied)?;
        #[cfg(test)]
        if let Some(entry) = &entry {
            crate::fault::inject("the room", entry.key.as_str());
        }
        if let Some(entry) = entry {
            let charge = Some(Arc::new(charge));
            state.members.tell(|| Item::Message { entry: Arc::clone(&entry), applied, charge: charge.clone() });
            self.counters.applied(entry.change);
        }
        Ok(seq)
    }

    /// Makes `outbox` a viewer's. It gets what `announce` says, what brings it from `start` to where the room stands,
    /// and whatever is applied later: both happen under one lock, so nothing is lost, repeated or out of order between
    /// them.
    fn join(
        self: &Arc<Self>,
        outbox: Arc<Outbox>,
        start: &Start,
        announce: Announce<'_>,
    ) -> Result<Membership, JoinError> {
        let mut state = self.lock();
        let welcome = state.core.join(start, self.clock.now())?;
        if let Some(owner) = state.owner.as_ref().filter(|_| state.core.viewers() == 1) {
            // An owner that somebody waits for is pinged more often.
            owner.wake();
        }
        let seq = welcome.standing.seq;
        self.counters.viewer_came();
        self.counters.brought(welcome.how);
        outbox.replay(replay(welcome, announce));
        let seat = state.members.admit(&outbox, seq);
        Ok(Membership::new(Arc::clone(self), outbox, seat))
    }

    /// Brings a viewer that paused after `position` to where the room stands. Until the lane comes to it in its queue,
    /// what it offers the viewer is dropped, since the replay contains it.
    fn unpause(&self, outbox: &Arc<Outbox>, seat: Seat, position: Seq, announce: Announce<'_>) {
        let mut state = self.lock();
        if state.core.has_ended() {
            // The farewell is on its way.
            return;
        }
        let epoch = state.core.standing().epoch;
        let welcome = state.core.welcome(&Start::After(Cursor { epoch, seq: position }), self.clock.now());
        self.counters.brought(welcome.how);
        outbox.returns();
        state.members.replay(seat, outbox, replay(welcome, announce));
    }

    /// Brings a viewer that lost messages to where the room stands, in the same way. Gives how many bytes that takes.
    fn restore(&self, outbox: &Arc<Outbox>, seat: Seat) -> usize {
        let mut state = self.lock();
        if !outbox.order_state() || state.core.has_ended() {
            // The farewell, which was faster or is on its way, brings the state.
            return 0;
        }
        let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
        let Some(announcement) = (outbox.dialect().reset)(&welcome.standing, welcome.entries.len()) else { return 0 };
        let bytes = welcome.bytes();
        let replay = Replay { announcement, entries: welcome.entries, seq: welcome.standing.seq };
        self.counters.reset_slow();
        state.members.replay(seat, outbox, replay);
        bytes
    }

    /// A viewer is gone.
    fn leave(&self, outbox: &Arc<Outbox>, seat: Seat) {
        let mut state = self.lock();
        self.counters.viewer_left();
        state.core.leave(self.clock.now());
        state.members.remove(seat, outbox);
        self.schedule_end(&mut state);
    }

    /// Makes whoever holds the key of `hash` the owner, under the next lease: nothing that an older owner says from now
    /// on is applied, and if it is a client it is told. `outbox` is the new owner's, if that is a client: it gets what
    /// `announce` says and the state. `None` for a wrong key and for a room that has ended: both look the same.
    fn take_over(
        self: &Arc<Self>,
        key: &OwnerKey,
        hash: &KeyHash,
        client: Option<(&Arc<Outbox>, Announce<'_>)>,
    ) -> Option<Owner> {
        let fits = self.key.is_some_and(|own| own.fits(hash));
        let mut state = self.lock();
        if !fits {
            return None;
        }
        let term = state.core.take_over()?;
        let older = std::mem::replace(&mut state.owner, client.as_ref().map(|(outbox, _)| Arc::clone(outbox)));
        if let Some(older) = older {
            older.finish(CloseReason::Fenced);
        }
        state.members.tell(|| Item::Owner(OwnerStatus::Live, term));
        if let Some((outbox, announce)) = client {
            let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
            outbox.replay(replay(welcome, announce));
        }
        drop(state);
        Some(Owner::new(Arc::clone(self), term, Some(key.clone())))
    }

    /// The owner of `term` is gone; the grace begins.
    fn owner_left(&self, term: Term) {
        let mut state = self.lock();
        if state.core.owner_left(term, self.clock.now()) {
            state.owner = None;
            state.members.tell(|| Item::Owner(OwnerStatus::Away, term));
            self.schedule_end(&mut state);
        }
    }

    /// The owner of `term` is a client, which is told the room's end and its own through `outbox`, also if that has come
    /// already.
    fn set_owner_outbox(&self, outbox: &Arc<Outbox>) {
        let mut state = self.lock();
        if state.core.has_ended() {
            outbox.farewell(self.id, outbox.dialect().room_closed);
        } else {
            state.owner = Some(Arc::clone(outbox));
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
    let announcement = announce(&welcome);
    Replay { announcement, entries: welcome.entries, seq: welcome.standing.seq }
}
