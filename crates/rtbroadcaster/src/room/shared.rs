//! A room as its engine sees it: what is written of what it decided, and what other nodes have written.
//! Must not know engines beyond their contract.

#![cfg_attr(not(feature = "nats"), allow(dead_code, reason = "only a log of several nodes needs most of it"))]

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::record::{Append, Checkpoint, LogPosition};
use rtbroadcaster_core::room::core::{Applied, ProposeError, Proposed};
use rtbroadcaster_core::room::log::Rejection;

use super::registry::Look;
use super::waiting::Waiter;
use super::{Room, RoomState};
use crate::engine::Follower;
use crate::fanout::Moments;

/// How long a room stays on a node that it is not needed on: its viewers may come back.
const UNFOLLOW_AFTER: Duration = Duration::from_secs(60);

impl Follower for Room {
    fn room(&self) -> &RoomId {
        &self.id
    }

    fn written(&self, through: LogPosition) {
        let mut state = self.lock();
        let now = self.clock.now();
        while let Some((applied, waiter)) = state.core.written(through) {
            if let Applied::Said(said) = &applied {
                self.whisper(&state, said);
            }
            self.hold(&mut state, applied, waiter, now);
        }
    }

    fn follow(&self, appends: Vec<Append>, at: Duration, refused: Option<LogPosition>) {
        let mut state = self.lock();
        let waiters = refused.map_or_else(Vec::new, |through| state.core.refused(through));
        let now = self.clock.now();
        for append in appends {
            let applied = state.core.follow(append, at);
            self.hold(&mut state, applied, Waiter::default(), now);
        }
        // Behind what was faster, so that an owner that tries again knows of it.
        refuse(waiters);
        self.schedule_end(&mut state);
        self.schedule_unfollow(&state);
    }

    fn refused(&self, through: LogPosition) {
        let mut state = self.lock();
        refuse(state.core.refused(through));
    }

    fn in_doubt(&self, is_in_doubt: bool) {
        let mut state = self.lock();
        if is_in_doubt {
            self.stop(&mut state);
        } else {
            self.go_on(&mut state);
        }
    }

    fn hears_owner(&self, is_heard: bool) {
        let mut state = self.lock();
        let now = self.clock.now();
        let applied = state.core.hears_owner(is_heard, now);
        self.hold(&mut state, applied, Waiter::default(), now);
        self.schedule_end(&mut state);
    }

    fn overhears(&self, key: Key, params: Params) {
        let mut state = self.lock();
        let now = self.clock.now();
        if let Some(said) = state.core.overhear(key, params) {
            self.hold(&mut state, Applied::Said(said), Waiter::default(), now);
        }
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.lock().core.checkpoint()
    }

    fn diverged(&self) {
        let waiters = self.lock().core.refused(LogPosition::END);
        for waiter in waiters {
            // It may have been stored, or lost: its owner sends it again.
            waiter.done(Err(ProposeError::Unavailable));
        }
        self.leave_node();
    }
}

/// Tells the owners of decisions that another node was faster than.
fn refuse(waiters: Vec<Waiter>) {
    for waiter in waiters {
        waiter.done(Err(ProposeError::Rejected(Rejection::Fenced)));
    }
}

impl Room {
    /// Sends an ephemeral message of the owner on this node to the other nodes.
    pub(super) fn whisper(&self, state: &RoomState, said: &Proposed) {
        if let (Some(engine), Some(entry)) = (&self.engine, &said.entry)
            && entry.change == Change::Ephemeral
            && state.core.is_shared()
        {
            engine.whisper(entry.term, entry.key.clone(), entry.params());
        }
    }

    /// Plans to look whether the room is still needed on this node, if it has neither an owner nor a viewer here.
    pub(super) fn schedule_unfollow(&self, state: &RoomState) {
        if self.is_unused(state) {
            self.look_later(Look::Unfollow, self.clock.now() + UNFOLLOW_AFTER);
        }
    }

    /// Takes the room off this node if it has been without an owner and a viewer here.
    pub(super) fn unfollow_if_unused(&self) {
        let state = self.lock();
        if self.is_unused(&state) {
            if state.core.empty_for(self.clock.now()) >= UNFOLLOW_AFTER {
                drop(state);
                self.leave_node();
            } else {
                self.schedule_unfollow(&state);
            }
        }
    }

    /// Returns whether another node writes the room, and none of its clients is on this one.
    fn is_unused(&self, state: &RoomState) -> bool {
        state.core.lacks_lease() && state.core.life().is_open() && state.core.viewers() == 0
    }

    /// Takes the room off this node. It does not end: its members are asked to come back, and find it again.
    fn leave_node(&self) {
        let moments = Moments::of(1, self.viewers(), &*self.random);
        self.depart(&moments);
        self.unlist("it is not needed on this node");
    }

    /// Begins to follow what is written to the room's log, by `begin`.
    pub(super) fn begin_to_follow(self: &Arc<Self>, begin: impl FnOnce(std::sync::Weak<dyn Follower>)) {
        let me: Arc<dyn Follower> = Arc::clone(self) as _;
        begin(Arc::downgrade(&me));
        self.schedule_unfollow(&self.lock());
    }
}
