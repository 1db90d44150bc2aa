//! How the public verbs fail, and which refusal a client gets for it.
//! Must not know rooms, nor how a refusal is written.

use super::Refusal;
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

/// Why a message was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The room has ended.
    #[error("the room has ended")]
    RoomEnded,
    /// Another owner has taken the room over.
    #[error("another owner has taken the room over")]
    Fenced,
    /// The message has a fault: its key, parameters, size or id. The source says which.
    #[error("the message cannot be published")]
    BadMessage(#[from] MessageError),
    /// The room's state cannot take another key or this many bytes: `state_keys_max`, `state_bytes_max`.
    #[error("the room's state is full")]
    StateFull,
    /// The same id was published with other content.
    #[error("the id was used for another message")]
    IdReused,
    /// The room's log cannot be written at the moment. Whether this message will be is not known: published again under
    /// the same id, once it can be, it is stored once.
    #[error("the room's log cannot be written")]
    Unavailable,
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
            PublishError::Unavailable => Self::Unavailable,
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
