//! Passes the signals of viewers to the owner of their room, one by one or counted.
//! Must not know protocols.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rtbroadcaster_core::backlog::Frame;
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::identity::ViewerNumber;
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::rate::Rate;
use rtbroadcaster_core::refusal::SignalError;
use rtbroadcaster_core::room::votes::{CountError, Voter};
use rtbroadcaster_core::signal::Signal;
use rtbroadcaster_core::standing::OwnerStatus;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::registry::Look;
use super::{Room, RoomState};
use crate::engine::{NoReply, Pending, Question, Reply};
use crate::metrics::SignalRefusal;

/// The outcome of a signal that another node passes on.
pub(super) type Forwarded = Pending<'static, Result<(), SignalRefusal>>;

/// How many signals may wait for a program that owns a room.
const WAITING_MAX: usize = 256;

/// How many signals may wait when totals are sent. Totals are up to five times as long as another signal can be, and
/// the next ones contain them.
const BEFORE_TOTALS_MAX: usize = 32;

/// A stream of what viewers send to the owner of a room, made by [`Owner::signals`](crate::Owner::signals). At most 256
/// signals wait in it; while they do, the server refuses further ones. While 32 do, it holds totals back, and sends the
/// newest ones later. It ends when the room has ended, when another owner has come, and when newer `Signals` were made.
#[derive(Debug)]
pub struct Signals(mpsc::Receiver<Signal>);

impl Signals {
    /// Returns the next signal, when it has come; `None` when there will be no more. Cancel safe.
    pub async fn next(&mut self) -> Option<Signal> {
        self.0.recv().await
    }
}

impl Stream for Signals {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.0.poll_recv(context)
    }
}

impl Room {
    /// Returns the time.
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Returns how many signals one viewer may say.
    pub(super) fn rate_per_viewer(&self) -> Rate {
        self.signal_rates.per_viewer
    }

    /// Passes on, or counts, a signal of the viewer `from`. Returns the outcome that is to come if the owner is on another
    /// node.
    ///
    /// # Errors
    /// [`SignalError`] if the signal is dropped.
    pub(super) fn signal(&self, from: Voter, key: &Key, params: &Params) -> Result<Option<Forwarded>, SignalError> {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            // The farewell may not have reached the viewer yet.
            return Err(self.refuse_signal(SignalRefusal::Unheard));
        }
        let now = self.clock.now();
        let there = state.core.viewers();
        if !state.audience.paces.admits(from.number, self.signal_rates.per_viewer, now, there) {
            // Another connection of the same viewer may have used it up.
            self.counters.signal_refused(SignalRefusal::ViewerRate);
            return Err(SignalError::SharedRate);
        }
        if let Some(votes) = state.audience.votes.as_mut().filter(|votes| votes.counts(key)) {
            votes.count(key, params, from, now).map_err(|error| match error {
                CountError::TooLong => SignalError::TooLong,
                CountError::Full => self.refuse_signal(SignalRefusal::VotersFull),
            })?;
            self.counters.signal_counted();
            self.plan_totals(&mut state);
            return Ok(None);
        }
        if !is_heard(&state) {
            let forwarded = self.forward(&mut state, from.number, key, params);
            return forwarded.map(Some).map_err(|refusal| self.refuse_signal(refusal));
        }
        let passed = self.pass_on(&mut state, from.number, key.clone(), params.clone());
        passed.map_err(|refusal| self.refuse_signal(refusal))?;
        Ok(None)
    }

    /// Passes a signal on to the owner, which is on this node.
    fn pass_on(
        &self,
        state: &mut RoomState,
        from: ViewerNumber,
        key: Key,
        params: Params,
    ) -> Result<(), SignalRefusal> {
        if !is_heard(state) {
            return Err(SignalRefusal::Unheard);
        }
        if !state.audience.pace.admits(self.signal_rates.per_room, self.clock.now()) {
            return Err(SignalRefusal::RoomRate);
        }
        let dropped = state.audience.dropped;
        let heard = tell_owner(state, Signal::Single { key, params, from: Some(from.get()), dropped });
        state.audience.dropped = match heard {
            Ok(()) => 0,
            Err(SignalRefusal::OwnerBehind) => dropped + 1,
            Err(_) => dropped,
        };
        heard?;
        self.counters.signal_told();
        Ok(())
    }

    /// Asks the node of the owner to pass a signal on.
    fn forward(
        &self,
        state: &mut RoomState,
        from: ViewerNumber,
        key: &Key,
        params: &Params,
    ) -> Result<Forwarded, SignalRefusal> {
        let engine = self.engine.as_ref().filter(|_| state.core.standing().owner == OwnerStatus::Live);
        let question = || Question::Signal { from, key: key.clone(), params: params.clone() };
        let reply = engine.and_then(|engine| engine.ask(question())).ok_or(SignalRefusal::Unheard)?;
        if !state.audience.pace.admits(self.signal_rates.per_room, self.clock.now()) {
            return Err(SignalRefusal::RoomRate);
        }
        Ok(Box::pin(async {
            match reply.await {
                Ok(Reply::Done) => Ok(()),
                Ok(Reply::Refused(refusal)) => Err(refusal),
                Err(NoReply) => Err(SignalRefusal::Unheard),
            }
        }))
    }

    /// Passes on what a viewer on another node signals. That node counts a refusal.
    pub(super) fn pass_on_of_other_node(
        &self,
        from: ViewerNumber,
        key: Key,
        params: Params,
    ) -> Result<(), SignalRefusal> {
        let mut state = self.lock();
        if !state.core.life().is_open() {
            return Err(SignalRefusal::Unheard);
        }
        // The viewer may be connected to several nodes.
        let there = state.core.viewers();
        if !state.audience.paces.admits(from, self.signal_rates.per_viewer, self.clock.now(), there) {
            return Err(SignalRefusal::ViewerRate);
        }
        self.pass_on(&mut state, from, key, params)
    }

    /// Counts a refused signal, and returns the error for it.
    pub(super) fn refuse_signal(&self, refusal: SignalRefusal) -> SignalError {
        self.counters.signal_refused(refusal);
        match refusal {
            SignalRefusal::ViewerRate => SignalError::Rate,
            SignalRefusal::RoomRate => SignalError::SharedRate,
            SignalRefusal::Unheard | SignalRefusal::OwnerBehind | SignalRefusal::VotersFull => SignalError::Unavailable,
        }
    }

    /// Returns the signals, from now on, for a program that owns the room under the lease `term`.
    pub(super) fn hear_signals(&self, term: Term) -> Signals {
        let (subscriber, heard) = mpsc::channel(WAITING_MAX);
        let mut state = self.lock();
        if state.core.life().is_open() && state.core.term() == term {
            state.audience.subscriber = Some(subscriber);
            self.tell_all_totals(&mut state);
        }
        Signals(heard)
    }

    /// Sends all totals to a listener that knows none.
    pub(super) fn tell_all_totals(&self, state: &mut RoomState) {
        let now = self.clock.now();
        if let Some(votes) = &mut state.audience.votes {
            votes.tell_all(now);
            self.tell_totals(state);
        }
    }

    /// Restarts the count of the signals of `key`.
    pub(super) fn restart_counting(&self, state: &mut RoomState, key: &Key) {
        if let Some(votes) = &mut state.audience.votes {
            votes.restart(key, self.clock.now());
            self.plan_totals(state);
        }
    }

    /// Does the planned look at totals.
    pub(super) fn look_at_totals(&self) {
        let mut state = self.lock();
        state.audience.totals_look.rang();
        if state.core.life().is_open() {
            self.tell_totals(&mut state);
        }
    }

    fn tell_totals(&self, state: &mut RoomState) {
        if !is_heard(state) {
            // The next listener is sent all of them.
            return;
        }
        if let Some(mut votes) = state.audience.votes.take() {
            votes.tell(self.clock.now(), |totals| tell_owner(state, totals).is_ok());
            state.audience.votes = Some(votes);
        }
        self.plan_totals(state);
    }

    /// Schedules a look at the room for when totals are due.
    fn plan_totals(&self, state: &mut RoomState) {
        let due = state.audience.votes.as_ref().and_then(|votes| votes.due());
        let Some(due) = due.filter(|_| is_heard(state)) else { return };
        if let Some(at) = state.audience.totals_look.sooner(due) {
            self.look_later(Look::Totals, at);
        }
    }
}

/// Returns whether an owner or a program listens to signals.
fn is_heard(state: &RoomState) -> bool {
    state.owner.is_some() || state.audience.subscriber.as_ref().is_some_and(|subscriber| !subscriber.is_closed())
}

/// Sends a signal to the owner, if it takes it.
fn tell_owner(state: &mut RoomState, signal: Signal) -> Result<(), SignalRefusal> {
    if let Some(owner) = &state.owner {
        let frame = Frame::notice(&Notice::Signal(&signal), owner.dialect()).ok_or(SignalRefusal::Unheard)?;
        return owner.pass_on(frame).then_some(()).ok_or(SignalRefusal::OwnerBehind);
    }
    let subscriber = state.audience.subscriber.as_ref().ok_or(SignalRefusal::Unheard)?;
    let waits = subscriber.max_capacity() - subscriber.capacity();
    if matches!(signal, Signal::Counts { .. }) && waits >= BEFORE_TOTALS_MAX {
        return Err(SignalRefusal::OwnerBehind);
    }
    subscriber.try_send(signal).map_err(|error| match error {
        TrySendError::Full(_) => SignalRefusal::OwnerBehind,
        TrySendError::Closed(_) => SignalRefusal::Unheard,
    })
}
