//! An owner's message that waits until its room's lanes have space. Meanwhile the client task writes the frames that
//! wait for the owner, and sends it `alive`. Must not know what the message says.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use rtbroadcaster_core::protocol::Command;

/// A request that was read, and the budget that it waits for.
pub(super) struct Slowed {
    pub(super) echo: Box<str>,
    pub(super) command: Command,
    /// The wait for the budget. `None` once there is room.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Slowed {
    pub(super) fn new(echo: Box<str>, command: Command, room: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self { echo, command, room: Some(room) }
    }

    /// Returns whether the request can be done now.
    pub(super) fn is_ready(&self) -> bool {
        self.room.is_none()
    }

    /// Returns the same, and has the task woken when it can be.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> bool {
        if self.room.as_mut().is_some_and(|room| matches!(room.as_mut().poll(cx), Poll::Ready(()))) {
            self.room = None;
        }
        self.is_ready()
    }
}

impl fmt::Debug for Slowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slowed").field("is_ready", &self.is_ready()).finish_non_exhaustive()
    }
}
