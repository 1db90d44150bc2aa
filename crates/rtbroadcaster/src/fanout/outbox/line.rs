//! The changing part of an outbox, behind its lock.
//! Must not know the socket.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use rtbroadcaster_core::backlog::{Backlog, Closing, Ending, Frame, Overflow, Rank, Replay};
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::protocol::Dialect;
use rtbroadcaster_core::standing::RoomEnd;

use crate::fanout::lags::Lags;

/// Whether the room's messages go to the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Flow {
    /// They do.
    #[default]
    Live,
    /// It wants none for a while.
    Paused,
    /// It wants them again, and what it missed is being made.
    Returning,
}

/// Who has decided that a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server, for this reason.
    Server(CloseReason),
    /// The client, by a close frame.
    Client,
}

/// The changing part of an outbox. An idle one holds no buffer.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) backlog: Option<Box<Backlog>>,
    /// Somebody writes to the socket at this moment.
    pub(crate) writing: bool,
    /// The client task waits for the socket to take more, so new frames need not wake it.
    pub(crate) waits_for_socket: bool,
    pub(crate) flow: Flow,
    /// The number up to which the member was sent all messages, while there is no backlog that knows it.
    pub(crate) reached: Seq,
    /// Whose ending stands, if there is one.
    pub(crate) end: Option<End>,
    pub(crate) waker: Option<Waker>,
    /// Where it is known since when the members of its room and lane wait, while it is one.
    pub(crate) lags: Option<Arc<Lags>>,
}

impl Line {
    pub(crate) fn backlog(&mut self, dialect: &'static Dialect) -> &mut Backlog {
        let reached = self.reached;
        self.backlog.get_or_insert_with(|| Box::new(Backlog::new(dialect, reached)))
    }

    /// Nothing goes out any more, not even a close frame. Gives whom that concerns.
    pub(super) fn break_off(&mut self, dialect: &'static Dialect) -> Option<Waker> {
        let waker = self.waker.take();
        self.exit();
        *self = Self { backlog: Some(Box::new(Backlog::broken(dialect))), ..Self::default() };
        waker
    }

    /// Since when something waits, if anything does.
    pub(crate) fn waits_since(&self) -> Option<Duration> {
        self.backlog.as_ref().and_then(|backlog| backlog.waiting_since())
    }

    /// The member is one of those of whom `lags` are known.
    pub(crate) fn enter(&mut self, lags: &Arc<Lags>) {
        self.exit();
        self.lags = Some(Arc::clone(lags));
        self.waits(None);
    }

    /// The member is in no lane any more.
    pub(crate) fn exit(&mut self) {
        let since = self.waits_since();
        if let Some(lags) = self.lags.take().filter(|_| since.is_some()) {
            lags.change(since, None);
        }
    }

    /// Before, something had waited since `before`.
    pub(crate) fn waits(&self, before: Option<Duration>) {
        if let Some(lags) = &self.lags {
            let since = self.waits_since();
            if since != before {
                lags.change(before, since);
            }
        }
    }

    /// Everything is out: the buffer goes.
    pub(crate) fn rest(&mut self) {
        if let Some(backlog) = self.backlog.take() {
            self.reached = backlog.reached();
        }
    }

    /// The bytes that wait, and how many frames went for newer ones since anything waits.
    pub(crate) fn tally(&self) -> (usize, usize) {
        self.backlog.as_ref().map_or((0, 0), |backlog| (backlog.unsent(), backlog.superseded()))
    }

    /// What waits goes out first. `end` is how the client's room has ended, if it has.
    pub(crate) fn finish(&mut self, dialect: &'static Dialect, reason: CloseReason, end: Option<RoomEnd>) {
        if self.backlog(dialect).finish(Closing::new(dialect, reason, end)) {
            self.end = Some(End::Server(reason));
        }
    }

    /// What waits goes.
    pub(crate) fn cut(&mut self, dialect: &'static Dialect, reason: CloseReason) {
        if self.backlog(dialect).cut(Closing::new(dialect, reason, None)) {
            self.end = Some(End::Server(reason));
        }
    }

    /// What waits goes, since the client has closed with this `code`.
    pub(crate) fn echo_close(&mut self, dialect: &'static Dialect, code: Option<u16>) {
        if self.backlog(dialect).cut(Closing::echo(dialect, code)) {
            self.end = Some(End::Client);
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.backlog.as_ref().map_or(Ending::Open, |backlog| backlog.ending())
    }

    /// Whether the member gets what a lane sends.
    pub(crate) fn is_live(&self) -> bool {
        self.flow == Flow::Live && !self.backlog.as_ref().is_some_and(|backlog| backlog.is_lost())
    }

    /// Whether a batch may be written at once. One that begins with a hole up to `hole` where this member has none, since
    /// it came later, goes through the backlog, which finds out what there is to tell.
    pub(crate) fn is_free(&self, hole: Option<Seq>) -> bool {
        self.backlog.is_none() && !self.writing && hole.is_none_or(|end| self.reached < end)
    }

    /// Queues `frames`, of messages only those that the member wants. A member that cannot be told that it lost messages is closed with 4008.
    pub(crate) fn push(&mut self, frames: &[Frame], dialect: &'static Dialect, now: Duration, limit: usize) {
        let is_live = self.flow == Flow::Live;
        let backlog = self.backlog(dialect);
        let mut wanted = frames.iter().filter(|frame| is_live || frame.rank == Rank::Answer);
        let pushed = wanted.try_for_each(|frame| backlog.push(frame.clone(), now, limit));
        self.cut_if_over(pushed, dialect);
    }

    /// Queues what a direct write of `frames` left over, `written` bytes of them being out.
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

    /// A direct write took everything, up to the message `reached`.
    pub(crate) fn was_sent(&mut self, reached: Option<Seq>) {
        self.writing = false;
        match (&mut self.backlog, reached) {
            (Some(backlog), Some(reached)) => backlog.was_sent(reached),
            (None, Some(reached)) => self.reached = reached,
            (_, None) => {}
        }
    }

    /// The member wants no messages for a while.
    pub(crate) fn pause(&mut self) {
        if std::mem::replace(&mut self.flow, Flow::Paused) == Flow::Paused {
            return;
        }
        if let Some(backlog) = &mut self.backlog {
            backlog.pause();
        }
    }

    /// Brings the member to where the room stands.
    pub(crate) fn replay(&mut self, replay: Replay, dialect: &'static Dialect) {
        // A member that has paused meanwhile stays paused: what comes now is a whole that stands for itself.
        if self.flow == Flow::Returning {
            self.flow = Flow::Live;
        }
        self.backlog(dialect).replay(replay);
    }

    /// Where a paused member stands, as soon as that cannot change any more.
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

    /// Whether the member is live, or paused and whole.
    pub(crate) fn is_settled(&self) -> bool {
        self.flow == Flow::Live || self.position().is_some()
    }

    /// What a paused member missed is being made: its [`replay`](Self::replay) ends the pause.
    pub(crate) fn returns(&mut self) {
        self.flow = Flow::Returning;
    }

    fn cut_if_over(&mut self, result: Result<(), Overflow>, dialect: &'static Dialect) {
        if result == Err(Overflow) {
            self.cut(dialect, CloseReason::Slow);
        }
    }
}
