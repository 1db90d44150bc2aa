//! A link of 4 KB/s, which is slow and not dead: viewers join a room whose state takes 15 s, and owners publish
//! messages that take as long. No client and no server may give such a connection up. Must not know frames.

mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rtbroadcaster::Message;
use rtbroadcaster::remote::Owner;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::Given;
use super::clients::{Client, ClientKind, ClientStatus, Event, EventKind, events};
use super::relay::{Relay, RelayOptions};
use crate::load::server::Server;
use crate::load::{built, on_a_thread, outcome};
use crate::node;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;

/// The speed of the link.
const BYTES_PER_SECOND: u32 = 4_000;

/// The state of the room, as one value.
const STATE_BYTES: usize = 60_000;

/// The owner's messages: so many, all at once, of so many bytes.
const MESSAGES: u64 = 3;
const MESSAGE_BYTES: usize = 60_000;

/// The most time of a viewer, and of an owner: over twice what the link needs.
const VIEWER: Duration = Duration::from_secs(60);
const OWNER: Duration = Duration::from_secs(120);

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(300);

/// The role of the client behind the slow link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Viewer,
    Owner,
}

/// The outcome of one client.
#[derive(Debug)]
struct ClientOutcome {
    kind: ClientKind,
    role: Role,
    /// When the viewer was in, or all messages of the owner acknowledged.
    done: Option<Duration>,
    /// The number of connections it made.
    connections: u64,
    /// The number of the owner's messages that failed.
    failed: u64,
    /// Why it gave up for good, if it did.
    ended: Option<String>,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan;

impl Scenario for Plan {
    type Options = ();
    type Given = Given;

    fn plans(_: &(), _: Given) -> Vec<Self> {
        vec![Self]
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(steps).map(Report::from)
    }
}

/// Runs the plan.
fn measure(steps: &mut Steps) -> Result<Findings, Failure> {
    node::ensure_websocket(steps)?;
    let started = Instant::now();
    let program = built("rtbroadcaster");
    let server = Server::start(&program, &["--log", "error"])?;
    let address = server.address();
    let pasts = outcome(on_a_thread(LIMIT, move || play(address, program)))?;
    server.stop()?;
    Ok(Findings { pasts, time: started.elapsed() })
}

async fn play(server: SocketAddr, program: PathBuf) -> Result<Vec<ClientOutcome>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("the room's owner: {error}"));
    let direct = format!("ws://{server}/broadcasting");
    let owner = Owner::create(&direct).await.map_err(|error| failed(&error))?;
    let published = owner.publish(Message::state("picture", ["x".repeat(STATE_BYTES)]).expect("it has no fault")).await;
    published.map_err(|error| failed(&error))?;
    let room = owner.room().to_string();
    let mut running = JoinSet::new();
    for kind in ClientKind::ALL {
        running.spawn(watch(kind, server, program.clone(), room.clone()));
        running.spawn(own(kind, server, program.clone()));
    }
    let mut pasts = Vec::new();
    while let Some(past) = running.join_next().await {
        pasts.push(past.map_err(|error| Failure::new(error.to_string()))??);
    }
    pasts.sort_by_key(|past| (past.role == Role::Owner, past.kind));
    Ok(pasts)
}

async fn slow(server: SocketAddr) -> Result<Relay, Failure> {
    Relay::open_as(server, RelayOptions { bytes_per_second: Some(BYTES_PER_SECOND), ..RelayOptions::default() }).await
}

/// Runs a viewer that joins.
async fn watch(kind: ClientKind, server: SocketAddr, program: PathBuf, room: String) -> Result<ClientOutcome, Failure> {
    let (relay, (told, mut received)) = (slow(server).await?, events());
    let begun = Instant::now();
    let _viewer = Client::watch(kind, &program, 0, relay.url(), &room, &told).await?;
    let inside = async {
        while let Some(Event { what, .. }) = received.recv().await {
            match what {
                EventKind::Status { name, .. } if name.is_inside() => return Ok(begun.elapsed()),
                EventKind::Status { name: ClientStatus::Closed, reason } => return Err(reason),
                _ => {}
            }
        }
        Err(None)
    };
    let (done, ended) = match timeout_at((begun + VIEWER).into(), inside).await {
        Ok(Ok(done)) => (Some(done), None),
        Ok(Err(reason)) => (None, reason),
        Err(_) => (None, None),
    };
    Ok(ClientOutcome { kind, role: Role::Viewer, done, connections: relay.tally().connections, failed: 0, ended })
}

/// Runs an owner that publishes.
async fn own(kind: ClientKind, server: SocketAddr, program: PathBuf) -> Result<ClientOutcome, Failure> {
    let (relay, (told, mut received)) = (slow(server).await?, events());
    let mut owner = Client::host(kind, &program, 0, relay.url(), &told).await?;
    let begun = Instant::now();
    let (mut acked, mut failed, mut ended) = (0, 0, None);
    let settled = async {
        while acked + failed < MESSAGES {
            match received.recv().await.map(|event| event.what) {
                Some(EventKind::Opened { .. }) => {
                    for number in 1..=MESSAGES {
                        owner.publish(number, MESSAGE_BYTES).await?;
                    }
                }
                Some(EventKind::Acked { .. }) => acked += 1,
                Some(EventKind::Failed { .. }) => failed += 1,
                Some(EventKind::Status { name: ClientStatus::Closed, reason }) => {
                    ended = reason;
                    break;
                }
                None => break,
                _ => {}
            }
        }
        Ok::<_, Failure>(())
    };
    if let Ok(settled) = timeout_at((begun + OWNER).into(), settled).await {
        settled?;
    }
    let done = (acked == MESSAGES).then(|| begun.elapsed());
    Ok(ClientOutcome { kind, role: Role::Owner, done, connections: relay.tally().connections, failed, ended })
}
