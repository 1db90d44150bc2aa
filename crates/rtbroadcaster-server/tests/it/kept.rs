//! Servers that keep their rooms in a directory, and rooms with their owners and viewers.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{Server, program};

/// A directory that is removed after its test.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("rtbroadcaster-{name}-{}", std::process::id())))
    }

    pub(crate) async fn server(&self, arguments: &[&str]) -> Server {
        let directory = self.0.to_str().unwrap();
        Server::started_by(&mut program(), &[&["--data-dir", directory][..], arguments].concat()).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A client of version 2.
pub(crate) async fn client(server: &Server) -> Client {
    let headers = [("sec-websocket-protocol", "rtbroadcaster.v2")];
    Client::open_on(Connection::open(server).await, server, &headers).await
}

pub(crate) async fn ask(client: &mut Client, request: Value) -> Value {
    client.say(request).await;
    client.hear().await
}

/// A room with its owner.
pub(crate) struct Room {
    pub(crate) owner: Client,
    pub(crate) name: String,
    pub(crate) key: String,
}

impl Room {
    pub(crate) async fn create(server: &Server) -> Self {
        Self::create_as(server, json!({"type": "create", "id": "c"})).await
    }

    pub(crate) async fn create_as(server: &Server, create: Value) -> Self {
        let mut owner = client(server).await;
        let created = ask(&mut owner, create).await;
        let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        Self { owner, name: text("room"), key: text("ownerKey") }
    }

    pub(crate) async fn says(&mut self, number: u32) -> u64 {
        let ack = ask(&mut self.owner, message(number)).await;
        assert_eq!((&ack["type"], &ack["id"]), (&json!("ack"), &json!(number.to_string())), "{ack}");
        ack["seq"].as_u64().unwrap()
    }

    /// A viewer that has joined, and the answer.
    pub(crate) async fn viewer(&self, server: &Server, cursor: Option<Value>) -> (Client, Value) {
        let mut viewer = client(server).await;
        let mut join = json!({"type": "join", "id": "j", "room": self.name});
        if let Some(cursor) = cursor {
            (join["cursor"], join["lives"]) = (cursor, json!(true));
        }
        let joined = ask(&mut viewer, join).await;
        (viewer, joined)
    }

    /// The owner comes back by its key.
    pub(crate) async fn return_to(&mut self, server: &Server) -> Value {
        self.owner = client(server).await;
        let own = json!({"type": "own", "id": "o", "room": self.name, "ownerKey": self.key});
        let owned = ask(&mut self.owner, own).await;
        for _ in 0..owned["replay"].as_u64().unwrap_or(0) {
            self.owner.hear().await;
        }
        owned
    }
}

pub(crate) fn message(number: u32) -> Value {
    json!({"type": "publish", "id": number.to_string(), "key": "n", "params": [number]})
}
