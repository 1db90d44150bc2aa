//! The header of a room and the effect of a message as text, which every engine that keeps rooms writes.
//! Must not know where it is written.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::id::{Life, Numbering, Seq, Term};
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::options::{Counting, RoomOptions};
use rtbroadcaster_core::record::{Header, LifeIndex};
use serde::{Deserialize, Serialize};

use crate::os_random::OsRandom;

/// The header of a room. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
pub(super) struct HeaderText {
    /// 16 hexadecimal digits. Not in format 1.
    #[serde(default)]
    numbering: String,
    /// The life that its lease begins, where several nodes write the log: 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life: Option<String>,
    /// The index of each life in which the room was created or got a message, and its first number there.
    #[serde(default)]
    starts: Vec<(u64, u64)>,
    term: u64,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    away: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moment: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    audience: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counted: Vec<CountedText>,
}

/// A key whose signals are counted.
#[derive(Serialize, Deserialize)]
struct CountedText {
    key: String,
    every: u64,
    once: bool,
}

/// The effect of a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChangeText {
    Event,
    State,
    Cleared,
}

impl ChangeText {
    /// Returns the text of `change`; an ephemeral message is in no log.
    pub(super) fn of(change: Change) -> Self {
        match change {
            Change::State => Self::State,
            Change::Cleared => Self::Cleared,
            Change::Event | Change::Ephemeral => Self::Event,
        }
    }
}

impl From<ChangeText> for Change {
    fn from(text: ChangeText) -> Self {
        match text {
            ChangeText::Event => Self::Event,
            ChangeText::State => Self::State,
            ChangeText::Cleared => Self::Cleared,
        }
    }
}

/// Returns whole milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl HeaderText {
    /// Returns the text of `header`, without the members of a later version.
    pub(super) fn of(header: &Header) -> Self {
        let Header { numbering, life, starts, term, key, away, moment, place, options, unknown: _ } = header;
        let counted = options.counted().map(|(key, Counting { every, once_per_viewer })| CountedText {
            key: key.to_owned(),
            every: milliseconds(every),
            once: once_per_viewer,
        });
        Self {
            life: life.map(|life| life.to_string()),
            numbering: numbering.to_string(),
            starts: starts.iter().map(|(LifeIndex(life), seq)| (*life, seq.get())).collect(),
            term: term.get(),
            key: BASE64.encode(key),
            away: away.map(milliseconds),
            moment: moment.map(milliseconds),
            place: place.map(AddressBlock::address),
            grace: options.grace().map(milliseconds),
            audience: options.has_audience(),
            counted: counted.collect(),
        }
    }

    /// Returns the header; `None` if the text is none.
    pub(super) fn read(self) -> Option<Header> {
        let Self { numbering, life, starts, term, key, away, moment, place, grace, audience, counted } = self;
        let key = BASE64.decode(key).ok()?.try_into().ok()?;
        let options = RoomOptions::new();
        let options = if audience { options.with_audience() } else { options };
        let options = match grace {
            Some(grace) => options.with_grace(Duration::from_millis(grace)),
            None => options,
        };
        let options = counted.into_iter().try_fold(options, |options, CountedText { key, every, once }| {
            let counting = Counting { every: Duration::from_millis(every), once_per_viewer: once };
            options.with_counting(&key, counting).ok()
        })?;
        let numbering =
            if numbering.is_empty() { Numbering::random(&OsRandom) } else { Numbering::from_digits(&numbering)? };
        let starts = starts.into_iter().map(|(life, seq)| Some((LifeIndex(life), Seq::new(seq)?)));
        Some(Header {
            numbering,
            life: match life {
                Some(digits) => Some(Life::from_digits(&digits)?),
                None => None,
            },
            starts: starts.collect::<Option<_>>()?,
            term: Term::new(term)?,
            key,
            away: away.map(Duration::from_millis),
            moment: moment.map(Duration::from_millis),
            place: place.map(AddressBlock::from),
            options,
            unknown: None,
        })
    }
}
