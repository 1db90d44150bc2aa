//! What the node of a viewer asks the node of the owner, and what that one replies.
//! Must not know how nodes reach each other.

use rtbroadcaster_core::identity::ViewerNumber;
use rtbroadcaster_core::message::{Key, Params};

use crate::metrics::SignalRefusal;

/// What a node asks the node of a room's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// To pass a signal of the viewer `from` on to the owner.
    Signal { from: ViewerNumber, key: Key, params: Params },
}

/// What the node of the owner has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// What was asked.
    Done,
    /// Nothing: the signal is refused.
    Refused(SignalRefusal),
}

/// No reply came in time, or there is no node to ask: whether something was done is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoReply;
