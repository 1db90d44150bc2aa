//! The status of a viewer or an owner. Must not know how it changes.

use std::time::Instant;

use rtbroadcaster_core::closing::Closing;

/// The status of a [`Viewer`](super::Viewer) or an [`Owner`](super::Owner).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The client has not been in the room yet.
    Connecting {
        /// How many attempts have failed.
        failed: u32,
        /// When the next attempt begins; `None` while one is made.
        next: Option<Instant>,
    },
    /// In the room and up to date: every message so far has arrived, and new ones arrive as the owner publishes them.
    Live,
    /// Like `Live`, but the room's owner is away. The room ends after its grace, unless the owner returns.
    Away {
        /// Since when, as the server sends it; with an older server, since when this viewer knows it.
        since: Instant,
    },
    /// In the room, but messages were superseded or lost ([`Heard::Skipped`](super::Heard::Skipped),
    /// [`Heard::State`](super::Heard::State)). Until the viewer has caught up, its state may mix values of several
    /// moments.
    Lagging,
    /// In the room as far as is known, but the server has not answered a ping for 1.5 s or more. The previous status
    /// follows, or [`Resuming`](Self::Resuming).
    Checking,
    /// The connection was lost. The client reconnects with its cursor or its key, or is receiving the messages it
    /// missed.
    Resuming {
        /// How many attempts have failed.
        failed: u32,
        /// When the next attempt begins; `None` while one is made.
        next: Option<Instant>,
        /// The end of the last connection.
        after: Closing,
    },
    /// The client has ended, for this reason.
    Closed(Closing),
}

impl Status {
    /// Returns whether the client is in the room, as far as is known.
    pub fn is_inside(&self) -> bool {
        matches!(self, Self::Live | Self::Away { .. } | Self::Lagging | Self::Checking)
    }

    /// Returns how the client ended, if it has.
    pub fn closing(&self) -> Option<&Closing> {
        if let Self::Closed(closing) = self { Some(closing) } else { None }
    }
}
