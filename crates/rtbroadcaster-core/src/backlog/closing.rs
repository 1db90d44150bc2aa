//! The last words of a connection.
//! Must not know why it ends.

use bytes::Bytes;

/// The last words: they go out together.
#[derive(Debug, Clone)]
pub struct Closing {
    /// What says the reason before the close frame, in protocols that have words for it.
    pub told: Option<Bytes>,
    /// The close frame.
    pub close: Bytes,
}

impl Closing {
    pub(super) fn bytes(&self) -> usize {
        self.told.as_ref().map_or(0, Bytes::len) + self.close.len()
    }
}

impl From<Bytes> for Closing {
    /// A close frame alone.
    fn from(close: Bytes) -> Self {
        Self { told: None, close }
    }
}
