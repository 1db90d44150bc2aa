//! The last words of a connection.
//! Must not know who has decided that it ends.

use bytes::Bytes;

use crate::close::CloseReason;
use crate::protocol::{Dialect, Notice};
use crate::standing::RoomEnd;

/// The last words: they go out together.
#[derive(Debug, Clone)]
pub struct Closing {
    /// What says the reason before the close, in dialects that have words for it.
    told: Option<Bytes>,
    /// The transport's close, in transports that have words for it.
    close: Option<Bytes>,
}

impl Closing {
    /// Returns the last words of a connection that ends for `reason`. `end` is how the client's room has ended, if it has.
    pub fn new(dialect: &Dialect, reason: CloseReason, end: Option<RoomEnd>) -> Self {
        Self { told: (dialect.write)(&Notice::Closed { reason, end }), close: (dialect.transport.close)(reason) }
    }

    /// Returns the answer to a client that has closed with this `code`.
    pub fn echo(dialect: &Dialect, code: Option<u16>) -> Self {
        Self { told: None, close: (dialect.transport.close_echo)(code) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.frames().map(Bytes::len).sum()
    }

    /// The frames, in order.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Bytes> {
        self.told.into_iter().chain(self.close)
    }

    fn frames(&self) -> impl Iterator<Item = &Bytes> {
        self.told.iter().chain(&self.close)
    }
}

impl From<Bytes> for Closing {
    /// A close alone.
    fn from(close: Bytes) -> Self {
        Self { told: None, close: Some(close) }
    }
}
