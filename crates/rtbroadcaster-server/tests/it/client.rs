//! A client of the classic protocol, by an independent WebSocket implementation.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::connection::Connection;
use crate::server::{DEADLINE, Server, soon};

/// One client.
pub(crate) struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// A client in no room.
    pub(crate) async fn open(server: &Server) -> Self {
        let connecting = tokio_tungstenite::connect_async(&server.url);
        Self { stream: soon("the upgrade", connecting).await.unwrap().0 }
    }

    /// A client on a connection that is there already, with these headers besides.
    pub(crate) async fn open_on(connection: Connection, server: &Server, headers: &[(&'static str, &str)]) -> Self {
        let mut request = server.url.as_str().into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = MaybeTlsStream::Plain(connection.into_stream());
        let connecting = tokio_tungstenite::client_async(request, stream);
        Self { stream: soon("the upgrade", connecting).await.unwrap().0 }
    }

    /// A client that has just opened a room, and the room's name.
    pub(crate) async fn owner(server: &Server) -> (Self, String) {
        let mut client = Self::open(server).await;
        let room = client.create().await;
        (client, room)
    }

    /// Opens a room and gives its name.
    pub(crate) async fn create(&mut self) -> String {
        self.say(json!({"status": {"value": 1}})).await;
        let answer = self.hear().await;
        assert_eq!(answer["status"], json!({"value": 3, "text": "connected"}));
        answer["uuid"].as_str().unwrap().to_owned()
    }

    /// A client that has just joined a room.
    pub(crate) async fn viewer(server: &Server, room: &str) -> Self {
        let mut client = Self::open(server).await;
        client.join(room).await;
        client
    }

    /// Joins a room without a state.
    pub(crate) async fn join(&mut self, room: &str) {
        self.say(json!({"uuid": room, "status": {"value": 2}})).await;
        assert_eq!(self.hear().await["status"]["value"], 3);
    }

    /// Says the event `bell` in its own room.
    pub(crate) async fn ring(&mut self, number: u32) {
        self.say(json!({"status": {"value": 3}, "funcKey": "bell", "funcParams": [number]})).await;
    }

    /// The next message is that event.
    pub(crate) async fn hear_ring(&mut self, number: u32) {
        let message = self.hear().await;
        assert_eq!((&message["funcKey"], &message["funcParams"]), (&json!("bell"), &json!([number])));
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Sends all of them at once, and reads nothing meanwhile.
    pub(crate) async fn say_all(&mut self, messages: impl Iterator<Item = Value>) {
        for message in messages {
            self.stream.feed(Message::text(message.to_string())).await.unwrap();
        }
        self.stream.flush().await.unwrap();
    }

    async fn next(&mut self) -> Message {
        soon("a frame", self.stream.next()).await.expect("the connection ended without a close frame").unwrap()
    }

    /// The next message but how many watch, and that the server is heard more often for that, which come at their own
    /// time as a ping does.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) if text.starts_with(r#"{"type":"audience""#) || tells_of_a_viewer(&text) => {}
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The next message, which has the number of viewers.
    pub(crate) async fn hear_audience(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) if text.starts_with(r#"{"type":"audience""#) => {
                    return serde_json::from_str(&text).unwrap();
                }
                Message::Text(text) if tells_of_a_viewer(&text) => {}
                Message::Ping(_) => {}
                other => panic!("not how many watch: {other:?}"),
            }
        }
    }

    /// The code of the close frame that comes next.
    pub(crate) async fn end(&mut self) -> u16 {
        self.end_within(DEADLINE).await
    }

    /// The code of the close frame that comes next, however long it takes up to `limit`.
    pub(crate) async fn end_within(&mut self, limit: Duration) -> u16 {
        let frame = tokio::time::timeout(limit, self.stream.next()).await.expect("the server keeps the connection");
        match frame.unwrap().unwrap() {
            Message::Close(Some(close)) => close.code.into(),
            other => panic!("no close frame with a code: {other:?}"),
        }
    }

    /// Whether nothing comes, not even an end, for `time`.
    pub(crate) async fn hears_nothing_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stream.next()).await.is_err()
    }
}

/// Whether this message announces shorter heartbeats to an owner, since there are viewers.
fn tells_of_a_viewer(text: &str) -> bool {
    text.starts_with(r#"{"type":"alive","#) && text.ends_with(r#","nextMs":5000}"#)
}
