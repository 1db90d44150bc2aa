//! The frames of version 2, written down here once more, so that a change of the library's is noticed.
//! Must not know sockets.

use rtbroadcaster::{Kind, OwnerStatus};
use serde::Deserialize;
use serde_json::Value;

/// What a server says. A member or a type that is not in PROTOCOL.md fails the reading.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum Frame {
    Created {
        id: String,
        room: String,
        owner_key: String,
        epoch: String,
        term: u64,
        seq: u64,
        alive_ms: u64,
        grace_ms: Option<u64>,
        next_ms: Option<u64>,
        limits: Limits,
    },
    Owned(Owned),
    Joined(Joined),
    Message(Message),
    Skipped {
        through: u64,
        until: u64,
    },
    Reset(Reset),
    Owner {
        status: Status,
        term: u64,
        away_ms: Option<u64>,
    },
    Ack {
        id: String,
        seq: u64,
    },
    Error {
        id: Option<String>,
        code: String,
        message: String,
        retry_in_ms: Option<u64>,
    },
    Pong {
        id: String,
        seq: u64,
    },
    Alive {
        seq: u64,
        next_ms: Option<u64>,
    },
    Audience {
        viewers: usize,
        lagging: Option<usize>,
        behind_p95_ms: Option<u64>,
    },
    Signal(Signal),
    Draining {
        reconnect_in_ms: u64,
    },
    Closed {
        reason: String,
        why: Option<String>,
    },
}

/// What a client may send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) message_bytes: Option<u64>,
    pub(crate) key_bytes: u64,
    pub(crate) id_bytes: u64,
    pub(crate) depth: u64,
    pub(crate) signal_bytes: u64,
    pub(crate) signals_per_second: Option<u64>,
}

impl Default for Limits {
    /// Returns the limits of a server with the defaults.
    fn default() -> Self {
        Self {
            message_bytes: Some(65_536),
            key_bytes: 256,
            id_bytes: 64,
            depth: 32,
            signal_bytes: 4_096,
            signals_per_second: Some(5),
        }
    }
}

/// The answer to an `own`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Owned {
    pub(crate) id: String,
    pub(crate) room: String,
    pub(crate) epoch: String,
    pub(crate) term: u64,
    pub(crate) seq: u64,
    pub(crate) how: Option<How>,
    pub(crate) reason: Option<Reason>,
    pub(crate) replay: u64,
    pub(crate) alive_ms: u64,
    pub(crate) grace_ms: Option<u64>,
    pub(crate) next_ms: Option<u64>,
    pub(crate) limits: Limits,
}

/// The answer to a `join` or an `unpause`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Joined {
    pub(crate) id: String,
    pub(crate) room: String,
    pub(crate) epoch: String,
    pub(crate) term: u64,
    pub(crate) seq: u64,
    pub(crate) how: How,
    pub(crate) reason: Option<Reason>,
    pub(crate) replay: u64,
    pub(crate) owner: Status,
    pub(crate) away_ms: Option<u64>,
    pub(crate) alive_ms: u64,
    pub(crate) next_ms: Option<u64>,
    pub(crate) limits: Limits,
    pub(crate) viewer: Recognized,
}

/// Which viewer it is, and by what it is recognized.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recognized {
    pub(crate) number: u64,
    pub(crate) key: String,
}

/// What an owner has said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) seq: Option<u64>,
    pub(crate) key: String,
    pub(crate) params: Value,
    #[serde(default)]
    pub(crate) state: bool,
    #[serde(default)]
    pub(crate) cleared: bool,
}

/// What viewers have said.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signal {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) params: Value,
    pub(crate) from: Option<u64>,
    #[serde(default)]
    pub(crate) dropped: u64,
    #[serde(default)]
    pub(crate) counts: Vec<(Value, u64)>,
    #[serde(default)]
    pub(crate) other: u64,
}

/// The state follows again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Reset {
    pub(crate) reason: String,
    pub(crate) epoch: String,
    pub(crate) term: u64,
    pub(crate) seq: u64,
    pub(crate) replay: u64,
    pub(crate) owner: Status,
    pub(crate) away_ms: Option<u64>,
}

/// How a viewer is brought to where the room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Snapshot,
    Resumed,
    Reset,
}

/// Why a cursor was not continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Retention,
    Epoch,
    Future,
    Malformed,
}

/// Whether the owner is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Live,
    Away,
}

impl From<OwnerStatus> for Status {
    fn from(status: OwnerStatus) -> Self {
        match status {
            OwnerStatus::Live => Self::Live,
            OwnerStatus::Away => Self::Away,
        }
    }
}

/// Reads what a server said.
#[track_caller]
pub(crate) fn read(text: &str) -> Frame {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a client says to open a room.
pub(crate) fn create(id: &str) -> String {
    format!(r#"{{"type":"create","id":"{id}"}}"#)
}

/// What a viewer says to its owner.
pub(crate) fn signal(id: &str, key: &str, params: &str) -> String {
    format!(r#"{{"type":"signal","id":"{id}","key":"{key}","params":{params}}}"#)
}

/// What a client says to own `room`.
pub(crate) fn own(id: &str, room: &str, key: &str) -> String {
    format!(r#"{{"type":"own","id":"{id}","room":"{room}","ownerKey":"{key}"}}"#)
}

/// What a client says to watch `room`, behind `cursor` if there is one.
pub(crate) fn join(id: &str, room: &str, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!(r#","cursor":{cursor}"#)).unwrap_or_default();
    format!(r#"{{"type":"join","id":"{id}","room":"{room}"{cursor}}}"#)
}

/// The same with the key of a viewer that was there before.
pub(crate) fn join_as(id: &str, room: &str, key: &str) -> String {
    format!(r#"{{"type":"join","id":"{id}","room":"{room}","viewer":"{key}"}}"#)
}

/// A cursor behind the message `seq` of `epoch`.
pub(crate) fn cursor(epoch: &str, seq: u64) -> String {
    format!(r#"{{"epoch":"{epoch}","seq":{seq}}}"#)
}

/// Returns the frame with which an owner publishes; without an answer if `id` is empty.
pub(crate) fn publish(id: &str, kind: Kind, key: &str, params: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    let kind = match kind {
        Kind::Event => "",
        Kind::State => r#","state":true"#,
        Kind::Ephemeral => r#","ephemeral":true"#,
    };
    format!(r#"{{"type":"publish",{id}"key":"{key}","params":{params}{kind}}}"#)
}

/// What a viewer says to go on after a pause.
pub(crate) fn unpause(id: &str) -> String {
    format!(r#"{{"type":"unpause","id":"{id}"}}"#)
}

/// What a viewer says to get nothing for a while.
pub(crate) const PAUSE: &str = r#"{"type":"pause"}"#;

/// An error as a client gets it.
pub(crate) fn bad_message(id: Option<&str>) -> String {
    let id = id.map(|id| format!(r#""id":"{id}","#)).unwrap_or_default();
    format!(r#"{{"type":"error",{id}"code":"bad_message","message":"the message cannot be understood"}}"#)
}
