//! Why a log in NATS cannot be used.
//! Must not know how it is used.

use std::path::PathBuf;

use super::proof::Unproven;

/// The longest namespace.
pub(super) const NAMESPACE_MAX: usize = 32;

/// Why the log in NATS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// The configuration has no secret: nodes with different secrets would count one person twice.
    #[error("nodes of one cluster need the same secret: set secret_file")]
    NoSecret,
    /// The namespace cannot be part of a subject.
    #[error("{0:?} is no namespace: 1 to {NAMESPACE_MAX} of a to z, 0 to 9, _ and -")]
    Namespace(String),
    /// The credentials file cannot be read.
    #[error("the credentials file {} cannot be read", .0.display())]
    Credentials(PathBuf, #[source] std::io::Error),
    /// An address of a server is none.
    #[error("the address of a NATS server is wrong")]
    Address(#[source] std::io::Error),
    /// The client for these servers cannot be made, as with certificates that cannot be read.
    #[error("no connection to NATS can be made")]
    Connect(#[source] async_nats::ConnectError),
    /// No server can be reached, or none of them knows a leader of JetStream. It is tried again.
    #[error("no NATS server with JetStream answers")]
    Unreachable,
    /// It is not proven that acknowledged messages survive the loss of power, which was
    /// [required](super::Nats::require_durable).
    #[error("acknowledged messages may not survive a loss of power, which require_durable wants proven")]
    NotDurable(#[source] Unproven),
    /// The server is too old.
    #[error("NATS {0} is too old: 2.12.8 or newer is needed")]
    TooOld(String),
    /// The servers take no messages of this size.
    #[error("the servers take messages of {max_payload} bytes; message_bytes_max needs {needed}: raise max_payload")]
    Payload {
        /// The most bytes that the servers take.
        max_payload: usize,
        /// The bytes that are needed.
        needed: usize,
    },
    /// JetStream does not answer, or refuses the stream.
    #[error("JetStream has refused the stream {stream}: {why}")]
    Stream {
        /// The name of the stream.
        stream: String,
        /// The answer.
        why: String,
    },
    /// The stream exists with other settings.
    #[error("the stream {stream} has {setting} {found}, where {wanted} is needed")]
    Setting {
        /// The name of the stream.
        stream: String,
        /// The name of the setting.
        setting: &'static str,
        /// The value that it has.
        found: String,
        /// The value that it needs.
        wanted: String,
    },
}

impl NatsError {
    /// Returns whether it may succeed later, with the same settings.
    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable)
    }
}
