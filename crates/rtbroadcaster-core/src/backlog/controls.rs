//! The frames that concern the connection: they are sent before the messages.
//! Must not know the frames behind them.

use bytes::Bytes;

/// The most pongs that wait. A peer that sends several pings at once gets a pong for each, as some test suites want it.
/// Of more pings than these only the newest is answered (RFC 6455 section 5.5.3), so the memory is bounded.
const PONGS_MAX: usize = 16;

/// A kind of frame that concerns the connection (RFC 6455 section 5.5). At most one of a kind waits, except for pongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// The server's ping, which asks whether the member is there.
    Ping,
    /// The answer to a ping of the member.
    Pong,
    /// The heartbeat for clients that cannot see pings. It is a text frame, but may be sent between messages as well.
    Alive,
}

/// The control frames that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Controls(Vec<(ControlKind, Bytes)>);

impl Controls {
    /// Queues a frame, or replaces the last one of its kind where no more of them may wait.
    pub(super) fn put(&mut self, kind: ControlKind, bytes: Bytes) {
        let places = if kind == ControlKind::Pong { PONGS_MAX } else { 1 };
        match self.0.iter_mut().filter(|(waiting, _)| *waiting == kind).nth(places - 1) {
            Some((_, last)) => *last = bytes,
            None => self.0.push((kind, bytes)),
        }
    }

    /// Removes and returns the first frame.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| self.0.remove(0).1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}
