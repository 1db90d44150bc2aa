//! The frames that close a connection.
//! Must not know the backlog.

use bytes::Bytes;

use crate::close::CloseReason;
use crate::protocol::{Dialect, Notice};
use crate::standing::RoomEnd;

/// The frames that close a connection. They are taken together.
#[derive(Debug, Clone)]
pub struct CloseFrames {
    /// The notice of the reason, in dialects that have words for it.
    notice: Option<Bytes>,
    /// The transport's close frame, in transports that have one.
    close: Option<Bytes>,
}

impl CloseFrames {
    /// Returns the closing frames of a connection that ends for `reason`. `end` is how the client's room has ended, if
    /// it has.
    pub fn new(dialect: &Dialect, reason: CloseReason, end: Option<RoomEnd>) -> Self {
        Self { notice: (dialect.write)(&Notice::Closed { reason, end }), close: (dialect.transport.close)(reason) }
    }

    /// Returns the answer to a client that has closed with this `code`.
    pub fn echo(dialect: &Dialect, code: Option<u16>) -> Self {
        Self { notice: None, close: (dialect.transport.close_echo)(code) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.frames().map(Bytes::len).sum()
    }

    /// Returns the frames, in order.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Bytes> {
        self.notice.into_iter().chain(self.close)
    }

    fn frames(&self) -> impl Iterator<Item = &Bytes> {
        self.notice.iter().chain(&self.close)
    }
}

impl From<Bytes> for CloseFrames {
    /// Returns the transport's close alone.
    fn from(close: Bytes) -> Self {
        Self { notice: None, close: Some(close) }
    }
}
