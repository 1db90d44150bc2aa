//! The messages of an owner: a key, parameters, and how long they matter.
//! Must not know rooms, sockets or protocols.

mod entry;
mod json;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use entry::{Change, Encode, Entry, SLOTS, Written};
pub use json::depth;

/// The most bytes in a key.
pub const KEY_BYTES_MAX: usize = 256;
/// The most bytes in a message's own id.
pub const ID_BYTES_MAX: usize = 64;
/// The most bytes in the parameters of a signal.
pub const SIGNAL_BYTES_MAX: usize = 4_096;
/// The deepest nesting of one message, the envelope's object included.
pub const DEPTH_MAX: usize = 32;

/// How long a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It happened: every viewer present gets it, in order.
    Event,
    /// It holds: also kept as the newest value of its key, for viewers that come later.
    State,
    /// It passes: not numbered, not kept, and only the newest of its key matters to a slow viewer. Where more waits than may,
    /// it is dropped first.
    Ephemeral,
}

impl From<Kind> for Change {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Event => Self::Event,
            Kind::State => Self::State,
            Kind::Ephemeral => Self::Ephemeral,
        }
    }
}

/// The name of what a message calls or sets: 1 to 256 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// A key, or `None` when `text` is empty or over 256 bytes.
    pub fn new(text: &str) -> Option<Key> {
        (1..=KEY_BYTES_MAX).contains(&text.len()).then(|| Key(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns how many bytes it takes in JSON, without the quotes: a control character takes six (RFC 8259 section 7).
    pub fn json_bytes(&self) -> usize {
        json::written(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The parameters: the raw text of a JSON array on one line, its literals as they were sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Params(Bytes);

impl Params {
    /// No parameters, `[]`.
    pub const NONE: Params = Params(Bytes::from_static(b"[]"));

    /// Takes the text of a valid JSON value. `None` when it is not an array; line breaks become spaces, because old
    /// pages split frames at them (in valid JSON they stand between tokens only, RFC 8259 sections 2 and 7).
    pub fn from_json(text: &str) -> Option<Params> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        if !text.starts_with('[') {
            return None;
        }
        let mut bytes = text.as_bytes().to_vec();
        for byte in &mut bytes {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        Some(Params(bytes.into()))
    }

    /// Returns the parameters of a text that [`compact`](Self::compact) has returned.
    pub fn from_compact(text: &str) -> Params {
        Params(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text without spaces between tokens: the same for what is the same but for these.
    pub fn compact(&self) -> String {
        String::from_utf8(json::compact(&self.0)).expect("it was text")
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it was made from text")
    }

    /// The parameters as values: a tuple, an array, a `Vec`, or a `serde_json::Value`.
    ///
    /// # Errors
    /// They are no such values.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0)
    }
}

impl fmt::Debug for Params {
    /// The size only: content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({} bytes)", self.0.len())
    }
}

/// One message of an owner: "call this key with these parameters". It can be published, unless it is larger than the server takes:
/// what is wrong with a message is known where it is made.
///
/// ```
/// use rtbroadcaster::{Message, MessageError};
///
/// let score = Message::state("score", [2, 1])?.with_id("goal-1")?;
/// assert!(score.has_id());
/// assert_eq!(Message::event("", [1]).err(), Some(MessageError::Key { bytes: 0 }));
/// assert_eq!(Message::event("note", "text").err(), Some(MessageError::ParamsNotArray));
/// # Ok::<(), MessageError>(())
/// ```
///
/// A message that may have a fault does not compile as one that has none:
///
/// ```compile_fail
/// # async fn run(owner: rtbroadcaster::Owner) {
/// owner.publish(rtbroadcaster::Message::event("", 7)).await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Message {
    /// How long it matters.
    kind: Kind,
    /// Its content.
    body: Body,
}

/// The content of a message.
#[derive(Debug, Clone)]
pub struct Body {
    /// The key that it calls or sets.
    pub key: Key,
    /// The parameters.
    pub params: Params,
    /// The publisher's own name for it, by which a repetition is known.
    pub id: Option<Box<str>>,
}

impl Body {
    /// Returns the bytes that limits on state and history count: key and params.
    pub fn bytes(&self) -> usize {
        self.key.as_str().len() + self.params.as_bytes().len()
    }
}

impl Message {
    /// Returns a message about something that happened. `params` is anything that serializes as a JSON array, or `()` for none.
    ///
    /// # Errors
    /// [`MessageError`] if the key or the parameters have a fault.
    pub fn event(key: &str, params: impl Serialize) -> Result<Self, MessageError> {
        Self::new(Kind::Event, key, &params)
    }

    /// Returns a message about something that holds until the next value of `key`, and that late viewers get.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn state(key: &str, params: impl Serialize) -> Result<Self, MessageError> {
        Self::new(Kind::State, key, &params)
    }

    /// Returns a message about something that passes, like a pointer's place: it is not numbered and not kept.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn ephemeral(key: &str, params: impl Serialize) -> Result<Self, MessageError> {
        Self::new(Kind::Ephemeral, key, &params)
    }

    /// Returns the same message with an id of 1 to 64 bytes: published again under that id it is stored once, and the first number
    /// is returned again.
    ///
    /// # Errors
    /// [`MessageError`] for an ephemeral message, and for an id that is empty or too long.
    pub fn with_id(self, id: &str) -> Result<Self, MessageError> {
        match (id.len(), self.kind) {
            (_, Kind::Ephemeral) => Err(MessageError::IdOfEphemeral),
            (1..=ID_BYTES_MAX, _) => Ok(Self { body: Body { id: Some(id.into()), ..self.body }, ..self }),
            (bytes, _) => Err(MessageError::Id { bytes }),
        }
    }

    /// Returns how long it matters.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether it has an id.
    pub fn has_id(&self) -> bool {
        self.body.id.is_some()
    }

    /// Returns its content.
    #[doc(hidden)]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Returns its content as the owner's.
    #[doc(hidden)]
    pub fn into_body(self) -> Body {
        self.body
    }

    fn new(kind: Kind, key: &str, params: &impl Serialize) -> Result<Self, MessageError> {
        let text = serde_json::to_string(params).map_err(|_| MessageError::ParamsNotJson)?;
        let body = Self::raw(key, if text == "null" { "[]" } else { &text })?;
        Ok(Self { kind, body })
    }

    /// Returns a message from the wire, `params` being the text of one valid JSON value.
    pub fn from_wire(kind: Kind, key: &str, params: &str) -> Result<Self, MessageError> {
        Self::raw(key, params).map(|body| Self { kind, body })
    }

    fn raw(key: &str, params: &str) -> Result<Body, MessageError> {
        let key = Key::new(key).ok_or(MessageError::Key { bytes: key.len() })?;
        // The envelope is one level.
        if depth(params.as_bytes()) >= DEPTH_MAX {
            return Err(MessageError::ParamsTooDeep);
        }
        let params = Params::from_json(params).ok_or(MessageError::ParamsNotArray)?;
        Ok(Body { key, params, id: None })
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The key is empty or too long.
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes, not {bytes}")]
    Key {
        /// Its length.
        bytes: usize,
    },
    /// The parameters do not serialize as JSON.
    #[error("the parameters cannot be written as JSON")]
    ParamsNotJson,
    /// The parameters are JSON, but not an array.
    #[error("the parameters are not an array")]
    ParamsNotArray,
    /// The parameters are nested too deep.
    #[error("the message is nested more than {DEPTH_MAX} deep")]
    ParamsTooDeep,
    /// The message's id is empty or too long.
    #[error("an id has 1 to {ID_BYTES_MAX} bytes, not {bytes}")]
    Id {
        /// Its length.
        bytes: usize,
    },
    /// An ephemeral message is not stored, so it has no id.
    #[error("an ephemeral message has no id")]
    IdOfEphemeral,
    /// Key and parameters are over `message_bytes_max`.
    #[error("the message has {bytes} bytes, the limit is {limit}")]
    TooBig {
        /// The bytes of key and parameters.
        bytes: usize,
        /// `message_bytes_max`.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Result<Message, MessageError>, expected: Result<&str, MessageError>) {
        let found = message.as_ref().map(|message| message.body.params.as_str());
        assert_eq!(found.map_err(|error| *error), expected, "{message:?}");
    }

    #[test]
    fn a_key_counts_as_it_is_written_in_json() {
        for letter in (0..=0x7f_u8).map(char::from).chain(['ä', '\u{2028}', '🎈']) {
            let key = Key::new(&format!("a{letter}b")).unwrap();
            assert_eq!(key.json_bytes(), serde_json::to_string(key.as_str()).unwrap().len() - 2, "{letter:?}");
        }
    }

    #[test]
    fn parameters_are_an_array_or_nothing() {
        check(&Message::event("go", ()), Ok("[]"));
        check(&Message::event("go", (1, "a", [true])), Ok(r#"[1,"a",[true]]"#));
        check(&Message::event("go", 7), Err(MessageError::ParamsNotArray));
        check(&Message::event("go", std::collections::BTreeMap::from([((1, 2), 3)])), Err(MessageError::ParamsNotJson));
    }

    #[test]
    fn keys_and_ids_have_their_lengths() {
        let longest = "k".repeat(KEY_BYTES_MAX);
        check(&Message::event(&longest, ()), Ok("[]"));
        check(&Message::event(&format!("{longest}k"), ()), Err(MessageError::Key { bytes: 257 }));
        check(&Message::event("k", ()).and_then(|message| message.with_id(&"i".repeat(ID_BYTES_MAX))), Ok("[]"));
        check(&Message::event("k", ()).and_then(|message| message.with_id("")), Err(MessageError::Id { bytes: 0 }));
        check(
            &Message::event("k", ()).and_then(|message| message.with_id(&"i".repeat(65))),
            Err(MessageError::Id { bytes: 65 }),
        );
        check(&Message::ephemeral("k", ()).and_then(|message| message.with_id("i")), Err(MessageError::IdOfEphemeral));
        check(&Message::event("", ()).and_then(|message| message.with_id("")), Err(MessageError::Key { bytes: 0 }));
    }

    #[test]
    fn the_envelope_counts_as_one_level() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Message::from_wire(Kind::Event, "k", &nested(DEPTH_MAX - 1)).is_ok());
        let deep = Message::from_wire(Kind::Event, "k", &nested(DEPTH_MAX));
        assert_eq!(deep.err(), Some(MessageError::ParamsTooDeep));
    }

    #[test]
    fn line_breaks_between_tokens_become_spaces_and_literals_stay() {
        let params = Params::from_json(" [1.0,\r\n 1e3,\t\"\\u0041\\n\"]\n").unwrap();
        assert_eq!(params.as_bytes(), b"[1.0,   1e3,\t\"\\u0041\\n\"]");
    }
}
