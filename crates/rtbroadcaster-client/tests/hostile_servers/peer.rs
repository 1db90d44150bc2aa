//! One connection of a hostile server: raw bytes, frames of any shape, and the few valid answers that come before. Must
//! not know what a test expects of the client.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

pub(crate) const ROOM: &str = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";

/// The first byte of a whole text.
pub(crate) const TEXT: u8 = 0x81;

/// The first bytes of control frames.
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// How much a flood writes at a time, and how long it pauses then: many floods run in this process at the same time.
const FLOOD_BYTES: usize = 16 << 10;
const FLOOD_PAUSE: Duration = Duration::from_millis(5);

/// One connection.
pub(crate) struct Peer {
    stream: TcpStream,
    /// The value of `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2).
    pub(crate) accept: String,
    /// Bytes that arrived after the last frame.
    rest: Vec<u8>,
    /// The request that enters the room.
    pub(crate) request: Value,
}

impl Peer {
    /// Reads the handshake. Returns `None` if the client disconnects before its end.
    pub(crate) async fn meet(mut stream: TcpStream) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))?;
        let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        Some(Self { stream, accept: STANDARD.encode(digest), rest: Vec::new(), request: Value::Null })
    }

    /// Answers the handshake with these lines besides, and reads the request.
    pub(crate) async fn open(&mut self, lines: &str) -> Option<()> {
        let head = self.head(lines);
        self.bytes(head.as_bytes()).await.then_some(())?;
        self.request = self.asked().await?;
        Some(())
    }

    /// Returns the answer to the handshake, with these lines besides.
    pub(crate) fn head(&self, lines: &str) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: rtbroadcaster.v2\r\n{lines}\r\n",
            self.accept
        )
    }

    /// Lets the client into the room, with these members besides.
    pub(crate) async fn enter(&mut self, members: Value) -> bool {
        let answer = self.answer(members);
        self.text(&answer.to_string()).await
    }

    /// Returns the answer that lets the client into the room.
    pub(crate) fn answer(&self, members: Value) -> Value {
        let id = &self.request["id"];
        let mut answer = match self.request["type"].as_str() {
            Some("create") => json!({"type": "created", "ownerKey": "0123456789abcdef".repeat(4)}),
            Some("own") => json!({"type": "owned", "replay": 0}),
            _ => json!({"type": "joined", "how": "snapshot", "replay": 0, "owner": "live"}),
        };
        let usual = json!({"id": id, "room": ROOM, "epoch": "e", "term": 1, "seq": 0, "aliveMs": 25_000});
        for more in [usual, members] {
            answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        answer
    }

    /// Returns the next text of the client; `None` if it has disconnected.
    pub(crate) async fn asked(&mut self) -> Option<Value> {
        let mut read = vec![0; 4_096];
        loop {
            match frame_of_client(&mut self.rest) {
                Some((TEXT, text)) => return serde_json::from_slice(&text).ok(),
                Some((CLOSE, _)) => return None,
                Some((PING | PONG, _)) => {}
                Some((first, _)) => panic!("the client sends a frame that begins with {first:#x}"),
                None => match self.stream.read(&mut read).await {
                    Ok(count @ 1..) => self.rest.extend_from_slice(&read[..count]),
                    _ => return None,
                },
            }
        }
    }

    /// Reads until the client has disconnected.
    pub(crate) async fn hold(mut self) {
        while self.asked().await.is_some() {}
    }

    /// Keeps the connection open, and neither reads nor writes.
    pub(crate) async fn stall(self) {
        let _self = self;
        std::future::pending::<()>().await;
    }

    /// Writes raw bytes. Returns whether the client is connected.
    pub(crate) async fn bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Writes byte after byte, with a pause after each.
    pub(crate) async fn trickle(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes {
            if !self.bytes(&[*byte]).await {
                return;
            }
            sleep(pause).await;
        }
    }

    /// Writes the same bytes until the client has disconnected, and reads nothing.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) {
        self.flood_with(bytes, FLOOD_PAUSE).await;
    }

    /// Does the same with this pause.
    pub(crate) async fn flood_with(&mut self, bytes: &[u8], pause: Duration) {
        let many = bytes.repeat(1 + FLOOD_BYTES / bytes.len());
        while self.bytes(&many).await {
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
    }

    /// Writes texts, each made of its number, until the client has disconnected.
    pub(crate) async fn flood_texts(&mut self, text: impl Fn(u64) -> Value) {
        let mut many = Vec::new();
        for number in 1.. {
            many.extend(frame(TEXT, text(number).to_string().as_bytes()));
            if many.len() >= FLOOD_BYTES {
                if !self.bytes(&many).await {
                    return;
                }
                many.clear();
                sleep(FLOOD_PAUSE).await;
            }
        }
    }

    pub(crate) async fn text(&mut self, text: &str) -> bool {
        self.bytes(&frame(TEXT, text.as_bytes())).await
    }

    pub(crate) async fn json(&mut self, value: Value) -> bool {
        self.text(&value.to_string()).await
    }
}

/// Removes a whole frame of a client from the front of `bytes`. Returns its first byte and its unmasked payload.
fn frame_of_client(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert!(second & 0x80 != 0, "a frame of a client is masked");
    let (length, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        length => (u64::from(length), 2),
    };
    let mask: [u8; 4] = *bytes.get(head..)?.first_chunk()?;
    let end = head + 4 + usize::try_from(length).unwrap();
    let payload = bytes.get(head + 4..end)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    bytes.drain(..end);
    Some((first, payload))
}

/// Returns a frame with this first byte, without a mask.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [header(first, payload.len() as u64), payload.to_vec()].concat()
}

/// Returns the header of such a frame.
pub(crate) fn header(first: u8, length: u64) -> Vec<u8> {
    match length {
        0..=125 => vec![first, u8::try_from(length).unwrap()],
        126..=65_535 => [&[first, 126], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
        65_536.. => [&[first, 127], &length.to_be_bytes()[..]].concat(),
    }
}
