//! One speaks, everyone is in step: a room has one owner, which broadcasts small messages over WebSocket to all
//! viewers.
//!
//! A message calls a *key* with *parameters*. [`Message::event`] happens once, [`Message::state`] holds until the next
//! value of its key and is given to viewers that come later, [`Message::ephemeral`] matters only while it is new.
//!
//! ```no_run
//! use axum::{Router, routing::any};
//! use rtbroadcaster::{Config, Manager};
//!
//! # async fn run() -> std::io::Result<()> {
//! let manager = Manager::new(Config::default());
//! let app = Router::new().route("/broadcasting", any(rtbroadcaster::axum::handler)).with_state(manager);
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | `axum` | `rtbroadcaster::axum`: the ready handler and the [`Upgrade`] extractor for axum 0.8 | yes |
//! | `disk` | `Manager::open`: rooms that are kept in a directory and outlive the process (Unix) | no |
//! | `remote` | `rtbroadcaster::remote`: a viewer and an owner over the network, and `Manager::in_memory` for tests | no |
//! | `remote-tls` | the same over TLS (`wss`) | no |
//! | `nats` | not for use yet: rooms over several servers, whose log is in NATS JetStream | no |
//! | `tls` | not for use yet | no |
//!
//! Applications with rules of their own take an [`Upgrade`] and accept it with a [`Permit`]; it works under axum and
//! under bare hyper 1. A Rust program speaks through an [`Owner`]. The wire is described in the project's PROTOCOL.md.
//!
//! # Late joining
//!
//! A viewer gets the newest value of every key, in the order in which the keys last changed, then every message that
//! was published after that moment. Snapshot and live messages meet exactly, and are the same bytes for all viewers.
//!
//! # Losing the connection
//!
//! A client that offers the subprotocol `rtbroadcaster.v2` gets numbered messages. It comes back with a cursor and is
//! `resumed` with every message that it missed, or `reset` with the state and the reason, see
//! [`Config::history_messages_max`].
//!
//! # Lagging
//!
//! What a viewer receives is a subsequence of what the owner published, in order; once caught up it holds the newest
//! value of every key. While a viewer does not take its messages, a newer value replaces the waiting one of its key.
//! Over [`Config::backlog_bytes_max`] it gets the state again with a notice, or is closed with 4008 where its protocol
//! has no words for that. Over [`Config::stall_timeout`] it is closed with 4008. No other client waits for it.
//!
//! # Losing the owner
//!
//! When the owner is gone, viewers are notified. The room waits for [`Config::owner_grace`], or for the time that its
//! creator asked for ([`RoomOptions::with_grace`]), then it ends. A holder of the [`OwnerKey`] returns or takes over, a
//! Rust program by [`Manager::own`] or a client by `own`: the older owner is fenced at once.
//!
//! # Closing
//!
//! A room ends by its owner, by its grace or idle time, by [`Manager::close_room`] or [`Manager::shutdown`]. Every
//! viewer gets the end after everything that was published, and its connection is closed. [`CloseReason`] lists the
//! close codes.

#[cfg(all(feature = "disk", not(unix)))]
compile_error!("the feature `disk` needs a Unix system, whose files have modes, numbers and holes");

#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod clock;
mod engine;
mod fanout;
mod fault;
#[cfg(feature = "remote")]
mod in_memory;
mod lock_order;
mod manager;
mod metrics;
mod os_random;
mod rights;
mod room;
mod sampling;
mod server;
mod socket;
mod upgrade;

pub use engine::EngineError;
#[cfg(feature = "disk")]
pub use engine::disk::{Ack, Disk, DiskError};
#[cfg(feature = "nats")]
pub use engine::nats::{Durability, Nats, NatsError, Unproven};
pub use manager::{EngineOptions, Manager, ManagerBuilder};
pub use metrics::{LogStatus, MessageCounts, Metrics, Resumes, SharedLogCounts, SignalCounts, Superseded};
pub use os_random::OsRandom;
pub use rights::{Grant, Permit, RightLimits, Rights, Rooms};
pub use room::{Owner, RoomSummary, Signals, Ticket};
#[cfg(feature = "remote")]
#[doc(inline)]
pub use rtbroadcaster_client as remote;
pub use rtbroadcaster_core::audience::Audience;
pub use rtbroadcaster_core::close::CloseReason;
pub use rtbroadcaster_core::config::Config;
pub use rtbroadcaster_core::histogram::Histogram;
pub use rtbroadcaster_core::id::{InvalidRoomId, InvalidRoomName, RoomId, RoomName, Seq};
pub use rtbroadcaster_core::identity::{InvalidSecret, Secret};
pub use rtbroadcaster_core::limit::{InvalidLimit, Limit};
pub use rtbroadcaster_core::message::{Key, Kind, Message, MessageError, Params};
pub use rtbroadcaster_core::options::{Counting, RoomOptions, RoomOptionsError};
pub use rtbroadcaster_core::origin::{InvalidOrigin, Origin};
pub use rtbroadcaster_core::owner_key::{InvalidOwnerKey, OwnerKey};
pub use rtbroadcaster_core::random::Random;
pub use rtbroadcaster_core::refusal::{CreateError, OwnError, PublishError};
pub use rtbroadcaster_core::signal::Signal;
pub use rtbroadcaster_core::standing::OwnerStatus;
pub use rtbroadcaster_core::wire::handshake::HandshakeError;
// For the program of this workspace; no part of the API.
#[doc(hidden)]
pub use sampling::Sampling;
pub use socket::{Tuned, tune};
pub use upgrade::{Arrival, OriginError, Upgrade, UpgradeError};

/// The README's Rust is tested with the documentation.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

/// So is that of the client's document.
#[cfg(all(doctest, feature = "remote"))]
#[doc = include_str!("../../../docs/rust-client.md")]
pub struct RustClient;

/// So are the uses that the compiler refuses.
#[cfg(all(doctest, feature = "axum", feature = "remote"))]
#[doc = include_str!("../tests/misuse.md")]
pub struct Misuse;
