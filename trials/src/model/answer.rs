//! The texts of a server of version 2, read strictly: the members of PROTOCOL.md section 2, in its order, and no space
//! between them. Pure. Not the library's code: a fault there would hide from itself.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One text from a server.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Created(Created<'a>),
    Owned(Owned<'a>),
    Joined(Joined<'a>),
    Message(Message<'a>),
    Skipped(Skipped<'a>),
    Reset(Reset<'a>),
    Owner(Owner<'a>),
    Ack(Ack<'a>),
    Error(Refusal<'a>),
    Alive(Alive<'a>),
    Audience(Audience<'a>),
    Draining(Draining<'a>),
    Closed(Closed<'a>),
    Counts(Counts<'a>),
}

/// Defines a frame type: the name is the value of `type`, the members are in the order of the protocol.
macro_rules! frames {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $member:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(crate) struct $name<'a> {
            /// The frame's name.
            #[serde(borrow)]
            r#type: Cow<'a, str>,
            $($(#[$attribute])* pub(crate) $member: $type,)*
        }
    )*};
}

frames! {
    /// A room was made, and this client owns it.
    Created {
        id: Cow<'a, str>, room: Cow<'a, str>, owner_key: Cow<'a, str>, epoch: Cow<'a, str>, term: u64, seq: u64,
        alive_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        grace_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_ms: Option<u64>,
        limits: Limits,
    }
    /// This client owns the room.
    Owned {
        id: Cow<'a, str>, room: Cow<'a, str>, epoch: Cow<'a, str>, term: u64, seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        how: Option<How>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        replay: u64, alive_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        grace_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_ms: Option<u64>,
        limits: Limits,
    }
    /// This client is a viewer.
    Joined {
        id: Cow<'a, str>, room: Cow<'a, str>, epoch: Cow<'a, str>, term: u64, seq: u64, how: How,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        replay: u64, owner: Presence,
        #[serde(skip_serializing_if = "Option::is_none")]
        away_ms: Option<u64>,
        alive_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_ms: Option<u64>,
        limits: Limits,
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        viewer: Option<Recognized<'a>>,
    }
    /// A message was published.
    Message {
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(borrow)]
        key: Cow<'a, str>,
        #[serde(borrow)]
        params: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cleared: Option<bool>,
    }
    /// A hole of superseded messages.
    Skipped { through: u64, until: u64, }
    /// The state is replayed.
    Reset {
        reason: ResetReason, epoch: Cow<'a, str>, term: u64, seq: u64, replay: u64, owner: Presence,
        #[serde(skip_serializing_if = "Option::is_none")]
        away_ms: Option<u64>,
    }
    /// The owner changed, left or came back.
    Owner {
        status: Presence, term: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        away_ms: Option<u64>,
    }
    /// A message is safe.
    Ack { id: Cow<'a, str>, seq: u64, }
    /// A request is refused.
    Refusal {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Cow<'a, str>>,
        code: Cow<'a, str>, message: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    }
    /// The number of viewers; to the owner also how far they are behind.
    Audience {
        viewers: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        lagging: Option<u64>,
        #[serde(rename = "behindP95Ms", skip_serializing_if = "Option::is_none")]
        behind_p95_ms: Option<u64>,
    }
    /// Totals of viewers' signals.
    Counts {
        #[serde(borrow)]
        key: Cow<'a, str>,
        counts: Vec<(serde_json::Value, u64)>,
        #[serde(skip_serializing_if = "Option::is_none")]
        other: Option<u64>,
    }
    /// The room's last number, and when the next `alive` comes.
    Alive {
        seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_ms: Option<u64>,
    }
    /// The server is draining.
    Draining { reconnect_in_ms: u64, }
    /// The last frame.
    Closed {
        reason: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<Cow<'a, str>>,
    }
}

/// The limits of a client. A limit that is lifted has no member.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_bytes: Option<u64>,
    key_bytes: u64,
    id_bytes: u64,
    depth: u64,
    signal_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals_per_second: Option<u64>,
}

/// The number of a viewer, and the key by which it is recognized.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recognized<'a> {
    pub(crate) number: u64,
    #[serde(borrow)]
    pub(crate) key: Cow<'a, str>,
}

/// How a join is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    Snapshot,
    Resumed,
    Reset,
}

/// The reason why a join is not resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    Retention,
    Epoch,
    Future,
    Malformed,
}

/// The reason of a `reset` outside of joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResetReason {
    Slow,
    Gap,
}

/// Whether the owner is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    Live,
    Away,
}

impl Presence {
    /// Fails unless the time of absence is there exactly if the owner is away.
    fn check(self, away_ms: Option<u64>) -> Result<(), String> {
        let goes_together = (self == Self::Away) == away_ms.is_some();
        if goes_together { Ok(()) } else { Err("for how long the owner is away, without that it is".into()) }
    }
}

/// The frame's name alone.
#[derive(Deserialize)]
struct FrameType<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

impl<'a> Answer<'a> {
    /// Reads one text. Fails with the reason if a server must not send it to a client with only this program's
    /// requests.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        let kind: FrameType<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match kind.r#type.as_ref() {
            "message" => {
                let message: Message<'a> = exact(text)?;
                let is_numbered = message.seq.is_some();
                let is_false = message.state == Some(false) || message.cleared == Some(false);
                let is_both = message.state.is_some() && message.cleared.is_some();
                let has_too_much = !is_numbered && (message.state.is_some() || message.cleared.is_some());
                if is_false || is_both || has_too_much || message.seq == Some(0) {
                    return Err("members that do not go together".into());
                }
                Ok(Self::Message(message))
            }
            "joined" => {
                let joined: Joined<'a> = exact(text)?;
                if (joined.how == How::Reset) != joined.reason.is_some() {
                    return Err("a reason without a reset, or a reset without one".into());
                }
                joined.owner.check(joined.away_ms)?;
                Ok(Self::Joined(joined))
            }
            "audience" => {
                let audience: Audience<'a> = exact(text)?;
                if audience.lagging.is_some() != audience.behind_p95_ms.is_some() {
                    return Err("a half of the owner's figures".into());
                }
                Ok(Self::Audience(audience))
            }
            // This program's viewers send no single signals.
            "signal" => exact(text).map(Self::Counts),
            "created" => exact(text).map(Self::Created),
            "owned" => exact(text).map(Self::Owned),
            "skipped" => exact(text).map(Self::Skipped),
            "reset" => {
                let reset: Reset<'a> = exact(text)?;
                reset.owner.check(reset.away_ms)?;
                Ok(Self::Reset(reset))
            }
            "owner" => {
                let owner: Owner<'a> = exact(text)?;
                owner.status.check(owner.away_ms)?;
                Ok(Self::Owner(owner))
            }
            "ack" => exact(text).map(Self::Ack),
            "error" => exact(text).map(Self::Error),
            "alive" => exact(text).map(Self::Alive),
            "draining" => exact(text).map(Self::Draining),
            "closed" => exact(text).map(Self::Closed),
            other => Err(format!("the type {other:?} is not known here")),
        }
    }
}

/// Reads a text that is exactly as the protocol writes it.
fn exact<'a, T: Deserialize<'a> + Serialize>(text: &'a str) -> Result<T, String> {
    let value: T = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let written = serde_json::to_string(&value).map_err(|error| error.to_string())?;
    if written == text { Ok(value) } else { Err(format!("it would be written {written}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_protocol_that_a_server_says_here_is_allowed() {
        let path = crate::steps::root().join("PROTOCOL.md");
        let protocol = std::fs::read_to_string(path).unwrap();
        let (_, section) = protocol.split_once("## 2. Version 2").unwrap();
        let names = [
            "created", "owned", "joined", "message", "skipped", "reset", "owner", "ack", "error", "alive", "draining",
            "closed", "audience", "signal",
        ];
        let mut read = 0;
        for line in section.lines() {
            let Some((name, _)) = line.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let is_totals = name != "signal" || line.contains(r#""counts""#);
            if names.contains(&name) && is_totals {
                read += 1;
                assert!(Answer::read(line).is_ok(), "{line}: {:?}", Answer::read(line));
            } else {
                assert!(Answer::read(line).is_err(), "{line}");
            }
        }
        assert!(read >= 17, "{read}");
    }

    #[test]
    fn what_the_protocol_does_not_allow_is_found() {
        for text in [
            r#"{"type":"alive"}"#,
            r#"{"type":"alive","seq":1,"more":2}"#,
            r#"{"type": "alive","seq":1}"#,
            r#"{"seq":1,"type":"alive"}"#,
            r#"{"type":"alive","seq":-1}"#,
            r#"{"type":"what"}"#,
            r#"{"type":"owner","status":"away","term":1}"#,
            r#"{"type":"owner","status":"live","term":1,"awayMs":0}"#,
            r#"{"type":"audience","viewers":1,"lagging":0}"#,
            r#"{"type":"signal","key":"k","counts":[[[],1,2]]}"#,
            r#"{"type":"message","seq":0,"key":"a","params":[]}"#,
            r#"{"type":"message","seq":1,"params":[],"key":"a"}"#,
            r#"{"type":"message","seq":1,"key":"a","params":[],"state":false}"#,
            r#"{"type":"message","seq":1,"key":"a","params":[],"state":true,"cleared":true}"#,
            r#"{"type":"message","key":"a","params":[],"state":true}"#,
            r#"{"type":"joined","id":"a","room":"r","epoch":"e","term":1,"seq":1,"how":"reset","replay":0,"owner":"live","aliveMs":1}"#,
            "{",
        ] {
            assert!(Answer::read(text).is_err(), "{text}");
        }
    }
}
