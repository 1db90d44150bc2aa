//! Hostile texts before the client is in the room. Must not know frames of RFC 6455.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::peer::Peer;
use crate::program::Role;
use crate::row::Ends::{Final, GivesUp, GivesUpAtOnce, Stays};
use crate::row::{Ends, Phase, Row};

/// Returns the row of one text, then silence.
fn says(name: &'static str, ends: Ends, text: impl Into<String>) -> Row {
    let text = text.into();
    Row::new(name, Phase::Open, ends, move |mut peer: Peer| {
        let text = text.clone();
        async move {
            peer.text(&text).await;
            peer.hold().await;
        }
    })
}

/// Returns the row of the answer that lets the client in, with these members as text, so that numbers may be invalid.
fn enters(name: &'static str, ends: Ends, members: &'static str) -> Row {
    Row::new(name, Phase::Open, ends, move |mut peer: Peer| async move {
        let mut answer = peer.answer(json!({}));
        let given: Vec<_> = members.split(',').map(|member| member.split('"').nth(1).unwrap_or_default()).collect();
        answer.as_object_mut().unwrap().retain(|name, _| !given.contains(&name.as_str()));
        let text = answer.to_string();
        peer.text(&format!("{},{members}}}", text.trim_end_matches('}'))).await;
        peer.hold().await;
    })
}

/// Returns the row of a refusal with these members.
fn refuses(name: &'static str, ends: Ends, members: Value) -> Row {
    Row::new(name, Phase::Open, ends, move |mut peer: Peer| {
        let mut error = json!({"type": "error", "id": peer.request["id"], "message": "no"});
        error.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        async move {
            peer.json(error).await;
            peer.hold().await;
        }
    })
}

pub(crate) fn rows() -> Vec<Row> {
    let (viewer, mega) = (&[Role::Viewer], "e".repeat(1_000_000));
    vec![
        says("nothing", GivesUp, ""),
        says("no JSON", GivesUp, "joined"),
        says("a list", GivesUp, "[1]"),
        says("no type", GivesUp, "{}"),
        says("a type twice", GivesUp, r#"{"type":"alive","type":"joined"}"#),
        says("brackets without end", GivesUp, "[".repeat(100_000)),
        says("objects without end", GivesUp, r#"{"type":"#.repeat(100_000)),
        says(
            "an unknown frame that is deep",
            GivesUp,
            format!(r#"{{"type":"news","a":{}1{}}}"#, "[".repeat(99_999), "]".repeat(99_999)),
        ),
        says("a number of 1e999", GivesUp, r#"{"type":"alive","seq":1e999}"#),
        says("a number below zero", GivesUp, r#"{"type":"alive","seq":-1}"#),
        says("a number beyond 2^53", GivesUp, r#"{"type":"alive","seq":9223372036854775808}"#),
        says("a number that is none", GivesUp, r#"{"type":"alive","seq":NaN}"#),
        says("half a number", GivesUp, r#"{"type":"alive","seq":0.5}"#),
        says("a farewell that steers a terminal", GivesUp, r#"{"type":"closed","reason":"\u001b[2J"}"#),
        says("a message before the room", GivesUp, r#"{"type":"message","seq":1,"key":"a","params":[1],"state":true}"#),
        says(
            "an answer to another request",
            GivesUp,
            json!({"type": "joined", "id": "x", "epoch": "e", "term": 1, "seq": 0, "how": "snapshot", "replay": 0})
                .to_string(),
        ),
        enters("an epoch of a million bytes", GivesUp, format!(r#""epoch":"{mega}""#).leak()),
        enters("a room of a million bytes", GivesUp, format!(r#""room":"{mega}""#).leak()),
        enters("a seq of 2^63", GivesUp, r#""seq":9223372036854775808"#),
        enters("a seq of -1", GivesUp, r#""seq":-1"#),
        enters("a term of 1e999", GivesUp, r#""term":1e999"#),
        enters("a heartbeat of 1e999", GivesUp, r#""aliveMs":1e999"#),
        enters("a heartbeat each millisecond, and none comes", GivesUp, r#""aliveMs":1"#),
        enters("a heartbeat in 2^64-1 ms", Stays, r#""aliveMs":18446744073709551615"#).of(viewer),
        enters("no heartbeats, and silence", Stays, r#""aliveMs":0"#).of(viewer),
        enters("more values than there are numbers", GivesUp, r#""seq":3,"replay":9007199254740991"#).of(viewer),
        enters("2^64-1 values that never come", GivesUp, r#""seq":9007199254740991,"replay":18446744073709551615"#)
            .of(viewer),
        enters("a resume of nothing", GivesUp, r#""how":"resumed","seq":9007199254740991,"replay":9007199254740991"#)
            .of(viewer),
        enters("no key of the room", GivesUp, r#""ownerKey":"short""#).of(&[Role::Owner]),
        enters("a key of a million bytes", GivesUp, format!(r#""ownerKey":"{mega}""#).leak()).of(&[Role::Owner]),
        enters("an answer to own where create was asked", GivesUp, r#""type":"owned","replay":0"#).of(&[Role::Owner]),
        refuses("unavailable in no time, again and again", GivesUp, json!({"code": "unavailable", "retryInMs": 0})),
        refuses("a rate without a time", GivesUp, json!({"code": "rate"})),
        refuses("a full room for 2^64-1 ms", GivesUpAtOnce, json!({"code": "room_full", "retryInMs": u64::MAX})),
        refuses(
            "an unknown code for an hour and more",
            GivesUpAtOnce,
            json!({"code": "later", "retryInMs": 3_600_001}),
        ),
        refuses("a code of 100 000 bytes", Final("other"), json!({"code": "e".repeat(100_000)})),
        refuses("a code that steers a terminal", Final("other"), json!({"code": "\u{1b}[2J"})),
        refuses("a time of -1", GivesUp, json!({"code": "rate", "retryInMs": -1})),
        Row::new("a way back in 0 ms, again and again", Phase::Open, GivesUp, async |mut peer: Peer| {
            peer.json(json!({"type": "draining", "reconnectInMs": 0})).await;
            peer.hold().await;
        }),
        Row::new("a way back in 2^64-1 ms, then a close", Phase::Open, GivesUpAtOnce, async |mut peer: Peer| {
            peer.json(json!({"type": "draining", "reconnectInMs": u64::MAX})).await;
            peer.bytes(&crate::peer::frame(0x88, b"\x03\xf4restart")).await;
        }),
        says("a way back in 1e999 ms", GivesUp, r#"{"type":"draining","reconnectInMs":1e999}"#),
        Row::new("a replay that trickles", Phase::Open, GivesUp, async |mut peer: Peer| {
            peer.enter(json!({"seq": 1_000_000, "replay": 1_000_000})).await;
            for seq in 1.. {
                let value = json!({"type": "message", "seq": seq, "key": "a", "params": [seq], "state": true});
                if !peer.json(value).await {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        })
        .of(viewer),
        Row::new("news that trickle, and no answer", Phase::Open, GivesUp, async |mut peer: Peer| {
            while peer.json(json!({"type": "audience", "viewers": 1})).await {
                sleep(Duration::from_millis(50)).await;
            }
        }),
        Row::new("a replay of more bytes than a state has", Phase::Open, Final("limit"), async |mut peer: Peer| {
            peer.enter(json!({"seq": 1_000_000, "replay": 1_000_000})).await;
            for seq in 1.. {
                let (key, params) = (format!("k{seq}"), ["x".repeat(10_000)]);
                let value = json!({"type": "message", "seq": seq, "key": key, "params": params, "state": true});
                if !peer.json(value).await {
                    return;
                }
            }
        })
        .of(viewer),
    ]
}
