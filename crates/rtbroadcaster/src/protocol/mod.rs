//! Bytes of a client's message <-> what it asks for; what the server says <-> finished frames.
//! Must not know sockets, rooms or time. PROTOCOL.md is the normative text.

pub mod classic;
mod refusal;

use bytes::Bytes;

use crate::id::RoomId;
use crate::message::{Dialect, Message};

pub use refusal::{Refusal, Strikes};

/// The protocols, chosen by `Sec-WebSocket-Protocol` (RFC 6455 section 1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The JSON of 2016, for clients that offer no protocol or none that is known.
    Classic,
}

/// What a client asks for.
#[derive(Debug)]
pub enum Command {
    /// Open a room and own it.
    Create,
    /// Watch a room; the name as it was sent.
    Join {
        /// The room's name, not yet known to be one.
        room: String,
    },
    /// Say something to the own room.
    Publish {
        /// The room that is meant; empty for the own one.
        room: String,
        /// What is said.
        message: Message,
    },
    /// End the own room as its owner, leave it as a viewer.
    Close {
        /// The room that is meant; empty for the own one.
        room: String,
    },
}

/// A message from a client, as far as it could be understood.
#[derive(Debug)]
pub struct Request {
    /// What a refusal repeats of the request: in classic the `uuid` as it was sent.
    pub echo: String,
    /// What is asked, or why it makes no sense.
    pub command: Result<Command, Refusal>,
}

impl Protocol {
    /// The best protocol among those that a client offers.
    pub fn choose(_offers: impl Fn(&str) -> bool) -> Protocol {
        Protocol::Classic
    }

    /// The name to answer in the handshake; `None` where the client offered none that is known.
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Protocol::Classic => None,
        }
    }

    /// What the fan-out has to know of it.
    pub fn dialect(self) -> &'static Dialect {
        match self {
            Protocol::Classic => &classic::DIALECT,
        }
    }

    /// Reads a client's message.
    pub fn decode(self, text: &str) -> Request {
        match self {
            Protocol::Classic => classic::decode(text),
        }
    }

    /// The answer to an accepted `Create` or `Join`.
    pub fn connected(self, room: RoomId) -> Bytes {
        match self {
            Protocol::Classic => classic::connected(room),
        }
    }

    /// The answer to a request that is refused.
    pub fn refused(self, echo: &str, refusal: Refusal) -> Bytes {
        match self {
            Protocol::Classic => classic::refused(echo, refusal),
        }
    }
}
