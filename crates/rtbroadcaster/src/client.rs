//! Serves one connection between its socket and its room: one task, the only one that waits for this socket.
//! Must not know HTTP, nor how a room orders messages.

mod act;
mod inbox;
mod slowed;
mod task;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::backlog::Ending;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::deadlines::{Deadlines, Due};
use rtbroadcaster_core::oversize::Oversize;
use rtbroadcaster_core::protocol::Dialect;
use rtbroadcaster_core::rate::Meter;
use rtbroadcaster_core::refusal::Strikes;
use rtbroadcaster_core::wire::{Decoder, DecoderLimits, Incoming, Violation};
use tokio::time::Sleep;

use crate::fanout::{Drained, End, Outbox};
use crate::rights::{Lease, Permit};
use crate::room::{Membership, Owner};
use crate::server::{Server, WaitingClient};
use crate::socket::Socket;
use slowed::Slowed;

pub(crate) use inbox::receive;

/// The most frames that one message may come in.
const FRAGMENTS_MAX: u32 = 128;

/// How long a peer may take to end the connection after the close frame is written.
const LINGER: Duration = Duration::from_secs(2);

/// The client's part in a room.
#[derive(Debug)]
enum Role {
    /// In no room yet. The server notifies it itself when it goes away.
    Waiting(#[expect(dead_code, reason = "its drop removes it from the server's list")] WaitingClient),
    Owner(Owner),
    Viewer(Membership),
    /// The connection ends.
    Leaving,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    socket: Socket,
    decoder: Decoder,
    outbox: Arc<Outbox>,
    server: Arc<Server>,
    permit: Permit,
    /// Its lease of rights that may change or end.
    lease: Option<Lease>,
    /// The address block that it connects from, as far as the web server or the socket gives an address.
    place: Option<AddressBlock>,
    role: Role,
    strikes: Strikes,
    /// The pings, pongs and requests that were refused or changed nothing.
    unproductive: Meter,
    deadlines: Deadlines,
    /// What was received and is not handled yet.
    inbox: VecDeque<Result<Incoming, Violation>>,
    /// The message of an owner for which its room's lanes have no room yet.
    slowed: Option<Box<Slowed>>,
    /// The count of bytes of messages that are too big, if any came.
    oversize: Option<Box<Oversize>>,
    /// The timer for the next deadline; a viewer whose socket takes everything has none.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The reason for which the task wakes up.
enum Event {
    /// Something is in the inbox.
    Came,
    /// A deadline has passed.
    Due,
    /// The viewer lost messages and needs the state.
    Lost,
    /// The close frame is written.
    Said,
    /// The peer is gone or the socket broken.
    Gone,
}

impl Client {
    /// Makes a client on `socket`, accepted at `accepted` from `place`.
    fn new(
        socket: Socket,
        dialect: &'static Dialect,
        server: Arc<Server>,
        permit: Permit,
        accepted: Duration,
        place: Option<AddressBlock>,
    ) -> Self {
        let config = server.config();
        let limits = DecoderLimits {
            message_bytes_max: config.message_bytes_max.most(),
            fragments_max: FRAGMENTS_MAX,
            excess: dialect.excess,
            ..DecoderLimits::default()
        };
        let peer = socket.peer();
        let outbox = Outbox::new(socket.handle(), dialect, server.clock(), server.counters(), config);
        server.counters().opened();
        Self {
            decoder: Decoder::new(limits),
            deadlines: Deadlines::new(config, accepted, dialect.is_patient),
            role: Role::Waiting(server.wait(&outbox)),
            socket,
            lease: permit.changeable().map(|grant| Lease::new(grant, &outbox, server.expiries())),
            outbox,
            server,
            permit,
            place: place.or_else(|| peer.map(|peer| AddressBlock::from(peer.ip()))),
            strikes: Strikes::default(),
            unproductive: Meter::default(),
            inbox: VecDeque::new(),
            slowed: None,
            oversize: None,
            sleep: None,
        }
    }

    /// Decodes what came behind the handshake. Copied, since even a few bytes of it would keep the whole buffer in
    /// which the web server read the handshake.
    pub(crate) fn begin(&mut self, first: &[u8]) {
        receive(&mut self.decoder, &mut self.inbox, first);
        self.heard();
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(&mut self) {
        loop {
            let began = self.server.clock().now();
            self.deadlines.release(began);
            self.handle_inbox().await;
            let now = self.server.clock().now();
            self.deadlines.paused(now.saturating_sub(began));
            if !self.inbox.is_empty() || self.slowed.is_some() || self.is_congested() {
                self.deadlines.hold(now);
            }
            if self.outbox.ending() != Ending::Open {
                self.leave();
            }
            // Also when something came: a peer that never stops sending would keep every timer from being polled.
            if self.due().is_break() {
                return;
            }
            if self.inbox.is_empty() {
                // Frees the buffer of a burst.
                self.inbox = VecDeque::new();
            }
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Came | Event::Due => {}
                Event::Lost => self.restore(),
                Event::Said => {
                    // A lane may have decided the end, and the close may be out before this task knew of it.
                    self.leave();
                    return self.linger().await;
                }
                Event::Gone => return,
            }
        }
    }

    /// Ends the connection after a panic: the client is sent the fault, its room removes it, and nothing else of it is
    /// done.
    pub(crate) async fn fail(&mut self) {
        // Its room may have ended it already.
        if self.outbox.ending() == Ending::Open {
            self.outbox.cut(CloseReason::Fault);
        }
        self.leave();
        self.run().await;
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let Self { socket, outbox, .. } = self;
        match outbox.poll_drain(cx, |cx, slices| socket.poll_write(cx, slices)) {
            Poll::Ready(Ok(Drained::Closed)) => return Poll::Ready(Event::Said),
            Poll::Ready(Ok(Drained::Lost)) => return Poll::Ready(Event::Lost),
            Poll::Ready(Err(_)) => return Poll::Ready(Event::Gone),
            Poll::Pending => {
                if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
                    return Poll::Ready(Event::Gone);
                }
            }
        }
        let open = outbox.ending() == Ending::Open;
        if !open && !matches!(self.role, Role::Leaving) {
            // A lane or the room has decided the end.
            return Poll::Ready(Event::Came);
        }
        if open && self.deadlines.is_held() {
            // The client was not heard because its socket was not read.
            self.outbox.hear();
            if self.may_go_on(cx) {
                return Poll::Ready(Event::Came);
            }
        } else if open {
            let Self { socket, outbox, decoder, inbox, .. } = self;
            let read = socket.poll_read(cx, |bytes| {
                receive(decoder, inbox, bytes);
                bytes.len()
            });
            match read {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Event::Gone),
                Poll::Ready(Ok(_)) => {
                    outbox.hear();
                    self.heard();
                    return Poll::Ready(Event::Came);
                }
                Poll::Pending => {}
            }
        }
        self.poll_deadline(cx)
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let viewers = self.viewers_of_own_room();
        self.deadlines.watched(viewers, self.server.clock().now());
        let Some(at) = self.deadlines.next(viewers, self.outbox.stalls_at()) else {
            self.sleep = None;
            return Poll::Pending;
        };
        let at = self.server.clock().instant(at);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(Event::Due)
    }

    /// Does what is due. Breaks if the peer does not even take the close frame.
    fn due(&mut self) -> ControlFlow<()> {
        let now = self.server.clock().now();
        match self.deadlines.due(now, self.viewers_of_own_room(), self.outbox.stalls_at()) {
            None => {}
            Some(Due::Ping) => self.beat(),
            Some(Due::Close(_)) if self.outbox.ending() != Ending::Open => return ControlFlow::Break(()),
            Some(Due::Close(reason)) => {
                tracing::debug!(reason = reason.word(), "client closed");
                self.outbox.cut(reason);
            }
            Some(Due::Abandon) => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Queues a heartbeat for an owner, which is in no lane.
    fn beat(&mut self) {
        if let Role::Owner(owner) = &self.role {
            let (seq, viewers) = (owner.standing().seq, owner.viewers());
            let next = self.promise(viewers);
            self.outbox.beat(seq, next);
        }
    }

    /// Returns the client's protocol.
    fn dialect(&self) -> &'static Dialect {
        self.outbox.dialect()
    }

    /// Returns the time within which an owner is sent the next frame. Its protocol may have no words for that; then
    /// `None`.
    fn promise(&mut self, viewers: usize) -> Option<Duration> {
        if self.dialect().tells_next { self.deadlines.promise(viewers) } else { None }
    }

    /// Returns how many watch the room that this client owns; `None` if it owns none.
    fn viewers_of_own_room(&self) -> Option<usize> {
        match &self.role {
            Role::Owner(owner) => Some(owner.viewers()),
            _ => None,
        }
    }

    /// Has the room send the state to a viewer that lost messages.
    fn restore(&mut self) {
        match &self.role {
            // Counted and never refused: the viewer has taken everything before it, and would join again otherwise.
            Role::Viewer(membership) => membership.restore(|bytes| self.server.replays(self.place, bytes)),
            _ => self.outbox.cut(CloseReason::Slow),
        }
    }

    /// Leaves the room now, not when the peer has taken the close.
    fn leave(&mut self) {
        self.role = Role::Leaving;
        self.deadlines.leaving(self.outbox.ending(), self.server.clock().now());
    }

    /// Lets the peer read the close before the socket is closed: closing a socket with unread input would destroy it
    /// (RFC 6455 section 7.1.1).
    async fn linger(&mut self) {
        let end = async {
            poll_fn(|cx| self.socket.poll_shutdown(cx)).await?;
            while poll_fn(|cx| self.socket.poll_read(cx, <[u8]>::len)).await? > 0 {}
            std::io::Result::Ok(())
        };
        // Either way the connection is over.
        let _ = tokio::time::timeout(LINGER, end).await;
    }
}

impl Drop for Client {
    /// Counts every connection that was opened once as ended, whichever way that happened.
    fn drop(&mut self) {
        let counters = self.server.counters();
        match self.outbox.end() {
            Some(End::Server(reason)) => counters.closed(reason),
            Some(End::Client) => counters.closed_by_client(),
            None => counters.lost(),
        }
    }
}

#[cfg(test)]
mod tests;
