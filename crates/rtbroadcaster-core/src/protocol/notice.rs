//! The notices: what the server sends to clients besides messages and answers, and their ranks while they wait.
//! Must not know how a dialect writes it.

use std::time::Duration;

use crate::audience::Audience;
use crate::close::CloseReason;
use crate::id::{Epoch, RoomId, Seq, Term};
use crate::signal::Signal;
use crate::standing::{OwnerStatus, RoomEnd, Standing};
use crate::superseding::Rank;

/// A notice, which the server sends on its own and [`Dialect::write`](super::Dialect::write) writes. A notice that
/// waits in a lane's queue borrows nothing: it is a `Notice<'static>`.
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
        /// Whether it is there now.
        status: OwnerStatus,
        /// Its lease.
        term: Term,
        /// For how long it has been away.
        away: Duration,
        /// The epoch of the messages that follow, if it is another one.
        epoch: Option<Epoch>,
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
        /// The time within which the next heartbeat comes; `None` if that is not promised.
        next: Option<Duration>,
    },
    /// The member lost messages, and the state follows.
    Reset {
        /// The room at this moment.
        standing: &'a Standing,
        /// How many frames of state follow.
        replay: usize,
    },
    /// The server goes away.
    Draining {
        /// After which time the client should reconnect.
        reconnect: Duration,
    },
    /// The rights of the connection end, and the connection with them, unless they are replaced.
    Expiring {
        /// The time until they end.
        left: Duration,
    },
    /// The client's room, named here, has ended. [`Closed`](Self::Closed) follows.
    Farewell(RoomId),
    /// The connection ends. The transport's close follows.
    Closed {
        /// Why the connection ends.
        reason: CloseReason,
        /// How the client's room has ended, if it has.
        end: Option<RoomEnd>,
    },
    /// To the owner: a signal of viewers.
    Signal(&'a Signal),
}

impl Notice<'_> {
    /// Returns the rank of the notice while it waits: nothing supersedes it, unless the rank says otherwise.
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
