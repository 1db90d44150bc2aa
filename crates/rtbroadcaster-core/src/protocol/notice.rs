//! What the server tells clients besides messages and answers, and what may happen to it while it waits.
//! Must not know how a dialect writes it.

use std::time::Duration;

use crate::audience::Audience;
use crate::close::CloseReason;
use crate::id::{RoomId, Seq, Term};
use crate::signal::Signal;
use crate::standing::{OwnerStatus, RoomEnd, Standing};
use crate::superseding::Rank;

/// Something that the server tells on its own, written by [`Dialect::write`](super::Dialect::write). A notice that waits in a
/// lane's queue borrows nothing: it is a `Notice<'static>`.
///
/// ```
/// use rtbroadcaster_core::protocol::{DIALECTS, Notice};
///
/// let written = DIALECTS.map(|dialect| (dialect.write)(&Notice::Audience(12)));
/// assert_eq!(written[0], None, "classic has no words for it");
/// assert!(written[1].as_ref().is_some_and(|frame| frame.ends_with(br#"{"type":"audience","viewers":12}"#)));
/// ```
#[derive(Debug, Clone)]
pub enum Notice<'a> {
    /// The owner has come or gone.
    Owner {
        /// Which of the two.
        status: OwnerStatus,
        /// Its lease.
        term: Term,
        /// For how long it has been away.
        away: Duration,
    },
    /// To a viewer: how many watch the room.
    Audience(usize),
    /// To the owner: how many watch the room, and how far they are behind.
    OwnAudience(&'a Audience),
    /// Everything up to `through` that the member did not get was superseded.
    Skipped {
        /// The number of the last message in the hole.
        through: Seq,
        /// Once the member has the message with this number, it has everything that superseded the hole.
        until: Seq,
    },
    /// A heartbeat.
    Alive {
        /// The number of the room's last message.
        seq: Seq,
        /// Within which time the next heartbeat comes; `None` where that is not promised.
        next: Option<Duration>,
    },
    /// The member lost messages, and the state follows.
    Reset {
        /// Where the room stands.
        standing: &'a Standing,
        /// How many frames of state follow.
        replay: usize,
    },
    /// The server goes away.
    Draining {
        /// When the client shall come back, from now.
        reconnect: Duration,
    },
    /// The rights of the connection end, and the connection with them, unless they are replaced.
    Expiring {
        /// In which time they end.
        left: Duration,
    },
    /// The client's room, which is this, has ended. [`Closed`](Self::Closed) follows.
    Farewell(RoomId),
    /// The connection ends. The transport's close follows.
    Closed {
        /// Why the connection ends.
        reason: CloseReason,
        /// How the client's room has ended, if it has.
        end: Option<RoomEnd>,
    },
    /// To the owner: what viewers say.
    Signal(&'a Signal),
}

impl Notice<'_> {
    /// Returns what may happen to the notice while it waits: nothing takes its place, unless this says otherwise.
    pub fn rank(&self) -> Rank {
        match self {
            Self::Audience(_) | Self::OwnAudience(_) => Rank::Audience,
            Self::Skipped { until, .. } => Rank::Hole(*until),
            // Only an owner gets them, for whom no values of this key wait.
            Self::Signal(Signal::Counts { key, .. }) => Rank::State(key.clone()),
            Self::Alive { .. } | Self::Draining { .. } | Self::Expiring { .. } | Self::Farewell(_) => Rank::Answer,
            _ => Rank::Event,
        }
    }
}
