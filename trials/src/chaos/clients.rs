//! Viewers and owners as programs have them: of the Rust library, of the SDK in Node.js, of the command line. All
//! report the same events. Must not know the faults of their connections.

mod client;
mod library;
mod program;
mod sdk;

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub(super) use client::{Client, ClientKind};
pub(super) use library::{Library, PublishHandle};
pub(super) use sdk::Sdk;

/// The key of the messages that owners of these scenarios publish. Their parameters are a number that counts from 1,
/// the time of the publish, and padding.
pub(super) const KEY: &str = "tick";

/// The most events that wait to be read.
const EVENTS_MAX: usize = 65_536;

/// One event of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) client: u32,
    /// Its time, in microseconds (`now`).
    pub(super) at: u64,
    #[serde(flatten)]
    pub(super) what: EventKind,
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum EventKind {
    /// An owner has its room.
    Opened { room: String },
    /// The client's status has changed.
    Status { name: ClientStatus, reason: Option<String> },
    /// A viewer received message `number`, which was published at `said`.
    Heard { number: u64, said: u64 },
    /// A viewer got a `reset`: it may have lost events.
    Reset,
    /// An owner's message is acknowledged.
    Acked { number: u64 },
    /// An owner's message is refused, and its program knows it.
    Failed { number: u64, code: String },
}

/// The status that a client shows of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientStatus {
    /// It was never in the room.
    Connecting,
    Live,
    /// In the room; the owner is away.
    Away,
    Lagging,
    /// It is not sure, and probes.
    Checking,
    Resuming,
    Closed,
    #[serde(other)]
    Other,
}

impl ClientStatus {
    /// Returns whether the client says that it is in the room.
    pub(super) fn is_inside(self) -> bool {
        matches!(self, Self::Live | Self::Away | Self::Lagging)
    }
}

/// The queue of the clients' events.
pub(super) type Events = mpsc::Sender<Event>;

/// Opens such a queue.
pub(super) fn events() -> (Events, mpsc::Receiver<Event>) {
    mpsc::channel(EVENTS_MAX)
}

/// Returns the time in microseconds, the same for all processes of this machine.
pub(super) fn now() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Queues one event. An event without a reader is dropped.
async fn queue(events: &Events, client: u32, what: EventKind) {
    let _ = events.send(Event { client, at: now(), what }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_is_written_by_any_client() {
        let event = |text: &str| serde_json::from_str::<Event>(text).unwrap().what;
        assert_eq!(
            event(r#"{"client":1,"at":2,"event":"status","name":"resuming","reason":"lost"}"#),
            EventKind::Status { name: ClientStatus::Resuming, reason: Some("lost".into()) }
        );
        assert_eq!(
            event(r#"{"client":1,"at":2,"event":"status","name":"unheard"}"#),
            EventKind::Status { name: ClientStatus::Other, reason: None }
        );
        let heard = Event { client: 3, at: 4, what: EventKind::Heard { number: 5, said: 6 } };
        let text = serde_json::to_string(&heard).unwrap();
        assert_eq!(text, r#"{"client":3,"at":4,"event":"heard","number":5,"said":6}"#);
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), heard);
        assert!(now() > 1_700_000_000_000_000);
    }
}
