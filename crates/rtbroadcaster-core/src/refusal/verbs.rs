//! How the public verbs fail, and which refusal a client gets for it.
//! Must not know rooms, nor how a refusal is written.

use super::{Refusal, Refused};
use crate::close::CloseReason;
use crate::closing::Closing;
use crate::message::MessageError;

/// Why a room is not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There are `rooms_max` rooms, or `rooms_per_address_max` from this address, or the rooms that there are keep
    /// `data_bytes_max` or those of this address `data_bytes_per_address_max`.
    #[error("there are as many rooms as there may be")]
    TooManyRooms,
    /// There is a room of this name.
    #[error("there is a room of this name")]
    Exists,
    /// The manager is shutting down.
    #[error("the manager is shutting down")]
    ShuttingDown,
    /// The room's log cannot be written.
    #[error("the room's log cannot be written")]
    Unavailable,
}

/// Why a viewer is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinError {
    /// The room does not exist or has ended.
    NoRoom,
    /// It is about to leave this process, and does not end.
    Departing,
    /// It has as many viewers as it may.
    RoomFull,
}

/// Why a client with a key does not become the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// There is no such room, or the key is not its own: both look the same.
    #[error("no such room")]
    NoRoom,
    /// The room's log cannot be written.
    #[error("the room's log cannot be written")]
    Unavailable,
}

/// Why a message was not published, by an owner in the server's process or over the network. The last three come over the
/// network only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The room has ended.
    #[error("the room has ended")]
    RoomEnded,
    /// Another owner has taken the room over. Over the network it is not known whether this message was stored before, unless
    /// another owner publishes it again under its id.
    #[error("another owner has taken the room over")]
    Fenced,
    /// The message has a fault, for example more bytes than the limit. The source says which.
    #[error("the message cannot be published")]
    BadMessage(#[from] MessageError),
    /// The room's state cannot take another key or this many bytes: `state_keys_max`, `state_bytes_max`.
    #[error("the room's state is full")]
    StateFull,
    /// The same id was published with other content.
    #[error("the id was used for another message")]
    IdReused,
    /// The room's log cannot be written at the moment. It is not known whether this message will be: published again under the
    /// same id, once the log can be written, it is stored once.
    #[error("the room's log cannot be written")]
    Unavailable,
    /// There is no connection, and an ephemeral message does not wait for one.
    #[error("there is no connection")]
    Offline,
    /// The server refused the message for another reason.
    #[error("the server refused the message")]
    Refused(#[source] Refused),
    /// The owner is closed. It is not known whether the message was stored.
    #[error("the owner is closed")]
    Closed(#[source] Closing),
}

impl PublishError {
    /// Returns whether this owner can publish nothing any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::RoomEnded | Self::Fenced | Self::Closed(_))
    }
}

impl From<Closing> for PublishError {
    fn from(closing: Closing) -> Self {
        let is = |reason: CloseReason| closing.code() == reason.code();
        if is(CloseReason::Fenced) {
            Self::Fenced
        } else if is(CloseReason::RoomClosed) || is(CloseReason::NoRoom) {
            Self::RoomEnded
        } else {
            Self::Closed(closing)
        }
    }
}

/// Why a signal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalError {
    /// Its key is counted, and its parameters are too long for that.
    TooLong,
    /// The viewer sends too many signals over this connection.
    Rate,
    /// All viewers of the room together send too many, or the viewer does over all its connections.
    SharedRate,
    /// The owner takes none at the moment, or it cannot be counted.
    Unavailable,
}

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::TooManyRooms => Self::RoomLimit,
            CreateError::Exists => Self::Exists,
            CreateError::ShuttingDown | CreateError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::NoRoom => Self::NoRoom,
            JoinError::RoomFull => Self::RoomFull,
            // The client comes back, and finds it elsewhere.
            JoinError::Departing => Self::Unavailable,
        }
    }
}

impl From<OwnError> for Refusal {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::NoRoom => Self::NoRoom,
            OwnError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::RoomEnded => Self::NoRoom,
            PublishError::Fenced => Self::NotOwner,
            PublishError::BadMessage(_) => Self::BadMessage,
            PublishError::StateFull => Self::StateFull,
            PublishError::IdReused => Self::IdReused,
            // Those that only come over the network say nothing of this server.
            PublishError::Unavailable | PublishError::Offline | PublishError::Refused(_) | PublishError::Closed(_) => {
                Self::Unavailable
            }
        }
    }
}

impl From<SignalError> for Refusal {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::TooLong => Self::TooBig,
            SignalError::Rate | SignalError::SharedRate => Self::Rate,
            SignalError::Unavailable => Self::Unavailable,
        }
    }
}
