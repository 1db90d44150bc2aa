//! Reads the messages of clients of version 2, strictly: one object with a `type`.
//! Must not know answers.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::wishes;
use crate::id::{Cursor, Epoch, RoomName, Seq};
use crate::identity::ViewerKey;
use crate::message::{DEPTH_MAX, ID_BYTES_MAX, Key, Kind, Message, Params, SIGNAL_BYTES_MAX, depth};
use crate::options::RoomOptions;
use crate::protocol::{Command, Request};
use crate::refusal::Refusal;
use crate::standing::{CursorScope, Start};

/// A message of a client, with every member that some type has. Other members are ignored.
#[derive(Default)]
struct ClientMessage<'a> {
    kind: JsonMember<'a>,
    id: JsonMember<'a>,
    room: JsonMember<'a>,
    owner_key: JsonMember<'a>,
    cursor: JsonMember<'a>,
    lives: JsonMember<'a>,
    viewer: JsonMember<'a>,
    grace: JsonMember<'a>,
    audience: JsonMember<'a>,
    signals: JsonMember<'a>,
    key: JsonMember<'a>,
    params: JsonMember<'a>,
    state: JsonMember<'a>,
    ephemeral: JsonMember<'a>,
}

/// A text that borrows from the message unless it has escapes. A `Cow` alone would always be a copy.
#[derive(Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

/// A member as it was sent. It is parsed only if the type has it.
#[derive(Default, Clone, Copy)]
enum JsonMember<'a> {
    #[default]
    Missing,
    Once(&'a RawValue),
    Repeated,
}

impl<'a> JsonMember<'a> {
    fn came(&mut self, raw: &'a RawValue) {
        *self = if let JsonMember::Missing = self { JsonMember::Once(raw) } else { JsonMember::Repeated };
    }

    /// Returns its text, if it is there.
    fn raw(self) -> Result<Option<&'a RawValue>, Refusal> {
        match self {
            JsonMember::Missing => Ok(None),
            JsonMember::Once(raw) => Ok(Some(raw)),
            JsonMember::Repeated => Err(Refusal::BadMessage),
        }
    }

    /// Returns its value, which has to be there.
    fn value<T: Deserialize<'a>>(self) -> Result<T, Refusal> {
        self.optional()?.ok_or(Refusal::BadMessage)
    }

    /// Returns its value, if it is there.
    fn optional<T: Deserialize<'a>>(self) -> Result<Option<T>, Refusal> {
        self.raw()?.map(|raw| serde_json::from_str(raw.get())).transpose().map_err(|_| Refusal::BadMessage)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ClientMessage<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = ClientMessage<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut incoming = ClientMessage::default();
                while let Some(BorrowedText(name)) = map.next_key()? {
                    match incoming.member(&name) {
                        Some(member) => member.came(map.next_value()?),
                        None => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(incoming)
            }
        }
        from.deserialize_map(MembersVisitor)
    }
}

/// A `cursor`, with exactly these members.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CursorMembers {
    epoch: String,
    seq: u64,
}

/// Reads a client's message.
pub fn decode(text: &str) -> Request {
    let Ok(incoming) = serde_json::from_str::<ClientMessage<'_>>(text) else {
        return Request { echo: "".into(), command: Err(Refusal::BadMessage) };
    };
    let id = incoming.id();
    let is_deep = depth(text.as_bytes()) > DEPTH_MAX;
    let command = if is_deep { Err(Refusal::BadMessage) } else { incoming.command(id.clone()) };
    Request { echo: id.ok().flatten().unwrap_or_default(), command }
}

impl<'a> ClientMessage<'a> {
    fn member(&mut self, name: &str) -> Option<&mut JsonMember<'a>> {
        match name {
            "type" => Some(&mut self.kind),
            "id" => Some(&mut self.id),
            "room" => Some(&mut self.room),
            "ownerKey" => Some(&mut self.owner_key),
            "cursor" => Some(&mut self.cursor),
            "lives" => Some(&mut self.lives),
            "graceMs" => Some(&mut self.grace),
            "audience" => Some(&mut self.audience),
            "signals" => Some(&mut self.signals),
            "key" => Some(&mut self.key),
            "params" => Some(&mut self.params),
            "state" => Some(&mut self.state),
            "ephemeral" => Some(&mut self.ephemeral),
            // Last: names are compared in this order, and only some joins have it.
            "viewer" => Some(&mut self.viewer),
            _ => None,
        }
    }

    /// Returns the request's id, if it has one.
    fn id(&self) -> Result<Option<Box<str>>, Refusal> {
        let id: Option<String> = self.id.optional()?;
        let is_valid = id.as_ref().is_none_or(|id| (1..=ID_BYTES_MAX).contains(&id.len()));
        if is_valid { Ok(id.map(Into::into)) } else { Err(Refusal::BadMessage) }
    }

    fn command(&self, id: Result<Option<Box<str>>, Refusal>) -> Result<Command, Refusal> {
        let BorrowedText(kind) = self.kind.value()?;
        // By its id the client tells the answers to these apart.
        if matches!(&*kind, "create" | "own" | "join" | "unpause" | "ping") {
            id.as_ref().map_err(|refusal| *refusal)?.as_ref().ok_or(Refusal::BadMessage)?;
        }
        match &*kind {
            "create" => Ok(Command::Create { options: self.options()? }),
            "own" => Ok(Command::Own { room: self.room.value()?, key: self.owner_key.value()?, start: self.start()? }),
            "join" => {
                let (room, start, viewer) = (self.room.value()?, self.start()?, self.viewer()?);
                Ok(Command::Join { room, start, viewer })
            }
            "publish" => Ok(Command::Publish { room: String::new(), message: self.message(id?)? }),
            "clear" => Ok(Command::Clear { key: self.key()?, id: id? }),
            "signal" => Ok(Command::Signal { key: self.key()?, params: self.signal_params()? }),
            "ping" => Ok(Command::Ping),
            "pause" => Ok(Command::Pause),
            "unpause" => Ok(Command::Unpause),
            "leave" => Ok(Command::Leave { room: String::new() }),
            "close" => Ok(Command::Close),
            _ => Err(Refusal::BadMessage),
        }
    }

    /// Returns the name of the room that is created, if it has one.
    fn name(&self) -> Result<Option<RoomName>, Refusal> {
        let Some(BorrowedText(name)) = self.room.optional()? else { return Ok(None) };
        RoomName::new(&name).map(Some).map_err(|_| Refusal::BadMessage)
    }

    fn options(&self) -> Result<RoomOptions, Refusal> {
        let options = wishes::options(flag(self.audience)?, self.signals.raw()?)?;
        let options = match self.name()? {
            Some(name) => options.with_name(name),
            None => options,
        };
        Ok(match self.grace.optional()?.map(NonZeroU64::get) {
            Some(grace) => options.with_grace(Duration::from_millis(grace)),
            None => options,
        })
    }

    /// Returns the position from which a viewer or an owner resumes. An invalid cursor does not make the message bad:
    /// the client gets the state, and the reason.
    fn start(&self) -> Result<Start, Refusal> {
        let scope = if flag(self.lives)? { CursorScope::AllLives } else { CursorScope::OneLife };
        let Some(raw) = self.cursor.raw()? else { return Ok(Start::Fresh) };
        Ok(cursor(raw).map_or(Start::Malformed, |cursor| Start::After(cursor, scope)))
    }

    /// Returns the key by which a viewer wants to be recognized. A text that is no key proves nothing.
    fn viewer(&self) -> Result<Option<Box<ViewerKey>>, Refusal> {
        let Some(raw) = self.viewer.raw()? else { return Ok(None) };
        let BorrowedText(text) = serde_json::from_str(raw.get()).map_err(|_| Refusal::BadMessage)?;
        Ok(ViewerKey::parse(&text).map(Box::new))
    }

    fn message(&self, id: Option<Box<str>>) -> Result<Message, Refusal> {
        let kind = match (flag(self.state)?, flag(self.ephemeral)?) {
            (false, false) => Kind::Event,
            (true, false) => Kind::State,
            (false, true) => Kind::Ephemeral,
            (true, true) => return Err(Refusal::BadMessage),
        };
        let (key, params): (String, &RawValue) = (self.key.value()?, self.params.value()?);
        let message = Message::from_wire(kind, &key, params.get());
        let named = message.and_then(|message| if let Some(id) = id { message.with_id(&id) } else { Ok(message) });
        named.map_err(|_| Refusal::BadMessage)
    }

    fn signal_params(&self) -> Result<Params, Refusal> {
        let raw: &RawValue = self.params.value()?;
        let params = Params::from_json(raw.get()).ok_or(Refusal::BadMessage)?;
        if params.as_bytes().len() > SIGNAL_BYTES_MAX { Err(Refusal::BadMessage) } else { Ok(params) }
    }

    fn key(&self) -> Result<Key, Refusal> {
        let key: String = self.key.value()?;
        Key::new(&key).ok_or(Refusal::BadMessage)
    }
}

/// Reads a member that is true or false; false if it is missing.
fn flag(member: JsonMember<'_>) -> Result<bool, Refusal> {
    member.optional().map(Option::unwrap_or_default)
}

/// Reads a `cursor`, or returns `None` for anything else.
fn cursor(raw: &RawValue) -> Option<Cursor> {
    // A derived struct alone would also take an array of its members.
    let cursor = raw.get().starts_with('{').then(|| serde_json::from_str::<CursorMembers>(raw.get()))?;
    let CursorMembers { epoch, seq } = cursor.ok()?;
    Some(Cursor { epoch: Epoch::from_wire(&epoch)?, seq: Seq::new(seq)? })
}
