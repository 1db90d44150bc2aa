//! The changing part of an outbox, behind its lock.
//! Must not know the socket.

use std::task::Waker;
use std::time::Duration;

use crate::close::CloseReason;
use crate::fanout::backlog::{Backlog, Ending, Frame, Overflow};
use crate::wire::encode;

/// The changing part of an outbox. An idle one holds no buffer.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) backlog: Option<Box<Backlog>>,
    /// Somebody writes to the socket at this moment.
    pub(super) writing: bool,
    /// The client task waits for the socket to take more, so new frames need not wake it.
    pub(super) waits_for_socket: bool,
    pub(super) waker: Option<Waker>,
}

impl Line {
    pub(super) fn backlog(&mut self) -> &mut Backlog {
        self.backlog.get_or_insert_default()
    }

    pub(super) fn ending(&self) -> Ending {
        self.backlog.as_ref().map_or(Ending::Open, |backlog| backlog.ending())
    }

    /// Queues `frames`. A member that does not take its messages is closed with 4008.
    pub(super) fn push(&mut self, frames: &[Frame], now: Duration, limit: usize) {
        let backlog = self.backlog();
        let pushed = frames.iter().try_for_each(|frame| backlog.push(frame.clone(), now, limit));
        self.cut_if_over(pushed);
    }

    /// Queues what a direct write of `frames` left over, `written` bytes of them being out.
    pub(super) fn adopt(&mut self, frames: &[Frame], written: usize, now: Duration, limit: usize) {
        let adopted = self.backlog().adopt(frames, written, now, limit);
        self.cut_if_over(adopted);
    }

    /// The member would have to skip events, and its protocol cannot say so.
    fn cut_if_over(&mut self, result: Result<(), Overflow>) {
        if result == Err(Overflow) {
            self.backlog().cut(encode::close(CloseReason::Slow));
        }
    }
}
