//! The changing part of an outbox, behind its lock.
//! Must not know the socket.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use rtbroadcaster_core::backlog::{Backlog, CloseFrames, Ending, Frame, Overflow, Rank, Replay};
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::protocol::Dialect;
use rtbroadcaster_core::standing::RoomEnd;

use crate::fanout::lags::Lags;

/// Whether the room's messages are sent to the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Flow {
    /// They are.
    #[default]
    Live,
    /// They are not: the member has paused.
    Paused,
    /// Not yet: the member has resumed, and its replay is being made.
    Resuming,
}

/// The side that has decided the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server, for this reason.
    Server(CloseReason),
    /// The client, by a close frame.
    Client,
}

/// The changing part of an outbox. An idle one holds no buffer.
#[derive(Debug, Default)]
pub(crate) struct OutboxState {
    pub(crate) backlog: Option<Box<Backlog>>,
    /// Whether a lane or the client task writes to the socket at this moment.
    pub(crate) writing: bool,
    /// Whether the client task waits for the socket to take more, so that new frames need not wake it.
    pub(crate) waits_for_socket: bool,
    pub(crate) flow: Flow,
    /// The number up to which the member was sent all messages, while there is no backlog that knows it.
    pub(crate) reached: Seq,
    /// The side that has decided the end, if one has.
    pub(crate) end: Option<End>,
    pub(crate) waker: Option<Waker>,
    /// The lags of its room and lane, while it is a member.
    pub(crate) lags: Option<Arc<Lags>>,
}

impl OutboxState {
    pub(crate) fn backlog(&mut self, dialect: &'static Dialect) -> &mut Backlog {
        let reached = self.reached;
        self.backlog.get_or_insert_with(|| Box::new(Backlog::new(dialect, reached)))
    }

    /// Drops everything, also the close frame. Returns the waker of the client task.
    pub(super) fn break_off(&mut self, dialect: &'static Dialect) -> Option<Waker> {
        let waker = self.waker.take();
        self.exit();
        *self = Self { backlog: Some(Box::new(Backlog::broken(dialect))), ..Self::default() };
        waker
    }

    /// Returns since when a frame waits, if one does.
    pub(crate) fn waits_since(&self) -> Option<Duration> {
        self.backlog.as_ref().and_then(|backlog| backlog.waiting_since())
    }

    /// Adds the member to those whose ages `lags` has.
    pub(crate) fn enter(&mut self, lags: &Arc<Lags>) {
        self.exit();
        self.lags = Some(Arc::clone(lags));
        self.waits(None);
    }

    /// Removes the member from its lags.
    pub(crate) fn exit(&mut self) {
        let since = self.waits_since();
        if let Some(lags) = self.lags.take().filter(|_| since.is_some()) {
            lags.change(since, None);
        }
    }

    /// Updates the lags. Before the change, a frame had waited since `before`.
    pub(crate) fn waits(&self, before: Option<Duration>) {
        if let Some(lags) = &self.lags {
            let since = self.waits_since();
            if since != before {
                lags.change(before, since);
            }
        }
    }

    /// Frees the backlog, from which everything was sent.
    pub(crate) fn rest(&mut self) {
        if let Some(backlog) = self.backlog.take() {
            self.reached = backlog.reached();
        }
    }

    /// Returns how many bytes wait, and how many frames were superseded since any wait.
    pub(crate) fn tally(&self) -> (usize, usize) {
        self.backlog.as_ref().map_or((0, 0), |backlog| (backlog.unsent(), backlog.superseded()))
    }

    /// Ends the connection after what waits was sent. `end` is how the client's room has ended, if it has.
    pub(crate) fn finish(&mut self, dialect: &'static Dialect, reason: CloseReason, end: Option<RoomEnd>) {
        if self.backlog(dialect).finish(CloseFrames::new(dialect, reason, end)) {
            self.end = Some(End::Server(reason));
        }
    }

    /// Ends the connection, and drops what waits.
    pub(crate) fn cut(&mut self, dialect: &'static Dialect, reason: CloseReason) {
        if self.backlog(dialect).cut(CloseFrames::new(dialect, reason, None)) {
            self.end = Some(End::Server(reason));
        }
    }

    /// Answers the client's close with this `code`, and drops what waits.
    pub(crate) fn echo_close(&mut self, dialect: &'static Dialect, code: Option<u16>) {
        if self.backlog(dialect).cut(CloseFrames::echo(dialect, code)) {
            self.end = Some(End::Client);
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.backlog.as_ref().map_or(Ending::Open, |backlog| backlog.ending())
    }

    /// Returns whether the member gets what a lane sends.
    pub(crate) fn is_live(&self) -> bool {
        self.flow == Flow::Live && !self.backlog.as_ref().is_some_and(|backlog| backlog.is_lost())
    }

    /// Returns whether a batch may be written at once. A member that came later does not have the hole up to `hole`
    /// with which the batch begins. The batch is queued in its backlog then, which finds out what to announce.
    pub(crate) fn is_free(&self, hole: Option<Seq>) -> bool {
        self.backlog.is_none() && !self.writing && hole.is_none_or(|end| self.reached < end)
    }

    /// Queues `frames`, of messages only those that the member wants. If it loses messages and its dialect cannot say
    /// so, the connection is closed with 4008.
    pub(crate) fn push(&mut self, frames: &[Frame], dialect: &'static Dialect, now: Duration, limit: usize) {
        let is_live = self.flow == Flow::Live;
        let backlog = self.backlog(dialect);
        let mut wanted = frames.iter().filter(|frame| is_live || frame.rank == Rank::Answer);
        let pushed = wanted.try_for_each(|frame| backlog.push(frame.clone(), now, limit));
        self.cut_if_over(pushed, dialect);
    }

    /// Queues the rest of `frames` after a direct write, which took `written` bytes of them.
    pub(crate) fn adopt(
        &mut self,
        frames: &[Frame],
        written: usize,
        dialect: &'static Dialect,
        now: Duration,
        limit: usize,
    ) {
        let adopted = self.backlog(dialect).adopt(frames, written, now, limit);
        self.cut_if_over(adopted, dialect);
        if self.flow != Flow::Live {
            self.backlog(dialect).pause();
        }
    }

    /// Notes that a direct write took everything, up to the message `reached`.
    pub(crate) fn was_sent(&mut self, reached: Option<Seq>) {
        self.writing = false;
        match (&mut self.backlog, reached) {
            (Some(backlog), Some(reached)) => backlog.was_sent(reached),
            (None, Some(reached)) => self.reached = reached,
            (_, None) => {}
        }
    }

    /// Pauses the member's messages.
    pub(crate) fn pause(&mut self) {
        if std::mem::replace(&mut self.flow, Flow::Paused) == Flow::Paused {
            return;
        }
        if let Some(backlog) = &mut self.backlog {
            backlog.pause();
        }
    }

    /// Queues a replay.
    pub(crate) fn replay(&mut self, replay: Replay, dialect: &'static Dialect) {
        // A member that has paused meanwhile stays paused: the replay is complete in itself.
        if self.flow == Flow::Resuming {
            self.flow = Flow::Live;
        }
        self.backlog(dialect).replay(replay);
    }

    /// Returns where a paused member stands, as soon as that cannot change any more.
    pub(crate) fn position(&self) -> Option<Seq> {
        if self.writing || self.flow != Flow::Paused {
            return None;
        }
        match &self.backlog {
            None => Some(self.reached),
            Some(backlog) if backlog.is_replaying() => None,
            Some(backlog) => Some(backlog.reached()),
        }
    }

    /// Returns whether the member is live, or paused at a position that cannot change any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.flow == Flow::Live || self.position().is_some()
    }

    /// Notes that the replay for a paused member is being made. That [`replay`](Self::replay) ends the pause.
    pub(crate) fn expect_replay(&mut self) {
        self.flow = Flow::Resuming;
    }

    fn cut_if_over(&mut self, result: Result<(), Overflow>, dialect: &'static Dialect) {
        if result == Err(Overflow) {
            self.cut(dialect, CloseReason::Slow);
        }
    }
}
