//! Hostile texts to a client that is in the room. Must not know frames of RFC 6455.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::peer::Peer;
use crate::program::Role;
use crate::row::Ends::{Final, GivesUp, GivesUpAtOnce, Stays};
use crate::row::{Ends, Phase, Row};

const VIEWERS: &[Role] = &[Role::Viewer];
const BROADCASTERS: &[Role] = &[Role::Owner];

/// Returns the row of texts without end, each made of its number, to a viewer.
fn floods(name: &'static str, ends: Ends, text: fn(u64) -> Value) -> Row {
    let row = Row::new(name, Phase::Inside, ends, move |mut peer: Peer| async move { peer.flood_texts(text).await });
    row.of(VIEWERS)
}

/// Returns the row of these texts, then silence, to a viewer.
fn says(name: &'static str, ends: Ends, texts: &'static [&'static str]) -> Row {
    let row = Row::new(name, Phase::Inside, ends, move |mut peer: Peer| async move {
        for text in texts {
            peer.text(text).await;
        }
        peer.hold().await;
    });
    row.of(VIEWERS)
}

/// Returns the row of a server that answers each publish with the texts that `answers` makes of it and its number.
fn answers(name: &'static str, ends: Ends, answers: fn(&Value, u64) -> Vec<Value>) -> Row {
    let row = Row::new(name, Phase::Inside, ends, move |mut peer: Peer| async move {
        for number in 1.. {
            let Some(asked) = peer.asked().await else { return };
            if asked["type"] == "close" {
                break;
            }
            for answer in answers(&asked, number) {
                peer.json(answer).await;
            }
        }
        peer.hold().await;
    });
    row.of(BROADCASTERS)
}

fn ack(id: &Value, seq: u64) -> Value {
    json!({"type": "ack", "id": id, "seq": seq})
}

fn event(seq: u64, bytes: usize) -> Value {
    json!({"type": "message", "seq": seq, "key": "bell", "params": ["x".repeat(bytes)]})
}

fn value(seq: u64, key: &str, bytes: usize) -> Value {
    json!({"type": "message", "seq": seq, "key": key, "params": ["x".repeat(bytes)], "state": true})
}

pub(crate) fn of_both() -> Vec<Row> {
    vec![
        Row::new("let in, and a way back in 0 ms", Phase::Inside, GivesUp, async |mut peer: Peer| {
            peer.json(json!({"type": "draining", "reconnectInMs": 0})).await;
            peer.hold().await;
        }),
        Row::new("let in, and a way back in 2^63 ms", Phase::Inside, GivesUpAtOnce, async |mut peer: Peer| {
            peer.json(json!({"type": "draining", "reconnectInMs": 1_u64 << 63})).await;
        }),
        Row::new("let in, and a cut", Phase::Inside, GivesUp, async |peer: Peer| drop(peer)),
        Row::new("let in, and nonsense", Phase::Inside, GivesUp, async |mut peer: Peer| {
            peer.text("{").await;
            peer.hold().await;
        }),
    ]
}

pub(crate) fn of_viewers() -> Vec<Row> {
    vec![
        floods("a state without end", Final("limit"), |n| value(n, &format!("k{n}"), 1_000)),
        floods("a state of many small keys", Final("limit"), |n| value(n, &format!("k{n}"), 0)),
        floods("a value that grows", Final("limit"), |n| value(n, "a", usize::try_from(n).unwrap_or(0) * 20_000)),
        floods("events that are taken, without end", Stays, |n| event(n, 100)),
        floods("events that the program does not take, without end", Stays, |n| event(n, 100)).unheard(),
        floods("big events that the program does not take, without end", Stays, |n| event(n, 900_000)).unheard(),
        floods("values of one key that the program does not take, without end", Stays, |n| value(n, "a", 1_000))
            .unheard(),
        floods(
            "replays that the program does not take, without end",
            Stays,
            |n| json!({"type": "reset", "reason": "slow", "epoch": format!("e{n}"), "term": 1, "seq": n, "replay": 0}),
        )
        .unheard(),
        floods(
            "replays without end",
            Stays,
            |n| json!({"type": "reset", "reason": "slow", "epoch": "e", "term": n, "seq": n, "replay": 0}),
        ),
        floods(
            "owners that come and go without end",
            Stays,
            |n| json!({"type": "owner", "status": if n % 2 == 0 { "live" } else { "away" }, "term": n}),
        ),
        floods("audiences without end", Stays, |n| json!({"type": "audience", "viewers": n, "behindP95Ms": u64::MAX})),
        floods(
            "refused signals that the program does not take, without end",
            Stays,
            |_| json!({"type": "error", "code": "rate", "message": "no"}),
        )
        .unheard(),
        floods("unknown frames without end", Stays, |n| json!({"type": format!("news{n}"), "a": [n]})),
        floods("farewells without end", Stays, |_| json!({"type": "closed", "reason": "x".repeat(100_000)})),
        floods("ways back in an hour, without end", Stays, |_| json!({"type": "draining", "reconnectInMs": u64::MAX})),
        floods(
            "events that are ephemeral and that the program does not take, without end",
            Stays,
            |n| json!({"type": "message", "key": format!("k{n}"), "params": ["x".repeat(1_000)], "ephemeral": true}),
        )
        .unheard(),
        says(
            "a second answer",
            GivesUp,
            &[r#"{"type":"joined","id":"x","epoch":"e","term":1,"seq":9,"how":"snapshot","replay":0}"#, "{"],
        ),
        says(
            "a number twice",
            GivesUp,
            &[
                r#"{"type":"message","seq":1,"key":"a","params":[]}"#,
                r#"{"type":"message","seq":1,"key":"a","params":[]}"#,
            ],
        ),
        says(
            "a number that goes back",
            GivesUp,
            &[
                r#"{"type":"skipped","through":8}"#,
                r#"{"type":"message","seq":9,"key":"a","params":[]}"#,
                r#"{"type":"message","seq":3,"key":"a","params":[]}"#,
            ],
        ),
        says("a number that is missing", GivesUp, &[r#"{"type":"message","seq":2,"key":"a","params":[]}"#]),
        says(
            "the last number, and one behind it",
            GivesUp,
            &[
                r#"{"type":"skipped","through":9007199254740990}"#,
                r#"{"type":"message","seq":9007199254740991,"key":"a","params":[]}"#,
                r#"{"type":"message","seq":9007199254740992,"key":"a","params":[]}"#,
            ],
        ),
        says(
            "a hole in a hole",
            GivesUp,
            &[r#"{"type":"skipped","through":9007199254740991}"#, r#"{"type":"skipped","through":0}"#],
        ),
        says(
            "heartbeats that promise what never comes",
            GivesUp,
            &[r#"{"type":"alive","seq":9007199254740991}"#, r#"{"type":"alive","seq":9007199254740991}"#],
        ),
        says("parameters that are an object", GivesUp, &[r#"{"type":"message","seq":1,"key":"a","params":{}}"#]),
        says("parameters that are deep", GivesUp, &[DEEP]),
        says("a key of 257 bytes", GivesUp, &[LONG]),
        says(
            "a message for owners",
            Stays,
            &[r#"{"type":"ack","id":"a","seq":9007199254740991}"#, r#"{"type":"signal","key":"a","params":[]}"#],
        ),
        says(
            "a frame with every number at its end",
            Stays,
            &[
                r#"{"type":"audience","viewers":18446744073709551615,"lagging":18446744073709551615,"behindP95Ms":18446744073709551615}"#,
                r#"{"type":"owner","status":"away","term":18446744073709551615}"#,
            ],
        ),
        Row::new("heartbeats, then silence", Phase::Open, GivesUp, async |mut peer: Peer| {
            peer.enter(json!({"aliveMs": 100})).await;
            for _ in 0..5 {
                peer.json(json!({"type": "alive", "seq": 0})).await;
                sleep(Duration::from_millis(20)).await;
            }
            peer.hold().await;
        })
        .of(VIEWERS),
        Row::new("nothing is read any more", Phase::Inside, Stays, async |peer: Peer| peer.stall().await).of(VIEWERS),
    ]
}

/// Returns a text that is nested deeper than any parser accepts, without its end.
const DEEP: &str =
    concat!(r#"{"type":"message","seq":1,"key":"a","params":"#, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");

const LONG: &str = concat!(
    r#"{"type":"message","seq":1,"params":[],"key":"k"#,
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef\"}"
);

pub(crate) fn of_owners() -> Vec<Row> {
    vec![
        answers("every publish is acknowledged", Stays, |asked, n| vec![ack(&asked["id"], n)]),
        answers("every publish is acknowledged a hundred times", Stays, |asked, n| vec![ack(&asked["id"], n); 100]),
        answers("acknowledgements go back", Stays, |asked, n| vec![ack(&asked["id"], 9_007_199_254_740_991 - n)]),
        answers("what was never said is acknowledged", GivesUp, |_, n| vec![ack(&json!("x"), n)]),
        answers("no publish is acknowledged", GivesUp, |_, _| vec![json!({"type": "alive", "seq": 0})]),
        answers("every publish is unavailable", GivesUp, |asked, _| {
            vec![json!({"type": "error", "id": asked["id"], "code": "unavailable", "message": "no", "retryInMs": 0})]
        }),
        answers("every publish is refused by a word that steers a terminal", Stays, |asked, _| {
            vec![json!({"type": "error", "id": asked["id"], "code": "\u{1b}[2J", "message": "\u{1b}[2J"})]
        }),
        answers("an acknowledgement of 2^53", GivesUp, |asked, _| vec![ack(&asked["id"], 1 << 53)]),
        answers("the room is owned again and again", GivesUp, |asked, n| {
            let owned = json!({"type": "owned", "id": asked["id"], "epoch": "e", "term": n, "seq": 0, "replay": 0});
            vec![owned; 1_000]
        }),
        answers("a replay without a request", GivesUp, |_, n| vec![value(n, "a", 1)]),
        answers("signals that the program does not take", Stays, |asked, n| {
            let signal = json!({"type": "signal", "key": "hand", "params": ["x".repeat(300_000)], "from": n});
            vec![signal.clone(), signal.clone(), signal.clone(), signal, ack(&asked["id"], n)]
        })
        .unheard(),
        answers("a count of 100 000 values", GivesUp, |_, _| {
            vec![json!({"type": "signal", "key": "vote", "counts": vec![json!([["a"], 1]); 100_000]})]
        }),
        answers("a viewer with a name of 100 000 bytes", GivesUp, |_, _| {
            vec![json!({"type": "signal", "key": "hand", "params": [], "from": "x".repeat(100_000)})]
        }),
        answers("lives that change without end", Stays, |asked, n| {
            let life = json!({"type": "owner", "status": "live", "term": 1, "epoch": format!("e{n}")});
            [vec![life; 100], vec![ack(&asked["id"], n)]].concat()
        }),
        Row::new("no publish is read", Phase::Inside, GivesUp, async |peer: Peer| peer.stall().await).of(BROADCASTERS),
        Row::new("no publish is read, and pings come", Phase::Inside, GivesUp, async |mut peer: Peer| {
            peer.flood(&crate::peer::frame(0x89, &[b'?'; 125])).await;
        })
        .of(BROADCASTERS),
    ]
}
