//! Where a viewer or an owner connects to: a server over the network, or one in the same process.
//! Must not know what is spoken there.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use tokio::io::DuplexStream;

use super::address::{Address, AddressError};

/// A server that a client connects to. A text that is an [`Address`] becomes one by itself, so `Viewer::join` takes
/// `"ws://127.0.0.1:8080/broadcasting"` as it is. Cheap to clone.
///
/// ```
/// use rtbroadcaster::remote::Target;
///
/// assert!(Target::try_from("ws://127.0.0.1:8080/broadcasting").is_ok());
/// assert!(Target::try_from("127.0.0.1:8080").is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Target(pub(super) Way);

/// How connections are made.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Over TCP.
    Network(Address),
    /// Within the process.
    InMemory(InMemory),
}

/// Makes connections within the process.
#[derive(Clone)]
pub(super) struct InMemory {
    /// What requests name as their address.
    pub(super) address: Address,
    connect: Arc<dyn Fn() -> Option<DuplexStream> + Send + Sync>,
}

impl InMemory {
    /// Returns a new connection, or `None` if there is no server any more.
    pub(super) fn connect(&self) -> Option<DuplexStream> {
        (self.connect)()
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").finish_non_exhaustive()
    }
}

impl Target {
    /// Returns a server in the same process: `connect` returns one end of a new connection, at whose other end the server reads an
    /// HTTP request for an upgrade; or `None` if there is no server, which a client takes for a lost connection.
    /// `Manager::in_memory` makes one for a manager of this library.
    pub fn in_memory(connect: impl Fn() -> Option<DuplexStream> + Send + Sync + 'static) -> Self {
        let address = "ws://in.memory/broadcasting".parse().expect("it is an address");
        Self(Way::InMemory(InMemory { address, connect: Arc::new(connect) }))
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self(Way::Network(address))
    }
}

impl From<&Target> for Target {
    fn from(target: &Target) -> Self {
        target.clone()
    }
}

impl TryFrom<&str> for Target {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        text.parse::<Address>().map(Self::from)
    }
}

impl TryFrom<&String> for Target {
    type Error = AddressError;

    fn try_from(text: &String) -> Result<Self, AddressError> {
        text.as_str().try_into()
    }
}

impl From<Infallible> for AddressError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
