//! Floods at full speed, for which the client's memory is measured. Must not know how.

use std::time::Duration;

use serde_json::json;

use crate::peer::{Peer, TEXT, frame};
use crate::program::Role;
use crate::row::Ends::{Final, Stays};
use crate::row::{Ends, Phase, Row};

/// The most memory of a client: a frame, three states and a stream of 1 MiB each, the same again while another one is
/// made, and its buffers.
pub(crate) const BYTES_MAX: u64 = 16 << 20;

fn floods(name: &'static str, ends: Ends, first: impl Into<Vec<u8>>, bytes: impl Into<Vec<u8>>) -> Row {
    let (first, bytes) = (first.into(), bytes.into());
    let row = Row::new(name, Phase::Inside, ends, move |mut peer: Peer| {
        let (first, bytes) = (first.clone(), bytes.clone());
        async move {
            peer.bytes(&first).await;
            peer.flood_with(&bytes, Duration::ZERO).await;
        }
    });
    row.of(&[Role::Viewer]).unheard().for_millis(600)
}

fn texts(name: &'static str, ends: Ends, text: fn(u64) -> serde_json::Value) -> Row {
    let row = Row::new(name, Phase::Inside, ends, move |mut peer: Peer| async move {
        for number in 1.. {
            if !peer.json(text(number)).await {
                return;
            }
        }
    });
    row.of(&[Role::Viewer]).unheard().for_millis(600)
}

pub(crate) fn rows() -> Vec<Row> {
    // If the program takes no items, the client stops reading.
    let new_keys = texts(
        "values of new keys",
        Final("limit"),
        |n| json!({"type": "message", "seq": n, "key": format!("k{n}"), "params": ["x".repeat(2_000)], "state": true}),
    );
    vec![
        Row { is_heard: true, ..new_keys },
        floods("pings, and nothing is read", Stays, b"", frame(0x89, &[b'?'; 125])).for_millis(2_500),
        floods("empty pings, and nothing is read", Stays, b"", frame(0x89, b"")),
        floods("fragments", Final("limit"), frame(0x01, b""), frame(0x00, &[b' '; 1_000])),
        floods("empty fragments", Stays, frame(0x01, b""), frame(0x00, b"")),
        floods("big binary messages", Stays, b"", frame(0x82, &[0; 1 << 20])),
        floods(
            "big unknown frames",
            Stays,
            b"",
            frame(TEXT, json!({"type": "x".repeat(900_000)}).to_string().as_bytes()),
        ),
        texts(
            "big events that the program does not take",
            Stays,
            |n| json!({"type": "message", "seq": n, "key": "bell", "params": ["x".repeat(100_000)]}),
        ),
        texts(
            "values of one key that the program does not take",
            Stays,
            |n| json!({"type": "message", "seq": n, "key": "a", "params": ["x".repeat(100_000)], "state": true}),
        ),
        // Each state is another copy, and holds almost as much as it may.
        Row::new("replays that the program does not take", Phase::Inside, Stays, async |mut peer: Peer| {
            for round in 0.. {
                let seq = round * 2 + 1;
                let reset =
                    json!({"type": "reset", "reason": "slow", "epoch": "e", "term": 1, "seq": seq + 1, "replay": 1});
                let value =
                    json!({"type": "message", "seq": seq, "key": "a", "params": ["x".repeat(900_000)], "state": true});
                if !(peer.json(reset).await && peer.json(value).await) {
                    return;
                }
            }
        })
        .of(&[Role::Viewer])
        .unheard()
        .for_millis(600),
        Row::new("signals that the program does not take", Phase::Inside, Stays, async |mut peer: Peer| {
            let signal = json!({"type": "signal", "key": "hand", "params": ["x".repeat(100_000)]}).to_string();
            for number in 1..=3 {
                let Some(asked) = peer.asked().await else { return };
                peer.json(json!({"type": "ack", "id": asked["id"], "seq": number})).await;
            }
            peer.flood_with(&frame(TEXT, signal.as_bytes()), Duration::ZERO).await;
        })
        .of(&[Role::Owner])
        .unheard()
        .for_millis(600),
    ]
}
