//! Parses a server's text into a [`ServerFrame`]. Pure.
//! Must not know viewers or owners.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::closing::word;
use rtbroadcaster_core::id::{Epoch, Seq};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::refusal::Refused;
use rtbroadcaster_core::signal::Signal;
use rtbroadcaster_core::standing::OwnerStatus;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Admission, How, MessageFrame, OwnerPresence, ResetReason, ServerFrame};
use crate::bounds;
use crate::identity::Identity;
use crate::limits::AdvertisedLimits;
use crate::liveness::Signs;

/// The most values of a counted key in one frame: far more than this project's server sends.
const COUNTS_MAX: usize = 4_096;

/// The error of a text that is no valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedFrame;

/// All members of all known frames. Each frame requires some of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameMembers<'a> {
    id: Option<Box<str>>,
    room: Option<String>,
    owner_key: Option<String>,
    epoch: Option<String>,
    term: Option<u64>,
    seq: Option<u64>,
    replay: Option<u64>,
    how: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    alive_ms: Option<u64>,
    next_ms: Option<u64>,
    grace_ms: Option<u64>,
    away_ms: Option<u64>,
    limits: Option<AdvertisedLimits>,
    #[serde(borrow)]
    viewer: Option<&'a RawValue>,
    why: Option<String>,
    key: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(default)]
    state: bool,
    #[serde(default)]
    cleared: bool,
    through: Option<u64>,
    until: Option<u64>,
    status: Option<String>,
    code: Option<Box<str>>,
    retry_in_ms: Option<u64>,
    reconnect_in_ms: Option<u64>,
    viewers: Option<u64>,
    lagging: Option<u64>,
    #[serde(rename = "behindP95Ms")]
    behind_p95_ms: Option<u64>,
    #[serde(borrow)]
    from: Option<&'a RawValue>,
    #[serde(borrow)]
    counts: Option<CountedValues<'a>>,
    #[serde(default)]
    dropped: u64,
    #[serde(default)]
    other: u64,
}

/// The values of a counted key. The parser stops at more than [`COUNTS_MAX`] values, because each takes ten times the
/// memory of its text.
struct CountedValues<'a>(Vec<(&'a RawValue, u64)>);

impl<'de: 'a, 'a> Deserialize<'de> for CountedValues<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CountedValuesVisitor(PhantomData))
    }
}

/// The serde visitor of the values of a counted key.
struct CountedValuesVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for CountedValuesVisitor<'a> {
    type Value = CountedValues<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {COUNTS_MAX} values and how often each was said")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<CountedValues<'a>, A::Error> {
        let mut counts = Vec::new();
        while let Some(value) = values.next_element()? {
            if counts.len() == COUNTS_MAX {
                return Err(A::Error::invalid_length(COUNTS_MAX + 1, &self));
            }
            counts.push(value);
        }
        Ok(CountedValues(counts))
    }
}

/// The name of a frame alone, since members of unknown frames may be of any type.
#[derive(Deserialize)]
struct FrameType {
    r#type: String,
}

impl ServerFrame {
    /// Returns the frame of a text; `None` for a frame that this version does not know.
    pub(crate) fn read(text: &str) -> Result<Option<ServerFrame>, MalformedFrame> {
        let name: FrameType = serde_json::from_str(text).map_err(|_| MalformedFrame)?;
        const KNOWN: [&str; 15] = [
            "created", "owned", "joined", "message", "skipped", "reset", "owner", "ack", "error", "alive", "pong",
            "draining", "closed", "audience", "signal",
        ];
        if !KNOWN.contains(&name.r#type.as_str()) {
            return Ok(None);
        }
        let members: FrameMembers<'_> = serde_json::from_str(text).map_err(|_| MalformedFrame)?;
        members.frame(&name.r#type).map(Some).ok_or(MalformedFrame)
    }
}

impl FrameMembers<'_> {
    fn frame(self, name: &str) -> Option<ServerFrame> {
        Some(match name {
            "created" => {
                let key = self.owner_key.as_deref()?.parse().ok()?;
                ServerFrame::Created(self.entry(self.id.clone()?, 0)?, key)
            }
            "owned" => ServerFrame::Owned(self.entry(self.id.clone()?, self.replay?)?, self.how()),
            "joined" => ServerFrame::Joined(self.entry(self.id.clone()?, self.replay?)?, self.how()?),
            "reset" => ServerFrame::Reset(self.entry("".into(), self.replay?)?, self.reset_reason()),
            "message" => ServerFrame::Message(self.message()?),
            "skipped" => ServerFrame::Skipped(Seq::new(self.through?)?, self.until.and_then(Seq::new)),
            "owner" => {
                let epoch = match &self.epoch {
                    Some(epoch) => Some(Epoch::from_wire(epoch)?),
                    None => None,
                };
                ServerFrame::Owner(self.presence(self.status.as_deref()?), bounds::count(self.term?), epoch)
            }
            "ack" => ServerFrame::Ack(self.id?, Seq::new(self.seq?)?),
            "error" => {
                let code: Box<str> = Some(word(&self.code?)).filter(|code| !code.is_empty()).unwrap_or("other").into();
                ServerFrame::Error(self.id, Refused::new(code, self.retry_in_ms.map(bounds::wait)))
            }
            "alive" => ServerFrame::Alive(Seq::new(self.seq?)?, self.next_ms.and_then(bounds::beat)),
            "pong" => ServerFrame::Pong(self.id?),
            "draining" => ServerFrame::Draining(bounds::wait(self.reconnect_in_ms?)),
            "closed" => ServerFrame::Closed(word(&self.reason?).into(), self.why.as_deref().map_or("", word).into()),
            "audience" => {
                let mut audience = Audience::default();
                audience.viewers = people(self.viewers?);
                audience.lagging = people(self.lagging.unwrap_or_default());
                audience.behind_p95 = bounds::span(self.behind_p95_ms.unwrap_or_default());
                ServerFrame::Audience(audience)
            }
            "signal" => ServerFrame::Signal(self.signal()?),
            _ => return None,
        })
    }

    fn entry(&self, id: Box<str>, replay: u64) -> Option<Admission> {
        let room = match &self.room {
            Some(room) => Some(room.parse().ok()?),
            None => None,
        };
        Some(Admission {
            id,
            room,
            epoch: Epoch::from_wire(self.epoch.as_deref()?)?,
            term: bounds::count(self.term?),
            seq: Seq::new(self.seq?)?,
            replay: bounds::count(replay),
            owner: self.presence(self.owner.as_deref().unwrap_or("live")),
            signs: Signs {
                alive: self.alive_ms.and_then(bounds::beat),
                next: self.next_ms.and_then(bounds::beat),
                answers_pings: self.limits.is_some(),
            },
            grace: self.grace_ms.filter(|&millis| millis > 0).map(bounds::span),
            limits: self.limits,
            viewer: self.viewer.and_then(identity),
        })
    }

    fn presence(&self, word: &str) -> OwnerPresence {
        let is_away = word == "away";
        OwnerPresence {
            status: if is_away { OwnerStatus::Away } else { OwnerStatus::Live },
            away: self.away_ms.filter(|_| is_away).map_or(Duration::ZERO, bounds::span),
        }
    }

    fn message(&self) -> Option<MessageFrame> {
        let seq = match self.seq {
            Some(seq) => Some(Seq::new(seq).filter(|&seq| seq > Seq::ZERO)?),
            None => None,
        };
        let change = match (seq, self.state, self.cleared) {
            (None, ..) => Change::Ephemeral,
            (_, _, true) => Change::Cleared,
            (_, true, _) => Change::State,
            _ => Change::Event,
        };
        let params = Params::from_json(self.params?.get())?;
        Some(MessageFrame { seq, key: Key::new(self.key.as_deref()?)?, params, change })
    }

    fn signal(&self) -> Option<Signal> {
        let key = Key::new(self.key.as_deref()?)?;
        if let Some(counts) = &self.counts {
            let counts =
                counts.0.iter().map(|(params, times)| Some((Params::from_json(params.get())?, bounds::count(*times))));
            let counts = counts.collect::<Option<_>>()?;
            return Some(Signal::Counts { key, counts, other: bounds::count(self.other) });
        }
        let params = Params::from_json(self.params?.get())?;
        // Anything but a number names no viewer.
        let from = self.from.and_then(|from| from.get().parse().ok());
        Some(Signal::Single { key, params, from, dropped: bounds::count(self.dropped) })
    }

    fn how(&self) -> Option<How> {
        Some(match self.how.as_deref()? {
            "snapshot" => How::Snapshot,
            "resumed" => How::Resumed,
            _ => How::Reset(self.reset_reason()),
        })
    }

    fn reset_reason(&self) -> ResetReason {
        ResetReason::from_word(self.reason.as_deref().unwrap_or_default())
    }
}

/// Returns a number of viewers.
fn people(number: u64) -> usize {
    usize::try_from(bounds::count(number)).unwrap_or(usize::MAX)
}

/// Returns the viewer's identity; `None` if `viewer` is not a number and a key.
fn identity(viewer: &RawValue) -> Option<Identity> {
    #[derive(Deserialize)]
    struct Viewer {
        number: u64,
        key: String,
    }
    let Viewer { number, key } = serde_json::from_str(viewer.get()).ok()?;
    Identity::new(Some(bounds::count(number)), &key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_protocol_that_a_server_says_is_read() {
        let protocol = include_str!("../../../../PROTOCOL.md");
        let (_, section) = protocol.split_once("## 2. Version 2").unwrap();
        let requests =
            ["create", "own", "join", "publish", "clear", "ping", "pause", "unpause", "leave", "close", "signal"];
        let mut read = 0;
        for line in section.lines().filter(|line| line.starts_with(r#"{"type":""#)) {
            let line = line.replace("(64 hexadecimal digits)", &"0".repeat(64));
            let name = line.split('"').nth(3).unwrap();
            // `pong` is tested apart; this client has no token, so it ignores `expiring`.
            if requests.contains(&name) || ["pong", "expiring"].contains(&name) {
                continue;
            }
            read += 1;
            assert!(matches!(ServerFrame::read(&line), Ok(Some(_))), "{line}");
        }
        assert!(read >= 17, "{read}");
    }

    #[test]
    fn unknown_frames_and_members_are_ignored_and_malformed_ones_are_errors() {
        assert!(matches!(ServerFrame::read(r#"{"type":"news","seq":"what"}"#), Ok(None)));
        assert!(matches!(ServerFrame::read(r#"{"type":"alive","seq":1,"more":{}}"#), Ok(Some(ServerFrame::Alive(..)))));
        for text in [
            "",
            "[]",
            r#"{"seq":1}"#,
            r#"{"type":"alive"}"#,
            r#"{"type":"alive","seq":-1}"#,
            r#"{"type":"message","seq":0,"key":"a","params":[]}"#,
            r#"{"type":"message","seq":1,"key":"a","params":{}}"#,
            r#"{"type":"message","seq":1,"key":"","params":[]}"#,
            r#"{"type":"skipped","through":9007199254740992}"#,
            // An epoch has at most 32 bytes.
            r#"{"type":"owner","status":"live","term":2,"epoch":"0123456789abcdef0123456789abcdef0"}"#,
        ] {
            assert!(ServerFrame::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn signs_of_life_limits_and_the_identity_of_the_viewer_are_read() {
        let joined = r#"{"type":"joined","id":"a","epoch":"e","term":1,"seq":0,"how":"snapshot","replay":0,"owner":"away",
            "awayMs":4200,"aliveMs":25000,"nextMs":5000,"limits":{"messageBytes":100},"viewer":{"number":7,"key":"k"}}"#;
        let Ok(Some(ServerFrame::Joined(entry, _))) = ServerFrame::read(joined) else { panic!() };
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(entry.signs, Signs { alive: millis(25_000), next: millis(5_000), answers_pings: true });
        assert_eq!((entry.owner.status, entry.owner.away), (OwnerStatus::Away, Duration::from_millis(4_200)));
        assert_eq!(entry.viewer.map(|viewer| (viewer.number(), viewer.to_string())), Some((Some(7), "k".into())));
        assert!(entry.limits.is_some());
        for (text, expected) in [(r#""nextMs":9000"#, millis(9_000)), (r#""nextMs":0"#, None), (r#""a":1"#, None)] {
            let Ok(Some(ServerFrame::Alive(_, next))) =
                ServerFrame::read(&format!(r#"{{"type":"alive","seq":1,{text}}}"#))
            else {
                panic!("{text}")
            };
            assert_eq!(next, expected);
        }
        let Ok(Some(ServerFrame::Closed(reason, why))) =
            ServerFrame::read(r#"{"type":"closed","reason":"room_closed","why":"grace"}"#)
        else {
            panic!()
        };
        assert_eq!((&*reason, &*why), ("room_closed", "grace"));
        let pong = ServerFrame::read(r#"{"type":"pong","id":"p1","seq":40}"#);
        assert!(matches!(pong, Ok(Some(ServerFrame::Pong(id))) if &*id == "p1"));
    }

    #[test]
    fn what_viewers_say_together_is_read() {
        let counts = r#"{"type":"signal","key":"vote","counts":[[["a"],3],[["b"],1]],"other":2}"#;
        let Ok(Some(ServerFrame::Signal(Signal::Counts { key, counts, other }))) = ServerFrame::read(counts) else {
            panic!()
        };
        assert_eq!((key.as_str(), counts[0].0.as_str(), counts[0].1), ("vote", r#"["a"]"#, 3));
        assert_eq!((counts.len(), other), (2, 2));
        let one = r#"{"type":"signal","key":"hand","params":[true],"from":7,"dropped":12}"#;
        let Ok(Some(ServerFrame::Signal(Signal::Single { params, from, dropped, .. }))) = ServerFrame::read(one) else {
            panic!()
        };
        assert_eq!((params.as_str(), from, dropped), ("[true]", Some(7), 12));
        let crowd = r#"{"type":"audience","viewers":9,"lagging":1,"behindP95Ms":250}"#;
        let Ok(Some(ServerFrame::Audience(audience))) = ServerFrame::read(crowd) else { panic!() };
        assert_eq!((audience.viewers, audience.lagging), (9, 1));
        assert_eq!(audience.behind_p95, Duration::from_millis(250));
    }
}
