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

#![cfg_attr(
    not(all(feature = "disk", feature = "nats")),
    allow(dead_code, reason = "engines come with `disk` and `nats`, and each needs a part")
)]

#[cfg(test)]
pub(crate) mod contract;
#[cfg(feature = "disk")]
pub(crate) mod disk;
mod error;
#[cfg(any(feature = "disk", feature = "nats"))]
mod header_text;
#[cfg(feature = "nats")]
pub(crate) mod nats;
mod question;
#[cfg(feature = "nats")]
pub(crate) mod shared;
#[cfg(test)]
pub(crate) mod simulated;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::record::{Append, Checkpoint, Handover, Header, LifeIndex, Lives, LogPosition, Stored};
use tokio::sync::watch;

use crate::metrics::{SharedLogCounts, SignalRefusal};

pub use error::EngineError;
pub(crate) use question::{NoReply, Question, Reply};

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

    /// Returns the rooms of a log that other nodes write, too; `None` if this node alone writes it.
    fn shared(&self) -> Option<&dyn SharedRooms> {
        None
    }

    /// Returns whether this is the log of one room that other nodes write, too.
    fn is_of_shared_room(&self) -> bool {
        false
    }

    /// Sends an ephemeral message of the owner under the lease of `term` to the other nodes.
    fn whisper(&self, term: Term, key: Key, params: Params) {
        let _ = (term, key, params);
    }

    /// Asks the node of the owner about this room; `None` if the log is this node's alone.
    fn ask(&self, question: Question) -> Option<Pending<'static, Result<Reply, NoReply>>> {
        let _ = question;
        None
    }
}

/// A future of an engine.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The rooms of a log that other nodes write, too. Each has a log of its own, whose [`append`](Engine::append) does not
/// say that something is written: the room [follows](Follower) what has come back from the log.
pub(crate) trait SharedRooms: Send + Sync {
    /// Returns the log of a room that is created here. The room's first step begins it.
    fn create(&self, room: &RoomId) -> Arc<dyn Engine>;

    /// Finds a room that this node does not have; `None` if there is none.
    fn find<'a>(&'a self, room: &'a RoomId) -> Pending<'a, Result<Option<FoundRoom>, LogUnsure>>;

    /// Returns what the log has done.
    fn counts(&self) -> Option<SharedLogCounts>;
}

/// The log did not answer, so whether there is a room is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogUnsure;

/// A room that another node has created.
pub(crate) struct FoundRoom {
    /// The room as the log has it.
    pub(crate) checkpoint: Checkpoint,
    /// Its log.
    pub(crate) engine: Arc<dyn Engine>,
    /// Begins to tell the room what is written from then on.
    pub(crate) begin: Box<dyn FnOnce(Weak<dyn Follower>) + Send>,
}

/// A room, as an engine sees it.
pub(crate) trait Follower: fmt::Debug + Send + Sync {
    /// Returns its name.
    fn room(&self) -> &RoomId;

    /// Notes that everything that it handed over up to `through` is written. A call that is repeated, or comes after a
    /// later position, changes nothing.
    fn written(&self, through: LogPosition);

    /// Notes what another node has written, at the log's time `at`, and that the log has not taken what was handed over
    /// up to `refused`.
    fn follow(&self, appends: Vec<Append>, at: Duration, refused: Option<LogPosition>) {
        let _ = (appends, at, refused);
    }

    /// Notes that the log has not taken what was handed over up to `through`, and never will.
    fn refused(&self, through: LogPosition) {
        let _ = through;
    }

    /// Returns a future that waits until the lanes have room for more; `None` if they have.
    fn slowed(&self) -> Option<Pending<'static, ()>> {
        None
    }

    /// Notes whether the log has not answered for a long time.
    fn in_doubt(&self, is_in_doubt: bool) {
        let _ = is_in_doubt;
    }

    /// Notes whether the node of the owner is heard of.
    fn hears_owner(&self, is_heard: bool) {
        let _ = is_heard;
    }

    /// Notes an ephemeral message of the owner on another node.
    fn overhears(&self, key: Key, params: Params) {
        let _ = (key, params);
    }

    /// Does what another node asks this one, which has the owner.
    fn asked(&self, question: Question) -> Reply {
        let _ = question;
        Reply::Refused(SignalRefusal::Unheard)
    }

    /// Returns the room as it is; the messages of its history from `logged` on are in the log. `None` if only this node
    /// writes its log.
    fn checkpoint(&self, logged: Option<Seq>) -> Option<Checkpoint> {
        let _ = logged;
        None
    }

    /// Returns everything that this node knows of the room, and the header of a lease that continues it from there;
    /// `None` unless the room is open and other nodes write its log, too.
    fn copy(&self) -> Option<(Checkpoint, Header)> {
        None
    }

    /// Notes that the room on this node is not what the log has, and cannot become it.
    fn diverged(&self) {}
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
