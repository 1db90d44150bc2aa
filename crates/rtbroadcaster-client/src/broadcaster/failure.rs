//! The errors of opening a room and of publishing. Must not know connections.

use rtbroadcaster_core::message::MessageError;

use crate::address::AddressError;
use crate::ending::Closing;

/// Why a room was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is malformed.
    #[error("the address cannot be used")]
    Address(#[from] AddressError),
    /// There is no such room, or the key is not its own: both look the same.
    #[error("there is no such room, or the key is not its own")]
    NoRoom,
    /// A room of the requested name exists already.
    #[error("there is a room of this name")]
    Exists,
    /// The server does not let the broadcaster in, or patience has ended.
    #[error("the server does not open the room")]
    Closed(#[source] Closing),
}

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Another owner has taken the room over. A message that was published before may be stored; a later one is not.
    #[error("another owner has taken the room over")]
    Fenced,
    /// The message has a fault: its key, parameters, size or id. The source says which.
    #[error("the message cannot be published")]
    BadMessage(#[from] MessageError),
    /// The room's state cannot take another key or this many bytes.
    #[error("the room's state is full")]
    StateFull,
    /// The same id was published with other content.
    #[error("the id was used for another message")]
    IdReused,
    /// There is no connection, and an ephemeral message does not wait for one.
    #[error("there is no connection")]
    Offline,
    /// The server refused the message for another reason.
    #[error("the server refused the message")]
    Refused(#[source] crate::Refused),
    /// The broadcaster has ended. Whether the message was stored is not known.
    #[error("the broadcaster is over")]
    Closed(#[source] Closing),
}

impl From<Closing> for PublishError {
    fn from(closing: Closing) -> Self {
        const FENCED: u16 = 4509;
        if closing.code() == FENCED { Self::Fenced } else { Self::Closed(closing) }
    }
}
