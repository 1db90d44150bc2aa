//! The errors of opening a room. Must not know connections.

use rtbroadcaster_core::closing::Closing;

use crate::address::AddressError;

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
    /// The server does not let the owner in, or patience has ended.
    #[error("the server does not open the room")]
    Closed(#[source] Closing),
}
