//! Notifies the owner and the viewers of how many watch a room.
//! Must not know protocols.

use std::sync::Arc;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::backlog::Frame;
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::room::attention::{AudienceListeners, DueNotices};
use tokio::sync::watch;

use super::members::RosterIndex;
use super::registry::Look;
use super::{Room, RoomState};
use crate::fanout::{Item, Outbox};

impl Room {
    /// Notifies the listeners of the audience that are due, and schedules a look for the others. Called when a viewer
    /// joins, leaves or begins to wait for its socket. Returns whether all viewers were notified.
    pub(super) fn notice_audience(&self, state: &mut RoomState) -> bool {
        let owner = state.owner.is_some() || state.audience.watch.is_some();
        let listeners = AudienceListeners { owner, viewers: state.audience.tells_viewers };
        if !(listeners.owner || listeners.viewers) || !state.core.life().is_open() {
            return false;
        }
        let (watch, now) = (state.audience.attendance.viewers(), self.clock.now());
        // Checked before the ages are collected: while a crowd joins or leaves, most changes notify no listener.
        if state.audience.attention.can_wait(listeners, watch, now) {
            return false;
        }
        let ages = state.members.ages();
        let mut audience = ages.of(state.core.viewers(), now);
        audience.viewers = watch;
        let DueNotices { owner, viewers, look } =
            state.audience.attention.notice(listeners, audience, !ages.is_empty(), now);
        if let Some(at) = look {
            self.look_later(Look::Audience, at);
        }
        if owner {
            self.notify_owner(&audience, state);
            if let Some(told) = &state.audience.watch {
                told.send_replace(Some(audience));
            }
        }
        if viewers {
            state.members.push(|| Item::notice(Notice::Audience(watch)));
        }
        viewers
    }

    /// Notifies the listeners that are due: at a planned look, or because a member has begun to wait for its socket.
    pub(super) fn look_at_audience(&self, is_planned: bool) {
        let mut state = self.lock();
        if is_planned {
            state.audience.attention.was_planned();
        }
        self.notice_audience(&mut state);
    }

    /// Queues how many watch for a viewer that has joined or resumed, behind its replay.
    pub(super) fn notify_newcomer(&self, state: &mut RoomState, index: RosterIndex, outbox: &Arc<Outbox>) {
        let watch = state.audience.attendance.viewers();
        if state.audience.tells_viewers
            && let Some(frame) = Frame::notice(&Notice::Audience(watch), outbox.dialect())
        {
            state.members.push_to(index, outbox, frame);
            state.audience.attention.viewer_was_notified(watch);
        }
    }

    /// Sends the audience to a new owner, if there are viewers.
    pub(super) fn notify_new_owner(&self, state: &mut RoomState) {
        let audience = self.take_stock(state);
        if audience.viewers > 0 {
            self.notify_owner(&audience, state);
        }
        self.notice_audience(state);
    }

    /// Returns the audience, from now on, for a program that owns the room under the lease `term`.
    pub(super) fn watch_audience(&self, term: Term) -> watch::Receiver<Option<Audience>> {
        let mut state = self.lock();
        if !state.core.life().is_open() || state.core.term() != term {
            return watch::Sender::new(None).subscribe();
        }
        if let Some(told) = &state.audience.watch {
            return told.subscribe();
        }
        let (told, from_now_on) = watch::channel(Some(self.take_stock(&mut state)));
        state.audience.watch = Some(told);
        self.notice_audience(&mut state);
        from_now_on
    }

    /// Returns the audience, and notes that the owner knows it.
    fn take_stock(&self, state: &mut RoomState) -> Audience {
        let audience = self.audience(state);
        state.audience.attention.owner_came(audience, self.clock.now());
        audience
    }

    /// Returns the audience at this moment.
    fn audience(&self, state: &RoomState) -> Audience {
        let mut audience = state.members.ages().of(state.core.viewers(), self.clock.now());
        audience.viewers = state.audience.attendance.viewers();
        audience
    }

    fn notify_owner(&self, audience: &Audience, state: &RoomState) {
        if let Some(owner) = &state.owner
            && let Some(frame) = Frame::notice(&Notice::OwnAudience(audience), owner.dialect())
        {
            owner.queue_notice(frame);
        }
    }
}
