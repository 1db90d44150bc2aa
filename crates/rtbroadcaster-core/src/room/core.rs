//! What a room is and decides, without sockets: which owner publishes, what is applied, and what a client that enters
//! gets.
//! Pure: it takes the time as an argument and must not know lanes, tasks or protocols.

mod ahead;
mod keeping;
mod life;
mod open;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use super::log::{Lineage, Log, LogLimits, Proposal, Rejection, Resume, Verdict};
use super::presence::{AbsenceLimits, Presence};
use crate::config::Config;
use crate::id::{Cursor, Epoch, Numbering, RoomId, Seq};
use crate::message::Entry;
use crate::refusal::{OwnError, PublishError};
use crate::standing::{CursorScope, How, OwnerStatus, ResetReason, Standing, Start};
pub use ahead::FixedHeader;
use ahead::{Ahead, Step};
pub use keeping::{Applied, Decided, Space};
pub use life::{EndCause, NotOpen, RoomLife, Writability};
pub use open::OpenRoom;

/// One room without its members. Where its log is kept, each step that is decided and not written has a `W` that waits
/// for it.
#[derive(Debug)]
pub struct Core<W = ()> {
    id: RoomId,
    log: Log,
    presence: Presence,
    /// Whether the owner is there, as all clients were notified.
    owner: OwnerStatus,
    /// `viewers_per_room_max`.
    viewers_max: usize,
    /// Whether it is open, and how it ends.
    life: RoomLife,
    /// Whether the log can be written.
    writability: Writability,
    /// The steps that are decided and not yet written, where the log is kept. Boxed: most rooms have none.
    ahead: Option<Box<Ahead<W>>>,
}

/// Why a proposal is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposeError {
    /// The room has ended.
    Ended,
    /// The room is about to leave this process, and does not end.
    Departing,
    /// The log does not take it.
    Rejected(Rejection),
    /// The log is kept, and nothing can be written at the moment.
    Unavailable,
}

impl From<ProposeError> for PublishError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Ended => Self::RoomEnded,
            ProposeError::Departing | ProposeError::Unavailable => Self::Unavailable,
            ProposeError::Rejected(Rejection::Fenced) => Self::Fenced,
            ProposeError::Rejected(Rejection::IdReused) => Self::IdReused,
            ProposeError::Rejected(Rejection::StateFull) => Self::StateFull,
        }
    }
}

impl From<ProposeError> for OwnError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Departing | ProposeError::Unavailable => Self::Unavailable,
            ProposeError::Ended | ProposeError::Rejected(_) => Self::NoRoom,
        }
    }
}

/// The outcome of a proposal.
#[derive(Debug)]
pub struct Proposed {
    /// Its number; for an ephemeral one that of the last message.
    pub seq: Seq,
    /// The message that all viewers get; `None` if it was applied before.
    pub entry: Option<Arc<Entry>>,
}

/// The messages that bring a viewer to the room's position.
#[derive(Debug)]
pub struct Welcome {
    /// The room at this moment.
    pub standing: Standing,
    /// Whether the messages are the state, or what the viewer missed.
    pub how: How,
    /// The messages, in order.
    pub entries: Arc<[Arc<Entry>]>,
}

/// The bytes that a message costs besides its key and params in a replay: its frame and its place.
const MESSAGE_BYTES: usize = 128;

impl Welcome {
    /// Returns the bytes that its replay costs.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.bytes() + MESSAGE_BYTES).sum()
    }
}

impl<W: Default> Core<W> {
    /// Returns a new room with a log of its own, named `epoch`: its owner is there and it has no viewers.
    pub fn new(id: RoomId, epoch: Epoch, config: &Config) -> Self {
        let log = Log::new(id.clone(), epoch, LogLimits::from(config));
        Self::of(id, log, AbsenceLimits::of_a_key(None, config), config)
    }

    /// Returns a new room in the present life of a log: its owner is there and it has no viewers.
    pub fn with_lineage(id: RoomId, lineage: Lineage, absence: AbsenceLimits, config: &Config) -> Self {
        let log = Log::with_lineage(id.clone(), lineage, LogLimits::from(config));
        Self::of(id, log, absence, config)
    }

    fn of(id: RoomId, log: Log, absence: AbsenceLimits, config: &Config) -> Self {
        Self {
            id,
            log,
            presence: Presence::new(absence),
            owner: OwnerStatus::Live,
            viewers_max: config.viewers_per_room_max.most(),
            life: RoomLife::Open,
            writability: Writability::Writable,
            ahead: None,
        }
    }

    /// Returns its id.
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// Returns its numbering, which never changes.
    pub fn numbering(&self) -> Numbering {
        self.log.lineage().past().0
    }

    /// Returns the room at this moment, with a time away of zero.
    pub fn standing(&self) -> Standing {
        let (epoch, term, seq) = (self.log.epoch().clone(), self.log.term(), self.log.seq());
        Standing { room: self.id.clone(), epoch, term, seq, owner: self.owner, away: Duration::ZERO }
    }

    /// Returns the same, with the time for which the owner has been away at the moment `now`.
    fn standing_at(&self, now: Duration) -> Standing {
        Standing { away: self.away_for(now), ..self.standing() }
    }

    /// Returns for how long the owner has been away; zero while it is there.
    pub fn away_for(&self, now: Duration) -> Duration {
        match self.owner {
            OwnerStatus::Live => Duration::ZERO,
            OwnerStatus::Away => self.presence.away_since().map_or(Duration::ZERO, |since| now.saturating_sub(since)),
        }
    }

    /// Returns how many connections of viewers there are.
    pub fn viewers(&self) -> usize {
        self.presence.viewers()
    }

    /// Returns whether it is open, and how it ends.
    pub fn life(&self) -> RoomLife {
        self.life
    }

    /// Returns the room if it is open.
    ///
    /// # Errors
    /// [`NotOpen`] with its life when it is not.
    #[inline]
    pub fn open(&mut self) -> Result<OpenRoom<'_, W>, NotOpen> {
        if self.life.is_open() { Ok(OpenRoom(self)) } else { Err(NotOpen(self.life)) }
    }

    /// Returns whether `proposal` may be applied behind everything that is decided.
    fn judge(&self, proposal: &Proposal) -> Result<Verdict, Rejection> {
        match &self.ahead {
            None => self.log.check(proposal),
            Some(ahead) => ahead.check(&self.log, proposal),
        }
    }

    /// Returns what a viewer gets that resumes at `start`.
    pub fn welcome(&mut self, start: &Start, now: Duration) -> Welcome {
        let how = match start {
            Start::Fresh => How::Snapshot,
            Start::Malformed => How::Reset(ResetReason::Malformed),
            Start::After(cursor, scope) => match self.log.resume(cursor, *scope, now) {
                Resume::Resumed(missed) => {
                    return Welcome { standing: self.standing_at(now), how: How::Resumed, entries: missed.into() };
                }
                Resume::Reset(reason) => How::Reset(reason),
            },
        };
        Welcome { standing: self.standing_at(now), how, entries: self.log.snapshot().entries }
    }

    /// Returns whether the room has everything that an owner which comes back at `start` had acknowledged, or why that
    /// is not known. [`How::Snapshot`] if the owner gave no position.
    pub fn how_owner_continues(&self, start: &Start) -> How {
        let check = |cursor: &Cursor, scope: CursorScope| self.log.check_cursor(cursor, scope);
        match start {
            Start::Fresh => How::Snapshot,
            Start::Malformed => How::Reset(ResetReason::Malformed),
            Start::After(cursor, scope) => check(cursor, *scope).map_or_else(How::Reset, |()| How::Resumed),
        }
    }

    /// Returns how long the room waits for its owner; `None` for ever.
    pub fn grace(&self) -> Option<Duration> {
        self.presence.grace()
    }

    /// Returns since when there has been neither an owner nor a viewer.
    pub fn lonely_since(&self) -> Option<Duration> {
        self.presence.lonely_since()
    }

    /// Notes that a viewer is gone.
    pub fn leave(&mut self, now: Duration) {
        self.presence.viewer_left(now);
    }
}

#[cfg(test)]
mod tests;
