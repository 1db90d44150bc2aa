//! The words of the classic protocol, written down here once more, so that a change of the library's is noticed.
//! Must not know sockets.

/// What a client says to open a room.
pub(crate) const CREATE: &str = r#"{"status":{"value":1}}"#;

/// What an owner says to end its room, or a viewer to leave.
pub(crate) const CLOSE: &str = r#"{"status":{"value":4}}"#;

/// What a client says to watch `room`.
pub(crate) fn join(room: &str) -> String {
    format!(r#"{{"uuid":"{room}","status":{{"value":2}}}}"#)
}

/// Returns the frame with which an owner publishes an event.
pub(crate) fn publish(key: &str, params: &str) -> String {
    format!(r#"{{"status":{{"value":3}},"funcKey":"{key}","funcParams":{params}}}"#)
}

/// What an owner says to set a state.
pub(crate) fn publish_state(key: &str, params: &str) -> String {
    format!(r#"{{"status":{{"value":3}},"funcKey":"{key}","funcParams":{params},"stateMessage":true}}"#)
}

/// A message as a viewer gets it.
pub(crate) fn message(room: &str, key: &str, params: &str, is_state: bool) -> String {
    frame(room, 3, "connected", key, params, is_state)
}

/// The answer to an accepted create or join.
pub(crate) fn connected(room: &str) -> String {
    frame(room, 3, "connected", "", "[]", false)
}

/// The end of a room.
pub(crate) fn not_connected(room: &str) -> String {
    refused(room, "not connected")
}

/// The answer to a request that is refused, with the `uuid` as it was sent.
pub(crate) fn refused(uuid: &str, text: &str) -> String {
    frame(uuid, 0, text, "", "[]", false)
}

fn frame(uuid: &str, value: u8, text: &str, key: &str, params: &str, is_state: bool) -> String {
    format!(
        r#"{{"uuid":"{uuid}","status":{{"value":{value},"text":"{text}"}},"funcKey":"{key}","funcParams":{params},"stateMessage":{is_state}}}"#
    )
}
