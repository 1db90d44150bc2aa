//! JSON objects as lists of members, with the rules of PROTOCOL.md; shares no code with the library's readers. Must not
//! know the names of members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in order, repeated ones included.
pub(crate) struct Members<'a>(Vec<(String, &'a str)>);

/// The members of an object with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member<'a> {
    Missing,
    Once(&'a str),
    Repeated,
}

impl<'a> Members<'a> {
    /// Returns the members, or `None` for text that is not exactly one JSON object.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns each member with its name, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), *raw))
    }

    pub(crate) fn get(&self, name: &str) -> Member<'a> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (None, _) => Member::Missing,
            (Some((_, raw)), None) => Member::Once(raw),
            (Some(_), Some(_)) => Member::Repeated,
        }
    }
}

impl<'a> Member<'a> {
    /// Returns its text, if it is there exactly once.
    pub(crate) fn once(self) -> Option<&'a str> {
        if let Member::Once(raw) = self { Some(raw) } else { None }
    }

    /// Treats `null` as missing.
    pub(crate) fn null_is_missing(self) -> Self {
        if self == Member::Once("null") { Member::Missing } else { self }
    }

    /// Returns it as a string, if it is one.
    pub(crate) fn string(self) -> Option<String> {
        string(self.once()?)
    }

    /// Returns it as `true` or `false`; a missing one is `false`.
    pub(crate) fn flag(self) -> Option<bool> {
        match self {
            Member::Missing | Member::Once("false") => Some(false),
            Member::Once("true") => Some(true),
            Member::Once(_) | Member::Repeated => None,
        }
    }
}

/// Returns the string that `raw` encodes, if it is one.
pub(crate) fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// Returns whether `text` is exactly one JSON value, without white space around it.
pub(crate) fn is_value(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text)
}

/// Returns how deep a valid JSON text is nested.
pub(crate) fn nesting(text: &str) -> usize {
    let (mut open, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for sign in text.chars() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' if in_string => is_escaped = true,
            '"' => in_string = !in_string,
            '[' | '{' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            ']' | '}' if !in_string => open -= 1,
            _ => {}
        }
    }
    deepest
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(String, &'de str)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    all.push((name, raw.get()));
                }
                Ok(all)
            }
        }
        from.deserialize_map(All).map(Members)
    }
}
