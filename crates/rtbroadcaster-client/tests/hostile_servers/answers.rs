//! Hostile answers to the handshake of RFC 6455. Must know of the client only how it ends.

use std::time::Duration;

use crate::peer::Peer;
use crate::row::Ends::{Final, GivesUp, GivesUpAtOnce};
use crate::row::{Ends, Phase, Row};

/// Returns the row of a whole answer, after which the server closes the connection.
fn answers(name: &'static str, ends: Ends, answer: &'static str) -> Row {
    Row::new(name, Phase::Asked, ends, move |mut peer: Peer| async move {
        peer.bytes(answer.as_bytes()).await;
    })
}

/// Returns the row of the right answer with one line replaced.
fn differs(name: &'static str, line: &'static str, other: &'static str) -> Row {
    Row::new(name, Phase::Asked, Final("protocol"), move |mut peer: Peer| async move {
        let head = peer.head("").replace(&peer.accept, "{accept}");
        let head = head.replace(line, other).replace("{accept}", &peer.accept);
        peer.bytes(head.as_bytes()).await;
        peer.hold().await;
    })
}

pub(crate) fn rows() -> Vec<Row> {
    let asked = Phase::Asked;
    vec![
        Row::new("no answer at all", asked, GivesUp, async |peer: Peer| peer.hold().await),
        Row::new("a close instead of an answer", asked, GivesUp, async |peer: Peer| drop(peer)),
        Row::new("half an answer, then a close", asked, GivesUp, async |mut peer: Peer| {
            let head = peer.head("");
            peer.bytes(&head.as_bytes()[..40]).await;
        }),
        Row::new("the right answer byte by byte", asked, GivesUp, async |mut peer: Peer| {
            let head = peer.head("");
            peer.trickle(head.as_bytes(), Duration::from_millis(20)).await;
        }),
        Row::new("a header line without end", asked, Final("protocol"), async |mut peer: Peer| {
            peer.bytes(b"HTTP/1.1 101 Switching Protocols\r\nx: ").await;
            peer.flood(b"x").await;
        }),
        Row::new("headers without end", asked, Final("protocol"), async |mut peer: Peer| {
            peer.bytes(b"HTTP/1.1 101 Switching Protocols\r\n").await;
            peer.flood(b"x: y\r\n").await;
        }),
        Row::new("a status line without end", asked, Final("protocol"), async |mut peer: Peer| {
            peer.bytes(b"HTTP/1.1 101 ").await;
            peer.flood(b"Switching ").await;
        }),
        Row::new("a body without end", asked, GivesUp, async |mut peer: Peer| {
            peer.bytes(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n").await;
            peer.flood(b"5\r\nhello\r\n").await;
        }),
        Row::new("a redirect to itself", asked, Final("http_302"), async |mut peer: Peer| {
            peer.bytes(b"HTTP/1.1 302 Found\r\nlocation: /broadcasting\r\ncontent-length: 0\r\n\r\n").await;
            peer.hold().await;
        }),
        answers("another protocol", Final("protocol"), "SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        answers("zeros", Final("protocol"), "\0\0\0\0\0\0\0\0"),
        answers("200", Final("http_200"), "HTTP/1.1 200 OK\r\n\r\n"),
        answers("204", Final("http_204"), "HTTP/1.1 204 No Content\r\n\r\n"),
        answers("401", Final("http_401"), "HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\n\r\n"),
        answers("a status beyond all", Final("http_999"), "HTTP/1.1 999 No\r\n\r\n"),
        answers("HTTP/1.0", Final("protocol"), "HTTP/1.0 101 Switching Protocols\r\n\r\n"),
        answers("503 again and again", GivesUp, "HTTP/1.1 503 No\r\nretry-after: 0\r\n\r\n"),
        answers("429 without a time", GivesUp, "HTTP/1.1 429 No\r\n\r\n"),
        answers("a time below zero", GivesUp, "HTTP/1.1 503 No\r\nretry-after: -1\r\n\r\n"),
        answers("a time that is a number of 1e999", GivesUp, "HTTP/1.1 503 No\r\nretry-after: 1e999\r\n\r\n"),
        answers("a time of 2^64-1 s", GivesUpAtOnce, "HTTP/1.1 503 No\r\nretry-after: 18446744073709551615\r\n\r\n"),
        answers("a time beyond 64 bits", GivesUpAtOnce, "HTTP/1.1 429 No\r\nretry-after: 99999999999999999999\r\n\r\n"),
        differs(
            "a wrong proof",
            "Sec-WebSocket-Accept: {accept}",
            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ),
        differs("no proof", "Sec-WebSocket-Accept: {accept}\r\n", ""),
        differs("no upgrade", "Upgrade: websocket\r\n", ""),
        differs("another upgrade", "Upgrade: websocket", "Upgrade: h2c"),
        differs(
            "an extension without a request",
            "Upgrade: ",
            "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: ",
        ),
        differs("another subprotocol", "rtbroadcaster.v2", "rtbroadcaster.v9"),
        differs("no subprotocol", "Sec-WebSocket-Protocol: rtbroadcaster.v2\r\n", ""),
    ]
}
