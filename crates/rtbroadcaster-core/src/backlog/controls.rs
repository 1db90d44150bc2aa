//! The frames that concern the connection: they go out before the messages.
//! Must not know what waits behind them.

use bytes::Bytes;

/// The most pongs that wait. A peer that asks several times at once gets an answer to each, as some test suites want it;
/// of more than these only the newest is answered (RFC 6455 section 5.5.3), so what waits stays bounded.
const PONGS_MAX: usize = 16;

/// A kind of frame that concerns the connection (RFC 6455 section 5.5); of each but pongs at most one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// Ours, to hear whether the member is there.
    Ping,
    /// The answer to a ping of the member.
    Pong,
    /// The heartbeat for those who cannot see pings. It is a text frame, but has its place between messages as well.
    Alive,
}

/// Those that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Controls(Vec<(ControlKind, Bytes)>);

impl Controls {
    /// Appends a frame, or puts it in the place of one of its kind where no more of them may wait.
    pub(super) fn put(&mut self, kind: ControlKind, bytes: Bytes) {
        let places = if kind == ControlKind::Pong { PONGS_MAX } else { 1 };
        match self.0.iter_mut().filter(|(waiting, _)| *waiting == kind).nth(places - 1) {
            Some((_, last)) => *last = bytes,
            None => self.0.push((kind, bytes)),
        }
    }

    /// Takes the first one.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| self.0.remove(0).1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}
