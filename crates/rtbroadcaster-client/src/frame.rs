//! What a server of version 2 says: PROTOCOL.md section 2. Pure.
//! Must not know what it means for anybody.

mod read;

use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{Epoch, RoomId, Seq};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::refusal::Refused;
use rtbroadcaster_core::signal::Signal;
use rtbroadcaster_core::standing::OwnerStatus;

use super::comeback::{Advice, End};
use super::identity::Identity;
use super::limits::Told;
use super::liveness::Signs;
use rtbroadcaster_core::closing::Closing;

/// When to try again where a server does not say it.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(5);

/// One message of a server.
#[derive(Debug)]
pub(super) enum Frame {
    /// The room is made.
    Created(Entry, OwnerKey),
    /// The room has a new owner, this one. How its cursor was continued is told by servers that know lives, if it sent one.
    Owned(Entry, Option<How>),
    /// This viewer is in the room.
    Joined(Entry, How),
    /// Something was said.
    Message(Said),
    /// What was superseded up to this number.
    Skipped(Seq, Option<Seq>),
    /// The state follows anew.
    Reset(Entry, ResetReason),
    /// The owner came or went, or has another lease; with the epoch of the life that begins with it, if one does.
    Owner(Presence, u64, Option<Epoch>),
    /// The message of this id has this number and is safe.
    Ack(Box<str>, Seq),
    /// A request is refused.
    Error(Option<Box<str>>, Refused),
    /// The room's last number, and within which time the next frame is planned.
    Alive(Seq, Option<Duration>),
    /// The answer to a ping.
    Pong,
    /// When to come back.
    Draining(Duration),
    /// Why the connection is closed now, and why the room has ended.
    Closed(Box<str>, Box<str>),
    /// How many watch.
    Audience(Audience),
    /// A viewer speaks to the owner.
    Signal(Signal),
}

/// Where a room stands when somebody enters it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The id of the request.
    pub(super) id: Box<str>,
    pub(super) room: Option<RoomId>,
    pub(super) epoch: Epoch,
    pub(super) term: u64,
    pub(super) seq: Seq,
    /// How many frames follow.
    pub(super) replay: u64,
    pub(super) owner: Presence,
    pub(super) signs: Signs,
    /// How long the room waits for its owner, where the server tells it.
    pub(super) grace: Option<Duration>,
    /// What the server takes, where it tells that.
    pub(super) limits: Option<Told>,
    /// Who the viewer is, where the server tells it.
    pub(super) viewer: Option<Identity>,
}

/// Whether the owner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) status: OwnerStatus,
    /// For how long it has been away.
    pub(super) away: Duration,
}

/// How a viewer is brought to where the room stands, or what became of an owner's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Snapshot,
    Resumed,
    Reset(ResetReason),
}

/// Why a viewer got the state anew instead of every message, or why a server has lost messages of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetReason {
    /// A message that it missed has left the history.
    Retention,
    /// The room's numbering has begun anew, or without something that the cursor's epoch had.
    Epoch,
    /// It has seen a message that the room does not have.
    Future,
    /// Its cursor was none.
    Malformed,
    /// It did not take its messages fast enough.
    Slow,
    /// Messages were lost between servers.
    Gap,
    /// The server gave a reason that this version does not know.
    Other,
}

impl ResetReason {
    /// Returns the reason of a word of PROTOCOL.md.
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

    /// Returns the word of PROTOCOL.md, and `other` for one that this version does not know.
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

/// One thing that was said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) seq: Option<Seq>,
    pub(super) key: Key,
    pub(super) params: Params,
    pub(super) change: Change,
}

/// Returns how a connection ends whose request to enter the room was refused: by the close code that stands for it.
pub(super) fn refused_to_enter(refused: &Refused) -> End {
    let closing = |reason: CloseReason| Closing::with(reason.code(), refused.code());
    let (closing, advice) = match refused.code() {
        "bad_message" => (closing(CloseReason::BadMessage), Advice::None),
        "no_room" => (closing(CloseReason::NoRoom), Advice::None),
        "not_owner" => (closing(CloseReason::Forbidden), Advice::None),
        "unauthorized" => (closing(CloseReason::Unauthorized), Advice::None),
        "already_in_room" => (closing(CloseReason::RuleBroken), Advice::None),
        // What passes by itself, and whatever else has its time.
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
    End { closing, advice }
}
