//! Handles what was received from the peer: decoded, in order, and answered or refused.
//! Must not know what a command does to a room.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use rtbroadcaster_core::backlog::Ending;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::protocol::{Command, Request};
use rtbroadcaster_core::rate::Rate;
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::wire::{Decoder, Incoming, Violation};

use super::act::Denial;
use super::{Client, Role, Slowed};

/// Decodes `bytes` into `inbox`, up to the first violation.
pub(crate) fn receive(decoder: &mut Decoder, inbox: &mut VecDeque<Result<Incoming, Violation>>, mut bytes: &[u8]) {
    loop {
        match decoder.decode(&mut bytes) {
            Ok(Some(incoming)) => inbox.push_back(Ok(incoming)),
            Ok(None) => return,
            Err(violation) => return inbox.push_back(Err(violation)),
        }
    }
}

/// How many pings, pongs and requests that are refused or change nothing may come: so many at once, and 20 a second
/// from there. A client has a reason for one in some seconds; each costs work, or an answer.
const UNPRODUCTIVE: Rate = Rate::new(Limit::Max(128), Duration::from_millis(6_400));

impl Client {
    /// Notes that bytes were received, which are in the inbox as far as they are whole messages.
    pub(super) fn heard(&mut self) {
        let now = self.server.clock().now();
        self.deadlines.heard(now);
        let ended = self.inbox.iter().any(|incoming| matches!(incoming, Ok(Incoming::Text(_) | Incoming::TooBig(_))));
        let begun = !self.decoder.is_between_messages();
        self.deadlines.read(ended, begun, self.decoder.message_bytes(), now);
        self.count_excess(now);
    }

    /// Counts the bytes of messages that are too big, and ends the connection if there are too many.
    fn count_excess(&mut self, now: Duration) {
        let whole =
            self.inbox.iter().map(|incoming| if let Ok(Incoming::TooBig(bytes)) = incoming { *bytes } else { 0 });
        let (whole, open) = (whole.sum(), self.decoder.skipped_bytes());
        if whole == 0 && open == 0 {
            return;
        }
        let limit = self.server.config().message_bytes_max.most();
        if self.oversize.get_or_insert_default().came(whole, open, limit, now) {
            self.inbox.push_back(Err(Violation::TooBig));
        }
    }

    /// Handles what was received, up to the first request that has to wait.
    pub(super) async fn handle_inbox(&mut self) {
        while self.outbox.ending() == Ending::Open && !self.is_congested() {
            if let Some(slowed) = self.slowed.take_if(|slowed| slowed.is_ready()) {
                let Slowed { echo, command, .. } = *slowed;
                Box::pin(self.answer(echo, Ok(command))).await;
            }
            if self.slowed.is_some() {
                return;
            }
            let Some(incoming) = self.inbox.pop_front() else { return };
            match incoming {
                // The decoder refuses them at their header.
                Ok(Incoming::Binary(_)) => self.outbox.cut(CloseReason::Binary),
                Ok(Incoming::Text(text)) => {
                    let Request { echo, command } = (self.dialect().decode)(&text);
                    if command.as_ref().is_ok_and(|command| self.must_wait(command)) {
                        return self.inbox.push_front(Ok(Incoming::Text(text)));
                    }
                    drop(text);
                    let command = match command.map(|command| (self.room_for(&command), command)) {
                        Ok((Some(room), command)) => {
                            self.slowed = Some(Box::new(Slowed::new(echo, command, room)));
                            return;
                        }
                        Ok((None, command)) => Ok(command),
                        Err(refusal) => Err(refusal),
                    };
                    // Boxed, so that the task of a viewer, which never publishes, holds no space for it.
                    Box::pin(self.answer(echo, command)).await;
                }
                // No mistake, and no message that ends a row of them: its sender got the limit and the rule.
                Ok(Incoming::TooBig(_)) if self.is_unproductive() => self.refuse_for_good(""),
                Ok(Incoming::TooBig(_)) => self.refuse("", Refusal::TooBig),
                Ok(Incoming::Ping(_) | Incoming::Pong(_)) if self.is_unproductive() => {
                    tracing::debug!("client closed: too many pings");
                    self.outbox.cut(CloseReason::Rate);
                }
                Ok(Incoming::Ping(payload)) => self.outbox.pong(&payload),
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
            self.slowed = None;
        }
    }

    /// Returns whether an owner does not take its answers. Its socket is not read then: it is slowed, not disconnected.
    pub(super) fn is_congested(&self) -> bool {
        matches!(self.role, Role::Owner(_)) && self.outbox.is_congested()
    }

    /// Returns whether what was held can go on. The task is woken when it can.
    pub(super) fn may_go_on(&mut self, cx: &mut Context<'_>) -> bool {
        let has_room = self.slowed.as_mut().is_none_or(|slowed| slowed.poll_ready(cx));
        has_room && !self.is_congested() && self.outbox.is_settled()
    }

    /// Returns a future that waits until the lanes have room for `command`, if they have none.
    fn room_for(&self, command: &Command) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let Role::Owner(owner) = &self.role else { return None };
        match command {
            Command::Publish { message, .. } => owner.slowed(message.body().bytes()),
            Command::Clear { key, .. } => owner.slowed(key.as_str().len()),
            _ => None,
        }
    }

    async fn answer(&mut self, echo: Box<str>, command: Result<Command, Refusal>) {
        let done = match command {
            Ok(command) => {
                self.deadlines.understood();
                // Some of these commands cost a replay, and none changes anything for other clients.
                let is_idle = matches!(command, Command::Pause | Command::Unpause | Command::Ping);
                if is_idle && self.is_unproductive() {
                    return self.refuse_for_good(&echo);
                }
                let is_ping = matches!(command, Command::Ping);
                let done = self.act(&echo, command).await;
                if done.is_ok() && is_ping {
                    // A library sends pings by itself, so they do not end the row of a program's mistakes.
                    return;
                }
                done
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
        !self.unproductive.takes(1, UNPRODUCTIVE, self.server.clock().now())
    }

    /// Refuses a request that comes too often, and closes the connection.
    fn refuse_for_good(&mut self, echo: &str) {
        self.refuse(echo, Refusal::Rate);
        self.outbox.finish(CloseReason::Rate);
    }

    fn refuse(&mut self, echo: &str, refusal: Refusal) {
        tracing::debug!(reason = refusal.code(), "request refused");
        self.server.counters().refused(refusal.code());
        self.outbox.answer((self.dialect().refused)(echo, refusal));
        if let Some(reason) = self.strikes.refused(refusal) {
            self.outbox.finish(reason);
        }
    }
}
