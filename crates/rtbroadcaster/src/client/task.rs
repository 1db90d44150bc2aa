//! The task of one client, and what happens when it panics.
//! Must not know what a client does.

use std::pin::pin;
use std::sync::Arc;

use rtbroadcaster_core::protocol::Dialect;
use tokio::time::Instant;

use super::Client;
use crate::fault::{self, Fault};
use crate::rights::Permit;
use crate::server::{ConnectionSlot, Server};
use crate::socket::Socket;

impl Client {
    /// Serves a client to its end on a task of its own. `first` came behind the handshake.
    pub(crate) fn serve(
        server: &Arc<Server>,
        socket: Socket,
        first: &[u8],
        dialect: &'static Dialect,
        permit: Permit,
        accepted: Instant,
        slot: ConnectionSlot,
    ) {
        let accepted = server.clock().since_birth(accepted);
        let mut client = Self::new(socket, dialect, Arc::clone(server), permit, accepted, slot.place());
        let begun = fault::catch("client", server.counters(), || client.begin(first));
        server.clients().spawn(client.see_through(begun, slot));
    }

    /// Returns the task of a client. Each idle viewer holds all of it. No `async fn`, which would hold the client
    /// twice.
    pub(crate) fn see_through(
        mut self,
        begun: Result<(), Fault>,
        slot: ConnectionSlot,
    ) -> impl Future<Output = ()> + Send + use<> {
        let server = Arc::clone(&self.server);
        async move {
            if begun.is_err() || fault::catch_task("client", server.counters(), pin!(self.run())).await.is_err() {
                server.end_broken_rooms();
                // If that panics too, the connection ends without a close frame.
                let _ = fault::catch_task("client", server.counters(), pin!(self.fail())).await;
            }
            drop(slot);
        }
    }
}
