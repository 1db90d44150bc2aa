//! How a room ends: because somebody says so, when its time has come, or by our own fault.
//! Must not know when its time comes; the core decides that.

use std::sync::{Arc, MutexGuard};

use super::core::Welcome;
use super::{Room, State};
use crate::close::CloseReason;
use crate::fanout::{Item, Last, Roll};
use crate::standing::Start;

impl Room {
    /// Ends the room: everybody in it is told, in order with the messages, and nobody can join any more.
    pub(crate) fn end(&self) {
        self.end_locked(self.lock());
    }

    /// Ends the room if its time has come; otherwise it is looked at again when it may have.
    pub(crate) fn end_if_due(&self) {
        let mut state = self.lock();
        if state.core.is_over(self.clock.now()) {
            // Under the lock under which that was found: an owner that comes in between would own a room that ends.
            self.end_locked(state);
        } else {
            self.schedule_end(&mut state);
        }
    }

    fn end_locked(&self, mut state: MutexGuard<'_, State>) {
        if !state.core.end() {
            return;
        }
        let Welcome { standing, entries, .. } = state.core.welcome(&Start::Fresh, self.clock.now());
        let last = Arc::new(Last { standing, entries });
        state.members.tell(|| Item::Roll(Roll::End(Arc::clone(&last))));
        if let Some(owner) = state.owner.take() {
            owner.farewell(self.id, owner.dialect().room_closed);
        }
        drop(state);
        // Whoever waits for the budget learns that the room has ended.
        self.budget.close();
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self.id);
        }
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
        state.core.end();
        state.members.tell(|| Item::Roll(Roll::Break));
        if let Some(owner) = state.owner.take() {
            owner.farewell(self.id, CloseReason::Fault);
        }
        self.budget.close();
        // Under the room's lock: nobody takes a room's under the list's.
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(self.id);
        }
    }

    /// Has the room looked at when its time may have come.
    pub(super) fn schedule_end(&self, state: &mut State) {
        if let (Some(at), Some(registry)) = (state.core.check_at(), self.registry.upgrade()) {
            registry.check_later(self.id, at);
        }
    }
}
