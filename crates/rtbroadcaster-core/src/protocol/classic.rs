//! The JSON of 2016: one object for everything, in both directions (PROTOCOL.md section 1).
//! Must not know sockets, rooms or time.

use std::io::Write;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Answer, Command, Dialect, Liveness, Notice, OnOverflow, Request, WEBSOCKET};
use crate::close::CloseReason;
use crate::id::RoomId;
use crate::message::{Change, DEPTH_MAX, Entry, Kind, Message, Params, Written, depth};
use crate::options::RoomOptions;
use crate::refusal::Refusal;
use crate::standing::Start;
use crate::wire::Excess;
use crate::wire::encode::TextFrame;

/// `status.value` of what a client may send and of what the server answers.
mod status {
    pub(super) const NOT_CONNECTED: u8 = 0;
    pub(super) const NEW: u8 = 1;
    pub(super) const JOIN: u8 = 2;
    pub(super) const CONNECTED: u8 = 3;
    pub(super) const CLOSE: u8 = 4;
}

/// The JSON of 2016. It has no words for a cleared key, nor for any notice but the end of a room.
pub static DIALECT: Dialect = Dialect {
    name: None,
    slot: 0,
    decode,
    accepted: |_, answer| accepted(answer),
    refused,
    write: |notice| if let Notice::Farewell(room) = notice { Some(not_connected(room)) } else { None },
    encode: entry,
    transport: WEBSOCKET,
    liveness: Liveness::Answers,
    on_overflow: OnOverflow::Close,
    excess: Excess::Refused,
    left: CloseReason::Done,
    room_closed: CloseReason::Done,
    own_room_closed: CloseReason::Done,
    has_owner_keys: false,
    tells_next: false,
    is_patient: false,
};

/// A message of a client. Missing members and `null` are empty, unknown members are ignored, duplicates are an error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClientMessage<'a> {
    #[serde(deserialize_with = "or_empty")]
    uuid: String,
    #[serde(deserialize_with = "object")]
    status: ClientStatus,
    #[serde(deserialize_with = "or_empty")]
    func_key: String,
    #[serde(borrow)]
    func_params: Option<&'a RawValue>,
    #[serde(deserialize_with = "or_empty")]
    state_message: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClientStatus {
    #[serde(deserialize_with = "or_empty")]
    value: u8,
    /// Not read, but a text.
    #[serde(rename = "text", deserialize_with = "or_empty")]
    _text: String,
}

/// Reads a member that may be `null`, which is as good as missing.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Reads an object or `null`. A derived struct alone would also take an array of its members.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    let raw = <&RawValue>::deserialize(from)?;
    match raw.get().as_bytes().first() {
        Some(b'{') => serde_json::from_str(raw.get()).map_err(serde::de::Error::custom),
        Some(b'n') => Ok(T::default()),
        _ => Err(serde::de::Error::custom("expected an object")),
    }
}

/// Reads a client's message.
pub fn decode(text: &str) -> Request {
    let is_object = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    let readable = is_object && depth(text.as_bytes()) <= DEPTH_MAX;
    match readable.then(|| serde_json::from_str::<ClientMessage<'_>>(text)) {
        Some(Ok(incoming)) => Request { echo: incoming.uuid.clone().into(), command: command(incoming) },
        _ => Request { echo: "".into(), command: Err(Refusal::BadMessage) },
    }
}

fn command(incoming: ClientMessage<'_>) -> Result<Command, Refusal> {
    match incoming.status.value {
        status::NEW => Ok(Command::Create { options: RoomOptions::new() }),
        status::JOIN => Ok(Command::Join { room: incoming.uuid, start: Start::Fresh, viewer: None }),
        status::CONNECTED => {
            let kind = if incoming.state_message { Kind::State } else { Kind::Event };
            let params = incoming.func_params.map_or("[]", RawValue::get);
            let message = Message::from_wire(kind, &incoming.func_key, params).map_err(|_| Refusal::BadMessage)?;
            Ok(Command::Publish { room: incoming.uuid, message })
        }
        status::CLOSE => Ok(Command::Leave { room: incoming.uuid }),
        _ => Err(Refusal::BadMessage),
    }
}

/// Returns the answer to an accepted create or join. Messages are not acknowledged.
pub fn accepted(answer: &Answer<'_>) -> Option<Bytes> {
    match answer {
        Answer::Created { standing, .. } | Answer::Owned { standing, .. } | Answer::Joined { standing, .. } => {
            Some(frame(&standing.room.to_string(), status::CONNECTED, "connected", "", &Params::NONE, false))
        }
        Answer::Ack(_) | Answer::Pong(_) => None,
    }
}

/// Returns the answer to a request that is refused, with the `uuid` as it was sent.
pub fn refused(echo: &str, refusal: Refusal) -> Bytes {
    frame(echo, status::NOT_CONNECTED, refusal.text(), "", &Params::NONE, false)
}

/// Returns the frame for the end of a room.
fn not_connected(room: &RoomId) -> Bytes {
    frame(&room.to_string(), status::NOT_CONNECTED, "not connected", "", &Params::NONE, false)
}

/// Writes a message to viewers.
fn entry(entry: &Entry, params: &Params) -> Option<Written> {
    let state = match entry.change {
        Change::State => true,
        Change::Event | Change::Ephemeral => false,
        Change::Cleared => return None,
    };
    let room = entry.room.to_string();
    let frame = frame(&room, status::CONNECTED, "connected", entry.key.as_str(), params, state);
    Some(Written { frame, tail: tail(state).len() })
}

/// The bytes of everything but the room's name, the key and the params, rounded up.
const ENVELOPE_BYTES: usize = 128;

/// Returns one finished frame. The members stand in the order in which the server of 2016 wrote them.
fn frame(uuid: &str, value: u8, text: &str, key: &str, params: &Params, state: bool) -> Bytes {
    let mut frame = TextFrame::with_capacity(ENVELOPE_BYTES + uuid.len() + key.len() + params.as_bytes().len());
    write_json(&mut frame, uuid, value, text, key, params, state).expect("writing to memory does not fail");
    frame.finish()
}

fn write_json(
    out: &mut TextFrame,
    uuid: &str,
    value: u8,
    text: &str,
    key: &str,
    params: &Params,
    state: bool,
) -> std::io::Result<()> {
    out.write_all(br#"{"uuid":"#)?;
    serde_json::to_writer(&mut *out, uuid)?;
    write!(out, r#","status":{{"value":{value},"text":"{text}"}},"funcKey":"#)?;
    serde_json::to_writer(&mut *out, key)?;
    out.write_all(br#","funcParams":"#)?;
    // Raw: the literals stay as the owner wrote them.
    out.write_all(params.as_bytes())?;
    out.write_all(tail(state).as_bytes())
}

/// Returns the text behind the params.
const fn tail(state: bool) -> &'static str {
    if state { r#","stateMessage":true}"# } else { r#","stateMessage":false}"# }
}

#[cfg(test)]
mod tests;
