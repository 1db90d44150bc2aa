//! The requests that open, join and end a room in each protocol, and the meaning of the answers. Pure.

use serde_json::Value;

use crate::plan::Protocol;

/// Why the server refuses a request, with advice for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestRefusal {
    #[error("a room is full: start the server with a greater --viewers-per-room-max, or none")]
    RoomFull,
    #[error("there are too many rooms: start the server with greater --rooms-max and --rooms-per-address-max, or none")]
    TooManyRooms,
    #[error("the server answered with {0}")]
    Other(String),
}

impl Protocol {
    /// Returns the request that opens a room; `None` with a relay, which has no rooms.
    pub(crate) fn opening(self) -> Option<&'static str> {
        match self {
            Self::Classic => Some(r#"{"status":{"value":1}}"#),
            Self::V2 => Some(r#"{"type":"create","id":"bench"}"#),
            Self::Relay => None,
        }
    }

    /// Returns the request that joins a room; `None` with a relay.
    pub(crate) fn joining(self, room: &str) -> Option<String> {
        match self {
            Self::Classic => Some(format!(r#"{{"uuid":"{room}","status":{{"value":2}}}}"#)),
            Self::V2 => Some(format!(r#"{{"type":"join","id":"bench","room":"{room}"}}"#)),
            Self::Relay => None,
        }
    }

    /// Returns the request that ends the own room; `None` with a relay.
    pub(crate) fn ending(self) -> Option<&'static str> {
        match self {
            Self::Classic => Some(r#"{"status":{"value":4}}"#),
            Self::V2 => Some(r#"{"type":"close"}"#),
            Self::Relay => None,
        }
    }

    /// Returns the room's name from the answer to a request that opens or joins it.
    pub(crate) fn admitted(self, answer: &[u8]) -> Result<String, RequestRefusal> {
        let other = || RequestRefusal::Other(String::from_utf8_lossy(answer).chars().take(200).collect());
        let value: Value = serde_json::from_slice(answer).map_err(|_| other())?;
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_admitted = match self {
            Self::Classic => value.pointer("/status/value") == Some(&3.into()),
            Self::V2 => ["created", "joined"].contains(&text("/type")),
            Self::Relay => false,
        };
        match if self == Self::Classic { text("/status/text") } else { text("/code") } {
            _ if is_admitted => Ok(text(if self == Self::Classic { "/uuid" } else { "/room" }).to_owned()),
            "room full" | "room_full" => Err(RequestRefusal::RoomFull),
            "too many rooms" | "room_limit" => Err(RequestRefusal::TooManyRooms),
            _ => Err(other()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_the_room_or_why_there_is_none() {
        for (protocol, answer, expected) in [
            (Protocol::Classic, r#"{"uuid":"a-b","status":{"value":3,"text":"connected"}}"#, Ok("a-b")),
            (
                Protocol::Classic,
                r#"{"uuid":"","status":{"value":0,"text":"room full"}}"#,
                Err(RequestRefusal::RoomFull),
            ),
            (Protocol::V2, r#"{"type":"created","id":"bench","room":"a-b"}"#, Ok("a-b")),
            (Protocol::V2, r#"{"type":"joined","id":"bench","room":"a-b"}"#, Ok("a-b")),
            (Protocol::V2, r#"{"type":"error","code":"room_limit"}"#, Err(RequestRefusal::TooManyRooms)),
            (Protocol::V2, r#"{"type":"closed"}"#, Err(RequestRefusal::Other(r#"{"type":"closed"}"#.into()))),
            (Protocol::Classic, "hello", Err(RequestRefusal::Other("hello".into()))),
        ] {
            assert_eq!(protocol.admitted(answer.as_bytes()), expected.map(str::to_owned), "{answer}");
        }
    }
}
