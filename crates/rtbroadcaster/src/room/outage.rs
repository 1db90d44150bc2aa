//! Stops a room while its log cannot be written, and lets it go on afterwards.
//! Must not know engines beyond their contract.

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::room::core::ProposeError;

use super::waiting::Waiter;
use super::{Room, RoomState};
use crate::engine::Health;

impl Room {
    /// Stops the room, or lets it go on, as the engine's health changes.
    pub(super) fn follow(&self, health: Health) {
        if self.engine.is_none() {
            return;
        }
        let mut state = self.lock();
        match health {
            Health::Fine if state.is_in_doubt => {}
            Health::Fine => self.go_on(&mut state),
            Health::Failing | Health::Lost => self.stop(&mut state),
        }
    }

    /// Stops the room, since nothing can be written. Whether the messages that were handed over will be is unknown:
    /// their owner is sent that error, and its connection is closed. They are applied in order if they are written.
    pub(super) fn stop(&self, state: &mut RoomState) {
        state.core.stand_still();
        for Waiter { done, .. } in state.core.waiters() {
            if let Some(done) = done.take() {
                done(Err(ProposeError::Unavailable));
            }
        }
        if let Some(owner) = state.owner.take() {
            owner.finish(CloseReason::Unavailable);
        }
    }

    /// Lets the room go on: everything that was handed over is written, and more can be.
    pub(super) fn go_on(&self, state: &mut RoomState) {
        if let Some(handover) = state.core.go_on(self.clock.now()) {
            self.hand_over(state, handover, Waiter::default());
        }
        self.schedule_end(state);
    }
}
