//! The client in Rust: a [`Viewer`] and an [`Owner`] over the network, which reconnect by themselves. They speak
//! version 2 of PROTOCOL.md to any server. Must not know this project's server: none of its sockets, rooms or
//! configuration.
//!
//! ```no_run
//! use rtbroadcaster::{Message, remote::{Owner, Viewer}};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let owner = Owner::create("ws://127.0.0.1:8080/broadcasting").await?;
//! let viewer = Viewer::join("ws://127.0.0.1:8080/broadcasting", owner.room())?;
//! viewer.inside().await?;
//!
//! let seq = owner.publish(Message::state("score", [2, 1])?).await?;
//! viewer.watch_state().wait_for(|state| state.seq() >= seq).await?;
//! assert_eq!(viewer.state().parse::<[u8; 2]>("score").unwrap()?, [2, 1]);
//! # Ok(()) }
//! ```
//!
//! # Late joining
//!
//! A viewer gets the newest value of each key at one moment, then every later message. It shows a state only when all
//! of it has arrived, be it the first one or a replay.
//!
//! # Lagging
//!
//! A viewer whose program does not read slows down its own connection and no other one. Newer values supersede waiting
//! ones, and the viewer reports each hole: [`Heard::Skipped`], or [`Heard::State`] if events were lost too.
//!
//! # Losing the owner
//!
//! Viewers see [`Status::Away`]. An owner that lost its connection reconnects with the room's key and sends each
//! unacknowledged message again under its id, so that the server stores it once. If another owner has taken the
//! room over, every publish fails with [`PublishError::Fenced`], and this one does not reconnect.
//!
//! # Closing
//!
//! [`Owner::close`] ends the room when every earlier message is stored; each viewer gets them before its streams
//! end. The last status is [`Status::Closed`] with the close code, the reason, and whether a reconnect makes sense.
//! After a cut, both clients reconnect after a random part of a delay that doubles (full jitter), or at the time that a
//! server sends before it shuts down, as the table of close codes in PROTOCOL.md says.
//!
//! # Hostile servers
//!
//! A client neither panics nor fills the memory, for any bytes of a server, and it does not reconnect more often than
//! the doubling delay allows. It clamps every delay and number of a server, the time before a reconnect to an hour.
//! [`Options`] has the limits; [patience](Options::patience) applies in every state.

mod address;
mod backoff;
mod bounds;
mod crowd;
mod dial;
mod frame;
mod frame_stream;
mod heard;
mod identity;
mod limits;
mod liveness;
mod owner;
mod queue;
mod random;
mod reconnector;
mod request;
mod state;
mod status;
mod suspension;
mod target;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod traffic;
mod viewer;
mod viewer_sync;

use std::time::Duration;

use tokio::sync::watch;

pub use address::{Address, AddressError};
pub use crowd::Signals;
pub use frame::ResetReason;
pub use heard::{Delivery, Heard, Messages};
pub use identity::{Identity, InvalidIdentity};
pub use owner::{Loss, OpenError, Owner, PublishError, Ticket};
pub use rtbroadcaster_core::audience::Audience;
pub use rtbroadcaster_core::closing::Closing;
pub use rtbroadcaster_core::id::{Cursor, Epoch};
pub use rtbroadcaster_core::message::{Key, Params};
pub use rtbroadcaster_core::refusal::Refused;
pub use rtbroadcaster_core::signal::Signal;
pub use state::State;
pub use status::Status;
pub use target::Target;
pub use viewer::{SignalError, Viewer};

/// The options of a viewer or an owner.
///
/// # Limits
/// A server that sends more than [`frame_bytes_max`](Self::frame_bytes_max) or
/// [`state_bytes_max`](Self::state_bytes_max) allows is given up for good: the status is [`Status::Closed`] with the
/// code 1006 and the reason `limit`. All other limits delay, drop or refuse something, and end nothing.
///
/// ```
/// use rtbroadcaster::remote::Options;
///
/// let mut options = Options::default();
/// options.state_bytes_max = 1 << 20;
/// assert!(options.frame_bytes_max > options.message_bytes_max);
/// assert_eq!(options.patience, None, "by default it tries for ever");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the client reconnects by itself. If not, it ends with its first connection, or with the first attempt
    /// that fails. True.
    pub reconnect: bool,
    /// The bound of the first delays after a cut: at most 8 attempts begin within 20 times this. Then the bound doubles
    /// with each attempt. 500 ms.
    pub backoff_first: Duration,
    /// The bound of every delay. 15 s.
    pub backoff_max: Duration,
    /// The time outside of the room after which the client gives up; `None`, the default, is for ever. The times
    /// outside add up until it was in the room for 10 s. An owner also gives up when a message has no answer for
    /// so long, neither an acknowledgement nor a refusal. Both clients give up when the server reads nothing for so
    /// long while texts wait to be written. If a server demands a longer wait before the reconnect, the client gives up
    /// at once.
    pub patience: Option<Duration>,
    /// How long the server may take to accept a connection, and to answer: counted from the last received byte, and
    /// doubled with each attempt without an answer, up to 8 times this. 10 s.
    pub answer_timeout: Duration,
    /// The most messages that a viewer's stream holds, or signals that an owner's stream holds. 1 024.
    pub messages_max: usize,
    /// The most bytes that such a stream holds: keys, parameters and whole states, and 128 bytes for each item. A
    /// bigger item is held alone. 16 MiB; more than 4 GiB count as 4 GiB.
    pub messages_bytes_max: usize,
    /// The most unacknowledged messages of an owner; further ones wait. The owner keeps them until
    /// their acknowledgement, at most this many times `message_bytes_max`. 256; more than 4 096 count as 4 096, since a
    /// server remembers no more ids.
    pub unacked_max: usize,
    /// The most bytes of one message's frame: key, parameters, and some 100 bytes besides. A lower limit of the server
    /// takes precedence. 64 KiB.
    pub message_bytes_max: usize,
    /// The most bytes of one message of the server, over all its fragments. 16 MiB.
    pub frame_bytes_max: usize,
    /// The most bytes of the room's state: keys and parameters, and 256 bytes for each key. Up to three states are held
    /// at a time: the newest one, an incomplete replay, and one that the program has. 64 MiB.
    pub state_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reconnect: true,
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            patience: None,
            answer_timeout: Duration::from_secs(10),
            messages_max: 1_024,
            messages_bytes_max: 16 << 20,
            unacked_max: 256,
            message_bytes_max: 65_536,
            frame_bytes_max: 16 << 20,
            state_bytes_max: 64 << 20,
        }
    }
}

/// Waits until the client with this status is in the room, or returns how it ended.
async fn inside(mut status: watch::Receiver<Status>) -> Result<(), Closing> {
    let reached = status.wait_for(|status| status.is_inside() || status.closing().is_some()).await;
    match reached.ok().and_then(|status| status.closing().cloned()) {
        Some(closing) => Err(closing),
        None => Ok(()),
    }
}

/// Waits until the client with this status has ended, and returns how.
async fn over(mut status: watch::Receiver<Status>) -> Closing {
    let reached = status.wait_for(|status| status.closing().is_some()).await;
    // Only a runtime that shuts down drops a client's task before its end.
    reached.ok().and_then(|status| status.closing().cloned()).unwrap_or_else(|| Closing::lost("lost"))
}
