//! Decides what is proposed in a room, and carries it out: at once, or when an engine has written it.
//! Must not know engines beyond their contract.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{Life, Seq, Term};
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::record::Handover;
use rtbroadcaster_core::refusal::OwnError;
use rtbroadcaster_core::room::core::{Applied, Decided, FixedHeader, ProposeError, Proposed, RoomLife, Space, Welcome};
use rtbroadcaster_core::room::log::{Proposal, Rejection};
use rtbroadcaster_core::standing::{OwnerStatus, RoomEnd, Start};
use tokio::sync::OwnedSemaphorePermit;

use super::end::Departure;
use super::quota::Share;
use super::waiting::{Done, Waiter, when_done};
use super::{Announce, Owner, Room, RoomState, replay};
use crate::engine::{Follower, Health};
use crate::fanout::{Disconnection, Item, MemberChange, Outbox};

/// How often an owner takes a room over if owners on other nodes are faster.
const TAKEOVERS_MAX: u32 = 16;

impl Room {
    /// Proposes a message, which is numbered at once if it is allowed. Returns its number if it is applied at once.
    /// Otherwise it is applied when it is written, and `done` is called then.
    ///
    /// # Errors
    /// [`ProposeError`] if it is not allowed.
    pub(super) fn propose(
        &self,
        proposal: Proposal,
        charge: OwnedSemaphorePermit,
        done: impl FnOnce() -> Done,
    ) -> Result<Option<Seq>, ProposeError> {
        let mut state = self.lock();
        let now = self.clock.now();
        let space = self.share.as_ref().map_or(Space::Some, Share::space);
        let decided = state.core.open()?.say(proposal, space, now)?;
        if let (Some(share), Decided::HandedOver(_)) = (&self.share, &decided) {
            share.holds(state.core.kept_bytes());
        }
        Ok(match decided {
            Decided::Applied(Applied::Said(said)) => {
                let seq = said.seq;
                self.whisper(&state, &said);
                self.queue_message(&mut state, said, Some(charge), now);
                Some(seq)
            }
            decided => {
                let waiter = Waiter { charge: Some(charge), done: Some(done()) };
                self.settle(&mut state, decided, waiter, now);
                None
            }
        })
    }

    /// Makes the holder of the key of `hash` the owner, under the next lease. Nothing that an older owner proposes from
    /// now on is applied, and if it is a client, it is disconnected.
    ///
    /// # Errors
    /// The same for a wrong key as for a room that has ended; another if the lease cannot be written.
    pub(crate) async fn take_over(self: &Arc<Self>, key: &OwnerKey, hash: &KeyHash) -> Result<Owner, OwnError> {
        let fits = self.key.is_some_and(|own| own.fits(hash));
        for _ in 1..TAKEOVERS_MAX {
            match self.try_take_over(key, fits).await {
                // On another node an owner was faster: this one comes after it.
                Err(ProposeError::Rejected(Rejection::Fenced)) => {}
                outcome => return outcome.map_err(OwnError::from),
            }
        }
        self.try_take_over(key, fits).await.map_err(OwnError::from)
    }

    async fn try_take_over(self: &Arc<Self>, key: &OwnerKey, fits: bool) -> Result<Owner, ProposeError> {
        let (owner, written) = {
            let mut state = self.lock();
            if !fits {
                return Err(ProposeError::Ended);
            }
            let life = state.core.is_shared().then(|| Life::random(&*self.random));
            let (term, decided) = state.core.open()?.take_over(life)?;
            let (done, written) = when_done();
            self.settle(&mut state, decided, Waiter { charge: None, done: Some(done) }, self.clock.now());
            // Made before it is known whether the lease was written, so that the lease ends if this future is dropped
            // meanwhile.
            (Owner::new(Arc::clone(self), term, Some(key.clone())), written)
        };
        // Without an answer the room has ended.
        written.await.unwrap_or(Err(ProposeError::Ended))?;
        Ok(owner)
    }

    /// Sets the outbox of the owner of `term`, a client that stood at `start` when it owned the room before. It is sent
    /// what `announce` writes, and the state. If another owner or the room's end was faster, it is disconnected
    /// instead.
    pub(super) fn greet_owner(&self, term: Term, outbox: &Arc<Outbox>, start: &Start, announce: Announce<'_>) {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            self.turn_away(&state, outbox);
        } else if state.core.is_owned_here(term) {
            let how = state.core.how_owner_continues(start);
            let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
            outbox.replay(replay(Welcome { how, ..welcome }, announce));
            self.attach_owner(&mut state, outbox);
        } else {
            outbox.finish(CloseReason::Fenced);
        }
    }

    /// Sets the owner's outbox, and sends it the audience and all totals. Viewers may have been faster, since a room is
    /// listed before its first owner has an outbox.
    pub(super) fn attach_owner(&self, state: &mut RoomState, outbox: &Arc<Outbox>) {
        state.owner = Some(Arc::clone(outbox));
        self.notify_new_owner(state);
        self.tell_all_totals(state);
    }

    /// Disconnects a client that enters a room which has ended or departs, with the reason.
    pub(super) fn turn_away(&self, state: &RoomState, outbox: &Outbox) {
        let end = match (state.core.life(), &state.departure) {
            (RoomLife::Departing, Some(Departure { moments, .. })) => {
                return outbox.depart(CloseReason::Restart, moments.other());
            }
            (RoomLife::Ending(by) | RoomLife::Ended(by), _) => by.room_end(),
            (RoomLife::Open | RoomLife::Departing | RoomLife::Broken, _) => RoomEnd::Fault,
        };
        outbox.farewell(&self.id, outbox.dialect().room_closed, end);
    }

    /// Removes the owner of `term`; the grace begins.
    pub(super) fn owner_left(&self, term: Term) {
        let mut state = self.lock();
        let now = self.clock.now();
        let decided = state.core.open().ok().and_then(|mut room| room.owner_left(term, now));
        if let Some(decided) = decided {
            state.owner = None;
            state.audience.drop_listeners();
            let already = state.core.is_away_already();
            self.hold(&mut state, already, Waiter::default(), now);
            self.settle(&mut state, decided, Waiter::default(), now);
            self.schedule_end(&mut state);
        }
    }

    /// Writes the room's header, before any client learns of the room.
    ///
    /// # Errors
    /// [`ProposeError`] if it cannot be written.
    pub(super) async fn begin(&self, origin: FixedHeader) -> Result<(), ProposeError> {
        let (done, written) = when_done();
        {
            let mut state = self.lock();
            let is_shared = self.engine.as_ref().is_some_and(|engine| engine.is_of_shared_room());
            let header = if is_shared { state.core.share(origin) } else { state.core.keep(origin) };
            self.hand_over(&mut state, header, Waiter { charge: None, done: Some(done) });
            if self.engine.as_ref().is_some_and(|engine| *engine.health().borrow() != Health::Fine) {
                // The rooms that were listed may have been notified before this one was listed.
                self.stop(&mut state);
            }
        }
        written.await.unwrap_or(Err(ProposeError::Ended)).map(|_| ())
    }

    pub(super) fn settle(&self, state: &mut RoomState, decided: Decided, waiter: Waiter, now: Duration) {
        match decided {
            Decided::Applied(applied) => self.hold(state, applied, waiter, now),
            Decided::HandedOver(handover) => self.hand_over(state, handover, waiter),
        }
    }

    /// Hands a decision to the engine, under the lock under which it was made.
    pub(super) fn hand_over(&self, state: &mut RoomState, handover: Handover, waiter: Waiter) {
        if let (Some(engine), Some(me)) = (&self.engine, self.me.upgrade()) {
            state.core.wait_for(handover.position, waiter);
            let follower: Arc<dyn Follower> = me;
            engine.append(&follower, handover);
        }
    }

    /// Carries out a decision that holds from now on: notifies the members, the owner and the `waiter`.
    pub(super) fn hold(&self, state: &mut RoomState, applied: Applied, waiter: Waiter, now: Duration) {
        match applied {
            Applied::Nothing => {}
            Applied::Said(said) => {
                let seq = said.seq;
                let Waiter { charge, done } = waiter;
                self.queue_message(state, said, charge, now);
                return Waiter { charge: None, done }.done(Ok(seq));
            }
            Applied::Owner(status, term) => {
                let older = state.owner.take();
                state.audience.drop_listeners();
                let is_elsewhere = state.core.lacks_lease();
                if let Some(older) = older.filter(|_| status == OwnerStatus::Live || is_elsewhere) {
                    older.finish(CloseReason::Fenced);
                }
                let away = state.core.away_for(now);
                // Each lease is a life of a log that several nodes write.
                let epoch = state.core.is_shared().then(|| state.core.standing().epoch);
                state.members.push(|| Item::notice(Notice::Owner { status, term, away, epoch: epoch.clone() }));
            }
            Applied::End(by) => self.send_end(state, by),
            Applied::Departed => {
                if let Some(Departure { moments, owner: moment }) = state.departure.clone() {
                    state
                        .members
                        .push(|| Item::Change(MemberChange::DisconnectAll(Disconnection::Departing(moments.clone()))));
                    if let Some(owner) = state.owner.take() {
                        owner.depart(CloseReason::Restart, moment);
                    }
                }
                state.audience.drop_listeners();
                self.budget.close();
            }
        }
        waiter.done(Ok(state.core.standing().seq));
    }

    /// Queues a message for every member. It is in the queue of every lane before another part can take the room's
    /// lock.
    /// A message of another node has no charge.
    fn queue_message(
        &self,
        state: &mut RoomState,
        said: Proposed,
        charge: Option<OwnedSemaphorePermit>,
        applied: Duration,
    ) {
        if let Some(entry) = said.entry {
            if entry.change == Change::Cleared {
                self.restart_counting(state, &entry.key);
            }
            let charge = charge.map(Arc::new);
            state.members.push(|| Item::message(Arc::clone(&entry), applied, charge.clone()));
            self.counters.applied(entry.change);
        }
    }
}
