//! Why there is no room to own. Must not know connections.

use crate::address::AddressError;
use rtbroadcaster_core::closing::Closing;

/// Why there is no room to speak in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is none.
    #[error("the address cannot be used")]
    Address(#[from] AddressError),
    /// There is no such room, or the key is not its own: both look the same.
    #[error("there is no such room, or the key is not its own")]
    NoRoom,
    /// There is a room of the name that the new one was to have.
    #[error("there is a room of this name")]
    Exists,
    /// The server does not let it in, or patience has ended.
    #[error("the server does not open the room")]
    Closed(#[source] Closing),
}
