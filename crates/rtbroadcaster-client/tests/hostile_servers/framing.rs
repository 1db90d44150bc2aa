//! Hostile frames of RFC 6455, in the room and before. Must not know their content.

use std::time::Duration;

use crate::peer::{Peer, TEXT, frame, header};
use crate::row::Ends::{Final, GivesUp, Stays};
use crate::row::{Ends, Phase, Row};

const ALIVE: &[u8] = br#"{"type":"alive","seq":0}"#;

/// Returns the row of a server that sends these bytes once, in the room.
fn sends(name: &'static str, ends: Ends, bytes: impl Into<Vec<u8>>) -> Row {
    let bytes = bytes.into();
    Row::new(name, Phase::Inside, ends, move |mut peer: Peer| {
        let bytes = bytes.clone();
        async move {
            peer.bytes(&bytes).await;
            peer.hold().await;
        }
    })
}

/// Returns the row of a server that sends these bytes without end and reads nothing, in the room.
fn floods(name: &'static str, ends: Ends, first: impl Into<Vec<u8>>, bytes: impl Into<Vec<u8>>) -> Row {
    let (first, bytes) = (first.into(), bytes.into());
    Row::new(name, Phase::Inside, ends, move |mut peer: Peer| {
        let (first, bytes) = (first.clone(), bytes.clone());
        async move {
            peer.bytes(&first).await;
            peer.flood(&bytes).await;
        }
    })
}

fn masked() -> Vec<u8> {
    [&[TEXT, 0x80 | 24, 0, 0, 0, 0], ALIVE].concat()
}

fn closes(name: &'static str, ends: Ends, payload: &[u8]) -> Row {
    sends(name, ends, frame(0x88, payload))
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![
        sends("a masked frame", GivesUp, masked()),
        sends("a frame that looks compressed", GivesUp, frame(0x40 | TEXT, ALIVE)),
        sends("a reserved bit", GivesUp, frame(0x10 | TEXT, ALIVE)),
        sends("a reserved opcode", GivesUp, frame(0x83, ALIVE)),
        sends("a reserved control frame", GivesUp, frame(0x8b, b"")),
        sends("a ping in fragments", GivesUp, frame(0x09, b"?")),
        sends("a ping that is too long", GivesUp, frame(0x89, &[b'?'; 126])),
        sends("a continuation of nothing", GivesUp, frame(0x80, ALIVE)),
        sends("a text in a text", GivesUp, [frame(0x01, b"{"), frame(TEXT, ALIVE)].concat()),
        sends("a text that is not UTF-8", GivesUp, frame(TEXT, b"\xff\xfe")),
        sends("fragments that are not UTF-8", GivesUp, [frame(0x01, b"\xc3"), frame(0x80, b"(")].concat()),
        sends("a length of 2^63-1", Final("limit"), header(TEXT, (1 << 63) - 1)),
        sends("a length of 2^64-1", Final("limit"), header(TEXT, u64::MAX)),
        sends("a length over the limit by one", Final("limit"), header(TEXT, (1 << 20) + 1)),
        sends("a text that never ends, and silence", Ends::Stays, header(TEXT, 1 << 20)).of(&[crate::Role::Viewer]),
        floods("fragments without end", Final("limit"), frame(0x01, b" "), frame(0x00, &[b' '; 250_000])),
        floods("empty fragments without end", Stays, frame(0x01, b""), frame(0x00, b"")).of(&[crate::Role::Viewer]),
        floods("pings without end, and nothing is read", Stays, b"", frame(0x89, &[b'?'; 125]))
            .of(&[crate::Role::Viewer]),
        floods("pongs without end", Stays, b"", frame(0x8a, &[b'!'; 125])).of(&[crate::Role::Viewer]),
        floods("binary messages without end", Stays, b"", frame(0x82, &[0; 1_000])).of(&[crate::Role::Viewer]),
        floods("big binary messages without end", Stays, b"", frame(0x82, &[0; 1 << 20])).of(&[crate::Role::Viewer]),
        floods("heartbeats without end", Stays, b"", frame(TEXT, ALIVE)).of(&[crate::Role::Viewer]),
        floods("frames behind a close", Final("done"), frame(0x88, b"\x03\xeadone"), frame(TEXT, ALIVE)),
        closes("a close of one byte", GivesUp, b"\x03"),
        closes("a close that is not UTF-8", GivesUp, b"\x03\xe8\xff\xfe"),
        closes("a close without a code", GivesUp, b""),
        closes("everything is said, without a word of why, again and again", GivesUp, b"\x03\xe8done"),
        closes("a close that would clear a terminal", Final(""), b"\x03\xea\x1b[2J"),
        closes(
            "a close with a word of 123 letters",
            Final("a".repeat(123).leak()),
            &[&b"\x03\xea"[..], &[b'a'; 123]].concat(),
        ),
        Row::new("a frame byte by byte", Phase::Open, GivesUp, async |mut peer: Peer| {
            let answer = frame(TEXT, peer.answer(serde_json::json!({})).to_string().as_bytes());
            peer.trickle(&answer, Duration::from_millis(20)).await;
        }),
        Row::new("a frame that is cut", Phase::Inside, GivesUp, async |mut peer: Peer| {
            peer.bytes(&frame(TEXT, ALIVE)[..9]).await;
        }),
        Row::new("pings without end before the room", Phase::Open, GivesUp, async |mut peer: Peer| {
            peer.flood(&frame(0x89, &[b'?'; 125])).await;
        }),
        Row::new("empty fragments without end before the room", Phase::Open, GivesUp, async |mut peer: Peer| {
            peer.bytes(&frame(0x01, b"")).await;
            peer.flood(&frame(0x00, b"")).await;
        }),
    ];
    // Codes that are forbidden in a close frame (RFC 6455 section 7.4), and some of each range.
    let codes: [(u16, &str, Ends); 12] = [
        (0, "close code 0", GivesUp),
        (999, "close code 999", GivesUp),
        (1_005, "close code 1005", GivesUp),
        (1_006, "close code 1006", GivesUp),
        (1_015, "close code 1015", GivesUp),
        (2_999, "close code 2999", GivesUp),
        (5_000, "close code 5000", GivesUp),
        (65_535, "close code 65535", GivesUp),
        (1_011, "close code 1011 again and again", GivesUp),
        (4_029, "close code 4029 again and again", GivesUp),
        (4_499, "close code 4499 again and again", GivesUp),
        (4_999, "close code 4999", Final("")),
    ];
    rows.extend(codes.map(|(code, name, ends)| closes(name, ends, &code.to_be_bytes())));
    rows
}
