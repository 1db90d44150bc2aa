//! The frames that a server of version 2 sends: PROTOCOL.md section 2. Pure.
//! Must not know viewers or owners.

mod read;

use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::closing::Closing;
use rtbroadcaster_core::id::{Epoch, RoomId, Seq};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::refusal::Refused;
use rtbroadcaster_core::signal::Signal;
use rtbroadcaster_core::standing::OwnerStatus;

use super::backoff::{Advice, ConnectionEnd};
use super::identity::Identity;
use super::limits::AdvertisedLimits;
use super::liveness::Signs;

/// When to try again if the server sends no time: [`SOON`] after `rate` and `unavailable`, [`LATER`] after `room_full`
/// and `room_limit`.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(5);

/// One frame of a server.
#[derive(Debug)]
pub(super) enum ServerFrame {
    /// The room is created.
    Created(Admission, OwnerKey),
    /// This client owns the room. A server that knows lives also sends how it continued the cursor, if there was one.
    Owned(Admission, Option<How>),
    /// This viewer is in the room.
    Joined(Admission, How),
    /// A message of the owner.
    Message(MessageFrame),
    /// Messages up to the first number were superseded. By the second one, if it is sent, every newer value has
    /// arrived.
    Skipped(Seq, Option<Seq>),
    /// A replay of the state follows.
    Reset(Admission, ResetReason),
    /// The owner came or left, or has another lease (its term); with the epoch of the life that begins with it, if one
    /// does.
    Owner(OwnerPresence, u64, Option<Epoch>),
    /// The message with this id is stored under this number.
    Ack(Box<str>, Seq),
    /// The refusal of the request with this id, if the server knows the id.
    Error(Option<Box<str>>, Refused),
    /// A heartbeat: the room's last number, and the time within which the server plans the next frame.
    Alive(Seq, Option<Duration>),
    /// The answer to the ping with this id.
    Pong(Box<str>),
    /// The server shuts down: the time after which to reconnect.
    Draining(Duration),
    /// Why the server closes the connection now, and why the room has ended.
    Closed(Box<str>, Box<str>),
    /// The number of viewers.
    Audience(Audience),
    /// A signal of viewers to the owner.
    Signal(Signal),
}

/// The position of a room when a client enters it.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    /// The id of the request.
    pub(super) id: Box<str>,
    pub(super) room: Option<RoomId>,
    pub(super) epoch: Epoch,
    pub(super) term: u64,
    pub(super) seq: Seq,
    /// The number of frames that follow.
    pub(super) replay: u64,
    pub(super) owner: OwnerPresence,
    pub(super) signs: Signs,
    /// The time that the room waits for its owner, if the server sends it.
    pub(super) grace: Option<Duration>,
    /// The limits of the server, if it sends them.
    pub(super) limits: Option<AdvertisedLimits>,
    /// The viewer's identity, if the server sends it.
    pub(super) viewer: Option<Identity>,
}

/// Whether the owner is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnerPresence {
    pub(super) status: OwnerStatus,
    /// For how long it has been away.
    pub(super) away: Duration,
}

/// How the server brings a viewer up to date, or how it continued an owner's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Snapshot,
    Resumed,
    Reset(ResetReason),
}

/// Why a viewer got a replay of the state instead of every message, or why a server has lost messages of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetReason {
    /// A message that the viewer missed has left the history.
    Retention,
    /// The room has a new numbering, or one that lacks messages of the cursor's epoch.
    Epoch,
    /// The cursor is beyond the room's last message.
    Future,
    /// The cursor was malformed.
    Malformed,
    /// The viewer did not read its messages fast enough.
    Slow,
    /// Messages were lost between servers.
    Gap,
    /// The server gave a reason that this version does not know.
    Other,
}

impl ResetReason {
    /// Returns the reason that this word of PROTOCOL.md stands for.
    pub(super) fn from_word(word: &str) -> Self {
        const KNOWN: [ResetReason; 6] = [
            ResetReason::Retention,
            ResetReason::Epoch,
            ResetReason::Future,
            ResetReason::Malformed,
            ResetReason::Slow,
            ResetReason::Gap,
        ];
        KNOWN.into_iter().find(|reason| reason.word() == word).unwrap_or(Self::Other)
    }

    /// Returns the word of PROTOCOL.md, and `other` for a reason that this version does not know.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Malformed => "malformed",
            Self::Slow => "slow",
            Self::Gap => "gap",
            Self::Other => "other",
        }
    }
}

/// One message of the owner.
#[derive(Debug, Clone)]
pub(super) struct MessageFrame {
    pub(super) seq: Option<Seq>,
    pub(super) key: Key,
    pub(super) params: Params,
    pub(super) change: Change,
}

/// Returns the end of a connection whose request to enter the room was refused: by the close code that stands for
/// it.
pub(super) fn refused_to_enter(refused: &Refused) -> ConnectionEnd {
    let closing = |reason: CloseReason| Closing::with(reason.code(), refused.code());
    let (closing, advice) = match refused.code() {
        "bad_message" => (closing(CloseReason::BadMessage), Advice::None),
        "no_room" => (closing(CloseReason::NoRoom), Advice::None),
        "not_owner" => (closing(CloseReason::Forbidden), Advice::None),
        "unauthorized" => (closing(CloseReason::Unauthorized), Advice::None),
        "already_in_room" => (closing(CloseReason::RuleBroken), Advice::None),
        // A later attempt may succeed; so it may after an unknown code that comes with a time.
        "room_full" | "room_limit" => {
            (closing(CloseReason::TryLater), Advice::NotBefore(refused.retry().unwrap_or(LATER)))
        }
        "rate" => (closing(CloseReason::Rate), Advice::NotBefore(refused.retry().unwrap_or(SOON))),
        "unavailable" => (closing(CloseReason::Unavailable), Advice::NotBefore(refused.retry().unwrap_or(SOON))),
        _ => match refused.retry() {
            Some(time) => (closing(CloseReason::TryLater), Advice::NotBefore(time)),
            None => (closing(CloseReason::RuleBroken), Advice::None),
        },
    };
    ConnectionEnd { closing, advice }
}
