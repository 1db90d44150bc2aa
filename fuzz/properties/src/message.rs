//! Accepted messages on their way to viewers: the frames of each protocol carry them as they were sent. Must not know
//! rooms.

use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster::{Kind, RoomId, Seq};
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::message::{Change, DEPTH_MAX, Entry, Message};
use rtbroadcaster_core::protocol::{Command, classic, v2};
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::standing::{CursorScope, Start};

use crate::members::{Members, nesting};

/// Returns the params as they are sent on: line breaks are spaces, everything else is unchanged.
pub(crate) fn on_one_line(params: &str) -> String {
    params.replace(['\r', '\n'], " ")
}

/// Returns what a command asks for, in words that can be compared.
pub(crate) fn words(command: &Result<Command, Refusal>) -> String {
    match command {
        Ok(Command::Create { options }) => {
            let counted = options
                .counted()
                .map(|(key, counting)| (key.to_owned(), counting.every.as_millis(), counting.once_per_viewer));
            created(options.has_audience(), &counted.collect::<Vec<_>>(), options.grace())
        }
        Ok(Command::Signal { key, params }) => {
            let params = std::str::from_utf8(params.as_bytes()).expect("params are text");
            signaled(key.as_str(), params)
        }
        Ok(Command::Own { room, key, start }) => format!("own {room:?} {key:?} {}", place(start)),
        Ok(Command::Join { room, start, viewer }) => {
            let viewer = viewer.as_ref().map(|viewer| format!(" as {viewer}")).unwrap_or_default();
            format!("join {room:?} {}{viewer}", place(start))
        }
        Ok(Command::Publish { room, message }) => {
            let (kind, body) = (message.kind(), message.body());
            let params = std::str::from_utf8(body.params.as_bytes()).expect("params are text");
            published(room, kind, body.key.as_str(), params, body.id.as_deref())
        }
        Ok(Command::Clear { key, id }) => format!("clear {:?} {:?}", key.as_str(), id.as_deref()),
        Ok(Command::Ping) => "ping".into(),
        Ok(Command::Pause) => "pause".into(),
        Ok(Command::Unpause) => "unpause".into(),
        Ok(Command::Leave { room }) => format!("leave {room:?}"),
        Ok(Command::Close) => "close".into(),
        Err(refusal) => refusal.code().into(),
    }
}

/// Returns the words for a room that is created: whether viewers get their number, what is counted, how often totals
/// are sent, whether once per viewer, and how long the room waits for its owner.
pub(crate) fn created(audience: bool, counted: &[(String, u128, bool)], grace: Option<Duration>) -> String {
    format!("create {audience} {counted:?} {grace:?}")
}

/// Returns the words for a viewer's signal.
pub(crate) fn signaled(key: &str, params: &str) -> String {
    format!("signal {key:?} {params:?}")
}

/// Returns the words for a message that is published.
pub(crate) fn published(room: &str, kind: Kind, key: &str, params: &str, id: Option<&str>) -> String {
    format!("publish {room:?} {kind:?} {key:?} {params:?} {id:?}")
}

/// Returns the words for where a join starts.
pub(crate) fn place(start: &Start) -> String {
    match start {
        Start::Fresh => "fresh".into(),
        Start::After(cursor, reach) => {
            let lives = if *reach == CursorScope::AllLives { " lives" } else { "" };
            format!("{:?} {}{lives}", cursor.epoch.as_str(), cursor.seq)
        }
        Start::Malformed => "malformed".into(),
    }
}

/// Checks that each protocol's frame of an accepted message is valid JSON on one line, with the key and byte for byte
/// the params.
pub(crate) fn travels(message: &Message) {
    let (kind, body) = (message.kind(), message.body());
    let (seq, change) = match kind {
        Kind::Event => (Seq::new(9), Change::Event),
        Kind::State => (Seq::new(9), Change::State),
        Kind::Ephemeral => (None, Change::Ephemeral),
    };
    let room = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse::<RoomId>().expect("the name of a room");
    for dialects in [[&classic::DIALECT, &v2::DIALECT], [&v2::DIALECT, &classic::DIALECT]] {
        let entry = Entry::new(room.clone(), seq, Term::FIRST, body.key.clone(), body.params.clone(), change);
        for dialect in dialects {
            let frame = dialect.frame(&entry).expect("both protocols have words for it");
            assert_eq!(dialect.frame(&entry).as_ref(), Some(&frame), "each viewer gets the same bytes");
            let text = text(&frame);
            let members = Members::read(text).unwrap_or_else(|| panic!("not an object: {text}"));
            let (key, params) = match dialect.name {
                None => (members.get("funcKey"), members.get("funcParams")),
                Some(_) => (members.get("key"), members.get("params")),
            };
            assert_eq!(key.string().as_deref(), Some(body.key.as_str()), "{text}");
            assert_eq!(params.once().map(str::as_bytes), Some(body.params.as_bytes()), "{text}");
            assert!(!text.contains(['\r', '\n']), "on one line: {text:?}");
            assert!(nesting(text) <= DEPTH_MAX, "{text}");
        }
    }
}

/// Returns the text of a finished server frame, which is one, final, unmasked and of the shortest form (RFC 6455
/// section 5.2).
pub(crate) fn text(frame: &Bytes) -> &str {
    assert_eq!(frame[0], 0x81);
    let (header, length) = match frame[1] {
        127 => (10, u64::from_be_bytes(frame[2..10].try_into().expect("eight bytes"))),
        126 => (4, u16::from_be_bytes([frame[2], frame[3]]).into()),
        short => (2, short.into()),
    };
    let shortest = match length {
        0..126 => 2,
        126..65_536 => 4,
        65_536.. => 10,
    };
    assert_eq!((header, length), (shortest, (frame.len() - header) as u64));
    std::str::from_utf8(&frame[header..]).expect("a text frame is UTF-8")
}
