//! Values as text to which later versions may add members. Members that are not known here are kept, unless their names
//! begin with an exclamation mark, which says that they have to be known.
//! Must not know what the values are.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The first letter of the names of members that have to be known before a value is read.
const REQUIRED: char = '!';

/// A value, and the members of its text that only a later version knows.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Text<T> {
    #[serde(flatten)]
    pub(super) known: T,
    #[serde(flatten)]
    pub(super) unknown: Map<String, Value>,
}

/// The reason why a text is not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It cannot be parsed.
    Damaged,
    /// It has a member of this name that has to be known.
    Newer(String),
}

impl<T: DeserializeOwned> Text<T> {
    /// Reads a text.
    pub(super) fn read(text: &[u8]) -> Result<Self, Unreadable> {
        check(text)?;
        serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)
    }
}

impl<T: Serialize> Text<T> {
    /// Writes it.
    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data has a text")
    }
}

/// Checks that a text has no member that has to be known and is not: none that this version writes has such a name.
pub(super) fn check(text: &[u8]) -> Result<(), Unreadable> {
    // Almost every text is done with this.
    let readable = std::str::from_utf8(text).map_err(|_| Unreadable::Damaged)?;
    if !readable.contains("\"!") {
        return Ok(());
    }
    let members: Map<String, Value> = serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
    match members.into_iter().find(|(name, _)| name.starts_with(REQUIRED)) {
        Some((name, _)) => Err(Unreadable::Newer(name)),
        None => Ok(()),
    }
}

/// 128 bits as two numbers of 64, the higher one first: read without a detour through a text.
pub(super) mod halves {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::cast_possible_truncation, reason = "each half has 64 bits")]
    pub(in super::super) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        ((number >> 64) as u64, *number as u64).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let (high, low) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize)]
    struct Known {
        a: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        b: Option<String>,
    }

    #[test]
    fn what_is_not_known_is_kept_unless_it_has_to_be_known() {
        let text: Text<Known> = Text::read(br#"{"a":1,"z":[{"y":2}],"b":"!c"}"#).unwrap();
        let written: Value = serde_json::from_slice(&text.write()).unwrap();
        assert_eq!(written, serde_json::json!({"a": 1, "b": "!c", "z": [{"y": 2}]}));
        let newer = Text::<Known>::read(br#"{"a":1,"!z":2}"#).unwrap_err();
        assert_eq!(newer, Unreadable::Newer("!z".to_owned()));
        for damaged in ["", "{", r#"{"b":"c"}"#, r#"{"a":"#, r#"{"a":1,"!z"}"#] {
            assert_eq!(Text::<Known>::read(damaged.as_bytes()).unwrap_err(), Unreadable::Damaged, "{damaged}");
        }
    }
}
