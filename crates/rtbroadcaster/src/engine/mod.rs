//! Where rooms' logs are kept besides memory, so that they outlive the process: what an engine takes, and what it owes.
//! Must not know sockets, lanes, protocols, nor what a room makes of its log.
//!
//! A room decides, hands over what it decided, and applies it when the engine says that it is written: nobody sees what
//! could still be lost. Every engine keeps this contract:
//!
//! 1. **Order.** What one room hands over is written in that order, each once. What is handed over together
//!    with its consequences (a message and what it makes superfluous) is written whole or not at all.
//! 2. **Told means kept.** [`Follower::written`] is called when everything up to the position that it tells is safe at the
//!    engine's level, and never from within [`Engine::append`], which is called under the room's lock and does not wait. One
//!    call may tell of much; a call that is repeated or comes late changes nothing.
//! 3. **Unknown is not failed.** When a write fails, the engine's [`Health`] is `Failing` until it can write again; then it
//!    writes what was handed over and not told, each once, and tells it before it is `Fine`. If the process ends before,
//!    what was not told may be found at the next start, or not: always from the first such on, without a hole.
//! 4. **Loading** gives each room that was begun and not ended: its newest header, and of its messages and ids all that were
//!    told and not forgotten, in order. What nobody needs any more may be among them.
//! 5. **One writer.** A log that another process writes is not opened.
//! 6. **Lives.** Each opening draws a [life](Lives) and keeps it, with those before it, before anything is handed over. A room
//!    of which anything but the end is missing gets another numbering. While an engine is open it keeps its life only if
//!    everything that it told is there.

#![cfg_attr(not(feature = "disk"), allow(dead_code, reason = "the only engine comes with `disk`"))]

#[cfg(test)]
pub(crate) mod contract;
#[cfg(feature = "disk")]
pub(crate) mod disk;
mod error;
#[cfg(test)]
pub(crate) mod simulated;

use std::fmt;
use std::sync::Arc;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::record::{Handover, LifeIndex, Lives, LogPosition, Stored};
use tokio::sync::watch;

pub use error::EngineError;

/// Keeps the logs of rooms.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Takes over what the room of `follower` hands over next.
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover);

    /// Forgets the lives before `index`: no cursor of these can be resumed any more.
    fn forget_lives_before(&self, index: LifeIndex);

    /// Whether it writes, from now on.
    fn health(&self) -> watch::Receiver<Health>;

    /// Writes everything that was handed over, so that it outlives the machine, and takes nothing more. Waits for that.
    fn close(&self);
}

/// A room, as an engine sees it.
pub(crate) trait Follower: fmt::Debug + Send + Sync {
    /// Its name.
    fn room(&self) -> &RoomId;

    /// Everything that it handed over up to `through` is written. Told again, or after a later position, this changes nothing.
    fn written(&self, through: LogPosition);
}

/// Whether an engine writes what it is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It does.
    Fine,
    /// It cannot at the moment, and tries again.
    Failing,
    /// It never will again: what was told is not what is kept.
    Lost,
}

/// What an engine begins with.
pub(crate) struct Opened {
    /// Keeps rooms from now on.
    pub(crate) engine: Arc<dyn Engine>,
    /// The rooms that were kept.
    pub(crate) rooms: Vec<Stored>,
    /// The lives of the log; the present one was drawn for this opening.
    pub(crate) lives: Arc<Lives>,
    /// By which viewers are recognized.
    pub(crate) secret: Secret,
}
