//! Clients of the SDK, with its default options, all in one process of Node.js. Must not know the faults of their
//! connections.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::Events;
use crate::node;
use crate::steps::{Failure, root};

/// The process. Dropping it ends all clients without a close.
pub(in crate::chaos) struct Sdk {
    child: Child,
    orders: Mutex<ChildStdin>,
    reading: JoinHandle<()>,
}

impl Sdk {
    /// Starts Node.js, whose clients report to `events`.
    pub(in crate::chaos) fn start(events: &Events) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("Node.js does not start: {error}"));
        let mut command = Command::new("node");
        command.arg(root().join("trials/src/chaos/clients/sdk.mjs")).arg(root().join("sdk/javascript/index.js"));
        command.arg(node::websocket());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("Node.js has no pipes"));
        };
        let reading = tokio::spawn(read(BufReader::new(stdout).lines(), events.clone()));
        Ok(Self { child, orders: Mutex::new(stdin), reading })
    }

    /// Starts to watch a room.
    pub(in crate::chaos) async fn watch(&self, client: u32, url: &str, room: &str) -> Result<(), Failure> {
        self.order(json!({"do": "watch", "client": client, "url": url, "room": room})).await
    }

    /// Creates a room and owns it.
    pub(in crate::chaos) async fn host(&self, client: u32, url: &str) -> Result<(), Failure> {
        self.order(json!({"do": "host", "client": client, "url": url})).await
    }

    /// Has an owner publish a message.
    pub(in crate::chaos) async fn publish(
        &self,
        client: u32,
        number: u64,
        padding_bytes: usize,
    ) -> Result<(), Failure> {
        self.order(json!({"do": "publish", "client": client, "number": number, "bytes": padding_bytes})).await
    }

    /// Returns the id of its process.
    pub(in crate::chaos) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    async fn order(&self, order: Value) -> Result<(), Failure> {
        let written = self.orders.lock().await.write_all(format!("{order}\n").as_bytes()).await;
        written.map_err(|error| Failure::new(format!("Node.js takes no order: {error}")))
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Forwards the events that the process prints, until it ends.
async fn read(mut lines: Lines<BufReader<ChildStdout>>, events: Events) {
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(event) => _ = events.send(event).await,
            Err(error) => println!("  Node.js printed {line}: {error}"),
        }
    }
}
