//! A room as its engine sees it: what is written of what it decided, and what other nodes have written.
//! Must not know engines beyond their contract.

#![cfg_attr(not(feature = "nats"), allow(dead_code, reason = "only a log of several nodes needs most of it"))]

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::id::{Life, RoomId, Seq};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::record::{Append, Checkpoint, Header, LogPosition};
use rtbroadcaster_core::room::core::{Applied, ProposeError, Proposed, RoomLife};
use rtbroadcaster_core::room::log::Rejection;
use rtbroadcaster_core::standing::OwnerStatus;
use tokio::sync::OwnedSemaphorePermit;

use super::registry::Look;
use super::waiting::Waiter;
use super::{BUDGET_BYTES_PER_MESSAGE, Room, RoomState, cost_of};
use crate::engine::{Follower, Health, Pending, Question, Reply};
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
        let (waiters, departs) = refused.map_or_else(Default::default, |through| state.core.refused(through));
        let now = self.clock.now();
        for append in appends {
            let charge = match &append {
                // A part that the lanes do not have room for goes without: the replica waits before the next entry.
                Append::Message(record, ..) => {
                    self.charge_of(record.key.as_str().len() + record.params.as_bytes().len())
                }
                Append::Header(_) | Append::Turn | Append::End(_) => None,
            };
            let applied = state.core.follow(append, at);
            self.hold(&mut state, applied, Waiter { charge, done: None }, now);
        }
        // Behind what was faster, so that an owner that tries again knows of it.
        self.refuse(&mut state, waiters, departs);
        self.schedule_end(&mut state);
        self.schedule_unfollow(&state);
    }

    fn refused(&self, through: LogPosition) {
        let mut state = self.lock();
        let (waiters, departs) = state.core.refused(through);
        self.refuse(&mut state, waiters, departs);
        self.schedule_end(&mut state);
    }

    fn slowed(&self) -> Option<Pending<'static, ()>> {
        if self.has_budget(0) {
            return None;
        }
        let budget = Arc::clone(&self.budget);
        let least = u32::try_from(BUDGET_BYTES_PER_MESSAGE).expect("it is small");
        // Closed when the room has ended.
        Some(Box::pin(async move { drop(budget.acquire_many(least).await) }))
    }

    fn in_doubt(&self, is_in_doubt: bool) {
        let mut state = self.lock();
        state.is_in_doubt = is_in_doubt;
        let health = self.engine.as_ref().map_or(Health::Fine, |engine| *engine.health().borrow());
        if is_in_doubt {
            self.stop(&mut state);
        } else if health == Health::Fine {
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

    fn asked(&self, question: Question) -> Reply {
        let Question::Signal { from, key, params } = question;
        self.pass_on_of_other_node(from, key, params).map_or_else(Reply::Refused, |()| Reply::Done)
    }

    fn checkpoint(&self, logged: Option<Seq>) -> Option<Checkpoint> {
        self.lock().core.checkpoint(logged)
    }

    fn copy(&self) -> Option<(Checkpoint, Header)> {
        self.lock().core.copy(Life::random(&*self.random), self.clock.now())
    }

    fn diverged(&self) {
        let (waiters, _) = self.lock().core.refused(LogPosition::END);
        for waiter in waiters {
            // It may have been stored, or lost: its owner comes back, and sends it again.
            waiter.done(Err(ProposeError::Departing));
        }
        self.leave_node("the log has it otherwise");
    }
}

impl Room {
    /// Tells the owners of decisions that another node was faster than. A departure among these holds.
    fn refuse(&self, state: &mut RoomState, waiters: Vec<Waiter>, departs: bool) {
        for waiter in waiters {
            waiter.done(Err(ProposeError::Rejected(Rejection::Fenced)));
        }
        if departs {
            self.hold(state, Applied::Departed, Waiter::default(), self.clock.now());
        }
    }

    /// Returns the charge of a message of another node, as far as the lanes have room for it.
    fn charge_of(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let cost = u32::try_from(cost_of(bytes)).ok()?;
        Arc::clone(&self.budget).try_acquire_many_owned(cost).ok()
    }

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
                self.leave_node("it is not needed on this node");
            } else {
                self.schedule_unfollow(&state);
            }
        }
    }

    /// Returns whether another node writes the room, and none of its clients is on this one.
    fn is_unused(&self, state: &RoomState) -> bool {
        let core = &state.core;
        // A node that knows of an absent owner stays, so that the room ends when its grace is over.
        let is_watched_over = core.standing().owner == OwnerStatus::Away && core.grace().is_some();
        core.lacks_lease() && core.life().is_open() && core.viewers() == 0 && !is_watched_over
    }

    /// Takes the room off this node. It does not end: its members are asked to come back, and find it again.
    fn leave_node(&self, why: &'static str) {
        let moments = Moments::between_nodes(self.viewers(), &*self.random);
        self.depart(&moments);
        self.unlist(why);
    }

    /// Returns whether the room is on other nodes only, from now on.
    pub(super) fn has_left_node(&self) -> bool {
        // Rooms of this process alone never have, and need no lock to say so.
        self.engine.as_ref().is_some_and(|engine| engine.is_of_shared_room()) && self.departs()
    }

    /// Returns whether it is about to leave this process, and does not end.
    pub(super) fn departs(&self) -> bool {
        self.lock().core.life() == RoomLife::Departing
    }

    /// Begins to follow what is written to the room's log, by `begin`.
    pub(super) fn begin_to_follow(self: &Arc<Self>, begin: impl FnOnce(std::sync::Weak<dyn Follower>)) {
        let me: Arc<dyn Follower> = Arc::clone(self) as _;
        begin(Arc::downgrade(&me));
        self.schedule_unfollow(&self.lock());
    }
}
