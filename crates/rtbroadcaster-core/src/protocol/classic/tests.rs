//! Tables of what classic clients send and get; the conversations in `protocol/` show them over real sockets.

use super::*;
use crate::random::SEEDED;

const ROOM: &str = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";

/// Reads `text` and gives what it asks for in short, or the refusal, and the echo of its uuid.
fn read(text: &str) -> (String, String) {
    let request = decode(text);
    let asked = match request.command {
        Ok(Command::Create { options }) if options == RoomOptions::new() => "create".to_owned(),
        Ok(Command::Join { room, .. }) => format!("join {room}"),
        Ok(Command::Leave { room }) => format!("close {room}"),
        Ok(Command::Publish { room, message }) => {
            let body = message.body();
            let params = std::str::from_utf8(body.params.as_bytes()).unwrap().to_owned();
            format!("{:?} {room} {} {params}", message.kind(), body.key.as_str())
        }
        Ok(other) => panic!("classic has no {other:?}"),
        Err(refusal) => refusal.text().to_owned(),
    };
    (asked, request.echo.into())
}

fn check(text: &str, asked: &str, echo: &str) {
    assert_eq!(read(text), (asked.to_owned(), echo.to_owned()), "{text}");
}

#[test]
fn every_status_a_client_may_send_is_a_command() {
    check(r#"{"status":{"value":1}}"#, "create", "");
    check(r#"{"uuid":"x","status":{"value":2,"text":"join"}}"#, "join x", "x");
    check(r#"{"uuid":"x","status":{"value":4}}"#, "close x", "x");
    check(r#"{"status":{"value":3},"funcKey":"k","funcParams":[1, 2]}"#, "Event  k [1, 2]", "");
    check(
        r#"{"uuid":"x","status":{"value":3},"funcKey":"k","funcParams":["a"],"stateMessage":true}"#,
        r#"State x k ["a"]"#,
        "x",
    );
}

#[test]
fn missing_and_null_members_are_empty_and_unknown_ones_ignored() {
    check(r#"{"status":{"value":3},"funcKey":"k"}"#, "Event  k []", "");
    check(
        r#"{"uuid":null,"status":{"value":3,"text":null},"funcKey":"k","funcParams":null,"stateMessage":null}"#,
        "Event  k []",
        "",
    );
    check(r#"{"a":[{}],"a":1,"status":{"b":2,"value":1}}"#, "create", "");
    check(" \r\n{\"status\":{\"value\":1}}\n", "create", "");
}

#[test]
fn what_makes_no_sense_is_a_bad_message() {
    let unreadable = [
        "",
        "null",
        "1",
        "[]",
        r#"["x",{"value":1},"k",[],false]"#,
        r#"{"status":[1,"x"]}"#,
        r#"{"status":1}"#,
        r#"{"status":{"value":1}} x"#,
        r#"{"status":{"value":1},"status":{"value":1}}"#,
        r#"{"status":{"value":1,"value":1}}"#,
        r#"{"uuid":"a","uuid":"a","status":{"value":1}}"#,
        r#"{"uuid":7,"status":{"value":1}}"#,
        r#"{"status":{"value":1.0}}"#,
        r#"{"status":{"value":-1}}"#,
        r#"{"status":{"value":256}}"#,
        r#"{"status":{"value":"1"}}"#,
        r#"{"status":{"value":1,"text":2}}"#,
        r#"{"status":{"value":3},"funcKey":"\ud800","funcParams":[]}"#,
        r#"{"status":{"value":3},"funcKey":"k","stateMessage":1}"#,
        "{\"status\":{\"value\":3},\"funcKey\":\"k\",\"funcParams\":[\"\n\"]}",
    ];
    for text in unreadable {
        check(text, "bad message", "");
    }
    let senseless = [
        r#"{"uuid":"u"}"#,
        r#"{"uuid":"u","status":{"value":0}}"#,
        r#"{"uuid":"u","status":{"value":5}}"#,
        r#"{"uuid":"u","status":{"value":3}}"#,
        r#"{"uuid":"u","status":{"value":3},"funcKey":"k","funcParams":{}}"#,
        r#"{"uuid":"u","status":{"value":3},"funcKey":"k","funcParams":"a"}"#,
    ];
    for text in senseless {
        check(text, "bad message", "u");
    }
}

#[test]
fn nesting_is_limited_wherever_it_stands() {
    let inside = |depth: usize| format!(r#"{{"status":{{"value":1}},"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    check(&inside(31), "create", "");
    check(&inside(32), "bad message", "");
}

#[test]
fn literals_are_carried_unchanged_on_one_line() {
    let text = "{\"status\":{\"value\":3},\"funcKey\":\"k\",\"funcParams\":[1.0, 1e3,\r\n\"\\u0041\\n\", {\"a\":\"\\ud800\"}]}";
    check(text, "Event  k [1.0, 1e3,  \"\\u0041\\n\", {\"a\":\"\\ud800\"}]", "");
}

/// The payload of a finished server frame of less than 126 or less than 65 536 bytes.
fn payload(frame: &[u8]) -> &str {
    assert_eq!(frame[0], 0x81, "one text frame, final");
    let header = if frame[1] == 126 { 4 } else { 2 };
    std::str::from_utf8(&frame[header..]).unwrap()
}

#[test]
fn every_answer_is_the_whole_object_in_one_order() {
    let room: RoomId = ROOM.parse().unwrap();
    let whole = |value: u8, text: &str, key: &str, params: &str, state: bool| {
        format!(
            r#"{{"uuid":"{ROOM}","status":{{"value":{value},"text":"{text}"}},"funcKey":"{key}","funcParams":{params},"stateMessage":{state}}}"#
        )
    };
    let standing = crate::standing::Standing {
        room: room.clone(),
        epoch: crate::id::Epoch::random(&SEEDED),
        term: crate::id::Term::FIRST,
        seq: crate::id::Seq::ZERO,
        owner: crate::standing::OwnerStatus::Live,
        away: std::time::Duration::ZERO,
    };
    let terms = crate::protocol::Terms { config: &crate::config::Config::default(), next: None };
    let created = accepted(&Answer::Created { standing: &standing, key: "", grace: None, terms }).unwrap();
    assert_eq!(payload(&created), whole(3, "connected", "", "[]", false));
    assert!(accepted(&Answer::Ack(standing.seq)).is_none());
    assert_eq!(payload(&not_connected(&room)), whole(0, "not connected", "", "[]", false));
    assert_eq!(payload(&refused(ROOM, Refusal::RoomFull)), whole(0, "room full", "", "[]", false));
    let said = |change| {
        let params = Params::from_json("[1.0]").unwrap();
        let key = crate::message::Key::new("k\"\n").unwrap();
        let entry = Entry::new(room.clone(), None, crate::id::Term::FIRST, key, params, change);
        DIALECT.frame(&entry).map(|frame| payload(&frame).to_owned())
    };
    assert_eq!(said(Change::Event), Some(whole(3, "connected", r#"k\"\n"#, "[1.0]", false)));
    assert_eq!(said(Change::Ephemeral), Some(whole(3, "connected", r#"k\"\n"#, "[1.0]", false)));
    assert_eq!(said(Change::State), Some(whole(3, "connected", r#"k\"\n"#, "[1.0]", true)));
    assert_eq!(said(Change::Cleared), None);
}

#[test]
fn a_refusal_repeats_the_uuid_as_text_whatever_it_was() {
    let echo = "\"},\u{1b}[2J\n";
    let answer: serde_json::Value = serde_json::from_str(payload(&refused(echo, Refusal::NoRoom))).unwrap();
    assert_eq!(answer["uuid"], echo);
}
