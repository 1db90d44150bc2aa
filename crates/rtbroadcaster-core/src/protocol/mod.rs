//! Reads messages of clients into commands, and writes answers, notices and entries as finished frames.
//! Must not know sockets, rooms or time. PROTOCOL.md is the normative text.

pub mod classic;
mod dialect;
mod notice;
pub mod v2;

use std::time::Duration;

use crate::config::Config;
use crate::id::Seq;
use crate::identity::ViewerKey;
use crate::message::{Key, Message, Params};
use crate::options::RoomOptions;
use crate::refusal::Refusal;
use crate::standing::{How, Standing, Start};

pub use dialect::{DIALECTS, Dialect, Liveness, OnOverflow, Transport, WEBSOCKET, choose};
pub use notice::Notice;

/// A request of a client.
#[derive(Debug)]
pub enum Command {
    /// Open a room and own it.
    Create {
        /// The room's options.
        options: RoomOptions,
    },
    /// Own a room by its key.
    Own {
        /// The room's id, not yet known to be one.
        room: String,
        /// The key, not yet known to be one.
        key: String,
        /// The owner's position when it owned the room before.
        start: Start,
    },
    /// Watch a room.
    Join {
        /// The room's id, not yet known to be one.
        room: String,
        /// The position from which the viewer wants to resume.
        start: Start,
        /// The key by which it wants to be recognized, not yet checked. Boxed: inline it would make each command
        /// larger.
        viewer: Option<Box<ViewerKey>>,
    },
    /// Publish a message to the own room.
    Publish {
        /// The room that is meant; empty for the own one.
        room: String,
        /// The message.
        message: Message,
    },
    /// Remove a key from the own room's state.
    Clear {
        /// The key.
        key: Key,
        /// The publisher's own name for this change.
        id: Option<Box<str>>,
    },
    /// Send a signal to the owner.
    Signal {
        /// The key that the signal calls.
        key: Key,
        /// The parameters.
        params: Params,
    },
    /// Say whether the server is there.
    Ping,
    /// Stop getting messages for a while.
    Pause,
    /// Get them again, from where it paused.
    Unpause,
    /// End the own room as its owner, leave it as a viewer.
    Leave {
        /// The room that is meant; empty for the own one.
        room: String,
    },
    /// End the own room.
    Close,
}

/// A message from a client, as far as it could be understood.
#[derive(Debug)]
pub struct Request {
    /// The text that the answer repeats: in classic the `uuid` as it was sent, in version 2 the `id`; empty for none.
    pub echo: Box<str>,
    /// The command, or the reason why there is none.
    pub command: Result<Command, Refusal>,
}

/// The answer to an accepted request.
#[derive(Debug)]
pub enum Answer<'a> {
    /// To `Create`: the client owns the room.
    Created {
        /// The new room.
        standing: &'a Standing,
        /// The owner key.
        key: &'a str,
        /// How long the room waits for its owner; `None` for ever.
        grace: Option<Duration>,
        /// The rules of this connection.
        terms: Terms<'a>,
    },
    /// To `Own`: the client owns the room, whose state follows.
    Owned {
        /// The room, under its new lease.
        standing: &'a Standing,
        /// Whether the room has everything that the owner had acknowledged; [`How::Snapshot`] if the owner gave no
        /// position.
        how: How,
        /// How long the room waits for its owner; `None` for ever.
        grace: Option<Duration>,
        /// How many frames of state follow.
        replay: usize,
        /// The rules of this connection.
        terms: Terms<'a>,
    },
    /// To `Join` and `Unpause`: the client watches the room.
    Joined {
        /// The room.
        standing: &'a Standing,
        /// Whether the state follows, or the messages that the viewer missed.
        how: How,
        /// How many frames of it follow.
        replay: usize,
        /// The rules of this connection.
        terms: Terms<'a>,
        /// The key by which the viewer is recognized when it comes back.
        viewer: &'a ViewerKey,
    },
    /// To a `Publish` or `Clear` with an id: it is applied, under this number.
    Ack(Seq),
    /// To a `Ping`: the server is there, and this is the number of the room's last message.
    Pong(Seq),
}

/// The rules of a connection, which a client gets when it enters a room.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The limits.
    pub config: &'a Config,
    /// The time within which the server plans to send the next frame; `None` without heartbeats.
    pub next: Option<Duration>,
}
