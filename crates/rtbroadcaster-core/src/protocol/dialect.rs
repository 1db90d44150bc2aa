//! The table of one protocol: how requests are read, how answers, notices and entries are written, and which are.
//! Must not know sockets, rooms or time.

use bytes::Bytes;

use super::{Answer, Notice, Request, classic, v2};
use crate::close::CloseReason;
use crate::message::{Encode, Entry, SLOTS};
use crate::refusal::Refusal;
use crate::wire::{Control, Excess, encode};

/// All dialects, each at the index of its [slot](Dialect::slot), the better ones later.
pub static DIALECTS: [&Dialect; SLOTS] = [&classic::DIALECT, &v2::DIALECT];

const _: () = {
    let mut slot = 0;
    while slot < SLOTS {
        assert!(DIALECTS[slot].slot == slot, "a dialect stands at the place of its slot");
        slot += 1;
    }
};

/// Returns the best dialect among those that a client offers in its handshake, or classic if it offers none that is
/// known.
pub fn choose(offers: impl Fn(&str) -> bool) -> &'static Dialect {
    let offered = DIALECTS.into_iter().rev().find(|dialect| dialect.name.is_some_and(&offers));
    offered.unwrap_or(&classic::DIALECT)
}

/// How one protocol reads and writes. A function returns `None` if the protocol has no words for its argument: then
/// nothing is sent.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in the handshake (RFC 6455 section 1.9); `None` for clients that offer no name that is known.
    pub name: Option<&'static str>,
    /// The index at which an entry keeps its frame, below [`SLOTS`].
    pub slot: usize,
    /// Reads a client's message.
    pub decode: fn(&str) -> Request,
    /// Writes the answer to an accepted request. The text is the one that the request has asked to be repeated.
    pub accepted: fn(&str, &Answer<'_>) -> Option<Bytes>,
    /// Writes the answer to a request that is refused.
    pub refused: fn(&str, Refusal) -> Bytes,
    /// Writes a notice as one finished frame.
    pub write: fn(&Notice<'_>) -> Option<Bytes>,
    /// Writes an entry with its parameters as one finished frame.
    pub encode: Encode,
    /// How the connection is kept and closed below the messages.
    pub transport: Transport,
    /// Whether a client that sends nothing is gone.
    pub liveness: Liveness,
    /// What happens to a member whose backlog is full.
    pub on_overflow: OnOverflow,
    /// What happens to messages over the size limit.
    pub excess: Excess,
    /// The close reason of a client that leaves.
    pub left: CloseReason,
    /// The close reason of a client whose room has ended.
    pub room_closed: CloseReason,
    /// The close reason of a client that has ended its own room.
    pub own_room_closed: CloseReason,
    /// Whether an owner gets a key, by which it can come back.
    pub has_owner_keys: bool,
    /// Whether a client gets the time within which the server writes again.
    pub tells_next: bool,
    /// Whether a message that arrives slowly has more time than one that does not arrive.
    pub is_patient: bool,
}

/// The transport's own frames, which are no message of any protocol. A transport without one of them returns `None`.
#[derive(Debug, Clone, Copy)]
pub struct Transport {
    /// Returns a ping.
    pub ping: fn() -> Option<Bytes>,
    /// Returns the answer to the client's ping, which carried this.
    pub pong: fn(&Control) -> Option<Bytes>,
    /// Returns the close for this reason.
    pub close: fn(CloseReason) -> Option<Bytes>,
    /// Returns the answer to the client's close, which carried this code.
    pub close_echo: fn(Option<u16>) -> Option<Bytes>,
}

/// The control frames of RFC 6455 section 5.5.
pub const WEBSOCKET: Transport = Transport {
    ping: || Some(encode::ping(&Control::default())),
    pong: |payload| Some(encode::pong(payload)),
    close: |reason| Some(encode::close(reason)),
    close_echo: |code| Some(encode::close_echo(code)),
};

/// Whether clients answer pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// They do: a lane cuts a client that sent nothing since the last heartbeat.
    Answers,
    /// They never send: only their sockets show whether they are there.
    Silent,
}

/// What happens to a member whose backlog is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverflow {
    /// Its waiting frames are dropped, and the state follows.
    Reset,
    /// It is closed.
    Close,
}

impl Dialect {
    /// Returns the finished frame of `entry`, or `None` if this dialect has no words for it. It is made once for all
    /// members.
    pub fn frame(&self, entry: &Entry) -> Option<Bytes> {
        entry.frame(self.slot, self.encode)
    }
}
