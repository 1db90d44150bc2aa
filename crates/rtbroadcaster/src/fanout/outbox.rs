//! The outgoing frames of one client: written at once by a lane while none wait, by its own client task otherwise.
//! Must not know rooms or JSON. No lock is held while a socket is written.

mod aside;
mod direct;
mod drain;
mod promise;
mod state;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::backlog::{ControlKind, Ending, Frame, Replay};
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::{RoomId, Seq};
use rtbroadcaster_core::protocol::{Dialect, Liveness, Notice};
use rtbroadcaster_core::standing::RoomEnd;
use rtbroadcaster_core::wire::Control;

use crate::clock::Clock;
use crate::lock_order::{LockRank, Ordered, ordered};
use crate::metrics::Counters;
use crate::socket::LaneSocket;
pub(super) use direct::{Batch, Member};
pub(crate) use drain::Drained;
pub(crate) use promise::Promise;
use state::Flow;
pub(crate) use state::{End, OutboxState};

/// The place of a member that is in no lane.
const NO_PLACE: usize = usize::MAX;

/// The outgoing frames of one client. Shared by the client task, which waits for the socket, and a lane, which never
/// does.
///
/// What a lane looks at for each message comes first and fills one line of the processor's cache. Of ten thousand
/// members none is in it any more when its turn comes.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Outbox {
    state: Mutex<OutboxState>,
    /// The socket, if writing to it directly is possible.
    direct: Option<Arc<LaneSocket>>,
    /// The client's protocol.
    dialect: &'static Dialect,
    clock: Clock,
    counters: Arc<Counters>,
    /// `backlog_bytes_max`.
    limit: usize,
    /// `stall_timeout`, in nanoseconds: half the size of a duration, and every idle viewer has one.
    stall_ns: u64,
    /// The member's place in its lane's roster, known to that lane only.
    place: AtomicUsize,
    /// The bytes that the [promised](Promise) answers will take.
    promised: AtomicU32,
    /// Whether anything came from the client since the last heartbeat.
    heard: AtomicBool,
}

/// The part that a lane looks at is in the first cache line.
const _: () = assert!(std::mem::offset_of!(Outbox, dialect) <= 64);

impl Outbox {
    /// Makes an outbox that writes directly to `direct`, or leaves all writing to the client task.
    pub(crate) fn new(
        direct: Option<Arc<LaneSocket>>,
        dialect: &'static Dialect,
        clock: Clock,
        counters: &Arc<Counters>,
        config: &Config,
    ) -> Arc<Self> {
        Arc::new(Self {
            direct,
            dialect,
            clock,
            counters: Arc::clone(counters),
            limit: config.backlog_bytes_max.most(),
            stall_ns: config
                .stall_timeout
                .max()
                .map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)),
            heard: AtomicBool::new(true),
            promised: AtomicU32::new(0),
            place: AtomicUsize::new(NO_PLACE),
            state: Mutex::default(),
        })
    }

    /// Returns the client's protocol.
    pub(crate) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Queues the answer to a request behind what waits.
    pub(crate) fn answer(&self, bytes: Bytes) {
        self.change(|state, now| state.push(&[Frame::answer(bytes)], self.dialect, now, self.limit));
    }

    /// Queues a replay, before anything that a lane offers from now on.
    pub(crate) fn replay(&self, replay: Replay) {
        self.change(|state, _| state.replay(replay, self.dialect));
    }

    /// Pauses the client's messages where it stands now.
    pub(crate) fn pause(&self) {
        self.count(&mut self.lock(), OutboxState::pause);
    }

    /// Returns where a paused client stands, as soon as that cannot change any more.
    pub(crate) fn position(&self) -> Option<Seq> {
        self.lock().position()
    }

    /// Returns whether the client is live, or paused at a position that cannot change any more. Its task is woken when
    /// that may be so.
    pub(crate) fn is_settled(&self) -> bool {
        self.lock().is_settled()
    }

    /// Notes that the replay for a paused client is being made. That [`replay`](Self::replay) ends the pause.
    pub(crate) fn expect_replay(&self) {
        self.lock().expect_replay();
    }

    /// Returns whether this client lost messages and no state is ordered for it, see [`Drained::Lost`]. If so, the
    /// caller must make the state. The end of its room may have brought the state since `Drained::Lost` was returned.
    pub(crate) fn order_state(&self) -> bool {
        self.lock().backlog.as_mut().is_some_and(|backlog| backlog.order_state())
    }

    /// Returns whether this client lost messages and no replay is queued that makes up for them.
    pub(super) fn is_lost(&self) -> bool {
        self.lock().backlog.as_ref().is_some_and(|backlog| backlog.is_lost())
    }

    /// Queues the answer to the client's ping, which carried this `payload` (RFC 6455 section 5.5.3).
    pub(crate) fn pong(&self, payload: &Control) {
        if let Some(pong) = (self.dialect.transport.pong)(payload) {
            self.change(|state, _| state.backlog(self.dialect).control(ControlKind::Pong, pong));
        }
    }

    /// Queues a heartbeat: the transport's ping, and for clients that cannot see pings the number of the room's last
    /// message and the time until the `next` heartbeat.
    pub(crate) fn beat(&self, seq: Seq, next: Option<Duration>) {
        self.change(|state, _| {
            let backlog = state.backlog(self.dialect);
            if let Some(ping) = (self.dialect.transport.ping)() {
                backlog.control(ControlKind::Ping, ping);
            }
            if let Some(alive) = (self.dialect.write)(&Notice::Alive { seq, next }) {
                backlog.control(ControlKind::Alive, alive);
            }
        });
    }

    /// Ends the connection, since the client's room has ended: sends what waits, then the farewell, then the close for
    /// `reason`.
    pub(crate) fn farewell(&self, room: &RoomId, reason: CloseReason, end: RoomEnd) {
        self.change(|state, now| {
            if let Some(farewell) = Frame::notice(&Notice::Farewell(room.clone()), self.dialect) {
                // Beyond the limit: it is the last frame.
                state.push(&[farewell], self.dialect, now, usize::MAX);
            }
            state.finish(self.dialect, reason, Some(end));
        });
    }

    /// Asks the client to `reconnect` at its own moment, since the server shuts down, and ends the connection. Each
    /// client has another moment, so that they do not all reconnect at once.
    pub(crate) fn depart(&self, reason: CloseReason, reconnect: Duration) {
        if let Some(draining) = (self.dialect.write)(&Notice::Draining { reconnect }) {
            self.answer(draining);
        }
        self.finish(reason);
    }

    /// Queues the notice that the client's rights end in this time, if its dialect has words for it.
    pub(crate) fn expiring(&self, left: Duration) {
        if let Some(expiring) = (self.dialect.write)(&Notice::Expiring { left }) {
            self.answer(expiring);
        }
    }

    /// Ends the connection after what waits was sent.
    pub(crate) fn finish(&self, reason: CloseReason) {
        self.change(|state, _| state.finish(self.dialect, reason, None));
    }

    /// Ends the connection: finishes the frame that is half written, sends what says the end, and drops the rest.
    pub(crate) fn cut(&self, reason: CloseReason) {
        self.change(|state, _| state.cut(self.dialect, reason));
    }

    /// Answers the client's close with the same code (RFC 6455 section 5.5.1), and drops what waits.
    pub(crate) fn echo_close(&self, code: Option<u16>) {
        self.change(|state, _| state.echo_close(self.dialect, code));
    }

    /// Has the client task look at its deadlines again.
    pub(crate) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Notes that something came from the client.
    pub(crate) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Returns whether anything came from the client since the last call, or whether it is one that never speaks.
    fn has_answered(&self) -> bool {
        self.dialect.liveness == Liveness::Silent || self.heard.swap(false, Ordering::Relaxed)
    }

    /// Returns which ending was decided, if one was.
    pub(crate) fn ending(&self) -> Ending {
        self.lock().ending()
    }

    /// Returns which side decided the end, if one has.
    pub(crate) fn end(&self) -> Option<End> {
        self.lock().end
    }

    /// Returns when the client will have waited too long for its socket; `None` while it does not wait.
    pub(crate) fn stalls_at(&self) -> Option<Duration> {
        let state = self.lock();
        let stall = Some(self.stall_ns).filter(|stall| *stall != 0).map(Duration::from_nanos)?;
        state.backlog.as_ref().filter(|_| state.waits_for_socket)?.stalls_at(stall)
    }

    /// Changes what waits and wakes the client task if it has something to do about it.
    fn change(&self, change: impl FnOnce(&mut OutboxState, Duration)) {
        let mut state = self.lock();
        let ending = state.ending();
        self.count(&mut state, |state| change(state, self.clock.now()));
        let ends_now = state.ending() != ending;
        let waker = if ends_now || !state.waits_for_socket { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Changes what waits, and counts how much waits then. A walk over all outboxes for each read of the metrics would
    /// take as many locks as there are clients; here the lock is held anyway.
    fn count<T>(&self, state: &mut OutboxState, change: impl FnOnce(&mut OutboxState) -> T) -> T {
        let (waited, superseded) = state.tally();
        let since = state.waits_since();
        let changed = change(state);
        state.waits(since);
        let (waits, superseded_now) = state.tally();
        self.counters.waits(waited, waits);
        // Less means that the backlog was dropped, which supersedes nothing.
        self.counters.superseded_in_backlog(superseded_now.saturating_sub(superseded));
        changed
    }

    /// Returns the member's place in its roster.
    pub(super) fn place(&self) -> Option<usize> {
        Some(self.place.load(Ordering::Relaxed)).filter(|place| *place != NO_PLACE)
    }

    /// Sets the member's place in its roster. Only its lane moves it.
    pub(super) fn set_place(&self, place: Option<usize>) {
        self.place.store(place.unwrap_or(NO_PLACE), Ordering::Relaxed);
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, OutboxState>> {
        let lock = || {
            self.state.lock().unwrap_or_else(|poisoned| {
                // A panic has left it half changed. What the peer has of a frame is not known any more, so the connection
                // ends without a word.
                let mut state = poisoned.into_inner();
                self.state.clear_poison();
                if let Some(waker) = state.break_off(self.dialect) {
                    waker.wake();
                }
                state
            })
        };
        ordered(LockRank::CONNECTION, lock)
    }
}

impl Drop for Outbox {
    /// Stops counting the frames that still wait.
    fn drop(&mut self) {
        let (waited, _) = self.lock().tally();
        self.counters.waits(waited, 0);
    }
}

#[cfg(test)]
mod tests;
