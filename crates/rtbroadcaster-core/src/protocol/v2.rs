//! Version 2: writes what the server sends (PROTOCOL.md section 2). `v2/incoming.rs` reads what clients send.
//! Must not know sockets, rooms or time.

mod incoming;
mod wishes;

use std::fmt::Arguments;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;

use super::{Answer, Dialect, Liveness, Notice, OnOverflow, Terms, WEBSOCKET};
use crate::audience::Audience;
use crate::close::CloseReason;
use crate::config::Config;
use crate::id::{Epoch, Term};
use crate::limit::Limit;
use crate::message::{Change, DEPTH_MAX, Entry, ID_BYTES_MAX, KEY_BYTES_MAX, Params, SIGNAL_BYTES_MAX, Written};
use crate::refusal::Refusal;
use crate::signal::Signal;
use crate::standing::{How, OwnerStatus, ResetReason, RoomEnd, Standing};
use crate::wire::Excess;
use crate::wire::encode::TextFrame;

pub use incoming::decode;

/// Its name in the handshake (RFC 6455 section 1.9).
pub const SUBPROTOCOL: &str = "rtbroadcaster.v2";

/// The JSON of numbers, resume, owner keys, acks and errors.
pub static DIALECT: Dialect = Dialect {
    name: Some(SUBPROTOCOL),
    slot: 1,
    decode,
    accepted: |id, answer| Some(accepted(id, answer)),
    refused,
    write: notice,
    encode: |entry, params| Some(message(entry, params)),
    transport: WEBSOCKET,
    liveness: Liveness::Answers,
    on_overflow: OnOverflow::Reset,
    excess: Excess::Skipped,
    left: CloseReason::Left,
    room_closed: CloseReason::RoomClosed,
    own_room_closed: CloseReason::OwnRoomClosed,
    has_owner_keys: true,
    tells_next: true,
    is_patient: true,
};

/// Returns the answer to an accepted request.
pub fn accepted(id: &str, answer: &Answer<'_>) -> Bytes {
    let id = JsonString(id);
    match answer {
        Answer::Created { standing: Standing { room, epoch, term, seq, .. }, key, grace, terms } => {
            frame(format_args!(
                r#"{{"type":"created","id":{id},"room":"{room}","ownerKey":"{key}","epoch":"{}","term":{},"seq":{seq},"aliveMs":{}{}{}}}"#,
                epoch.as_str(),
                term.get(),
                terms.alive(),
                GraceMember(*grace),
                terms,
            ))
        }
        Answer::Owned { standing: Standing { room, epoch, term, seq, .. }, how, grace, replay, terms } => {
            frame(format_args!(
                r#"{{"type":"owned","id":{id},"room":"{room}","epoch":"{}","term":{},"seq":{seq}{}{},"replay":{replay},"aliveMs":{}{}{}}}"#,
                epoch.as_str(),
                term.get(),
                if *how == How::Snapshot { "" } else { r#","how":"# },
                if *how == How::Snapshot { "" } else { way(*how) },
                terms.alive(),
                GraceMember(*grace),
                terms,
            ))
        }
        Answer::Joined { standing: Standing { room, epoch, term, seq, owner, away }, how, replay, terms, viewer } => {
            frame(format_args!(
                r#"{{"type":"joined","id":{id},"room":"{room}","epoch":"{}","term":{},"seq":{seq},"how":{},"replay":{replay},"owner":{},"aliveMs":{}{},"viewer":{{"number":{},"key":"{viewer}"}}}}"#,
                epoch.as_str(),
                term.get(),
                way(*how),
                OwnerMembers(*owner, *away),
                terms.alive(),
                terms,
                viewer.number().get(),
            ))
        }
        Answer::Ack(seq) => frame(format_args!(r#"{{"type":"ack","id":{id},"seq":{seq}}}"#)),
        Answer::Pong(seq) => frame(format_args!(r#"{{"type":"pong","id":{id},"seq":{seq}}}"#)),
    }
}

/// Returns the answer to a request that is refused; without an `id` if the request had none that is valid.
pub fn refused(id: &str, refusal: Refusal) -> Bytes {
    write(128 + id.len(), |out| {
        out.write_all(br#"{"type":"error""#)?;
        if !id.is_empty() {
            write!(out, r#","id":{}"#, JsonString(id))?;
        }
        write!(out, r#","code":"{}","message":"{}""#, refusal.code(), refusal.message())?;
        if let Some(retry) = refusal.retry() {
            write!(out, r#","retryInMs":{}"#, retry.as_millis())?;
        }
        out.write_all(b"}")
    })
}

/// Writes a notice. There is no arm for all others, so that the compiler asks for a decision about each new notice.
fn notice(notice: &Notice<'_>) -> Option<Bytes> {
    Some(match notice {
        Notice::Owner { status, term, away, epoch } => owner(*status, *term, *away, epoch.as_ref()),
        Notice::Audience(viewers) => frame(format_args!(r#"{{"type":"audience","viewers":{viewers}}}"#)),
        Notice::OwnAudience(audience) => own_audience(audience),
        Notice::Skipped { through, until } => {
            frame(format_args!(r#"{{"type":"skipped","through":{through},"until":{until}}}"#))
        }
        Notice::Alive { seq, next } => frame(format_args!(r#"{{"type":"alive","seq":{seq}{}}}"#, NextMember(*next))),
        Notice::Reset { standing, replay } => reset(standing, *replay),
        Notice::Draining { reconnect } => {
            frame(format_args!(r#"{{"type":"draining","reconnectInMs":{}}}"#, reconnect.as_millis()))
        }
        Notice::Expiring { left } => frame(format_args!(r#"{{"type":"expiring","inMs":{}}}"#, left.as_millis())),
        // The notice `closed`, which follows, replaces it.
        Notice::Farewell(_) => return None,
        Notice::Closed { reason, end } => {
            frame(format_args!(r#"{{"type":"closed","reason":"{}"{}}}"#, reason.word(), WhyMember(*end)))
        }
        Notice::Signal(said) => signal(said),
    })
}

/// Returns the notice that a slow viewer lost messages, and the state follows in `replay` frames.
fn reset(standing: &Standing, replay: usize) -> Bytes {
    let Standing { epoch, term, seq, owner, away, .. } = standing;
    frame(format_args!(
        r#"{{"type":"reset","reason":"slow","epoch":"{}","term":{},"seq":{seq},"replay":{replay},"owner":{}}}"#,
        epoch.as_str(),
        term.get(),
        OwnerMembers(*owner, *away),
    ))
}

/// Writes a message to viewers. The members stand in the order of PROTOCOL.md.
fn message(entry: &Entry, params: &Params) -> Written {
    let tail = match entry.change {
        Change::State => r#","state":true}"#,
        Change::Cleared => r#","cleared":true}"#,
        Change::Event | Change::Ephemeral => "}",
    };
    let frame = write(96 + entry.bytes(), |out| {
        out.write_all(br#"{"type":"message""#)?;
        if let Some(seq) = entry.seq {
            write!(out, r#","seq":{seq}"#)?;
        }
        out.write_all(br#","key":"#)?;
        serde_json::to_writer(&mut *out, entry.key.as_str())?;
        out.write_all(br#","params":"#)?;
        // Raw: the literals stay as the owner wrote them.
        out.write_all(params.as_bytes())?;
        out.write_all(tail.as_bytes())
    });
    Written { frame, tail: tail.len() }
}

/// Returns the notice that the owner has come or gone.
fn owner(owner: OwnerStatus, term: Term, away: Duration, epoch: Option<&Epoch>) -> Bytes {
    let (term, away) = (term.get(), AwayMember(owner, away));
    let epoch = epoch.map_or_else(String::new, |epoch| format!(r#","epoch":"{}""#, epoch.as_str()));
    frame(format_args!(r#"{{"type":"owner","status":"{}","term":{term}{away}{epoch}}}"#, status(owner)))
}

/// Returns the notice of how many viewers watch the owner's room, and how far they are behind.
fn own_audience(Audience { viewers, lagging, behind_p95 }: &Audience) -> Bytes {
    let behind = behind_p95.as_millis();
    frame(format_args!(r#"{{"type":"audience","viewers":{viewers},"lagging":{lagging},"behindP95Ms":{behind}}}"#))
}

/// Returns a signal for the owner. Parameters are raw: the literals stay as the viewer wrote them.
fn signal(said: &Signal) -> Bytes {
    match said {
        Signal::Single { key, params, from, dropped } => {
            write(96 + key.as_str().len() + params.as_bytes().len(), |out| {
                write!(out, r#"{{"type":"signal","key":{},"params":{}"#, JsonString(key.as_str()), params.as_str())?;
                if let Some(from) = from {
                    write!(out, r#","from":{from}"#)?;
                }
                if *dropped > 0 {
                    write!(out, r#","dropped":{dropped}"#)?;
                }
                out.write_all(b"}")
            })
        }
        Signal::Counts { key, counts, other } => {
            let bytes: usize = counts.iter().map(|(params, _)| params.as_bytes().len() + 16).sum();
            write(96 + key.as_str().len() + bytes, |out| {
                write!(out, r#"{{"type":"signal","key":{},"counts":["#, JsonString(key.as_str()))?;
                for (place, (params, count)) in counts.iter().enumerate() {
                    let before = if place == 0 { "" } else { "," };
                    write!(out, "{before}[{},{count}]", params.as_str())?;
                }
                out.write_all(b"]")?;
                if *other > 0 {
                    write!(out, r#","other":{other}"#)?;
                }
                out.write_all(b"}")
            })
        }
    }
}

const fn status(owner: OwnerStatus) -> &'static str {
    match owner {
        OwnerStatus::Live => "live",
        OwnerStatus::Away => "away",
    }
}

/// Returns the value of `how`, and `reason` where there is one.
const fn way(how: How) -> &'static str {
    match how {
        How::Snapshot => r#""snapshot""#,
        How::Resumed => r#""resumed""#,
        How::Reset(ResetReason::Retention) => r#""reset","reason":"retention""#,
        How::Reset(ResetReason::Epoch) => r#""reset","reason":"epoch""#,
        How::Reset(ResetReason::Future) => r#""reset","reason":"future""#,
        How::Reset(ResetReason::Malformed) => r#""reset","reason":"malformed""#,
    }
}

/// The member `graceMs`, behind others: how long the room waits for its owner; absent if it waits for ever.
struct GraceMember(Option<Duration>);

impl std::fmt::Display for GraceMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |grace| write!(f, r#","graceMs":{}"#, grace.as_millis()))
    }
}

/// The value of `owner`, and behind it the member `awayMs`.
struct OwnerMembers(OwnerStatus, Duration);

impl std::fmt::Display for OwnerMembers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, r#""{}"{}"#, status(self.0), AwayMember(self.0, self.1))
    }
}

/// The member `awayMs`, behind others: for how long the owner has been away; absent while it is there.
struct AwayMember(OwnerStatus, Duration);

impl std::fmt::Display for AwayMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            OwnerStatus::Live => Ok(()),
            OwnerStatus::Away => write!(f, r#","awayMs":{}"#, self.1.as_millis()),
        }
    }
}

/// The member `nextMs`, behind others: the time within which the next frame comes; absent without heartbeats.
struct NextMember(Option<Duration>);

impl std::fmt::Display for NextMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |next| write!(f, r#","nextMs":{}"#, next.as_millis()))
    }
}

/// The member `why`, behind others: the reason of a room's end; absent if none has ended.
struct WhyMember(Option<RoomEnd>);

impl std::fmt::Display for WhyMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |end| write!(f, r#","why":"{}""#, end.word()))
    }
}

impl Terms<'_> {
    /// Returns the value of `aliveMs`.
    fn alive(&self) -> u128 {
        self.config.heartbeat().unwrap_or_default().as_millis()
    }
}

/// Writes members behind others. A limit that is lifted has no member.
impl std::fmt::Display for Terms<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Config { message_bytes_max, signals_per_viewer_per_second, .. } = self.config;
        write!(f, r#"{},"limits":{{"#, NextMember(self.next))?;
        if let Limit::Max(message_bytes_max) = message_bytes_max {
            write!(f, r#""messageBytes":{message_bytes_max},"#)?;
        }
        write!(f, r#""keyBytes":{KEY_BYTES_MAX},"idBytes":{ID_BYTES_MAX},"depth":{DEPTH_MAX},"#)?;
        write!(f, r#""signalBytes":{SIGNAL_BYTES_MAX}"#)?;
        if let Limit::Max(signals) = signals_per_viewer_per_second {
            write!(f, r#","signalsPerSecond":{signals}"#)?;
        }
        f.write_str("}")
    }
}

/// A client's text as a JSON string.
struct JsonString<'a>(&'a str);

impl std::fmt::Display for JsonString<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self.0).map_err(|_| std::fmt::Error)?)
    }
}

fn frame(text: Arguments<'_>) -> Bytes {
    write(384, |out| out.write_fmt(text))
}

/// Returns one finished frame with space for `bytes`, written by `json`.
fn write(bytes: usize, json: impl FnOnce(&mut TextFrame) -> io::Result<()>) -> Bytes {
    let mut frame = TextFrame::with_capacity(bytes);
    json(&mut frame).expect("writing to memory does not fail");
    frame.finish()
}

#[cfg(test)]
mod tests;
