//! An owner and a viewer of one kind, each behind a relay that counts its connections. Must not know why a server ends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::Command;

use super::Former;
use super::build::FormerClients;
use super::process::Process;
use crate::chaos::relay::Relay;
use crate::model::fault::{Fault, Faults};
use crate::steps::{Failure, root};

/// The names of the kinds.
pub(super) const LIBRARY: &str = "former Rust clients";
pub(super) const SDK: &str = "former SDK";

/// The messages after each restart: two values and one clear.
const MESSAGES: u64 = 3;

/// The most connections of one client to one server.
const CONNECTIONS_MAX: u64 = 3;

/// The state of a room.
type PairState = BTreeMap<String, Value>;

/// An owner and its viewer.
pub(super) struct Pair {
    name: &'static str,
    owner: Process,
    viewer: Process,
    relays: [Relay; 2],
    /// The connections that each had made when the newest server started.
    before: [u64; 2],
    /// The owner's state, and the viewer's.
    said: PairState,
    seen: PairState,
    acked: u64,
    asked: Instant,
    connections: [u64; 2],
    back: Duration,
    pub(super) faults: Faults,
}

impl Pair {
    /// Lets the owner make a room and the viewer join it.
    pub(super) async fn open(
        name: &'static str,
        clients: &FormerClients,
        address: SocketAddr,
        keys: &Path,
    ) -> Result<Self, Failure> {
        let relays = [Relay::open(address).await?, Relay::open(address).await?];
        let mut owner = Process::start(format!("{name}, the owner"), owns(clients, relays[0].url(), keys))?;
        let created = owner.read().await?;
        let room = created["room"].as_str().unwrap_or_default().to_owned();
        if created["type"] != "created" || room.is_empty() {
            return Err(Failure::new(format!("{name}: {created} instead of a room")));
        }
        let viewer = Process::start(format!("{name}, the viewer"), watches(clients, relays[1].url(), &room))?;
        let (said, seen, asked) = (PairState::new(), PairState::new(), Instant::now());
        let (before, connections, back) = ([0; 2], [0; 2], Duration::ZERO);
        let faults = Faults::default();
        Ok(Self { name, owner, viewer, relays, before, said, seen, acked: 0, asked, connections, back, faults })
    }

    /// Lets the owner publish the messages of one round, on whichever server it is, and waits for all of them.
    pub(super) async fn speak(mut self, round: usize) -> Result<Self, Failure> {
        self.ask(round).await?;
        self.hear(round).await?;
        self.count();
        Ok(self)
    }

    async fn ask(&mut self, round: usize) -> Result<(), Failure> {
        self.asked = Instant::now();
        for (key, params) in [("slide", json!([round])), (&*format!("round {round}"), json!([self.name]))] {
            self.owner.write(&json!({"key": key, "params": params, "state": true}).to_string()).await?;
            self.said.insert(key.into(), params);
        }
        let cleared = format!("round {}", round.saturating_sub(2));
        self.owner.write(&json!({"key": cleared, "clear": true}).to_string()).await?;
        self.said.remove(&cleared);
        Ok(())
    }

    /// Waits until all of it is acknowledged, and until the viewer has the owner's state.
    async fn hear(&mut self, round: usize) -> Result<(), Failure> {
        for _ in 0..MESSAGES {
            let line = self.owner.read().await?;
            if line["type"] == "ack" {
                self.acked += 1;
            } else {
                self.faults.note(Fault::FalseAck, || format!("{}, round {round}: {line}", self.name));
            }
        }
        while self.seen != self.said {
            let line = self.viewer.read().await;
            let line =
                line.map_err(|failure| Failure::new(format!("{failure}: {:?}, not {:?}", self.seen, self.said)))?;
            self.see(&line);
        }
        if round > 0 {
            self.back = self.back.max(self.asked.elapsed());
        }
        Ok(())
    }

    fn see(&mut self, line: &Value) {
        let key = line["key"].as_str().unwrap_or_default();
        match line["type"].as_str() {
            Some("state") => {
                let state = line["state"].as_object().into_iter().flatten();
                self.seen = state.map(|(key, params)| (key.clone(), params.clone())).collect();
            }
            Some("message") if line["state"] == true => drop(self.seen.insert(key.into(), line["params"].clone())),
            Some("message") if line["cleared"] == true => drop(self.seen.remove(key)),
            _ => {}
        }
    }

    /// Records that a server has ended.
    pub(super) fn forget_connections(&mut self) {
        self.before = self.relays.each_ref().map(|relay| relay.tally().served);
    }

    /// Counts the connections to the newest server: more than `CONNECTIONS_MAX` are a loop.
    fn count(&mut self) {
        for (place, relay) in self.relays.iter().enumerate() {
            let connections = relay.tally().served - self.before[place];
            self.connections[place] = self.connections[place].max(connections);
            if connections > CONNECTIONS_MAX {
                self.faults.note(Fault::OddEnd, || format!("{}: {connections} connections to one server", self.name));
            }
        }
    }

    /// Returns the outcome.
    pub(super) fn end(self, restarts: usize) -> (&'static str, Former) {
        let Self { name, acked, connections, back, .. } = self;
        (name, Former::Ran { restarts, acked, connections, back })
    }
}

/// Returns the command of an owner that publishes the lines that it reads.
fn owns(clients: &FormerClients, url: &str, keys: &Path) -> Command {
    match clients {
        FormerClients::Program(program) => {
            let mut command = Command::new(program);
            command.args(["publish", url, "--patience", "0", "--owner-key-file"]).arg(keys.join("room.key"));
            command
        }
        FormerClients::Sdk { folder, flags } => {
            let mut command = node(folder, flags);
            command.args(["host", url]);
            command
        }
    }
}

/// Returns the command of a viewer that writes the messages that it receives.
fn watches(clients: &FormerClients, url: &str, room: &str) -> Command {
    match clients {
        FormerClients::Program(program) => {
            let mut command = Command::new(program);
            command.args(["watch", "--patience", "0", url, room]);
            command
        }
        FormerClients::Sdk { folder, flags } => {
            let mut command = node(folder, flags);
            command.args(["join", url, room]);
            command
        }
    }
}

fn node(folder: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.args(flags).arg(root().join("trials/src/chaos/restores/former/clients.mjs")).arg(folder.join("index.js"));
    command
}
