//! What came from the peer: decoded, handled in order, answered or refused.
//! Must not know what a command does to a room.

use std::collections::VecDeque;

use super::act::Denial;
use super::{Client, Role};
use crate::close::CloseReason;
use crate::fanout::Ending;
use crate::protocol::{Command, Refusal, Request};
use crate::wire::{Decoder, Incoming, Violation, encode};

/// Decodes `bytes` into `inbox`, up to the first violation.
pub(super) fn receive(decoder: &mut Decoder, inbox: &mut VecDeque<Result<Incoming, Violation>>, mut bytes: &[u8]) {
    loop {
        match decoder.decode(&mut bytes) {
            Ok(Some(incoming)) => inbox.push_back(Ok(incoming)),
            Ok(None) => return,
            Err(violation) => return inbox.push_back(Err(violation)),
        }
    }
}

impl Client {
    /// Something came, and is in the inbox as far as it is whole.
    pub(super) fn heard(&mut self) {
        let now = self.manager.clock().now();
        self.deadlines.heard(now);
        let ended = self.inbox.iter().any(|incoming| matches!(incoming, Ok(Incoming::Text(_))));
        let begun = !self.decoder.is_between_messages();
        #[cfg(test)]
        let begun = begun && !self.is_echo();
        self.deadlines.read(ended, begun, now);
    }

    /// Handles what came, up to what has to wait.
    pub(super) async fn handle_inbox(&mut self) {
        while self.outbox.ending() == Ending::Open && !self.is_congested() {
            let Some(incoming) = self.inbox.pop_front() else { return };
            match incoming {
                #[cfg(test)]
                Ok(Incoming::Text(text)) if self.is_echo() => self.send_back(encode::text(text.as_bytes())),
                #[cfg(test)]
                Ok(Incoming::Binary(bytes)) => self.send_back(encode::binary(&bytes)),
                Ok(Incoming::Text(text)) => {
                    let Request { echo, command } = self.protocol.decode(&text);
                    if command.as_ref().is_ok_and(|command| self.must_wait(command)) {
                        return self.inbox.push_front(Ok(Incoming::Text(text)));
                    }
                    drop(text);
                    #[cfg(test)]
                    crate::fault::inject("the client", &echo);
                    // Boxed, so that the task of a viewer, who never speaks, holds no space for it.
                    Box::pin(self.answer(echo, command)).await;
                }
                Ok(Incoming::Ping(_) | Incoming::Pong(_)) if self.is_unproductive() => {
                    tracing::debug!("client closed: too many pings");
                    self.outbox.cut(CloseReason::Rate);
                }
                Ok(Incoming::Ping(payload)) => self.outbox.pong(encode::pong(&payload)),
                Ok(Incoming::Pong(_)) => {}
                Ok(Incoming::Close(code)) => self.outbox.echo_close(code),
                Err(violation) => {
                    tracing::debug!(%violation, "client closed");
                    self.outbox.cut(violation.reason());
                }
            }
        }
        if self.outbox.ending() != Ending::Open {
            self.inbox.clear();
        }
    }

    /// An owner that does not take its answers is asked no more: it is slowed, not cut.
    pub(super) fn is_congested(&self) -> bool {
        #[cfg(test)]
        if self.is_echo() {
            return !self.outbox.is_taken();
        }
        matches!(self.role, Role::Owner(_)) && self.outbox.is_congested()
    }

    /// Whether what was held can go on.
    pub(super) fn may_go_on(&self) -> bool {
        !self.is_congested() && self.outbox.is_settled()
    }

    async fn answer(&mut self, echo: Box<str>, command: Result<Command, Refusal>) {
        let done = match command {
            Ok(command) => {
                self.deadlines.understood();
                // Each of them may cost a replay, and none changes anything for others.
                let is_turn = matches!(command, Command::Pause | Command::Unpause);
                if is_turn && self.is_unproductive() {
                    return self.refuse_for_good(&echo);
                }
                self.act(&echo, command).await
            }
            Err(refusal) => Err(refusal.into()),
        };
        match done {
            Ok(()) => self.strikes.accepted(),
            Err(Denial { counts: true, .. }) if self.is_unproductive() => self.refuse_for_good(&echo),
            Err(Denial { refusal, .. }) => self.refuse(&echo, refusal),
        }
    }

    /// Counts a ping, or a request that is refused or changes nothing. Returns whether it is one too many.
    fn is_unproductive(&mut self) -> bool {
        self.unproductive.came(self.manager.clock().now())
    }

    /// Refuses what is asked too often, and closes the connection.
    fn refuse_for_good(&mut self, echo: &str) {
        self.refuse(echo, Refusal::Rate);
        self.outbox.finish(CloseReason::Rate);
    }

    fn refuse(&mut self, echo: &str, refusal: Refusal) {
        tracing::debug!(reason = refusal.code(), "request refused");
        self.manager.counters().refused(refusal.code());
        self.outbox.answer(self.protocol.refused(echo, refusal));
        if let Some(reason) = self.strikes.refused(refusal) {
            self.outbox.finish(reason);
        }
    }
}
