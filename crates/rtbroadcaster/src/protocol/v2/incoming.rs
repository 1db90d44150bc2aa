//! What clients of version 2 say: one object with a `type`, strictly read.
//! Must not know what is answered.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::id::{Cursor, Epoch, Seq};
use crate::message::{DEPTH_MAX, ID_BYTES_MAX, Key, Kind, Message, depth};
use crate::protocol::{Command, Refusal, Request};
use crate::standing::Start;

/// Every member that some type has, as it was sent. A repeated one is an error, one that no type has is ignored.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Incoming<'a> {
    #[serde(rename = "type", borrow, deserialize_with = "present")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    room: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    owner_key: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    cursor: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    key: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    state: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    ephemeral: Option<&'a RawValue>,
}

/// A member that is there, also if it is `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// A `cursor`, exactly.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IncomingCursor {
    epoch: String,
    seq: u64,
}

/// Reads a client's message.
pub fn decode(text: &str) -> Request {
    let readable = is_object(text) && depth(text.as_bytes()) <= DEPTH_MAX;
    match readable.then(|| serde_json::from_str::<Incoming<'_>>(text)) {
        Some(Ok(incoming)) => {
            let id = incoming.id();
            // An id of a wrong form is a fault of its own, and nothing that an answer could repeat.
            let command = id.clone().ok_or(Refusal::BadMessage).and_then(|id| incoming.command(id));
            Request { echo: id.flatten().unwrap_or_default(), command }
        }
        _ => Request { echo: "".into(), command: Err(Refusal::BadMessage) },
    }
}

impl Incoming<'_> {
    /// The request's name, if it has one; `None` for one of a wrong form.
    fn id(&self) -> Option<Option<Box<str>>> {
        let Some(raw) = self.id else { return Some(None) };
        let id: String = value(Some(raw)).ok()?;
        (1..=ID_BYTES_MAX).contains(&id.len()).then(|| Some(id.into()))
    }

    fn command(&self, id: Option<Box<str>>) -> Result<Command, Refusal> {
        let kind: String = value(self.kind)?;
        // The answers to these are told apart by it.
        if matches!(kind.as_str(), "create" | "own" | "join" | "unpause") && id.is_none() {
            return Err(Refusal::BadMessage);
        }
        match kind.as_str() {
            "create" => Ok(Command::Create),
            "own" => Ok(Command::Own { room: value(self.room)?, key: value(self.owner_key)? }),
            "join" => Ok(Command::Join { room: value(self.room)?, start: start(self.cursor) }),
            "publish" => Ok(Command::Publish { room: String::new(), message: self.message(id)? }),
            "clear" => Ok(Command::Clear { key: self.key()?, id }),
            "pause" => Ok(Command::Pause),
            "unpause" => Ok(Command::Unpause),
            "leave" => Ok(Command::Leave { room: String::new() }),
            "close" => Ok(Command::Close),
            _ => Err(Refusal::BadMessage),
        }
    }

    fn message(&self, id: Option<Box<str>>) -> Result<Message, Refusal> {
        let kind = match (flag(self.state)?, flag(self.ephemeral)?) {
            (false, false) => Kind::Event,
            (true, false) => Kind::State,
            (false, true) => Kind::Ephemeral,
            (true, true) => return Err(Refusal::BadMessage),
        };
        let key: String = value(self.key)?;
        let params = self.params.ok_or(Refusal::BadMessage)?;
        let message = Message::from_wire(kind, &key, params.get()).map_err(|_| Refusal::BadMessage)?;
        let message = if let Some(id) = id { message.with_id(&id) } else { message };
        message.check().map_err(|_| Refusal::BadMessage)?;
        Ok(message)
    }

    fn key(&self) -> Result<Key, Refusal> {
        let key: String = value(self.key)?;
        Key::new(&key).ok_or(Refusal::BadMessage)
    }
}

/// A member that has to be there.
fn value<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, Refusal> {
    let raw = raw.ok_or(Refusal::BadMessage)?;
    serde_json::from_str(raw.get()).map_err(|_| Refusal::BadMessage)
}

/// A member that is false when it is not there.
fn flag(raw: Option<&RawValue>) -> Result<bool, Refusal> {
    raw.map_or(Ok(false), |raw| value(Some(raw)))
}

/// Where a join goes on. What is no cursor does not make the message bad: the viewer gets the state, and is told.
fn start(raw: Option<&RawValue>) -> Start {
    let Some(raw) = raw else { return Start::Fresh };
    let cursor = is_object(raw.get()).then(|| serde_json::from_str::<IncomingCursor>(raw.get()));
    let cursor = cursor.and_then(Result::ok).and_then(|IncomingCursor { epoch, seq }| {
        Some(Cursor { epoch: Epoch::from_wire(&epoch)?, seq: Seq::new(seq)? })
    });
    cursor.map_or(Start::Malformed, Start::After)
}

/// Whether a JSON text is an object. A derived struct alone would also take an array of its members.
fn is_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{')
}
