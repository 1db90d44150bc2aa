//! Tests only: a client that gets back what it says, binary messages included, of any size, in any number of fragments
//! and at any pace. All else is as for every client. Must not know where the socket comes from.

use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::backlog::Frame;
use rtbroadcaster_core::protocol::Protocol;
use rtbroadcaster_core::wire::{Binary, Decoder, Limits};

use super::{Client, Role};
use crate::rights::Permit;
use crate::server::Server;
use crate::socket::Socket;

impl Client {
    /// A client on `socket` that gets back what it says.
    pub(crate) fn echo(socket: Socket, server: &Arc<Server>) -> Self {
        let (permit, accepted) = (Permit::anything(), server.clock().now());
        let mut client = Self::new(socket, Protocol::Classic, Arc::clone(server), permit, accepted, None);
        client.decoder = Decoder::new(Limits {
            message_bytes_max: usize::MAX,
            fragments_max: u32::MAX,
            binary: Binary::Accept,
            ..Limits::default()
        });
        client.role = Role::Echo;
        client
    }

    pub(super) fn is_echo(&self) -> bool {
        matches!(self.role, Role::Echo)
    }

    /// As a lane does for a room's members: with one call, as far as the socket takes it. What comes next waits for the
    /// rest, as an owner waits for its room's lanes.
    pub(super) fn send_back(&self, frame: Bytes) {
        self.outbox.offer(Frame::event(frame));
    }
}
