//! Parses one message of the command line: an option, or a line of JSON. Pure.

use std::borrow::Cow;
use std::fmt;

use rtbroadcaster::{Message, MessageError};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One message, parsed.
#[derive(Debug, Clone)]
pub(super) struct InputMessage {
    pub(super) key: String,
    pub(super) what: InputKind,
    /// The message's id, by which the server recognizes a repetition.
    pub(super) id: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum InputKind {
    Event(Box<RawValue>),
    State(Box<RawValue>),
    Ephemeral(Box<RawValue>),
    Clear,
}

/// The error for a text that is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InputError {
    #[error("parameters are JSON, such as 3, [1,2] or \"text\" with its quotes")]
    NoJson,
    #[error("a line is one JSON object, such as {{\"key\":\"slide\",\"params\":[3],\"state\":true}}: {0}")]
    NoLine(String),
    #[error("`params` is an array")]
    NoArray,
    #[error("a message has a `key`")]
    NoKey,
    #[error("a message is at most one of `state`, `ephemeral` and `clear`")]
    Contradiction,
    #[error("a line of type `{0}` cannot be published")]
    Type(String),
}

/// The members of a line with a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineMembers<'a> {
    #[serde(rename = "type")]
    _type: Option<Cow<'a, str>>,
    /// The number of a recorded message, which is ignored.
    #[serde(rename = "seq")]
    _seq: Option<u64>,
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(default)]
    state: bool,
    #[serde(default)]
    ephemeral: bool,
    #[serde(default)]
    clear: bool,
    /// The same as `clear`, in the messages that viewers get.
    #[serde(default)]
    cleared: bool,
    id: Option<String>,
}

/// A whole state, as `watch` writes it.
#[derive(Deserialize)]
struct WholeState {
    state: OrderedValues,
}

/// Keys and their values, in their order.
struct OrderedValues(Vec<(String, Box<RawValue>)>);

/// The type of a line. The other members may be anything.
#[derive(Deserialize)]
struct LineType<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
}

impl InputMessage {
    /// Parses `KEY=PARAMS`, or `KEY` alone. A value that is no array becomes an array of one.
    pub(super) fn option(text: &str, what: fn(Box<RawValue>) -> InputKind) -> Result<Self, InputError> {
        let (key, params) = text.split_once('=').unwrap_or((text, "[]"));
        let params: &RawValue = serde_json::from_str(params).map_err(|_| InputError::NoJson)?;
        let params = if params.get().starts_with('[') {
            params.to_owned()
        } else {
            RawValue::from_string(format!("[{}]", params.get())).map_err(|_| InputError::NoJson)?
        };
        Ok(Self { key: key.into(), what: what(params), id: None })
    }

    /// Returns the message that clears `key`.
    pub(super) fn clear(key: &str) -> Self {
        Self { key: key.into(), what: InputKind::Clear, id: None }
    }

    /// Parses a line. Returns one message, all values of a state, or nothing for the other lines that `watch` writes.
    pub(super) fn line(text: &str) -> Result<Vec<Self>, InputError> {
        let no_line = |error: serde_json::Error| InputError::NoLine(error.to_string());
        let name: LineType<'_> = serde_json::from_str(text).map_err(no_line)?;
        match name.r#type.as_deref() {
            None | Some("message" | "publish" | "clear") => {}
            Some("state") => {
                let WholeState { state: OrderedValues(values) } = serde_json::from_str(text).map_err(no_line)?;
                let parsed = |(key, params)| Self { key, what: InputKind::State(params), id: None };
                return Ok(values.into_iter().map(parsed).collect());
            }
            Some("skipped" | "owner" | "connection" | "closed") => return Ok(Vec::new()),
            Some(other) => return Err(InputError::Type(other.into())),
        }
        let members: LineMembers<'_> = serde_json::from_str(text).map_err(no_line)?;
        let is_clear = members.clear || members.cleared || name.r#type.as_deref() == Some("clear");
        let params = members.params.map_or_else(|| RawValue::from_string("[]".into()), |raw| Ok(raw.to_owned()));
        let params = params.map_err(no_line)?;
        if !params.get().starts_with('[') {
            return Err(InputError::NoArray);
        }
        let what = match (members.state, members.ephemeral, is_clear) {
            (false, false, false) => InputKind::Event(params),
            (true, false, false) => InputKind::State(params),
            (false, true, false) => InputKind::Ephemeral(params),
            (false, false, true) => InputKind::Clear,
            _ => return Err(InputError::Contradiction),
        };
        let key = members.key.ok_or(InputError::NoKey)?.into_owned();
        Ok(vec![Self { key, what, id: members.id }])
    }

    /// Returns the message that the owner publishes; `None` to clear a key, for which there is a call of its own.
    ///
    /// # Errors
    /// [`MessageError`] if the key, the parameters or the id have a fault.
    pub(super) fn message(&self) -> Result<Option<Message>, MessageError> {
        let message = match &self.what {
            InputKind::Event(params) => Message::event(&self.key, params)?,
            InputKind::State(params) => Message::state(&self.key, params)?,
            InputKind::Ephemeral(params) => Message::ephemeral(&self.key, params)?,
            InputKind::Clear => return Ok(None),
        };
        match &self.id {
            Some(id) => message.with_id(id).map(Some),
            None => Ok(Some(message)),
        }
    }
}

impl<'de> Deserialize<'de> for OrderedValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = OrderedValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of keys and their parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderedValues, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = map.next_entry()? {
                    values.push(value);
                }
                Ok(OrderedValues(values))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(parsed: &InputMessage) -> String {
        let key = &parsed.key;
        match &parsed.what {
            InputKind::Event(params) => format!("{key} {params}"),
            InputKind::State(params) => format!("{key} = {params}"),
            InputKind::Ephemeral(params) => format!("{key} ~ {params}"),
            InputKind::Clear => format!("{key} cleared"),
        }
    }

    #[test]
    fn an_option_is_a_key_and_json() {
        for (text, expected) in [
            ("slide=[1.0, 2]", Ok("slide = [1.0, 2]")),
            ("slide=3", Ok("slide = [3]")),
            ("say=\"a=b\"", Ok("say = [\"a=b\"]")),
            ("bell", Ok("bell = []")),
            ("say=hello", Err(InputError::NoJson)),
            ("slide=", Err(InputError::NoJson)),
            ("slide=[1] [2]", Err(InputError::NoJson)),
        ] {
            let parsed = InputMessage::option(text, InputKind::State).map(|parsed| short(&parsed));
            assert_eq!(parsed, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_line_is_a_message_or_a_line_of_watch() {
        for (text, expected) in [
            (r#"{"key":"bell"}"#, Ok("bell []")),
            (r#"{"key":"t","params":[21.50],"state":true}"#, Ok("t = [21.50]")),
            (r#"{"key":"p","params":[0],"ephemeral":true}"#, Ok("p ~ [0]")),
            (r#"{"key":"t","clear":true}"#, Ok("t cleared")),
            (r#"{"type":"clear","key":"t"}"#, Ok("t cleared")),
            (r#"{"type":"message","seq":9,"key":"t","params":[],"cleared":true}"#, Ok("t cleared")),
            (r#"{"type":"message","seq":9,"key":"a\u0062","params":[1]}"#, Ok("ab [1]")),
            (r#"{"type":"state","seq":9,"state":{"b":[2],"a":[1.0]}}"#, Ok("b = [2], a = [1.0]")),
            (r#"{"type":"owner","status":"away","term":1}"#, Ok("")),
            (r#"{"type":"connection","status":"checking"}"#, Ok("")),
            (r#"{"type":"closed","code":4503,"reason":"room_closed"}"#, Ok("")),
            (r#"{"type":"create"}"#, Err(InputError::Type("create".into()))),
            (r#"{"params":[]}"#, Err(InputError::NoKey)),
            (r#"{"key":"a","params":{}}"#, Err(InputError::NoArray)),
            (r#"{"key":"a","state":true,"ephemeral":true}"#, Err(InputError::Contradiction)),
        ] {
            let parsed = InputMessage::line(text).map(|all| all.iter().map(short).collect::<Vec<_>>().join(", "));
            assert_eq!(parsed, expected.map(str::to_owned), "{text}");
        }
        for text in ["", "slide", "[]", r#"{"key":1}"#, r#"{"key":"a","parmas":[1]}"#, r#"{"key":"a"} x"#] {
            assert!(matches!(InputMessage::line(text), Err(InputError::NoLine(_))), "{text}");
        }
    }

    #[test]
    fn literals_stay_as_they_were_written() {
        let parsed = InputMessage::line(r#"{"key":"t","params":[1.0,1e3,"\u0041"],"id":"a"}"#).unwrap().remove(0);
        let message = parsed.message().unwrap().unwrap();
        assert_eq!(message.body().params.as_str(), r#"[1.0,1e3,"\u0041"]"#);
        assert!(InputMessage { what: InputKind::Clear, ..parsed }.message().unwrap().is_none());
    }
}
