//! The messages of clients of version 2, against section 2 of PROTOCOL.md. Must not know rooms.

use std::time::Duration;

use rtbroadcaster::Kind;
use rtbroadcaster_core::message::{DEPTH_MAX, ID_BYTES_MAX, KEY_BYTES_MAX, SIGNAL_BYTES_MAX};
use rtbroadcaster_core::options::COUNTED_KEYS_MAX;
use rtbroadcaster_core::protocol::{Command, Request, v2};
use rtbroadcaster_core::refusal::Refusal;

use crate::cursor::where_it_stands;
use crate::members::{Member, Members, nesting};
use crate::message::{created, on_one_line, published, signaled, text, travels, words};

/// Checks that `bytes`, the text of one message, are understood exactly as PROTOCOL.md says. An accepted message is
/// passed on as it was sent; each refusal is one object, and carries the `id` if that is valid.
pub fn v2(bytes: &[u8]) {
    // A connection ends at text that is not UTF-8 before anything parses it.
    let Ok(sent) = std::str::from_utf8(bytes) else { return };
    let Request { echo, command } = (v2::DIALECT.decode)(sent);
    let members = Members::read(sent);
    let shallow = members.as_ref().filter(|_| nesting(sent) <= DEPTH_MAX);
    let expected = shallow.and_then(asked).unwrap_or_else(|| "bad_message".into());
    assert_eq!(words(&command), expected, "{sent}");
    let id = members.as_ref().and_then(|members| Id::of(members).valid());
    assert_eq!(*echo, *id.unwrap_or_default(), "{sent}");
    match &command {
        Ok(Command::Publish { message, .. }) => travels(message),
        Ok(_) => {}
        Err(refusal) => assert_eq!(*refusal, Refusal::BadMessage),
    }
    Refusal::ALL.into_iter().for_each(|refusal| refused(&echo, refusal));
}

fn refused(echo: &str, refusal: Refusal) {
    let frame = (v2::DIALECT.refused)(echo, refusal);
    let said = Members::read(text(&frame)).unwrap_or_else(|| panic!("not an object: {frame:?}"));
    assert_eq!(said.get("type"), Member::Once(r#""error""#));
    assert_eq!(said.get("id").string(), (!echo.is_empty()).then(|| echo.to_owned()));
    assert_eq!(said.get("code").string().as_deref(), Some(refusal.code()));
    assert_eq!(said.get("message").string().as_deref(), Some(refusal.message()));
    let retry = refusal.retry().map(|retry| retry.as_millis().to_string());
    assert_eq!(said.get("retryInMs").once(), retry.as_deref());
}

/// The `id` of a message.
enum Id {
    Missing,
    Valid(String),
    Wrong,
}

impl Id {
    fn of(members: &Members<'_>) -> Self {
        match members.get("id") {
            Member::Missing => Id::Missing,
            member => {
                let id = member.string().filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()));
                id.map_or(Id::Wrong, Id::Valid)
            }
        }
    }

    fn valid(self) -> Option<String> {
        if let Id::Valid(id) = self { Some(id) } else { None }
    }

    /// Returns the id where it may be missing, but not wrong.
    fn optional(self) -> Option<Option<String>> {
        match self {
            Id::Missing => Some(None),
            Id::Valid(id) => Some(Some(id)),
            Id::Wrong => None,
        }
    }
}

/// Returns the request of a message, or `None` if it makes no sense.
fn asked(members: &Members<'_>) -> Option<String> {
    let string = |name| members.get(name).string();
    let id = Id::of(members);
    match string("type")?.as_str() {
        "create" => id.valid().and(wishes(members)),
        "signal" => {
            let params =
                members.get("params").once().filter(|raw| raw.starts_with('[') && raw.len() <= SIGNAL_BYTES_MAX)?;
            Some(signaled(&key(members)?, &on_one_line(params)))
        }
        "own" => {
            id.valid().and(Some(format!("own {:?} {:?} {}", string("room")?, string("ownerKey")?, start(members)?)))
        }
        "join" => id.valid().and(Some(format!("join {:?} {}{}", string("room")?, start(members)?, viewer(members)?))),
        "publish" => {
            let (key, params) = (key(members)?, members.get("params").once().filter(|raw| raw.starts_with('['))?);
            let id = id.optional()?;
            let kind = match (members.get("state").flag()?, members.get("ephemeral").flag()?) {
                (false, false) => Kind::Event,
                (true, false) => Kind::State,
                (false, true) if id.is_none() => Kind::Ephemeral,
                (_, true) => return None,
            };
            Some(published("", kind, &key, &on_one_line(params), id.as_deref()))
        }
        "clear" => Some(format!("clear {:?} {:?}", key(members)?, id.optional()?)),
        "pause" => Some("pause".into()),
        "unpause" => id.valid().map(|_| "unpause".into()),
        "leave" => Some(r#"leave """#.into()),
        "close" => Some("close".into()),
        _ => None,
    }
}

/// Returns where a viewer or an owner starts.
fn start(members: &Members<'_>) -> Option<String> {
    let lives = if members.get("lives").flag()? { " lives" } else { "" };
    match members.get("cursor") {
        Member::Missing => Some("fresh".into()),
        Member::Once(cursor) => Some(match where_it_stands(cursor) {
            malformed if malformed == "malformed" => malformed,
            place => format!("{place}{lives}"),
        }),
        Member::Repeated => None,
    }
}

/// Returns a viewer's key, if it is one: 13 digits of a number that is not 0, and 32 of its code.
fn viewer(members: &Members<'_>) -> Option<String> {
    let text = match members.get("viewer") {
        Member::Missing => return Some(String::new()),
        member => member.string()?,
    };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_key = text.len() == 45 && text.bytes().all(is_digit) && !text.starts_with("0000000000000");
    Some(if is_key { format!(" as {text}") } else { String::new() })
}

/// Returns how long a room is to wait for its owner, in milliseconds: a whole number written as one, and not 0.
fn grace(members: &Members<'_>) -> Option<Option<Duration>> {
    match members.get("graceMs") {
        Member::Missing => Some(None),
        Member::Once(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let grace = digits.parse::<u64>().ok().filter(|grace| *grace > 0)?;
            Some(Some(Duration::from_millis(grace)))
        }
        _ => None,
    }
}

/// Returns the wishes for a room that is created.
fn wishes(members: &Members<'_>) -> Option<String> {
    let audience = members.get("audience").flag()?;
    let grace = grace(members)?;
    let signals = match members.get("signals") {
        Member::Missing => return Some(created(audience, &[], grace)),
        Member::Once(raw) => Members::read(raw)?,
        Member::Repeated => return None,
    };
    let mut counted = Vec::new();
    for (key, raw) in signals.iter() {
        let wish = Members::read(raw)?;
        let every = match wish.get("everyMs") {
            Member::Missing => 1_000,
            Member::Once(raw) => raw.bytes().all(|digit| digit.is_ascii_digit()).then(|| raw.parse::<u64>().ok())??,
            Member::Repeated => return None,
        };
        let (count, once) = (wish.get("count").flag()?, wish.get("oncePerViewer").flag()?);
        let is_lawful = (1..=KEY_BYTES_MAX).contains(&key.len()) && signals.get(key) == Member::Once(raw);
        if !is_lawful || (count && !(100..=60_000).contains(&every)) {
            return None;
        }
        if count {
            counted.push((key.to_owned(), u128::from(every), once));
        }
    }
    (counted.len() <= COUNTED_KEYS_MAX).then(|| created(audience, &counted, grace))
}

fn key(members: &Members<'_>) -> Option<String> {
    members.get("key").string().filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_shows_a_key_or_a_text_that_is_none_or_makes_no_sense() {
        let key = "b29430a256d21d4f053fa22000eef38385bc69a0cf7b5";
        let zero = format!("{:0<13}{}", "", &key[13..]);
        for text in [key, &zero, &key.to_uppercase(), &key[1..], "", "\\u0062", "é"] {
            v2(format!(r#"{{"type":"join","id":"a","room":"r","viewer":"{text}"}}"#).as_bytes());
        }
        for wrong in [r#""viewer":1"#, r#""viewer":null"#, r#""viewer":"a","viewer":"a""#, r#""viewer":{"number":1}"#] {
            v2(format!(r#"{{"type":"join","id":"a","room":"r",{wrong}}}"#).as_bytes());
            v2(format!(r#"{{"type":"unpause","id":"a",{wrong}}}"#).as_bytes());
        }
    }
}
