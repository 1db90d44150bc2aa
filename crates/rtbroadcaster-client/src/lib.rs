//! The other end, in Rust: a [`Viewer`] and a [`Broadcaster`] over the network, that come back by themselves. They speak
//! version 2 of PROTOCOL.md to any server. Must not know this one: no sockets, rooms or configuration of it.
//!
//! ```no_run
//! use rtbroadcaster::{Message, remote::{Broadcaster, Viewer}};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let owner = Broadcaster::create("ws://127.0.0.1:8080/broadcasting").await?;
//! let viewer = Viewer::join("ws://127.0.0.1:8080/broadcasting", owner.room())?;
//! viewer.inside().await?;
//!
//! let seq = owner.publish(Message::state("score", [2, 1])).await?;
//! viewer.watch_state().wait_for(|state| state.seq() >= seq).await?;
//! assert_eq!(viewer.state().parse::<[u8; 2]>("score").unwrap()?, [2, 1]);
//! # Ok(()) }
//! ```
//!
//! # Late joining
//!
//! A viewer gets the newest value of each key at one moment, then every message behind it. The state is shown when all of
//! it has come and never in part, be it the first one or one that comes anew.
//!
//! # Lagging
//!
//! A viewer that does not read holds its connection back and nobody else. Newer values take the place of waiting ones, and
//! it is told of each hole: [`Heard::Skipped`], or [`Heard::State`] where events were lost too.
//!
//! # Losing the owner
//!
//! Viewers see [`Status::Away`]. A broadcaster that lost its connection comes back by the room's key and says again what was not
//! acknowledged, each under its id, so that it is stored once. When another one has taken the room over, whatever it says
//! fails with [`PublishError::Fenced`], and it does not come back.
//!
//! # Closing
//!
//! [`Broadcaster::close`] ends the room when everything that was said before is safe; every viewer hears it before its
//! streams end. What is over is [`Status::Closed`] with the close code, the reason, and whether trying again makes sense.
//! After a cut both come back after a random part of a delay that doubles (full jitter), or when a server that goes away
//! has told them to, as the table of close codes in PROTOCOL.md says.
//!
//! # Hostile servers
//!
//! Whatever a server sends, a client neither panics nor fills the memory, and it does not reconnect more often than the
//! doubling delay says. Every delay and number of a server is clamped, a time to stay away to an hour. [`Options`] has the
//! limits; [patience](Options::patience) holds in every state.

mod address;
mod bounds;
mod broadcaster;
mod comeback;
mod course;
mod crowd;
mod dial;
mod ending;
mod frame;
mod heard;
mod identity;
mod limits;
mod line;
mod liveness;
mod queue;
mod random;
mod reception;
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

use std::time::Duration;

use tokio::sync::watch;

pub use address::{Address, AddressError};
pub use broadcaster::{Broadcaster, Loss, OpenError, PublishError, Ticket};
pub use crowd::{Audience, Signal, Signals};
pub use ending::Closing;
pub use frame::{Refused, ResetReason};
pub use heard::{Delivery, Heard, Messages};
pub use identity::{Identity, InvalidIdentity};
pub use rtbroadcaster_core::id::{Cursor, Epoch};
pub use rtbroadcaster_core::message::{Key, Params};
pub use state::State;
pub use status::Status;
pub use target::Target;
pub use viewer::{SignalError, Viewer};

/// How a viewer or a broadcaster behaves.
///
/// # Limits
/// A server that sends more than [`frame_bytes_max`](Self::frame_bytes_max) or [`state_bytes_max`](Self::state_bytes_max)
/// allows is given up for good: the status is [`Status::Closed`] with the code 1006 and the reason `limit`. All other
/// limits hold something back and end nothing.
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
    /// Whether it comes back by itself. Without that the first end of a connection, or the first attempt that fails, is the
    /// end. True.
    pub reconnect: bool,
    /// The bound of the first delays after a cut: at most 8 attempts begin within 20 times this. Then the bound doubles with
    /// each attempt. 500 ms.
    pub backoff_first: Duration,
    /// The bound of every delay. 15 s.
    pub backoff_max: Duration,
    /// How long it may be outside of the room until it gives up; `None`, the default, is for ever. The times outside add
    /// up until it was in the room for 10 s. A broadcaster also gives up when it waits for so long for an answer to what
    /// it has said, an acknowledgement or a refusal, and none comes; both ends do when the server reads nothing for so
    /// long of what waits to be written. Where a server tells it to stay away for longer, it
    /// gives up at once.
    pub patience: Option<Duration>,
    /// How long the server may take to let it connect, and to answer: counted from the last byte that came, and doubled with
    /// each attempt that had no answer, up to 8 times this. 10 s.
    pub answer_timeout: Duration,
    /// How many messages a viewer's stream, or signals an owner's stream, holds that nobody has taken. 1 024.
    pub messages_max: usize,
    /// How many bytes such a stream holds: keys, parameters and whole states, and 128 bytes for each. One that is bigger is
    /// held alone. 16 MiB; more than 4 GiB count as 4 GiB.
    pub messages_bytes_max: usize,
    /// How many messages of a broadcaster may be on their way without an acknowledgement; further ones wait. They are kept
    /// until then, at most this many times `message_bytes_max`. 256; more than 4 096 count as 4 096, since a server
    /// remembers no more ids.
    pub unacked_max: usize,
    /// The most bytes of one message as it is sent: key, parameters, and some 100 bytes besides. Where the server tells that
    /// it takes less, that counts. 64 KiB.
    pub message_bytes_max: usize,
    /// The most bytes of one message of the server, over all its fragments. 16 MiB.
    pub frame_bytes_max: usize,
    /// The most bytes of the room's state: keys and parameters, and 256 bytes for each key. Up to three states are held
    /// at a time: the newest one, one that comes anew, and one that the program has. 64 MiB.
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

/// Waits until something is in the room.
async fn inside(mut status: watch::Receiver<Status>) -> Result<(), Closing> {
    let reached = status.wait_for(|status| status.is_inside() || status.closing().is_some()).await;
    match reached.ok().and_then(|status| status.closing().cloned()) {
        Some(closing) => Err(closing),
        None => Ok(()),
    }
}

/// Waits until something is over.
async fn over(mut status: watch::Receiver<Status>) -> Closing {
    let reached = status.wait_for(|status| status.closing().is_some()).await;
    // Only a runtime that ends drops what has not come to its end.
    reached.ok().and_then(|status| status.closing().cloned()).unwrap_or_else(|| Closing::lost("lost"))
}
