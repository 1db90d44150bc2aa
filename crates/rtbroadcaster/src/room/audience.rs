//! Who is told how many watch a room, and when.
//! Must not know protocols.

use std::sync::Arc;

use tokio::sync::watch;

use super::attention::Notice;
use super::members::Seat;
use super::registry::Look;
use super::{Room, State};
use crate::audience::Audience;
use crate::fanout::{Frame, Item, Outbox};
use crate::id::Term;

impl Room {
    /// Somebody has come or gone, or waits: whoever listens is told if it is time, or later. Says whether all viewers were.
    pub(super) fn notice_audience(&self, state: &mut State) -> bool {
        let listens = state.owner.is_some() || state.reception.watch.is_some() || state.reception.tells_viewers;
        if !listens || state.core.has_ended() {
            return false;
        }
        let (ages, now) = (state.members.ages(), self.clock.now());
        let audience = ages.of(state.core.viewers(), now);
        let Notice { tell, other_viewers, look } = state.reception.attention.notice(audience, !ages.is_empty(), now);
        if let Some(at) = look {
            self.look_later(Look::Audience, at);
        }
        if !tell {
            return false;
        }
        self.tell_owner_of(&audience, state);
        if let Some(watch) = &state.reception.watch {
            watch.send_replace(audience);
        }
        let all = state.reception.tells_viewers && other_viewers;
        if all {
            state.members.tell(|| Item::Audience(audience.viewers));
        }
        all
    }

    /// A planned look happens, or somebody has begun to wait for its socket.
    pub(super) fn look_at_audience(&self, is_planned: bool) {
        let mut state = self.lock();
        if is_planned {
            state.reception.attention.was_planned();
        }
        self.notice_audience(&mut state);
    }

    /// A viewer has come, or comes on: behind what brings it to where the room stands it is told how many watch.
    pub(super) fn tell_newcomer(&self, state: &State, seat: Seat, outbox: &Arc<Outbox>) {
        if state.reception.tells_viewers
            && let Some(frame) = (outbox.dialect().audience)(state.core.viewers())
        {
            state.members.tell_one(seat, outbox, Frame::audience(frame));
        }
    }

    /// The owner has come and knows nothing: it is told if anybody watches.
    pub(super) fn tell_new_owner(&self, state: &mut State) {
        let audience = self.take_stock(state);
        if audience.viewers > 0 {
            self.tell_owner_of(&audience, state);
        }
        self.notice_audience(state);
    }

    /// Tells a program that owns the room under the lease `term`, from now on.
    pub(super) fn watch_audience(&self, term: Term) -> watch::Receiver<Audience> {
        let mut state = self.lock();
        let audience = self.take_stock(&mut state);
        if state.core.has_ended() || state.core.term() != term {
            return watch::Sender::new(audience).subscribe();
        }
        let told = state.reception.watch.get_or_insert_with(|| watch::Sender::new(audience)).subscribe();
        self.notice_audience(&mut state);
        told
    }

    /// How things stand, which whoever asks knows from now on.
    fn take_stock(&self, state: &mut State) -> Audience {
        let now = self.clock.now();
        let audience = state.members.ages().of(state.core.viewers(), now);
        let is_alone = !state.reception.tells_viewers && state.reception.watch.is_none();
        if is_alone {
            state.reception.attention.told(audience, now);
        }
        audience
    }

    fn tell_owner_of(&self, audience: &Audience, state: &State) {
        if let Some(owner) = &state.owner
            && let Some(frame) = (owner.dialect().own_audience)(audience)
        {
            owner.tell(Frame::audience(frame));
        }
    }
}
