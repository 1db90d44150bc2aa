//! The client task's part of an outbox: it waits for the socket and writes what waits.
//! Must not know lanes.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::Bytes;

use super::Outbox;
use crate::metrics::Sent;

/// How much the client task takes for one write. What is taken is not superseded any more, so it is little more than
/// the kernel takes before it admits that the peer is slow.
const WRITE_FRAMES_MAX: usize = 64;
const WRITE_BYTES_MAX: usize = 32 * 1024;

/// What a drain ends with, when it has written what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// The close frame is written.
    Closed,
    /// Messages were lost and everything else is written: the client needs the state.
    Lost,
}

/// The client task's next step.
enum NextStep {
    /// Write the frames that it took, from this offset in the first one.
    Write(usize),
    /// Wait.
    Rest,
    /// End the drain with this.
    Found(Drained),
}

impl Outbox {
    /// Writes what waits with `write`, as the client task. Pending if nothing waits (the next frame wakes the task) or
    /// if the socket takes no more (then `write` wakes it).
    pub(crate) fn poll_drain(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&mut Context<'_>, &[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<Drained>> {
        let mut frames = Vec::new();
        loop {
            frames.clear();
            let offset = match self.next_step(cx, &mut frames) {
                NextStep::Write(offset) => offset,
                NextStep::Found(found) => return Poll::Ready(Ok(found)),
                NextStep::Rest => return Poll::Pending,
            };
            let mut slices: Vec<IoSlice<'_>> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
            slices[0] = IoSlice::new(&frames[0][offset..]);
            let result = write(cx, &slices);
            let mut state = self.lock();
            state.writing = false;
            state.waits_for_socket = result.is_pending();
            let written = if let Poll::Ready(Ok(written)) = result { written } else { 0 };
            let frames = self.count(&mut state, |state| state.backlog(self.dialect).advance(written));
            self.counters.sent(Sent { frames, bytes: written });
            match result {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes the frames to write next.
    fn next_step(&self, cx: &mut Context<'_>, frames: &mut Vec<Bytes>) -> NextStep {
        let mut state = self.lock();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        state.waits_for_socket = false;
        if state.writing {
            return NextStep::Rest;
        }
        if state.backlog.is_none() {
            return NextStep::Rest;
        }
        let offset = self.count(&mut state, |state| {
            state.backlog(self.dialect).take(frames, WRITE_FRAMES_MAX, WRITE_BYTES_MAX, self.clock.now())
        });
        if !frames.is_empty() {
            state.writing = true;
            return NextStep::Write(offset);
        }
        let Some(backlog) = &state.backlog else { return NextStep::Rest };
        if backlog.is_closed() {
            return NextStep::Found(Drained::Closed);
        }
        if backlog.wants_state() {
            return NextStep::Found(Drained::Lost);
        }
        if backlog.is_empty() {
            state.rest();
        }
        NextStep::Rest
    }
}
