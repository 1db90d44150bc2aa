//! What a connection has to know of its protocol: how requests are read, how everything is written, and what is told at all.
//! Must not know sockets, rooms or time.

use bytes::Bytes;

use super::{Answer, Notice, Request, classic, v2};
use crate::close::CloseReason;
use crate::message::{Encode, Entry, SLOTS};
use crate::refusal::Refusal;
use crate::wire::{Control, Excess, encode};

/// All dialects, each at the place of its [slot](Dialect::slot), the better ones behind.
pub static DIALECTS: [&Dialect; SLOTS] = [&classic::DIALECT, &v2::DIALECT];

const _: () = {
    let mut slot = 0;
    while slot < SLOTS {
        assert!(DIALECTS[slot].slot == slot, "a dialect stands at the place of its slot");
        slot += 1;
    }
};

/// Returns the best dialect among those that a client offers in its handshake, or classic if it offers none that is known.
pub fn choose(offers: impl Fn(&str) -> bool) -> &'static Dialect {
    let offered = DIALECTS.into_iter().rev().find(|dialect| dialect.name.is_some_and(&offers));
    offered.unwrap_or(&classic::DIALECT)
}

/// How one protocol reads and writes. A function that returns `None` has no words for what it is given: the client is not
/// told.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in the handshake (RFC 6455 section 1.9); `None` for clients that offer no name that is known.
    pub name: Option<&'static str>,
    /// In which place an entry keeps its frame, below [`SLOTS`].
    pub slot: usize,
    /// Reads a client's message.
    pub decode: fn(&str) -> Request,
    /// Writes the answer to an accepted request. The text is what the request has asked to be repeated.
    pub accepted: fn(&str, &Answer<'_>) -> Option<Bytes>,
    /// Writes the answer to a request that is refused.
    pub refused: fn(&str, Refusal) -> Bytes,
    /// Writes a notice as one finished frame.
    pub write: fn(&Notice<'_>) -> Option<Bytes>,
    /// Writes an entry with its parameters as one finished frame.
    pub encode: Encode,
    /// How the connection is kept and closed below the messages.
    pub transport: Transport,
    /// Whether a client that is not heard is gone.
    pub liveness: Liveness,
    /// What becomes of a member when more waits for it than may.
    pub on_overflow: OnOverflow,
    /// What becomes of messages over the size limit.
    pub excess: Excess,
    /// How the connection of a client is closed that leaves.
    pub left: CloseReason,
    /// How a client is closed whose room has ended.
    pub room_closed: CloseReason,
    /// How the client is closed that has ended its own room.
    pub own_room_closed: CloseReason,
    /// Whether an owner is given a key, by which it can come back.
    pub has_owner_keys: bool,
    /// Whether a client is told within which time it hears from the server again.
    pub tells_next: bool,
    /// Whether a message that comes slowly has more time than one that does not come.
    pub is_patient: bool,
}

/// The transport's own words, which are no message of any protocol. A transport without one of them returns `None`.
#[derive(Debug, Clone, Copy)]
pub struct Transport {
    /// Asks the client for a sign of life.
    pub ping: fn() -> Option<Bytes>,
    /// Answers the client's ping, which carried this.
    pub pong: fn(&Control) -> Option<Bytes>,
    /// Closes the connection for this reason.
    pub close: fn(CloseReason) -> Option<Bytes>,
    /// Answers the client's close, which carried this code.
    pub close_echo: fn(Option<u16>) -> Option<Bytes>,
}

/// The control frames of RFC 6455 section 5.5.
pub const WEBSOCKET: Transport = Transport {
    ping: || Some(encode::ping(&Control::default())),
    pong: |payload| Some(encode::pong(payload)),
    close: |reason| Some(encode::close(reason)),
    close_echo: |code| Some(encode::close_echo(code)),
};

/// Whether clients answer when they are asked for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// They do: a lane cuts a client that was not heard since the last heartbeat.
    Answers,
    /// They never speak: only their sockets tell whether they are there.
    Silent,
}

/// What becomes of a member when more waits for it than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverflow {
    /// What waits is dropped, and the state follows.
    Reset,
    /// It is closed.
    Close,
}

impl Dialect {
    /// Returns the finished frame of `entry`, or `None` where this dialect has no words for it. It is made once for all
    /// members.
    pub fn frame(&self, entry: &Entry) -> Option<Bytes> {
        entry.frame(self.slot, self.encode)
    }
}
