//! Where a viewer or an owner stands, as one value. Must not know how it got there.

use std::time::Instant;

use rtbroadcaster_core::closing::Closing;

/// Where a [`Viewer`](super::Viewer) or a [`Broadcaster`](super::Broadcaster) stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It has not been in the room yet.
    Connecting {
        /// How many attempts have failed.
        failed: u32,
        /// When the next attempt begins; `None` while one is made.
        next: Option<Instant>,
    },
    /// Everything that was said is here, and more comes as it is said.
    Live,
    /// Like `Live`, but the room's owner is away; the room ends after its grace, unless the owner comes back.
    Away {
        /// Since when it is, as the server tells; as far as this viewer knows where an older server does not.
        since: Instant,
    },
    /// In the room, but what comes was superseded or lost on the way ([`Heard::Skipped`](super::Heard::Skipped),
    /// [`Heard::State`](super::Heard::State)): the state may be that of no single moment until it has caught up.
    Lagging,
    /// In the room as far as is known, but the server was asked for a sign of life 1.5 s ago or more and none has come. Then
    /// it is back where it was, or [`Resuming`](Self::Resuming).
    Checking,
    /// The connection was lost. It comes back with its cursor or its key, or is just getting what it missed.
    Resuming {
        /// How many attempts have failed.
        failed: u32,
        /// When the next attempt begins; `None` while one is made.
        next: Option<Instant>,
        /// How the last connection ended.
        after: Closing,
    },
    /// It is over.
    Closed(Closing),
}

impl Status {
    /// Whether it is in the room, as far as is known.
    pub fn is_inside(&self) -> bool {
        matches!(self, Self::Live | Self::Away { .. } | Self::Lagging | Self::Checking)
    }

    /// How it ended, if it has.
    pub fn closing(&self) -> Option<&Closing> {
        if let Self::Closed(closing) = self { Some(closing) } else { None }
    }
}
