//! What is decided in a room, by whom, and what follows when it holds: at once, or when an engine has written it.
//! Must not know engines beyond their contract.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::record::{Handover, LogPosition};
use rtbroadcaster_core::refusal::OwnError;
use rtbroadcaster_core::room::core::{Applied, Decided, FixedHeader, ProposeError, Proposed, RoomLife, Space, Welcome};
use rtbroadcaster_core::room::log::Proposal;
use rtbroadcaster_core::standing::{OwnerStatus, RoomEnd, Start};
use tokio::sync::OwnedSemaphorePermit;

use super::end::Departure;
use super::quota::Share;
use super::waiting::{Done, Waiter, when_done};
use super::{Announce, Owner, Room, State, replay};
use crate::engine::{Follower, Health};
use crate::fanout::{Item, Outbox, Parting, Roll};

impl Room {
    /// Proposes; what is allowed is numbered here and now. It is applied at once, which gives its number, or when it is
    /// written, and then `done` is told.
    ///
    /// # Errors
    /// [`ProposeError`] when it is not allowed.
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
                self.tell(&mut state, said, charge, now);
                Some(seq)
            }
            decided => {
                let waiter = Waiter { charge: Some(charge), done: Some(done()) };
                self.settle(&mut state, decided, waiter, now);
                None
            }
        })
    }

    /// Makes whoever holds the key of `hash` the owner, under the next lease: nothing that an older owner says from now
    /// on is said, and if it is a client it is told.
    ///
    /// # Errors
    /// For a wrong key as for a room that has ended, and when that cannot be written.
    pub(super) async fn take_over(self: &Arc<Self>, key: &OwnerKey, hash: &KeyHash) -> Result<Owner, OwnError> {
        let fits = self.key.is_some_and(|own| own.fits(hash));
        let (owner, written) = {
            let mut state = self.lock();
            if !fits {
                return Err(OwnError::NoRoom);
            }
            let (term, decided) = state.core.open().map_err(ProposeError::from)?.take_over()?;
            let (done, written) = when_done();
            self.settle(&mut state, decided, Waiter { charge: None, done: Some(done) }, self.clock.now());
            // Made before it is known whether it was written, so that the lease ends if nobody waits for that.
            (Owner::new(Arc::clone(self), term, Some(key.clone())), written)
        };
        // Without an answer the room has ended.
        written.await.unwrap_or(Err(ProposeError::Ended))?;
        Ok(owner)
    }

    /// The owner of `term` is a client, which is told the room's end and its own through `outbox`. It gets what `announce`
    /// says and the state, unless another owner or the room's end was faster, which it is told. `start` is where it stood
    /// when it owned the room before.
    pub(super) fn greet_owner(&self, term: Term, outbox: &Arc<Outbox>, start: &Start, announce: Announce<'_>) {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            self.turn_away(&state, outbox);
        } else if state.core.term() == term {
            let how = state.core.how_owner_continues(start);
            let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
            outbox.replay(replay(Welcome { how, ..welcome }, announce));
            self.seat_owner(&mut state, outbox);
        } else {
            outbox.finish(CloseReason::Fenced);
        }
    }

    /// From now on the owner is reached through `outbox`. It is told of those who were faster: a room is listed before its
    /// first owner can be reached.
    pub(super) fn seat_owner(&self, state: &mut State, outbox: &Arc<Outbox>) {
        state.owner = Some(Arc::clone(outbox));
        self.tell_new_owner(state);
        self.tell_all_totals(state);
    }

    /// Nobody enters a room that has ended or departs: the client is told which.
    pub(super) fn turn_away(&self, state: &State, outbox: &Outbox) {
        let end = match (state.core.life(), &state.departure) {
            (RoomLife::Departing, Some(Departure { moments, .. })) => {
                return outbox.depart(CloseReason::Restart, moments.other());
            }
            (RoomLife::Ending(by) | RoomLife::Ended(by), _) => by.room_end(),
            (RoomLife::Open | RoomLife::Departing | RoomLife::Broken, _) => RoomEnd::Fault,
        };
        outbox.farewell(&self.id, outbox.dialect().room_closed, end);
    }

    /// The owner of `term` is gone; the grace begins.
    pub(super) fn owner_left(&self, term: Term) {
        let mut state = self.lock();
        let now = self.clock.now();
        let decided = state.core.open().ok().and_then(|mut room| room.owner_left(term, now));
        if let Some(decided) = decided {
            state.owner = None;
            state.reception.part();
            let already = state.core.is_away_already();
            self.hold(&mut state, already, Waiter::default(), now);
            self.settle(&mut state, decided, Waiter::default(), now);
            self.schedule_end(&mut state);
        }
    }

    /// The room is written before anybody knows of it.
    ///
    /// # Errors
    /// When it cannot be.
    pub(super) async fn begin(&self, origin: FixedHeader) -> Result<(), ProposeError> {
        let (done, written) = when_done();
        {
            let mut state = self.lock();
            let header = state.core.keep(origin);
            self.hand_over(&mut state, header, Waiter { charge: None, done: Some(done) });
            if self.engine.as_ref().is_some_and(|engine| *engine.health().borrow() != Health::Fine) {
                // Those who were there were told before this room was listed, maybe.
                self.stop(&mut state);
            }
        }
        written.await.unwrap_or(Err(ProposeError::Ended)).map(|_| ())
    }

    pub(super) fn settle(&self, state: &mut State, decided: Decided, waiter: Waiter, now: Duration) {
        match decided {
            Decided::Applied(applied) => self.hold(state, applied, waiter, now),
            Decided::HandedOver(handover) => self.hand_over(state, handover, waiter),
        }
    }

    /// Hands something over to be written, under the lock under which it was decided.
    pub(super) fn hand_over(&self, state: &mut State, handover: Handover, waiter: Waiter) {
        if let (Some(engine), Some(me)) = (&self.engine, self.me.upgrade()) {
            state.core.wait_for(handover.position, waiter);
            let follower: Arc<dyn Follower> = me;
            engine.append(&follower, handover);
        }
    }

    /// Something decided holds from now on: whoever has to be is told.
    fn hold(&self, state: &mut State, applied: Applied, waiter: Waiter, now: Duration) {
        match applied {
            Applied::Nothing => {}
            Applied::Said(said) => {
                let seq = said.seq;
                let Waiter { charge, done } = waiter;
                if let Some(charge) = charge {
                    self.tell(state, said, charge, now);
                }
                return Waiter { charge: None, done }.done(Ok(seq));
            }
            Applied::Owner(status, term) => {
                let older = state.owner.take();
                state.reception.part();
                if let Some(older) = older.filter(|_| status == OwnerStatus::Live) {
                    older.finish(CloseReason::Fenced);
                }
                let away = state.core.away_for(now);
                state.members.tell(|| Item::notice(Notice::Owner { status, term, away }));
            }
            Applied::End(by) => self.tell_end(state, by),
            Applied::Departed => {
                if let Some(Departure { moments, owner: moment }) = state.departure.clone() {
                    state.members.tell(|| Item::Roll(Roll::Part(Parting::Departing(moments.clone()))));
                    if let Some(owner) = state.owner.take() {
                        owner.depart(CloseReason::Restart, moment);
                    }
                }
                state.reception.part();
                self.budget.close();
            }
        }
        waiter.done(Ok(state.core.standing().seq));
    }

    /// Everybody gets what was said; it is in the queue of every lane before anybody else has the lock.
    fn tell(&self, state: &mut State, said: Proposed, charge: OwnedSemaphorePermit, applied: Duration) {
        if let Some(entry) = said.entry {
            if entry.change == Change::Cleared {
                self.restart_counting(state, &entry.key);
            }
            let charge = Some(Arc::new(charge));
            state.members.tell(|| Item::message(Arc::clone(&entry), applied, charge.clone()));
            self.counters.applied(entry.change);
        }
    }
}

impl Follower for Room {
    fn room(&self) -> &RoomId {
        &self.id
    }

    fn written(&self, through: LogPosition) {
        let mut state = self.lock();
        let now = self.clock.now();
        while let Some((applied, waiter)) = state.core.written(through) {
            self.hold(&mut state, applied, waiter, now);
        }
    }
}
