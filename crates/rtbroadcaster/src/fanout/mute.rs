//! Tests only: a dialect without a word, from which tests make the one that they need.
//! Must not know which tests.

use rtbroadcaster_core::protocol::{Dialect, classic};

/// It writes neither entries nor notices; the transport's words are those of a WebSocket.
pub(crate) static MUTE: Dialect = Dialect { write: |_| None, encode: |_, _| None, ..classic::DIALECT };
