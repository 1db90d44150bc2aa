//! A server that a test scripts, on connections in memory. Must not know viewers and owners.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rtbroadcaster_core::id::{Cursor, RoomId};
use rtbroadcaster_core::message::Message as Said;
use rtbroadcaster_core::options::RoomOptions;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::dial::Dialer;
use crate::owner::Beginning;
use crate::target::Target;
use crate::{Heard, Messages, OpenError, Options, Owner, Status, Viewer};

/// The longest wait. The clock is paused, so a test that waits for ever fails at once.
const DEADLINE: Duration = Duration::from_secs(2 * 3_600);

pub(super) const ROOM: &str = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";

/// Returns the output of `future`, or panics after [`DEADLINE`].
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("nothing came")
}

pub(super) fn room() -> RoomId {
    ROOM.parse().unwrap()
}

pub(super) fn key() -> String {
    "0123456789abcdef".repeat(4)
}

/// The server.
pub(super) struct Server(mpsc::UnboundedReceiver<DuplexStream>);

/// One connection to it.
pub(super) struct Peer(WebSocketStream<DuplexStream>);

/// What makes connections whose other ends come out of the channel.
pub(super) fn in_memory(options: &Options) -> (Dialer, mpsc::UnboundedReceiver<DuplexStream>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let target = Target::in_memory(move || {
        let (here, there) = tokio::io::duplex(1 << 16);
        sender.send(there).ok().map(|()| here)
    });
    (Dialer::new(target, options), receiver)
}

impl Server {
    /// Returns a viewer of this server.
    pub(super) fn viewer() -> (Viewer, Messages, Self) {
        Self::viewer_with(&Options::default())
    }

    pub(super) fn viewer_with(options: &Options) -> (Viewer, Messages, Self) {
        let (dialer, connections) = in_memory(options);
        let viewer = Viewer::begin(dialer, room(), None, options);
        let messages = viewer.messages();
        (viewer, messages, Self(connections))
    }

    /// Returns a viewer of this server, and a sender whose changes mean that its machine has slept.
    pub(super) fn viewer_that_sleeps(options: &Options) -> (Viewer, Self, watch::Sender<u64>) {
        let (mut dialer, connections) = in_memory(options);
        let sleep;
        (sleep, dialer.slept) = watch::channel(0);
        (Viewer::begin(dialer, room(), None, options), Self(connections), sleep)
    }

    /// Returns the task of an owner that opens a room of this server.
    pub(super) fn owner(
        beginning: Beginning,
        options: Options,
    ) -> (tokio::task::JoinHandle<Result<Owner, OpenError>>, Self) {
        let (dialer, connections) = in_memory(&options);
        (tokio::spawn(Owner::begin(dialer, beginning, None, options)), Self(connections))
    }

    /// Returns an owner that owns the room by its key and `cursor`, after the answer `owned` with these members.
    pub(super) async fn owner_after(cursor: Cursor, members: Value) -> (Owner, Self, Peer) {
        let (dialer, connections) = in_memory(&Options::default());
        let own = Beginning::Own(room(), key().parse().unwrap());
        let opening = tokio::spawn(Owner::begin(dialer, own, Some(cursor.clone()), Options::default()));
        let mut server = Self(connections);
        let mut peer = server.accept().await;
        let own = peer.owned(members).await;
        assert_eq!(own["cursor"], json!({"epoch": cursor.epoch.as_str(), "seq": cursor.seq.get()}));
        (soon(opening).await.unwrap().unwrap(), server, peer)
    }

    /// Returns an owner that has just created its room.
    pub(super) async fn created(options: Options) -> (Owner, Self, Peer) {
        let (opening, mut server) = Self::owner(Beginning::Create(RoomOptions::default()), options);
        let mut peer = server.accept().await;
        peer.creates().await;
        (soon(opening).await.unwrap().unwrap(), server, peer)
    }

    async fn stream(&mut self) -> DuplexStream {
        soon(self.0.recv()).await.expect("no client will connect")
    }

    /// Returns the next connection.
    pub(super) async fn accept(&mut self) -> Peer {
        Self::shake(self.stream().await).await
    }

    async fn shake(stream: DuplexStream) -> Peer {
        #[allow(clippy::result_large_err, reason = "the callback's type is not ours")]
        let speak_v2 = |request: &Request, mut response: Response| {
            assert_eq!(request.headers()["sec-websocket-protocol"], "rtbroadcaster.v2");
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("rtbroadcaster.v2"));
            Ok(response)
        };
        Peer(soon(tokio_tungstenite::accept_hdr_async(stream, speak_v2)).await.unwrap())
    }

    /// Returns the next connection, which carries `bytes_per_second` from the server.
    pub(super) async fn accept_slow(&mut self, bytes_per_second: usize) -> Peer {
        let client = self.stream().await;
        let (here, there) = tokio::io::duplex(1 << 20);
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(there);
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        tokio::spawn(async move {
            let mut part = vec![0; bytes_per_second / 10];
            while let Ok(count @ 1..) = from_server.read(&mut part).await {
                sleep(Duration::from_millis(100)).await;
                if to_client.write_all(&part[..count]).await.is_err() {
                    return;
                }
            }
        });
        Self::shake(here).await
    }

    /// Returns the next connection, as bytes, once the client has sent its handshake.
    pub(super) async fn asked(&mut self) -> DuplexStream {
        let mut stream = self.stream().await;
        let mut request = [0; 4_096];
        assert!(soon(stream.read(&mut request)).await.unwrap() > 0);
        stream
    }

    /// Drops the next connection before it answers the handshake.
    pub(super) async fn lose(&mut self) {
        drop(self.stream().await);
    }

    /// Answers the next connection with this HTTP response.
    pub(super) async fn answer(&mut self, head: &str) {
        let mut stream = self.asked().await;
        stream.write_all(format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// Checks that no client connects any more, for as long as a test may wait.
    pub(super) async fn is_left_alone(&mut self) {
        let next = timeout(DEADLINE, self.0.recv()).await;
        assert!(!matches!(next, Ok(Some(_))), "a client connected");
    }
}

impl Peer {
    /// Returns the next request.
    pub(super) async fn asked(&mut self) -> Value {
        loop {
            match soon(self.0.next()).await.expect("the client is gone").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                other => assert!(other.is_pong(), "{other:?}"),
            }
        }
    }

    pub(super) async fn says(&mut self, text: Value) {
        soon(self.0.send(Message::text(text.to_string()))).await.unwrap();
    }

    /// Sends any text. Returns whether the client is connected.
    pub(super) async fn may_say(&mut self, text: String) -> bool {
        soon(self.0.send(Message::text(text))).await.is_ok()
    }

    /// Answers a join with these members besides, and returns it.
    pub(super) async fn joins(&mut self, members: Value) -> Value {
        let join = self.asked().await;
        assert_eq!((&join["type"], &join["room"]), (&json!("join"), &json!(ROOM)), "{join}");
        let mut joined = json!({"type": "joined", "id": join["id"], "room": ROOM, "epoch": "e", "term": 1, "seq": 0,
            "how": "snapshot", "replay": 0, "owner": "live", "aliveMs": 25_000});
        joined.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.says(joined).await;
        join
    }

    /// Answers `create`, and returns it.
    pub(super) async fn creates(&mut self) -> Value {
        self.creates_with(json!({})).await
    }

    /// Answers `create` with these members besides, and returns it.
    pub(super) async fn creates_with(&mut self, members: Value) -> Value {
        let create = self.asked().await;
        assert_eq!(create["type"], "create", "{create}");
        let mut created = json!({"type": "created", "id": create["id"], "room": ROOM, "ownerKey": key(), "epoch": "e",
            "term": 1, "seq": 0, "aliveMs": 25_000});
        created.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.says(created).await;
        create
    }

    /// Answers the next ping.
    pub(super) async fn pongs(&mut self) {
        let ping = self.asked().await;
        assert_eq!(ping["type"], "ping", "{ping}");
        self.says(json!({"type": "pong", "id": ping["id"], "seq": 0})).await;
    }

    /// Answers `own`, with the room at `seq` and no state, as a server that does not know owners' cursors.
    pub(super) async fn owns(&mut self, term: u64, seq: u64) {
        self.owned(json!({"term": term, "seq": seq})).await;
    }

    /// Answers `own` with these members besides, and returns it.
    pub(super) async fn owned(&mut self, members: Value) -> Value {
        let own = self.asked().await;
        let mut expected = json!({"type": "own", "id": own["id"], "room": ROOM, "ownerKey": key(), "lives": true});
        if let Some(cursor) = own.get("cursor") {
            expected["cursor"] = cursor.clone();
        }
        assert_eq!(own, expected);
        let mut owned = json!({"type": "owned", "id": own["id"], "room": ROOM, "epoch": "e", "term": 2, "seq": 0,
            "replay": 0, "aliveMs": 25_000});
        owned.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.says(owned).await;
        own
    }

    /// Sends message `seq`, a state value.
    pub(super) async fn sets(&mut self, seq: u64, key: &str) {
        self.says(json!({"type": "message", "seq": seq, "key": key, "params": [seq], "state": true})).await;
    }

    /// Sends message `seq`, an event.
    pub(super) async fn rings(&mut self, seq: u64) {
        self.says(json!({"type": "message", "seq": seq, "key": "bell", "params": [seq]})).await;
    }

    /// Acknowledges a request.
    pub(super) async fn acks(&mut self, asked: &Value, seq: u64) {
        self.says(json!({"type": "ack", "id": asked["id"], "seq": seq})).await;
    }

    /// Closes without `closed`, with any code.
    pub(super) async fn closes_bare(mut self, code: u16) {
        let [high, low] = code.to_be_bytes();
        soon(self.0.get_mut().write_all(&[0x88, 2, high, low])).await.unwrap();
        self.until_left().await;
    }

    /// Sends `closed` and closes.
    pub(super) async fn closes(mut self, code: u16, reason: &'static str) {
        if code < 4_000 || reason != "bare" {
            self.says(json!({"type": "closed", "reason": reason})).await;
        }
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        soon(self.0.send(Message::Close(Some(frame)))).await.unwrap();
        // The client answers, or has disconnected.
        while let Some(Ok(_)) = soon(self.0.next()).await {}
    }

    /// Sends a WebSocket ping, and does not wait for the pong.
    pub(super) async fn pings(&mut self, payload: String) {
        soon(self.0.send(Message::Ping(payload.into()))).await.unwrap();
    }

    /// Returns the next WebSocket message; `None` if the client has disconnected.
    pub(super) async fn next(&mut self) -> Option<Message> {
        soon(self.0.next()).await.map(|message| message.unwrap())
    }

    /// Waits until the client has disconnected.
    pub(super) async fn until_left(mut self) {
        while let Some(Ok(_)) = soon(self.0.next()).await {}
    }

    /// Waits until the client has disconnected, and returns the texts that it sent before.
    pub(super) async fn last_words(mut self) -> Vec<Value> {
        let mut said = Vec::new();
        while let Some(Ok(message)) = soon(self.0.next()).await {
            said.extend(message.to_text().ok().and_then(|text| serde_json::from_str::<Value>(text).ok()));
        }
        said
    }

    /// Waits until the client has read everything, which the pong to a ping proves.
    pub(super) async fn is_heard(&mut self) {
        soon(self.0.send(Message::Ping("?".into()))).await.unwrap();
        assert!(soon(self.0.next()).await.unwrap().unwrap().is_pong());
    }

    /// Cuts the connection once the client has read everything.
    pub(super) async fn cuts(mut self) {
        self.is_heard().await;
    }
}

/// Returns an item as a short text.
pub(super) fn short(heard: &Heard) -> String {
    match heard {
        Heard::State { reset: None, state } => format!("state {} of {}", state.len(), state.seq()),
        Heard::State { reset: Some(reason), state } => format!("{reason:?} {} of {}", state.len(), state.seq()),
        Heard::Message(message) => match message.seq() {
            Some(seq) => format!("{seq} {} {}", message.key(), message.params().as_str()),
            None => format!("- {} {}", message.key(), message.params().as_str()),
        },
        Heard::Cleared { seq, key } => format!("{seq} {} cleared", key.as_str()),
        Heard::Skipped { through } => format!("skipped {through}"),
        Heard::Owner { status, term } => format!("owner {status:?} {term}"),
        Heard::SignalRefused(refused) => format!("refused {}", refused.code()),
    }
}

/// Returns the next item as a short text.
pub(super) async fn next(messages: &mut Messages) -> String {
    short(&soon(messages.next()).await.expect("there is no more"))
}

/// Returns the members of an answer with the time to the next frame and the default limits.
pub(super) fn telling(next_ms: u64) -> Value {
    let limits = json!({"messageBytes": 65_536, "keyBytes": 256, "idBytes": 64, "depth": 32, "signalBytes": 4_096,
        "signalsPerSecond": 5});
    json!({"nextMs": next_ms, "limits": limits})
}

/// Waits for a status.
pub(super) async fn reaches(viewer: &Viewer, is_it: impl FnMut(&Status) -> bool) -> Status {
    soon(viewer.watch_status().wait_for(is_it)).await.unwrap().clone()
}

/// Returns an event.
pub(super) fn bell(number: u32) -> Said {
    Said::event("bell", [number]).unwrap()
}
