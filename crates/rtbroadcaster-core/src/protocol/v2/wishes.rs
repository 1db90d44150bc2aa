//! Reads the options of a room that a client of version 2 creates, strictly.
//! Must not know rooms.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::message::Key;
use crate::options::{Counting, RoomOptions};
use crate::refusal::Refusal;

/// The members of `signals`: keys, and how each is counted.
struct SignalMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// How the signals of one key are counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignalMember {
    #[serde(default)]
    count: bool,
    #[serde(default = "default_every")]
    every_ms: u64,
    #[serde(default)]
    once_per_viewer: bool,
}

fn default_every() -> u64 {
    u64::try_from(Counting::default().every.as_millis()).unwrap_or(u64::MAX)
}

impl<'de: 'a, 'a> Deserialize<'de> for SignalMembers<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct SignalsVisitor;
        impl<'de> Visitor<'de> for SignalsVisitor {
            type Value = SignalMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(SignalMembers(members))
            }
        }
        from.deserialize_map(SignalsVisitor)
    }
}

/// Returns the options of a `create`: whether viewers get their number, and which signals are counted.
pub(super) fn options(audience: bool, signals: Option<&RawValue>) -> Result<RoomOptions, Refusal> {
    let options = RoomOptions::new();
    let options = if audience { options.with_audience() } else { options };
    let Some(signals) = signals else { return Ok(options) };
    let signals: SignalMembers<'_> = read(signals).ok_or(Refusal::BadMessage)?;
    let mut keys: Vec<&str> = signals.0.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|two| two[0] == two[1]) {
        return Err(Refusal::BadMessage);
    }
    signals.0.iter().try_fold(options, |options, (key, raw)| with_signal(options, key, raw).ok_or(Refusal::BadMessage))
}

/// Returns `options` with the counting of `key`, if that is valid.
fn with_signal(options: RoomOptions, key: &str, raw: &RawValue) -> Option<RoomOptions> {
    // Also for a key that is not counted.
    Key::new(key)?;
    let SignalMember { count, every_ms, once_per_viewer } = read(raw)?;
    let counting = Counting { every: Duration::from_millis(every_ms), once_per_viewer };
    if count { options.with_counting(key, counting).ok() } else { Some(options) }
}

/// Reads an object; a derived struct alone would also take an array of its members.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}
