//! Keeps rooms' logs besides memory, so that they outlive the process: the trait of an engine, and its contract.
//! Must not know sockets, lanes, protocols, nor what a room makes of its log.
//!
//! A room decides, hands over what it decided, and applies it when the engine says that it is written: no client sees
//! what could still be lost. Every engine keeps this contract:
//!
//! 1. **Order.** What one room hands over is written in that order, each step once. A step with its consequences (a
//!    message and what it makes superfluous) is written whole or not at all.
//! 2. **Confirmed means kept.** [`Follower::written`] is called when everything up to its position is safe at the
//!    engine's level. It is never called from within [`Engine::append`], which is called under the room's lock and does
//!    not wait. One call may confirm many steps; a call that is repeated or comes late changes nothing.
//! 3. **Unknown is not failed.** When a write fails, the engine's [`Health`] is `Failing` until it can write again.
//!    Then it writes what was handed over and not confirmed, each step once, and confirms it before it is `Fine`. If
//!    the process ends before, the next start may find a first part of these steps, without a hole.
//! 4. **Loading** returns each room that was begun and not ended: its newest header, and all of its messages and ids
//!    that were confirmed and not forgotten, in order. Superfluous ones may be among them.
//! 5. **One writer.** A log that another process writes is not opened.
//! 6. **Lives.** Each opening draws a [life](Lives) and keeps it, with those before it, before anything is handed over.
//!    A room of which anything but the end is missing gets another numbering. While an engine is open it keeps its life
//!    only if everything that it confirmed is there.

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
    /// Takes over the next step of the room of `follower`.
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover);

    /// Forgets the lives before `index`: no cursor of these can be resumed any more.
    fn forget_lives_before(&self, index: LifeIndex);

    /// Returns whether it writes, from now on.
    fn health(&self) -> watch::Receiver<Health>;

    /// Writes everything that was handed over, so that it outlives the machine, and takes nothing more. Blocks until
    /// that is done.
    fn close(&self);
}

/// A room, as an engine sees it.
pub(crate) trait Follower: fmt::Debug + Send + Sync {
    /// Returns its name.
    fn room(&self) -> &RoomId;

    /// Notes that everything that it handed over up to `through` is written. A call that is repeated, or comes after a
    /// later position, changes nothing.
    fn written(&self, through: LogPosition);
}

/// Whether an engine writes the steps that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It does.
    Fine,
    /// It cannot at the moment, and tries again.
    Failing,
    /// It never will again: what it confirmed is not what is kept.
    Lost,
}

/// The result of opening an engine.
pub(crate) struct OpenedEngine {
    /// The engine, which keeps rooms from now on.
    pub(crate) engine: Arc<dyn Engine>,
    /// The rooms that were kept.
    pub(crate) rooms: Vec<Stored>,
    /// The lives of the log; the present one was drawn for this opening.
    pub(crate) lives: Arc<Lives>,
    /// The secret by which viewers are recognized.
    pub(crate) secret: Secret,
}
