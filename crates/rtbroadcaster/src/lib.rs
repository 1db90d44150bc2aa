//! One speaks, everyone is in step.

#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod clock;
mod close;
mod config;
mod fanout;
mod id;
mod manager;
#[doc(hidden)]
pub mod message;
#[doc(hidden)]
pub mod protocol;
mod room;
mod socket;
mod upgrade;
#[doc(hidden)]
pub mod wire;

pub use client::Permit;
pub use close::CloseReason;
pub use config::Config;
pub use id::{InvalidRoomId, RoomId, Seq};
pub use manager::Manager;
pub use message::{Kind, Message, MessageError};
pub use room::{CreateError, Owner, OwnerStatus, PublishError, RoomSummary};
pub use upgrade::{AcceptedAt, Upgrade, UpgradeError};

/// The pure parts, for this project's own benches, fuzz targets and tests. Nothing here is stable.
#[doc(hidden)]
pub mod pure {
    pub use crate::fanout::backlog;
    pub use crate::id::{Cursor, Epoch, Term};
    pub use crate::room::log;
}
