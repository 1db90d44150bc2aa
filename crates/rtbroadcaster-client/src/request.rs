//! Writes the requests of a client of version 2: PROTOCOL.md section 2. Pure. Must not know answers.

use std::fmt::Write as _;

use rtbroadcaster_core::id::{Cursor, RoomId, Seq};
use rtbroadcaster_core::message::{Body, Change};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;

use super::identity::Identity;
use super::random::Rng;

/// The most bytes of an id that this module makes: 16 digits, a dash, and a number of 64 bits.
const GIVEN_ID_BYTES_MAX: usize = 16 + 1 + 20;

/// A generator of request ids: 64 random bits, so that no two clients make the same id, and a count.
#[derive(Debug)]
pub(super) struct RequestIds {
    prefix: u64,
    count: u64,
}

impl RequestIds {
    pub(super) fn new(random: &mut Rng) -> Self {
        Self { prefix: random.number(), count: 0 }
    }

    pub(super) fn next(&mut self) -> Box<str> {
        self.count += 1;
        format!("{:016x}-{}", self.prefix, self.count).into()
    }
}

/// Whether a viewer's state is the state of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integrity {
    /// It is. A server in another life may continue it.
    Whole,
    /// It lacks superseded values whose newer ones may not have arrived. Only the same life is sure to have these: a
    /// server that has lost them must not continue the state.
    Torn,
}

pub(super) fn create(id: &str, options: &RoomOptions) -> String {
    let mut text = format!(r#"{{"type":"create","id":{}"#, quoted(id));
    if let Some(name) = options.name() {
        let _ = write!(text, r#","room":"{name}""#);
    }
    if options.has_audience() {
        text.push_str(r#","audience":true"#);
    }
    if let Some(grace) = options.grace() {
        // The maximum is the greatest whole number that every reader of JSON holds exactly.
        let _ = write!(text, r#","graceMs":{}"#, grace.as_millis().clamp(1, Seq::MAX.get().into()));
    }
    for (at, (key, counting)) in options.counted().enumerate() {
        text.push_str(if at == 0 { r#","signals":{"# } else { "," });
        let _ = write!(text, r#"{}:{{"count":true,"everyMs":{}"#, quoted(key), counting.every.as_millis());
        text.push_str(if counting.once_per_viewer { r#","oncePerViewer":true}"# } else { "}" });
    }
    text.push_str(if options.counted().len() == 0 { "}" } else { "}}" });
    text
}

pub(super) fn own(id: &str, room: &RoomId, key: &OwnerKey, cursor: Option<&Cursor>) -> String {
    let mut text = format!(r#"{{"type":"own","id":{},"room":"{room}","ownerKey":"{}""#, quoted(id), key.as_str());
    go_on(cursor, Integrity::Whole, &mut text);
    text.push('}');
    text
}

pub(super) fn join(
    id: &str,
    room: &RoomId,
    viewer: Option<&Identity>,
    cursor: Option<&Cursor>,
    integrity: Integrity,
) -> String {
    let mut text = format!(r#"{{"type":"join","id":{},"room":"{room}""#, quoted(id));
    go_on(cursor, integrity, &mut text);
    if let Some(viewer) = viewer {
        let _ = write!(text, r#","viewer":{}"#, quoted(viewer.key()));
    }
    text.push('}');
    text
}

/// Appends the cursor, and whether another life may continue it.
fn go_on(cursor: Option<&Cursor>, integrity: Integrity, text: &mut String) {
    if let Some(Cursor { epoch, seq }) = cursor {
        let _ = write!(text, r#","cursor":{{"epoch":{},"seq":{seq}}}"#, quoted(epoch.as_str()));
    }
    text.push_str(match integrity {
        Integrity::Whole => r#","lives":true"#,
        Integrity::Torn => "",
    });
}

/// Returns an owner's request to publish or to clear. An ephemeral message has no id.
pub(super) fn say(body: &Body, change: Change) -> String {
    let key = quoted(body.key.as_str());
    let id = body.id.as_ref().map_or_else(String::new, |id| format!(r#","id":{}"#, quoted(id)));
    if change == Change::Cleared {
        return format!(r#"{{"type":"clear"{id},"key":{key}}}"#);
    }
    let kind = match change {
        Change::State => r#","state":true"#,
        Change::Ephemeral => r#","ephemeral":true"#,
        Change::Event | Change::Cleared => "",
    };
    format!(r#"{{"type":"publish"{id},"key":{key},"params":{}{kind}}}"#, body.params.as_str())
}

/// Returns the most bytes of the frame that [`say`] makes: a message without an id gets one.
pub(super) fn say_bytes(body: &Body, change: Change) -> usize {
    let name = if change == Change::Cleared { r#"{"type":"clear"}"#.len() } else { r#"{"type":"publish"}"#.len() };
    let id = match (&body.id, change) {
        (Some(id), _) => r#","id":"#.len() + quoted(id).len(),
        (None, Change::Ephemeral) => 0,
        (None, _) => r#","id":"""#.len() + GIVEN_ID_BYTES_MAX,
    };
    let key = r#","key":"""#.len() + body.key.json_bytes();
    let params = r#","params":"#.len() + body.params.as_bytes().len();
    name + id
        + key
        + match change {
            Change::Cleared => 0,
            Change::Event => params,
            Change::State => params + r#","state":true"#.len(),
            Change::Ephemeral => params + r#","ephemeral":true"#.len(),
        }
}

/// Returns the `number`th ping of a client.
pub(super) fn ping(number: u64) -> String {
    format!(r#"{{"type":"ping","id":"{}"}}"#, ping_id(number))
}

/// Returns the id of a connection's ping, which its `pong` carries.
pub(super) fn ping_id(number: u64) -> String {
    format!("p{number}")
}

pub(super) fn signal(body: &Body) -> String {
    format!(r#"{{"type":"signal","key":{},"params":{}}}"#, quoted(body.key.as_str()), body.params.as_str())
}

pub(super) const LEAVE: &str = r#"{"type":"leave"}"#;

pub(super) const CLOSE: &str = r#"{"type":"close"}"#;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtbroadcaster_core::id::Epoch;
    use rtbroadcaster_core::message::{Key, Params};
    use rtbroadcaster_core::options::Counting;

    use rtbroadcaster_core::id::RoomName;

    use super::*;
    use rtbroadcaster_core::random::Seeded;

    const LIVES: &str = r#","lives":true"#;

    fn body(id: Option<&str>) -> Body {
        let params = Params::from_json("[3]").unwrap();
        Body { key: Key::new("slide").unwrap(), params, id: id.map(Into::into) }
    }

    #[test]
    fn requests_are_written_as_the_protocol_has_them() {
        let protocol = include_str!("../../../PROTOCOL.md");
        let room: RoomId = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().unwrap();
        let key: OwnerKey = "0".repeat(64).parse().unwrap();
        let epoch = Epoch::from_wire("0b9e7c1d5a3f4e2f8c6d4b2a19070503").unwrap();
        let cursor = Cursor { epoch, seq: Seq::new(9).unwrap() };
        let viewer: Identity = "b29430a256d21d4f053fa22000eef38385bc69a0cf7b5".parse().unwrap();
        let once = Counting { once_per_viewer: true, ..Counting::default() };
        let own = own("1c3e5a7f90b2d4e6-1", &room, &key, None).replace(&"0".repeat(64), "(64 hexadecimal digits)");
        let pointer = Body { key: Key::new("pointer").unwrap(), ..body(None) };
        for request in [
            create("9f86d081884c7d65-1", &RoomOptions::new()),
            create("f", &RoomOptions::new().with_audience().with_counting("vote", once).unwrap()),
            own,
            join("a", &room, None, None, Integrity::Whole),
            join("b", &room, Some(&viewer), Some(&cursor), Integrity::Whole),
            say(&body(Some("9f86d081884c7d65-2")), Change::State),
            say(&body(Some("9f86d081884c7d65-3")), Change::Cleared),
            say(&pointer, Change::Ephemeral).replace("[3]", "[0.5,0.25]"),
            LEAVE.into(),
            CLOSE.into(),
        ] {
            // The example of a request may come from a client that does not know lives.
            let alike = |line: &str| line.replace(LIVES, "") == request.replace(LIVES, "");
            assert!(protocol.lines().any(alike), "{request}");
        }
        assert_eq!(signal(&body(None)), r#"{"type":"signal","key":"slide","params":[3]}"#);
    }

    #[test]
    fn the_last_member_of_an_entering_request_allows_another_life_to_continue_a_whole_state() {
        let room = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";
        let key: OwnerKey = "0".repeat(64).parse().unwrap();
        let cursor = Cursor { epoch: Epoch::from_wire("\"").unwrap(), seq: Seq::new(9).unwrap() };
        for (cursor, member) in [(None, ""), (Some(&cursor), r#","cursor":{"epoch":"\"","seq":9}"#)] {
            for (integrity, lives) in [(Integrity::Whole, LIVES), (Integrity::Torn, "")] {
                let expected = format!(r#"{{"type":"join","id":"a","room":"{room}"{member}{lives}}}"#);
                assert_eq!(join("a", &room.parse().unwrap(), None, cursor, integrity), expected);
            }
            let key_member = format!(r#","ownerKey":"{}""#, key.as_str());
            let expected = format!(r#"{{"type":"own","id":"a","room":"{room}"{key_member}{member}{LIVES}}}"#);
            assert_eq!(own("a", &room.parse().unwrap(), &key, cursor), expected);
        }
    }

    #[test]
    fn a_room_is_created_with_what_its_viewers_may_know_and_say() {
        let counting = |once_per_viewer| Counting { once_per_viewer, ..Counting::default() };
        let options = RoomOptions::new().with_audience().with_counting("vote", counting(true));
        let options = options.and_then(|options| options.with_counting("\"clap\"", counting(false))).unwrap();
        let written: serde_json::Value = serde_json::from_str(&create("c", &options)).unwrap();
        let options = options.with_name(RoomName::new("lobby").unwrap());
        let named: serde_json::Value = serde_json::from_str(&create("c", &options)).unwrap();
        assert_eq!(named["room"], "lobby");
        let signals = serde_json::json!({
            "vote": {"count": true, "everyMs": 1000, "oncePerViewer": true},
            "\"clap\"": {"count": true, "everyMs": 1000}
        });
        let expected = serde_json::json!({"type": "create", "id": "c", "audience": true, "signals": signals});
        assert_eq!(written, expected);
    }

    #[test]
    fn a_grace_is_written_in_whole_milliseconds_of_which_there_is_at_least_one() {
        for (grace, millis) in [
            (Duration::from_secs(600), 600_000_u64),
            (Duration::from_micros(2_900), 2),
            (Duration::ZERO, 1),
            (Duration::MAX, (1 << 53) - 1),
        ] {
            let text = create("c", &RoomOptions::new().with_audience().with_grace(grace));
            let written: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(written["graceMs"], millis, "{grace:?}");
        }
    }

    #[test]
    fn a_message_takes_no_more_bytes_than_it_is_said_to() {
        let key = Key::new("\u{1}\"ä").unwrap();
        let mut ids = RequestIds { prefix: u64::MAX, count: u64::MAX - 1 };
        let given = ids.next();
        for change in [Change::Event, Change::State, Change::Ephemeral, Change::Cleared] {
            for id in [None, Some("\n\"i")] {
                let asked = Body { key: key.clone(), ..body(id) };
                let id = asked.id.clone().or_else(|| (change != Change::Ephemeral).then(|| given.clone()));
                let text = say(&Body { id, ..asked.clone() }, change);
                assert_eq!(say_bytes(&asked, change), text.len(), "{text}");
            }
        }
    }

    #[test]
    fn a_join_has_the_key_of_the_viewer() {
        let viewer: Identity = "\"k".parse().unwrap();
        let text = join("a", &RoomId::random(&Seeded::of(7)), Some(&viewer), None, Integrity::Whole);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["viewer"], "\"k");
        assert_eq!(ping(3), r#"{"type":"ping","id":"p3"}"#);
    }

    #[test]
    fn no_two_requests_have_the_same_name() {
        let mut random = Rng::of(1);
        let (mut one, mut other) = (RequestIds::new(&mut random), RequestIds::new(&mut random));
        let ids = [one.next(), one.next(), other.next()];
        assert!(ids.iter().all(|id| id.len() <= 64));
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    }
}
