//! How a room ends: because somebody says so, when its time has come, with the process, or by our own fault.
//! Must not know when its time comes; the core decides that.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::room::core::EndCause;
use rtbroadcaster_core::standing::{RoomEnd, Start};

use super::registry::Look;
use super::waiting::Waiter;
use super::{Room, State};
use crate::fanout::{Item, Last, Moments, Parting, Roll};

/// The process goes away and the room does not: when those in it are asked to come back.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    /// All of them.
    pub(super) moments: Moments,
    /// The owner, from then on.
    pub(super) owner: Duration,
}

impl Room {
    /// Ends the room: everybody in it is told, in order with the messages, and nobody can join any more.
    pub(crate) fn end(&self) {
        self.end_locked(&mut self.lock(), EndCause::Program);
    }

    /// Ends the room in the name of its owner, which is told in other words.
    pub(super) fn end_by_owner(&self) {
        self.end_locked(&mut self.lock(), EndCause::Owner);
    }

    /// Ends the room if its time has come; otherwise it is looked at again when it may have.
    pub(crate) fn end_if_due(&self) {
        let mut state = self.lock();
        let absence = state.core.open().ok().and_then(|mut room| room.is_over(self.clock.now()));
        if let Some(absence) = absence {
            // Under the lock under which that was found: an owner that comes in between would own a room that ends.
            self.end_locked(&mut state, absence.into());
        } else {
            self.schedule_end(&mut state);
        }
    }

    /// The process goes away. A room that is kept lives on without it, any other ends.
    pub(crate) fn shut(&self, moments: &Moments) {
        if self.engine.is_some() {
            self.depart(moments);
        } else {
            self.end_locked(&mut self.lock(), EndCause::Shutdown);
        }
    }

    /// How many clients own it and how many watch it.
    pub(super) fn crowd(&self) -> (usize, usize) {
        let state = self.lock();
        (usize::from(state.owner.is_some()), state.core.viewers())
    }

    /// Ends the room if nobody has been in it for longer than `grace`. Returns whether it did.
    pub(super) fn end_if_lonely(&self, grace: Duration) -> bool {
        let mut state = self.lock();
        let is_lonely = self.has_been_lonely(&state).is_some_and(|time| time > grace);
        if is_lonely {
            self.end_locked(&mut state, EndCause::Replaced);
        }
        is_lonely
    }

    /// For how long there has been neither an owner nor a viewer.
    pub(super) fn lonely_for(&self) -> Option<Duration> {
        self.has_been_lonely(&self.lock())
    }

    fn has_been_lonely(&self, state: &State) -> Option<Duration> {
        state.core.lonely_since().map(|since| self.clock.now().saturating_sub(since))
    }

    /// Ends the room by our own fault, if a lane has panicked over its members: another one may have the same name by now.
    pub(super) fn fail(&self) {
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

    /// Everybody in the room is told that it has ended by our own fault, also if it had ended and only some were told.
    pub(super) fn break_off(&self, state: &mut State) {
        tracing::error!(room = ?self.id, "room ended: our fault");
        if let Some(end) = state.core.break_off() {
            self.hand_over(state, end, Waiter::default());
        }
        state.members.tell(|| Item::Roll(Roll::Part(Parting::Broken)));
        if let Some(owner) = state.owner.take() {
            owner.farewell(&self.id, CloseReason::Fault, RoomEnd::Fault);
        }
        state.reception.end();
        self.budget.close();
        self.unlist("our fault");
    }

    /// Has the room looked at when its time may have come.
    pub(super) fn schedule_end(&self, state: &mut State) {
        if let Some(at) = state.core.open().ok().and_then(|mut room| room.check_at()) {
            self.look_later(Look::End, at);
        }
    }

    /// Has the room looked at.
    pub(super) fn look_later(&self, look: Look, at: Duration) {
        if let Some(registry) = self.registry.upgrade() {
            registry.look_later(self.id.clone(), look, at);
        }
    }

    /// What was planned happens.
    pub(super) fn look(&self, look: Look) {
        match look {
            Look::End => self.end_if_due(),
            Look::Audience => self.look_at_audience(true),
            Look::Totals => self.look_at_totals(),
        }
    }

    /// Ends the room for this reason, if it is open.
    pub(super) fn end_locked(&self, state: &mut State, by: EndCause) {
        if let Ok(room) = state.core.open() {
            let decided = room.end(by);
            self.settle(state, decided, Waiter::default(), self.clock.now());
        }
    }

    /// The process goes away and the room does not: everybody in it is told to come back, after everything that was said.
    fn depart(&self, moments: &Moments) {
        let mut state = self.lock();
        let (owner, now) = (moments.owner(), self.clock.now());
        let moment = state.owner.is_some().then(|| now + owner);
        if let Ok(room) = state.core.open() {
            let decided = room.depart(moment);
            state.departure = Some(Departure { moments: moments.clone(), owner });
            self.settle(&mut state, decided, Waiter::default(), now);
        }
    }

    /// Tells everybody in the room that it has ended, after everything that was said.
    pub(super) fn tell_end(&self, state: &mut State, by: EndCause) {
        let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
        let end = by.room_end();
        let last = Arc::new(Last { standing: welcome.standing, entries: welcome.entries, end });
        state.members.tell(|| Item::Roll(Roll::Part(Parting::Ended(Arc::clone(&last)))));
        if let Some(owner) = state.owner.take() {
            let dialect = owner.dialect();
            let is_own_end = end == RoomEnd::Owner;
            let reason = if is_own_end { dialect.own_room_closed } else { dialect.room_closed };
            owner.farewell(&self.id, reason, end);
        }
        state.reception.end();
        // Whoever waits for the budget learns that the room has ended.
        self.budget.close();
        self.unlist(by.word());
    }

    /// The room has ended for the reason `why` and is found by nobody any more.
    pub(super) fn unlist(&self, why: &'static str) {
        if let Some(share) = &self.share {
            share.holds(0);
        }
        // Also under the room's lock: nobody takes a room's under the list's.
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self, why);
        }
    }
}
