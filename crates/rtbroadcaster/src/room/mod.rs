//! A room: who owns it, who watches, and the two steps by which something said becomes something applied.
//! Must not know HTTP or protocols. Its lock is held for memory only.

mod key;
pub mod log;
mod owner;
mod presence;
mod registry;
mod summary;
mod viewer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::config::{Config, exceeds};
use crate::fanout::{Item, Lanes, Outbox, Roll, Roster};
use crate::id::{Epoch, RoomId, Seq, Term};
use key::KeyHash;
use log::{Log, LogLimits, Proposal, Rejection, Verdict};
use presence::Presence;

pub use key::{InvalidOwnerKey, OwnerKey};
pub use owner::{Owner, PublishError};
pub use registry::CreateError;
pub(crate) use registry::{Place, Registry};
pub use summary::{OwnerStatus, RoomSummary};
pub(crate) use viewer::{JoinError, Membership};

/// What may wait for a room's slowest lane, in bytes; beyond it the owner waits.
const BUDGET_BYTES: usize = 1024 * 1024;
/// What a message costs besides its key and params while it waits for a lane.
const BUDGET_BYTES_PER_MESSAGE: usize = 256;
/// How many members a room has in one lane before new ones go where it has the fewest.
const MEMBERS_BEFORE_SPREADING: usize = 1_000;

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    clock: Clock,
    lanes: Arc<Lanes>,
    /// Where it is listed and its end is scheduled.
    registry: Weak<Registry>,
    /// `viewers_per_room_max`.
    viewers_max: usize,
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
    log: Log,
    /// The members, a roster per lane in use.
    rosters: Vec<Placed>,
    presence: Presence,
    /// The way out to an owner that is a client, for the room's farewell.
    owner: Option<Arc<Outbox>>,
    ended: bool,
}

/// A roster and what the room knows of it.
#[derive(Debug)]
struct Placed {
    lane: usize,
    roster: Arc<Roster>,
    members: usize,
}

/// Why a proposal is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProposeError {
    /// The room has ended.
    Ended,
    Rejected(Rejection),
}

impl Room {
    fn new(
        id: RoomId,
        key: Option<KeyHash>,
        clock: Clock,
        lanes: Arc<Lanes>,
        registry: Weak<Registry>,
        config: &Config,
    ) -> Self {
        let state = State {
            log: Log::new(id, Epoch::random(), LogLimits::from(config)),
            rosters: Vec::new(),
            presence: Presence::new(config.owner_grace, config.room_idle_timeout),
            owner: None,
            ended: false,
        };
        Self {
            id,
            clock,
            lanes,
            registry,
            key,
            viewers_max: config.viewers_per_room_max,
            message_bytes_max: config.message_bytes_max,
            budget: Arc::new(Semaphore::new(BUDGET_BYTES)),
            state: Mutex::new(state),
        }
    }

    /// Its name.
    pub(crate) fn id(&self) -> RoomId {
        self.id
    }

    /// How many watch it.
    pub(crate) fn viewers(&self) -> usize {
        self.lock().presence.viewers()
    }

    /// The room as a list shows it.
    pub(crate) fn summary(&self) -> RoomSummary {
        let state = self.lock();
        let owner = if state.presence.owner_is_away() { OwnerStatus::Away } else { OwnerStatus::Live };
        RoomSummary { id: self.id, viewers: state.presence.viewers(), owner, seq: state.log.seq() }
    }

    /// Waits until the lanes have room for `bytes`. `None` when the room has ended.
    async fn budget(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let cost = (bytes + BUDGET_BYTES_PER_MESSAGE).min(BUDGET_BYTES);
        let cost = u32::try_from(cost).expect("the budget is below 4 GiB");
        Arc::clone(&self.budget).acquire_many_owned(cost).await.ok()
    }

    /// The first step: is it allowed, is it new? Then the engine has it. In memory it is applied at once.
    fn propose(&self, proposal: Proposal, charge: OwnedSemaphorePermit) -> Result<Seq, ProposeError> {
        let mut state = self.lock();
        if state.ended {
            return Err(ProposeError::Ended);
        }
        match state.log.check(&proposal).map_err(ProposeError::Rejected)? {
            Verdict::Known(seq) => Ok(seq),
            Verdict::New => Ok(self.apply(&mut state, proposal, charge)),
        }
    }

    /// The second step: number it, fold it in, and put it into the queue of every lane. Order is decided here.
    fn apply(&self, state: &mut State, proposal: Proposal, charge: OwnedSemaphorePermit) -> Seq {
        let entry = state.log.apply(proposal, self.clock.now());
        let charge = Arc::new(charge);
        for placed in &state.rosters {
            placed.roster.push(Item::Message { entry: Arc::clone(&entry), charge: Some(Arc::clone(&charge)) });
        }
        state.log.seq()
    }

    /// Makes `outbox` a viewer's. It gets `announcement`, the state as it is now, and whatever is applied later:
    /// snapshot and admission happen under one lock, so nothing is lost, repeated or out of order between them.
    fn join(self: &Arc<Self>, outbox: Arc<Outbox>, announcement: Bytes) -> Result<Membership, JoinError> {
        let mut state = self.lock();
        if state.ended {
            return Err(JoinError::NoRoom);
        }
        if exceeds(state.presence.viewers() + 1, self.viewers_max) {
            return Err(JoinError::RoomFull);
        }
        state.presence.viewer_came();
        if let Some(owner) = state.owner.as_ref().filter(|_| state.presence.viewers() == 1) {
            // An owner that somebody waits for is pinged more often.
            owner.wake();
        }
        outbox.replay(announcement, state.log.snapshot().entries);
        let index = self.choose_roster(&mut state.rosters);
        let placed = &mut state.rosters[index];
        placed.members += 1;
        placed.roster.push(Item::Roll(Roll::Admit(Arc::clone(&outbox))));
        Ok(Membership::new(Arc::clone(self), outbox, index))
    }

    /// The roster for one more member: the room's only one while it is small, later that of the lane where the room
    /// has the fewest members.
    fn choose_roster(&self, rosters: &mut Vec<Placed>) -> usize {
        let open = |rosters: &mut Vec<Placed>, lane: usize| {
            rosters.push(Placed { lane, roster: Roster::new(self.lanes.get(lane)), members: 0 });
            rosters.len() - 1
        };
        let fewest = (0..rosters.len()).min_by_key(|index| rosters[*index].members);
        match fewest {
            None => open(rosters, self.lanes.place()),
            Some(fewest) if rosters[fewest].members < MEMBERS_BEFORE_SPREADING => fewest,
            Some(fewest) => {
                let unused = (0..self.lanes.len()).find(|lane| rosters.iter().all(|placed| placed.lane != *lane));
                unused.map_or(fewest, |lane| open(rosters, lane))
            }
        }
    }

    /// A viewer is gone.
    fn leave(&self, outbox: &Arc<Outbox>, roster: usize) {
        let mut state = self.lock();
        state.presence.viewer_left(self.clock.now());
        let placed = &mut state.rosters[roster];
        placed.members -= 1;
        placed.roster.push(Item::Roll(Roll::Remove(Arc::clone(outbox))));
        self.schedule_end(&mut state);
    }

    /// Makes whoever holds `key` the owner, under the next lease. Nothing that an older owner says from now on is
    /// applied. `None` for a wrong key and for a room that has ended: both look the same.
    fn take_over(self: &Arc<Self>, key: &OwnerKey) -> Option<Owner> {
        let fits = self.key.is_some_and(|hash| hash.fits(key));
        let mut state = self.lock();
        if !fits || state.ended {
            return None;
        }
        state.presence.owner_came();
        let term = state.log.take_over();
        drop(state);
        Some(Owner::new(Arc::clone(self), term, Some(key.clone())))
    }

    /// The owner of `term` is gone; the grace begins.
    fn owner_left(&self, term: Term) {
        let mut state = self.lock();
        if state.ended || state.log.term() != term {
            return;
        }
        state.owner = None;
        state.presence.owner_left(self.clock.now());
        self.schedule_end(&mut state);
    }

    /// An owner that is a client is told the room's end through `outbox`, also if that has come already.
    fn set_owner_outbox(&self, outbox: &Arc<Outbox>) {
        let mut state = self.lock();
        if state.ended {
            outbox.farewell(self.id);
        } else {
            state.owner = Some(Arc::clone(outbox));
        }
    }

    /// Ends the room: everybody in it is told, in order with the messages, and nobody can join any more.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        for placed in &state.rosters {
            placed.roster.push(Item::Roll(Roll::End(self.id)));
        }
        if let Some(owner) = state.owner.take() {
            owner.farewell(self.id);
        }
        drop(state);
        // Whoever waits for the budget learns that the room has ended.
        self.budget.close();
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self.id);
        }
    }

    /// Ends the room if its time has come; otherwise it is looked at again when it may have.
    pub(crate) fn end_if_due(&self) {
        let mut state = self.lock();
        state.presence.was_checked();
        if state.presence.ends_at().is_some_and(|end| end <= self.clock.now()) {
            drop(state);
            self.end();
        } else {
            self.schedule_end(&mut state);
        }
    }

    /// Has the room looked at when its time may have come.
    fn schedule_end(&self, state: &mut State) {
        if state.ended {
            return;
        }
        if let (Some(at), Some(registry)) = (state.presence.check_at(), self.registry.upgrade()) {
            registry.check_later(self.id, at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
