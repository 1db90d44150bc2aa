//! Ends a room: by request, when its time has come, at shutdown, or by our own fault.
//! Must not know when its time comes; the core decides that.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::room::core::{EndCause, ProposeError};
use rtbroadcaster_core::room::log::Rejection;
use rtbroadcaster_core::standing::{RoomEnd, Start};

use super::registry::Look;
use super::waiting::{Done, Waiter};
use super::{Room, RoomState};
use crate::fanout::{Disconnection, FinalState, Item, MemberChange, Moments};
use crate::lock_order::log_later;

/// When the clients of a kept room are asked to reconnect, once the process ends.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    /// The moments of all clients.
    pub(super) moments: Moments,
    /// How long from the departure on the owner is asked to wait.
    pub(super) owner: Duration,
}

impl Room {
    /// Ends the room. Its members get the farewell in order with the messages, and no client can join any more.
    pub(crate) fn end(&self) {
        self.end_locked(&mut self.lock(), EndCause::Program);
    }

    /// Ends the room at the request of its owner, which has the lease `term`. It gets another close reason than when
    /// another part ends the room. `done` is called when the end holds.
    ///
    /// # Errors
    /// [`ProposeError`] if the room has ended or has another owner.
    pub(super) fn end_by_owner(&self, term: Term, done: Done) -> Result<(), ProposeError> {
        let mut state = self.lock();
        let is_own = state.core.is_owned_here(term);
        let room = state.core.open()?;
        if !is_own {
            return Err(ProposeError::Rejected(Rejection::Fenced));
        }
        let decided = room.end(EndCause::Owner);
        let waiter = Waiter { charge: None, done: Some(done) };
        self.settle(&mut state, decided, waiter, self.clock.now());
        Ok(())
    }

    /// Ends the room if its time has come; otherwise schedules another look.
    pub(crate) fn end_if_due(&self) {
        let mut state = self.lock();
        let absence = state.core.open().ok().and_then(|mut room| room.is_over(self.clock.now()));
        if let Some(absence) = absence {
            // Under the same lock as the check: an owner that took over in between would own a room that ends.
            self.end_locked(&mut state, absence.into());
        } else {
            self.schedule_end(&mut state);
        }
    }

    /// Shuts the room down with the process: a room that is kept departs, any other ends.
    pub(crate) fn shut(&self, moments: &Moments) {
        if self.engine.is_some() {
            self.depart(moments);
        } else {
            self.end_locked(&mut self.lock(), EndCause::Shutdown);
        }
    }

    /// Asks one in so many of its viewers on this node to come back to other nodes.
    pub(super) fn depart_one_in(&self, parts: usize, moments: &Moments) {
        self.lock().members.push(|| Item::Change(MemberChange::DepartOneIn(parts, moments.clone())));
    }

    /// Returns how many clients own it and how many watch it.
    pub(super) fn crowd(&self) -> (usize, usize) {
        let state = self.lock();
        (usize::from(state.owner.is_some()), state.core.viewers())
    }

    /// Ends the room if neither an owner nor a viewer has been in it for longer than `grace`. Returns whether it did.
    pub(super) fn end_if_lonely(&self, grace: Duration) -> bool {
        let mut state = self.lock();
        let is_lonely = self.has_been_lonely(&state).is_some_and(|time| time > grace);
        if is_lonely {
            self.end_locked(&mut state, EndCause::Replaced);
        }
        is_lonely
    }

    /// Returns for how long there has been neither an owner nor a viewer; `None` while there is one.
    pub(super) fn lonely_for(&self) -> Option<Duration> {
        self.has_been_lonely(&self.lock())
    }

    fn has_been_lonely(&self, state: &RoomState) -> Option<Duration> {
        state.core.lonely_since().map(|since| self.clock.now().saturating_sub(since))
    }

    /// Ends the room by our own fault, if a lane has panicked over its members. That is checked, since another room may
    /// have the same name by now.
    pub(crate) fn fail(&self) {
        let mut state = self.lock();
        if state.members.are_broken() {
            self.break_off(&mut state);
        }
    }

    /// Ends the room if a panic has left it half changed, in case that no other part takes its lock and does so.
    pub(super) fn end_if_broken(&self) {
        if self.state.is_poisoned() {
            drop(self.lock());
        }
    }

    /// Ends the room by our own fault. Every member is sent that, also if the room had ended before and only some were
    /// sent its end.
    pub(super) fn break_off(&self, state: &mut RoomState) {
        let room = self.id.clone();
        log_later(move || tracing::error!(?room, "room ended: our fault"));
        if let Some(end) = state.core.break_off() {
            self.hand_over(state, end, Waiter::default());
        }
        state.members.push(|| Item::Change(MemberChange::DisconnectAll(Disconnection::Broken)));
        if let Some(owner) = state.owner.take() {
            owner.farewell(&self.id, CloseReason::Fault, RoomEnd::Fault);
        }
        state.audience.end();
        self.budget.close();
        self.unlist("our fault");
    }

    /// Schedules a look at the room for when its time may have come.
    pub(super) fn schedule_end(&self, state: &mut RoomState) {
        if let Some(at) = state.core.open().ok().and_then(|mut room| room.check_at()) {
            self.look_later(Look::End, at);
        }
    }

    /// Schedules a look at the room.
    pub(super) fn look_later(&self, look: Look, at: Duration) {
        if let Some(registry) = self.registry.upgrade() {
            registry.look_later(self.id.clone(), look, at);
        }
    }

    /// Does what was planned.
    pub(super) fn look(&self, look: Look) {
        match look {
            Look::End => self.end_if_due(),
            Look::Audience => self.look_at_audience(true),
            Look::Totals => self.look_at_totals(),
            Look::Unfollow => self.unfollow_if_unused(),
        }
    }

    /// Ends the room for this reason, if it is open.
    pub(super) fn end_locked(&self, state: &mut RoomState, by: EndCause) {
        if let Some(seized) = state.core.open().ok().and_then(|mut room| room.seize()) {
            self.settle(state, seized, Waiter::default(), self.clock.now());
        }
        if let Ok(room) = state.core.open() {
            let decided = room.end(by);
            self.settle(state, decided, Waiter::default(), self.clock.now());
        }
    }

    /// Departs: the process ends and the room does not. Its clients are asked to reconnect, after all messages.
    pub(super) fn depart(&self, moments: &Moments) {
        let mut state = self.lock();
        let (owner, now) = (moments.owner(), self.clock.now());
        // Other nodes have the room meanwhile, where several do.
        let moment = state.owner.is_some().then(|| now + owner).filter(|_| !state.core.is_shared());
        if let Ok(room) = state.core.open() {
            let decided = room.depart(moment);
            state.departure = Some(Departure { moments: moments.clone(), owner });
            self.settle(&mut state, decided, Waiter::default(), now);
        }
    }

    /// Sends the room's end to all its members, after all messages.
    pub(super) fn send_end(&self, state: &mut RoomState, by: EndCause) {
        let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
        let end = by.room_end();
        let last = Arc::new(FinalState { standing: welcome.standing, entries: welcome.entries, end });
        state.members.push(|| Item::Change(MemberChange::DisconnectAll(Disconnection::Ended(Arc::clone(&last)))));
        if let Some(owner) = state.owner.take() {
            let dialect = owner.dialect();
            let is_own_end = end == RoomEnd::Owner;
            let reason = if is_own_end { dialect.own_room_closed } else { dialect.room_closed };
            owner.farewell(&self.id, reason, end);
        }
        state.audience.end();
        // An owner that waits for the budget learns by this that the room has ended.
        self.budget.close();
        self.unlist(by.word());
    }

    /// Removes the room, which has ended for the reason `why`, from the registry.
    pub(super) fn unlist(&self, why: &'static str) {
        if let Some(share) = &self.share {
            share.holds(0);
        }
        // May be called under the room's lock: no part takes a room's lock under the registry's.
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self, why);
        }
    }
}
