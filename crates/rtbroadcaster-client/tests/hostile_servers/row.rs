//! One behaviour of a server, and the expected end of a client. Must not know how it is run.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::peer::Peer;
use crate::program::Role;

/// The behaviour of a server on one connection; the connection ends with it.
pub(crate) type Act = Arc<dyn Fn(Peer) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The default of [`Row::settled`].
const SETTLED: Duration = Duration::from_millis(1_200);

/// How far a server follows the protocol before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has read the handshake.
    Asked,
    /// It has answered the handshake, and read the request that enters the room.
    Open,
    /// It has let the client into the room.
    Inside,
}

/// How a client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// After one connection, without a reconnect, for this reason.
    Final(&'static str),
    /// When its patience ends.
    GivesUp,
    /// Before its patience ends, since the server demands a longer wait.
    GivesUpAtOnce,
    /// It stays on one connection, and leaves when its program says so.
    Stays,
}

/// One behaviour.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) phase: Phase,
    pub(crate) roles: &'static [Role],
    pub(crate) ends: Ends,
    /// Whether the program takes the items of its client.
    pub(crate) is_heard: bool,
    /// After which time a client counts as staying.
    pub(crate) settled: Duration,
    /// Whether the server is still running when the program leaves.
    pub(crate) is_left: bool,
    pub(crate) act: Act,
}

impl Row {
    pub(crate) fn new<F: Future<Output = ()> + Send + 'static>(
        name: &'static str,
        phase: Phase,
        ends: Ends,
        act: impl Fn(Peer) -> F + Send + Sync + 'static,
    ) -> Self {
        let act: Act = Arc::new(move |peer| Box::pin(act(peer)));
        Self {
            name,
            phase,
            roles: &[Role::Viewer, Role::Owner],
            ends,
            is_heard: true,
            settled: SETTLED,
            is_left: true,
            act,
        }
    }

    pub(crate) fn of(self, roles: &'static [Role]) -> Self {
        Self { roles, ..self }
    }

    /// Ends the server after so many milliseconds.
    pub(crate) fn for_millis(self, millis: u64) -> Self {
        Self { settled: Duration::from_millis(millis), is_left: false, ..self }
    }

    /// Lets the program take no items.
    pub(crate) fn unheard(self) -> Self {
        Self { is_heard: false, ..self }
    }
}
