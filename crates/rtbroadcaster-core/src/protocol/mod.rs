//! Bytes of a client's message <-> what it asks for; what the server says <-> finished frames.
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

/// What a client asks for.
#[derive(Debug)]
pub enum Command {
    /// Open a room and own it.
    Create {
        /// What the room has besides messages.
        options: RoomOptions,
    },
    /// Own a room by its key.
    Own {
        /// The room's name, not yet known to be one.
        room: String,
        /// The key, not yet known to be one.
        key: String,
        /// Where the owner stood when it owned the room before.
        start: Start,
    },
    /// Watch a room.
    Join {
        /// The room's name, not yet known to be one.
        room: String,
        /// Where the viewer wants to go on.
        start: Start,
        /// By which it wants to be recognized, not yet known to be right. Boxed: each command would be larger by it.
        viewer: Option<Box<ViewerKey>>,
    },
    /// Say something to the own room.
    Publish {
        /// The room that is meant; empty for the own one.
        room: String,
        /// What is said.
        message: Message,
    },
    /// Remove a key from the own room's state.
    Clear {
        /// The key.
        key: Key,
        /// The publisher's own name for this change.
        id: Option<Box<str>>,
    },
    /// Say something to the owner alone.
    Signal {
        /// What is called.
        key: Key,
        /// With which parameters.
        params: Params,
    },
    /// Say whether the server is there.
    Ping,
    /// Get no messages for a while.
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
    /// What the answer repeats of the request: in classic the `uuid` as it was sent, in version 2 the `id`; empty for
    /// none.
    pub echo: Box<str>,
    /// What is asked, or why it makes no sense.
    pub command: Result<Command, Refusal>,
}

/// The answer to an accepted request.
#[derive(Debug)]
pub enum Answer<'a> {
    /// To `Create`: the client owns the room.
    Created {
        /// The new room.
        standing: &'a Standing,
        /// What makes whoever holds it the owner.
        key: &'a str,
        /// How long the room waits for its owner; `None` for ever.
        grace: Option<Duration>,
        /// What holds on this connection.
        terms: Terms<'a>,
    },
    /// To `Own`: the client owns the room, whose state follows.
    Owned {
        /// The room, under its new lease.
        standing: &'a Standing,
        /// Whether everything that the owner had acknowledged is here; [`How::Snapshot`] where it did not say what that is.
        how: How,
        /// How long the room waits for its owner; `None` for ever.
        grace: Option<Duration>,
        /// How many frames of state follow.
        replay: usize,
        /// What holds on this connection.
        terms: Terms<'a>,
    },
    /// To `Join` and `Unpause`: the client watches the room.
    Joined {
        /// The room.
        standing: &'a Standing,
        /// What follows: its state, or what the viewer missed.
        how: How,
        /// How many frames of it follow.
        replay: usize,
        /// What holds on this connection.
        terms: Terms<'a>,
        /// By which the viewer is recognized when it comes back.
        viewer: &'a ViewerKey,
    },
    /// To a `Publish` or `Clear` with an id: it is applied, under this number.
    Ack(Seq),
    /// To a `Ping`: the server is there, and this is the number of the room's last message.
    Pong(Seq),
}

/// What a client that enters a room is told of the rules there.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The limits.
    pub config: &'a Config,
    /// Within which time the server plans to send the next frame; `None` where it has no heartbeats.
    pub next: Option<Duration>,
}
