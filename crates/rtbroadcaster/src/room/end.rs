//! How a room ends: because somebody says so, when its time has come, with the process, or by our own fault.
//! Must not know when its time comes; the core decides that.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::room::core::Decided;
use rtbroadcaster_core::room::presence::Absence;
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

/// Why a room ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its owner says so.
    Owner,
    /// The program says so.
    Program,
    /// Its owner is away for too long.
    OwnerAway,
    /// Its owner and all viewers are.
    Empty,
    /// Nobody has been there for long, and its creator's address wants another room.
    Place,
    /// The process ends.
    Shutdown,
    /// A panic has left it half changed.
    Fault,
}

impl Cause {
    /// As the log has it.
    const fn word(self) -> &'static str {
        match self {
            Self::Owner => "its owner closed it",
            Self::Program => "the program closed it",
            Self::OwnerAway => "its owner did not come back",
            Self::Empty => "neither its owner nor a viewer came back",
            Self::Place => "its creator's address opened another one",
            Self::Shutdown => "the server shuts down",
            Self::Fault => "our fault",
        }
    }

    /// As those in the room are told.
    const fn told(self) -> RoomEnd {
        match self {
            Self::Owner => RoomEnd::Owner,
            Self::Program => RoomEnd::Admin,
            Self::OwnerAway => RoomEnd::Grace,
            Self::Empty | Self::Place => RoomEnd::Idle,
            Self::Shutdown => RoomEnd::Restart,
            Self::Fault => RoomEnd::Fault,
        }
    }
}

impl From<Absence> for Cause {
    fn from(absence: Absence) -> Self {
        match absence {
            Absence::Owner => Self::OwnerAway,
            Absence::Everybody => Self::Empty,
        }
    }
}

impl State {
    /// Why the room has ended.
    pub(super) fn cause(&self) -> Cause {
        self.cause.unwrap_or(Cause::Program)
    }

    /// The same, as those in it are told.
    pub(super) fn end(&self) -> RoomEnd {
        if self.is_broken { RoomEnd::Fault } else { self.cause().told() }
    }
}

impl Room {
    /// Ends the room: everybody in it is told, in order with the messages, and nobody can join any more.
    pub(crate) fn end(&self) {
        self.end_locked(&mut self.lock(), Cause::Program);
    }

    /// Ends the room in the name of its owner, which is told in other words.
    pub(super) fn end_by_owner(&self) {
        let mut state = self.lock();
        state.cause = Some(Cause::Owner);
        self.end_locked(&mut state, Cause::Owner);
    }

    /// Ends the room if its time has come; otherwise it is looked at again when it may have.
    pub(crate) fn end_if_due(&self) {
        let mut state = self.lock();
        if let Some(absence) = state.core.is_over(self.clock.now()) {
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
            self.end_locked(&mut self.lock(), Cause::Shutdown);
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
            self.end_locked(&mut state, Cause::Place);
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

    /// Ends the room by our own fault.
    pub(super) fn fail(&self) {
        self.break_off(&mut self.lock());
    }

    /// Ends the room if a panic has left it half changed. Whoever takes its lock does that; nobody may.
    pub(super) fn end_if_broken(&self) {
        drop(self.lock());
    }

    /// Everybody in the room is told that it has ended by our own fault, also if it had ended and only some were told.
    pub(super) fn break_off(&self, state: &mut State) {
        tracing::error!(room = ?self.id, "room ended: our fault");
        state.is_broken = true;
        if let Some(Decided::HandedOver(end)) = state.core.end() {
            // What of it is kept may be half of something.
            self.hand_over(state, end, Waiter::default());
        }
        state.members.tell(|| Item::Roll(Roll::Part(Parting::Broken)));
        if let Some(owner) = state.owner.take() {
            owner.farewell(self.id, CloseReason::Fault, RoomEnd::Fault);
        }
        state.reception.end();
        self.budget.close();
        self.unlist(Cause::Fault);
    }

    /// Has the room looked at when its time may have come.
    pub(super) fn schedule_end(&self, state: &mut State) {
        if let (Some(at), Some(registry)) = (state.core.check_at(), self.registry.upgrade()) {
            registry.look_later(self.id, Look::End, at);
        }
    }

    /// Has the room looked at.
    pub(super) fn look_later(&self, look: Look, at: Duration) {
        if let Some(registry) = self.registry.upgrade() {
            registry.look_later(self.id, look, at);
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

    /// Ends the room for this `cause`, if it has not ended.
    pub(super) fn end_locked(&self, state: &mut State, cause: Cause) {
        if let Some(decided) = state.core.end() {
            state.cause.get_or_insert(cause);
            self.settle(state, decided, Waiter::default(), self.clock.now());
        }
    }

    /// The process goes away and the room does not: everybody in it is told to come back, after everything that was said.
    fn depart(&self, moments: &Moments) {
        let mut state = self.lock();
        let (owner, now) = (moments.owner(), self.clock.now());
        state.departure = Some(Departure { moments: moments.clone(), owner });
        let moment = state.owner.is_some().then(|| now + owner);
        if let Some(decided) = state.core.depart(moment) {
            self.settle(&mut state, decided, Waiter::default(), now);
        }
    }

    pub(super) fn tell_end(&self, state: &mut State) {
        let welcome = state.core.welcome(&Start::Fresh, self.clock.now());
        let end = state.end();
        let last = Arc::new(Last { standing: welcome.standing, entries: welcome.entries, end });
        state.members.tell(|| Item::Roll(Roll::Part(Parting::Ended(Arc::clone(&last)))));
        if let Some(owner) = state.owner.take() {
            let dialect = owner.dialect();
            let is_own_end = end == RoomEnd::Owner;
            let reason = if is_own_end { dialect.own_room_closed } else { dialect.room_closed };
            owner.farewell(self.id, reason, end);
        }
        state.reception.end();
        // Whoever waits for the budget learns that the room has ended.
        self.budget.close();
        self.unlist(state.cause());
    }

    /// The room has ended for this `cause` and is found by nobody any more.
    pub(super) fn unlist(&self, cause: Cause) {
        if let Some(share) = &self.share {
            share.holds(0);
        }
        // Also under the room's lock: nobody takes a room's under the list's.
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self.id, cause.word());
        }
    }
}
