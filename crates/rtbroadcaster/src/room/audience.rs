//! Who is told how many watch a room, and when.
//! Must not know protocols.

use std::sync::Arc;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::backlog::Frame;
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::room::attention::{AudienceListeners, DueNotices};
use tokio::sync::watch;

use super::members::Seat;
use super::registry::Look;
use super::{Room, State};
use crate::fanout::{Item, Outbox};

impl Room {
    /// Somebody has come or gone, or waits: whoever listens is told if it is time, or later. Says whether all viewers were.
    pub(super) fn notice_audience(&self, state: &mut State) -> bool {
        let owner = state.owner.is_some() || state.reception.watch.is_some();
        let listeners = AudienceListeners { owner, viewers: state.reception.tells_viewers };
        if !(listeners.owner || listeners.viewers) || !state.core.life().is_open() {
            return false;
        }
        let (watch, now) = (state.reception.attendance.viewers(), self.clock.now());
        // Before it is asked since when they wait: with a crowd that comes or goes nothing is told for most of them.
        if state.reception.attention.can_wait(listeners, watch, now) {
            return false;
        }
        let ages = state.members.ages();
        let mut audience = ages.of(state.core.viewers(), now);
        audience.viewers = watch;
        let DueNotices { owner, viewers, look } =
            state.reception.attention.notice(listeners, audience, !ages.is_empty(), now);
        if let Some(at) = look {
            self.look_later(Look::Audience, at);
        }
        if owner {
            self.tell_owner_of(&audience, state);
            if let Some(told) = &state.reception.watch {
                told.send_replace(audience);
            }
        }
        if viewers {
            state.members.tell(|| Item::notice(Notice::Audience(watch)));
        }
        viewers
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
    pub(super) fn tell_newcomer(&self, state: &mut State, seat: Seat, outbox: &Arc<Outbox>) {
        let watch = state.reception.attendance.viewers();
        if state.reception.tells_viewers
            && let Some(frame) = Frame::notice(&Notice::Audience(watch), outbox.dialect())
        {
            state.members.tell_one(seat, outbox, frame);
            state.reception.attention.viewer_was_notified(watch);
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
        if !state.core.life().is_open() || state.core.term() != term {
            return watch::Sender::new(self.audience(&state)).subscribe();
        }
        if let Some(told) = &state.reception.watch {
            return told.subscribe();
        }
        let (told, from_now_on) = watch::channel(self.take_stock(&mut state));
        state.reception.watch = Some(told);
        self.notice_audience(&mut state);
        from_now_on
    }

    /// How things stand, which whoever owns the room is told.
    fn take_stock(&self, state: &mut State) -> Audience {
        let audience = self.audience(state);
        state.reception.attention.owner_came(audience, self.clock.now());
        audience
    }

    /// How things stand.
    fn audience(&self, state: &State) -> Audience {
        let mut audience = state.members.ages().of(state.core.viewers(), self.clock.now());
        audience.viewers = state.reception.attendance.viewers();
        audience
    }

    fn tell_owner_of(&self, audience: &Audience, state: &State) {
        if let Some(owner) = &state.owner
            && let Some(frame) = Frame::notice(&Notice::OwnAudience(audience), owner.dialect())
        {
            owner.tell(frame);
        }
    }
}
