//! Tables of what clients of version 2 send and get; the conversations in `protocol/` show them over real sockets.

mod notices;

use super::*;
use crate::id::{Cursor, Epoch, RoomId, Seq};
use crate::identity::ViewerKey;
use crate::message::{Key, Params};
use crate::options::RoomOptions;
use crate::protocol::{Command, Request};
use crate::random::SEEDED;
use crate::standing::{CursorScope, Start};

/// A viewer's key.
const VIEWER: &str = "b29430a256d21d4f053fa22000eef38385bc69a0cf7b5";

/// Reads `text` and gives what it asks for in short, or the refusal, and the id that the answer repeats.
fn read(text: &str) -> (String, String) {
    let Request { echo, command } = decode(text);
    let asked = match command {
        Ok(Command::Create { options }) => created(&options),
        Ok(Command::Signal { key, params }) => {
            format!("signal {} {}", key.as_str(), std::str::from_utf8(params.as_bytes()).unwrap())
        }
        Ok(Command::Own { room, key, start }) => format!("own {room} {key} {}", place(&start)),
        Ok(Command::Join { room, start, viewer: None }) => format!("join {room} {}", place(&start)),
        Ok(Command::Join { room, start, viewer: Some(viewer) }) => format!("join {room} {} {viewer}", place(&start)),
        Ok(Command::Publish { message, .. }) => {
            let body = message.body();
            let params = std::str::from_utf8(body.params.as_bytes()).unwrap();
            format!("{:?} {} {params} {}", message.kind(), body.key.as_str(), body.id.as_deref().unwrap_or("-"))
        }
        Ok(Command::Clear { key, id }) => format!("clear {} {}", key.as_str(), id.as_deref().unwrap_or("-")),
        Ok(Command::Ping) => "ping".to_owned(),
        Ok(Command::Pause) => "pause".to_owned(),
        Ok(Command::Unpause) => "unpause".to_owned(),
        Ok(Command::Leave { .. }) => "leave".to_owned(),
        Ok(Command::Close) => "close".to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    };
    (asked, echo.into())
}

fn created(options: &RoomOptions) -> String {
    let audience = if options.has_audience() { " audience" } else { "" };
    let counted = options.counted().map(|(key, counting)| {
        let once = if counting.once_per_viewer { " once" } else { "" };
        format!(" {key} every {} ms{once}", counting.every.as_millis())
    });
    let grace = options.grace().map(|grace| format!(" grace {} ms", grace.as_millis())).unwrap_or_default();
    let name = options.name().map(|name| format!(" as {name}")).unwrap_or_default();
    format!("create{audience}{}{grace}{name}", counted.collect::<String>())
}

fn place(start: &Start) -> String {
    match start {
        Start::Fresh => "fresh".to_owned(),
        Start::After(Cursor { epoch, seq }, scope) => {
            let lives = if *scope == CursorScope::AllLives { " lives" } else { "" };
            format!("{}:{seq}{lives}", epoch.as_str())
        }
        Start::Malformed => "malformed".to_owned(),
    }
}

fn check(text: &str, asked: &str, echo: &str) {
    assert_eq!(read(text), (asked.to_owned(), echo.to_owned()), "{text}");
}

#[test]
fn every_type_a_client_may_send_is_a_command() {
    check(r#"{"type":"create","id":"a","audience":true,"signals":{},"token":"t"}"#, "create audience", "a");
    check(r#"{"type":"create","id":"a","graceMs":1}"#, "create grace 1 ms", "a");
    check(r#"{"type":"create","id":"a","room":"physics-101"}"#, "create as physics-101", "a");
    let cursor = r#""cursor":{"epoch":"e","seq":7}"#;
    check(r#"{"type":"own","id":"a","room":"r","ownerKey":"k"}"#, "own r k fresh", "a");
    check(r#"{"type":"own","id":"a","room":"r","ownerKey":"k","cursor":7}"#, "own r k malformed", "a");
    let own = format!(r#"{{"type":"own","id":"a","room":"r","ownerKey":"k","lives":true,{cursor}}}"#);
    check(&own, "own r k e:7 lives", "a");
    check(&format!(r#"{{"type":"join","id":"a","room":"r",{cursor},"lives":true}}"#), "join r e:7 lives", "a");
    check(&format!(r#"{{"type":"join","id":"a","room":"r",{cursor},"lives":false}}"#), "join r e:7", "a");
    check(r#"{"type":"join","id":"a","room":"r"}"#, "join r fresh", "a");
    check(
        &format!(r#"{{"type":"join","id":"a","room":"r","viewer":"{VIEWER}"}}"#),
        &format!("join r fresh {VIEWER}"),
        "a",
    );
    for text in ["", "0", &VIEWER[1..], &VIEWER.to_uppercase(), &"v".repeat(1_000), r"\u0030"] {
        check(&format!(r#"{{"type":"join","id":"a","room":"r","viewer":"{text}"}}"#), "join r fresh", "a");
    }
    check(r#"{"type":"join","id":"a","room":"r","cursor":{"seq":7,"epoch":"e"}}"#, "join r e:7", "a");
    check(r#"{"type":"publish","key":"k","params":[1, 2]}"#, "Event k [1, 2] -", "");
    check(r#"{"type":"publish","id":"a","key":"k","params":[],"state":true,"ephemeral":false}"#, "State k [] a", "a");
    check(r#"{"type":"publish","key":"k","params":[],"ephemeral":true}"#, "Ephemeral k [] -", "");
    check(r#"{"type":"clear","id":"a","key":"k"}"#, "clear k a", "a");
    check(r#"{"type":"clear","key":"\u006b"}"#, "clear k -", "");
    check(r#"{"type":"signal","key":"k","params":[1, 2]}"#, "signal k [1, 2]", "");
    check(r#"{"type":"signal","id":"a","key":"k","params":[],"state":1,"from":7}"#, "signal k []", "a");
    let count = r#""audience":false,"signals":{"v":{"oncePerViewer":true,"count":true,"everyMs":100},"c":{"count":true},"h":{}}"#;
    check(&format!(r#"{{"type":"create","id":"a",{count}}}"#), "create v every 100 ms once c every 1000 ms", "a");
    for (kind, echo) in [("pause", ""), ("leave", ""), ("close", "")] {
        check(&format!(r#" {{"type":"{kind}"}} "#), kind, echo);
    }
    check(r#"{"id":"\"é","type":"unpause"}"#, "unpause", "\"é");
}

#[test]
fn members_that_a_type_does_not_have_are_ignored() {
    check(r#"{"type":"pause","key":5,"params":null,"x":1,"x":2,"cursor":[],"cursor":0}"#, "pause", "");
    check(r#"{"type":"pause","id":7}"#, "pause", "");
    check(r#"{"type":"close","id":"a","id":"a"}"#, "close", "");
    check(r#"{"type":"leave","id":""}"#, "leave", "");
}

#[test]
fn what_makes_no_sense_is_a_bad_message_and_repeats_a_valid_id() {
    let long = "i".repeat(65);
    let longest = "i".repeat(64);
    let key = "k".repeat(257);
    let signal = format!(r#"{{"type":"signal","id":"a","key":"k","params":["{}"]}}"#, "x".repeat(4_093));
    let deep = format!(r#"{{"type":"pause","id":"a","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    let cases = [
        ("", ""),
        ("[]", ""),
        (r#"["create","a"]"#, ""),
        ("{", ""),
        ("{}", ""),
        (r#"{"id":"a"}"#, "a"),
        (r#"{"type":"dance","id":"a"}"#, "a"),
        (r#"{"type":null,"id":"a"}"#, "a"),
        (r#"{"type":"create"}"#, ""),
        (r#"{"type":"create","id":null}"#, ""),
        (r#"{"type":"create","id":1}"#, ""),
        (r#"{"type":"create","id":""}"#, ""),
        (&format!(r#"{{"type":"create","id":"{long}"}}"#), ""),
        (&format!(r#"{{"type":"dance","id":"{longest}"}}"#), &longest),
        (r#"{"type":"create","id":"a","id":"a"}"#, ""),
        (r#"{"type":"create","type":"create","id":"a"}"#, "a"),
        (r#"{"type":"own","id":"a","room":"r"}"#, "a"),
        (r#"{"type":"own","id":"a","room":"r","ownerKey":null}"#, "a"),
        (r#"{"type":"join","id":"a"}"#, "a"),
        (r#"{"type":"join","id":"a","room":7}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","cursor":{"seq":1,"epoch":"e"},"cursor":1}"#, "a"),
        (r#"{"type":"publish","id":"a","key":"k"}"#, "a"),
        (r#"{"type":"publish","id":"a","params":[]}"#, "a"),
        (r#"{"type":"publish","id":"a","key":"k","params":null}"#, "a"),
        (r#"{"type":"publish","id":"a","key":"k","params":{}}"#, "a"),
        (r#"{"type":"publish","id":"a","key":"","params":[]}"#, "a"),
        (&format!(r#"{{"type":"publish","id":"a","key":"{key}","params":[]}}"#), "a"),
        (r#"{"type":"publish","id":"a","key":"k","params":[],"state":1}"#, "a"),
        (r#"{"type":"publish","id":"a","key":"k","params":[],"state":null}"#, "a"),
        (r#"{"type":"publish","key":"k","params":[],"state":true,"ephemeral":true}"#, ""),
        (r#"{"type":"publish","id":"a","key":"k","params":[],"ephemeral":true}"#, "a"),
        (r#"{"type":"publish","id":7,"key":"k","params":[]}"#, ""),
        (r#"{"type":"clear","id":"a"}"#, "a"),
        (r#"{"type":"clear","id":"a","key":""}"#, "a"),
        (r#"{"type":"unpause"}"#, ""),
        (r#"{"type":"create","id":"a","audience":1}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":0}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":-1}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":1.5}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":"1m"}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":null}"#, "a"),
        (r#"{"type":"create","id":"a","graceMs":1,"graceMs":1}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","lives":1}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","viewer":1}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","viewer":null}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","viewer":{"number":1,"key":"k"}}"#, "a"),
        (r#"{"type":"join","id":"a","room":"r","viewer":"k","viewer":"k"}"#, "a"),
        (r#"{"type":"own","id":"a","room":"r","ownerKey":"k","lives":null}"#, "a"),
        (r#"{"type":"create","id":"a","signals":[["k",{}]]}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"k":[true,100,true]}}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"k":{},"\u006b":{}}}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"k":{"count":true,"count":true}}}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"k":{"count":true,"everyMs":99}}}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"k":{"count":true,"everyMs":-1}}}"#, "a"),
        (r#"{"type":"create","id":"a","signals":{"":{}}}"#, "a"),
        (r#"{"type":"signal","id":"a","key":"k"}"#, "a"),
        (r#"{"type":"signal","key":"k","params":7}"#, ""),
        (&signal, "a"),
        (&deep, "a"),
    ];
    for (text, echo) in cases {
        check(text, "bad_message", echo);
    }
}

#[test]
fn a_cursor_is_exactly_an_epoch_and_a_whole_number() {
    let epoch = "e".repeat(33);
    let wrong = [
        "null",
        "7",
        r#""e:7""#,
        r#"["e",7]"#,
        "{}",
        r#"{"epoch":"e"}"#,
        r#"{"seq":7}"#,
        r#"{"epoch":"e","seq":7,"x":0}"#,
        r#"{"epoch":"e","seq":7,"seq":7}"#,
        r#"{"epoch":7,"seq":7}"#,
        r#"{"epoch":"e","seq":-1}"#,
        r#"{"epoch":"e","seq":-0}"#,
        r#"{"epoch":"e","seq":1.5}"#,
        r#"{"epoch":"e","seq":1.0}"#,
        r#"{"epoch":"e","seq":1e3}"#,
        r#"{"epoch":"e","seq":"7"}"#,
        r#"{"epoch":"e","seq":null}"#,
        r#"{"epoch":"e","seq":9007199254740992}"#,
        r#"{"epoch":"e","seq":9007199254740993}"#,
        r#"{"epoch":"e","seq":99999999999999999999999}"#,
        &format!(r#"{{"epoch":"{epoch}","seq":7}}"#),
    ];
    for cursor in wrong {
        check(&format!(r#"{{"type":"join","id":"a","room":"r","cursor":{cursor}}}"#), "join r malformed", "a");
    }
    let right = [
        (r#"{"epoch":"e","seq":0}"#, "e:0"),
        (r#"{"epoch":"","seq":9007199254740991}"#, ":9007199254740991"),
        (" { \"seq\" : 1 , \"epoch\" : \"\\u0065\" } ", "e:1"),
    ];
    for (cursor, place) in right {
        check(&format!(r#"{{"type":"join","id":"a","room":"r","cursor":{cursor}}}"#), &format!("join r {place}"), "a");
    }
}

/// The payload of a frame of up to 65 535 bytes.
fn payload(frame: &Bytes) -> &str {
    std::str::from_utf8(&frame[if frame[1] < 126 { 2 } else { 4 }..]).unwrap()
}

fn standing() -> Standing {
    Standing {
        room: "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().unwrap(),
        epoch: Epoch::from_wire("0b9e7c1d5a3f4e2f8c6d4b2a19070503").unwrap(),
        term: Term::FIRST,
        seq: Seq::new(12).unwrap(),
        owner: OwnerStatus::Live,
        away: Duration::ZERO,
    }
}

/// The members that end every answer with which a client enters a room.
const TERMS: &str = r#""nextMs":25000,"limits":{"messageBytes":65536,"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096,"signalsPerSecond":5}}"#;

#[test]
fn answers_are_written_as_in_the_protocol() {
    const GRACE: Option<Duration> = Some(Duration::from_secs(25));
    const ROOM: &str = r#""room":"6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a","#;
    const EPOCH: &str = r#""epoch":"0b9e7c1d5a3f4e2f8c6d4b2a19070503","#;
    let (standing, config) = (standing(), Config::default());
    let terms = Terms { config: &config, next: config.heartbeat() };
    let viewer = ViewerKey::parse(VIEWER).unwrap();
    let joined = |how| Answer::Joined { standing: &standing, how, replay: 3, terms, viewer: &viewer };
    let rest = |how: &str| {
        let terms = TERMS.strip_suffix('}').unwrap();
        let viewer = format!(r#""viewer":{{"number":3141592653589793,"key":"{VIEWER}"}}"#);
        format!(
            r#"{ROOM}{EPOCH}"term":1,"seq":12,"how":{how},"replay":3,"owner":"live","aliveMs":25000,{terms},{viewer}}}"#
        )
    };
    let cases = [
        (
            Answer::Created { standing: &standing, key: "00ff", grace: None, terms },
            format!(
                r#"{{"type":"created","id":"\"",{ROOM}"ownerKey":"00ff",{EPOCH}"term":1,"seq":12,"aliveMs":25000,{TERMS}"#
            ),
        ),
        (
            Answer::Created { standing: &standing, key: "00ff", grace: Some(Duration::from_millis(1_500)), terms },
            format!(
                r#"{{"type":"created","id":"\"",{ROOM}"ownerKey":"00ff",{EPOCH}"term":1,"seq":12,"aliveMs":25000,"graceMs":1500,{TERMS}"#
            ),
        ),
        (
            Answer::Owned { standing: &standing, how: How::Snapshot, grace: None, replay: 3, terms },
            format!(r#"{{"type":"owned","id":"\"",{ROOM}{EPOCH}"term":1,"seq":12,"replay":3,"aliveMs":25000,{TERMS}"#),
        ),
        (
            Answer::Owned { standing: &standing, how: How::Resumed, grace: GRACE, replay: 3, terms },
            format!(
                r#"{{"type":"owned","id":"\"",{ROOM}{EPOCH}"term":1,"seq":12,"how":"resumed","replay":3,"aliveMs":25000,"graceMs":25000,{TERMS}"#
            ),
        ),
        (
            Answer::Owned { standing: &standing, how: How::Reset(ResetReason::Epoch), grace: None, replay: 3, terms },
            format!(
                r#"{{"type":"owned","id":"\"",{ROOM}{EPOCH}"term":1,"seq":12,"how":"reset","reason":"epoch","replay":3,"aliveMs":25000,{TERMS}"#
            ),
        ),
        (joined(How::Snapshot), format!(r#"{{"type":"joined","id":"\"",{}"#, rest(r#""snapshot""#))),
        (joined(How::Resumed), format!(r#"{{"type":"joined","id":"\"",{}"#, rest(r#""resumed""#))),
        (Answer::Ack(standing.seq), r#"{"type":"ack","id":"\"","seq":12}"#.to_owned()),
        (Answer::Pong(standing.seq), r#"{"type":"pong","id":"\"","seq":12}"#.to_owned()),
    ];
    for (answer, expected) in cases {
        assert_eq!(payload(&accepted("\"", &answer)), expected);
    }
    let reasons = [
        (ResetReason::Retention, "retention"),
        (ResetReason::Epoch, "epoch"),
        (ResetReason::Future, "future"),
        (ResetReason::Malformed, "malformed"),
    ];
    for (reason, word) in reasons {
        let expected = format!(r#"{{"type":"joined","id":"a",{}"#, rest(&format!(r#""reset","reason":"{word}""#)));
        assert_eq!(payload(&accepted("a", &joined(How::Reset(reason)))), expected);
    }
    assert_eq!(
        payload(&reset(&standing, 2)),
        format!(r#"{{"type":"reset","reason":"slow",{EPOCH}"term":1,"seq":12,"replay":2,"owner":"live"}}"#)
    );
}

#[test]
fn an_error_tells_its_code_and_when_to_ask_again() {
    assert_eq!(
        payload(&refused("a", Refusal::RoomFull)),
        r#"{"type":"error","id":"a","code":"room_full","message":"the room has as many viewers as it may","retryInMs":5000}"#
    );
    assert_eq!(
        payload(&refused("", Refusal::BadMessage)),
        r#"{"type":"error","code":"bad_message","message":"the message cannot be understood"}"#
    );
}

#[test]
fn messages_carry_what_the_owner_wrote() {
    let entry = |seq, change, params| {
        let (key, params) = (Key::new("a\"\n").unwrap(), Params::from_json(params).unwrap());
        Entry::new(RoomId::random(&SEEDED), seq, Term::FIRST, key, params, change)
    };
    let seq = Seq::new(9);
    let cases = [
        (
            entry(seq, Change::Event, "[1.0,\"\\u0041\"]"),
            r#"{"type":"message","seq":9,"key":"a\"\n","params":[1.0,"\u0041"]}"#,
        ),
        (entry(seq, Change::State, "[]"), r#"{"type":"message","seq":9,"key":"a\"\n","params":[],"state":true}"#),
        (entry(seq, Change::Cleared, "[]"), r#"{"type":"message","seq":9,"key":"a\"\n","params":[],"cleared":true}"#),
        (entry(None, Change::Ephemeral, "[0.5]"), r#"{"type":"message","key":"a\"\n","params":[0.5]}"#),
    ];
    for (entry, expected) in cases {
        assert_eq!(payload(&DIALECT.frame(&entry).unwrap()), expected);
    }
}

#[test]
fn the_parameters_are_kept_once_and_are_the_same_in_every_protocol() {
    let classic = &crate::protocol::classic::DIALECT;
    let changes = [Change::Event, Change::State, Change::Cleared, Change::Ephemeral];
    for (change, order) in
        changes.into_iter().flat_map(|change| [(change, [&DIALECT, classic]), (change, [classic, &DIALECT])])
    {
        let (key, sent) = (Key::new("k").unwrap(), Params::from_json(r#"["},]",1.0]"#).unwrap());
        let entry = Entry::new(RoomId::random(&SEEDED), Seq::new(9), Term::FIRST, key, sent.clone(), change);
        for frame in order.into_iter().filter_map(|dialect| dialect.frame(&entry)) {
            let kept = entry.params();
            assert_eq!(kept, sent, "{change:?}");
            assert!(frame.as_ptr_range().contains(&kept.as_bytes().as_ptr()), "{change:?}: a part of the last frame");
            assert!(payload(&frame).contains(r#"arams":["},]",1.0]"#), "{change:?}");
        }
    }
}
