//! The contract of a shared log, and rooms over nodes, on real NATS servers. `cargo xtask nats` installs these and runs
//! the tests.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rtbroadcaster_client::{Heard, Status, Viewer};
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::{RoomName, Seq};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::refusal::{CreateError, PublishError};
use tokio::time::timeout;

use super::feed::Followers;
use super::log::NatsLog;
use super::settings::Settings;
use super::{Durability, Nats, NatsError};
use crate::engine::shared::contract::keeps_the_contract;
use crate::manager::Manager;
use crate::os_random::OsRandom;
use crate::rights::Rights;

/// The variable that names the program.
const PROGRAM: &str = "RTBROADCASTER_NATS_SERVER";

/// A NATS server with JetStream on a port of its own, killed when it is dropped.
struct NatsServer {
    process: Option<Child>,
    port: u16,
    folder: PathBuf,
}

impl NatsServer {
    fn start() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rtbroadcaster-nats-{}-{number}", std::process::id()));
        let mut server = Self { process: None, port, folder };
        server.run();
        server
    }

    fn run(&mut self) {
        let program = std::env::var_os(PROGRAM).expect("RTBROADCASTER_NATS_SERVER names the program");
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string(), "--jetstream", "--store_dir"]);
        let process = command.arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(process);
    }

    /// Ends it by SIGKILL.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn nats(&self) -> Nats {
        Nats::at(format!("nats://127.0.0.1:{}", self.port)).replicas(1)
    }

    /// Returns the log as a node reaches it.
    async fn log(&self) -> Arc<NatsLog> {
        let nats = self.nats();
        let (followers, settings) = (Arc::new(Followers::default()), Settings::of(&nats, &Config::default()).unwrap());
        let client =
            eventually(|| nats.connect(&followers, tokio::sync::watch::Sender::new(super::Health::Fine))).await;
        settings.ensure(&client).await.unwrap();
        Arc::new(NatsLog::new(client, "rtb", settings.stream(), followers))
    }

    /// Returns a node.
    async fn node(&self, config: &Config) -> Manager {
        let nats = self.nats();
        eventually(|| Manager::builder(config.clone()).engine(nats.clone()).open()).await
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Tries until it succeeds: a server needs a moment to start.
async fn eventually<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), what).await.expect("in time")
}

fn config() -> Config {
    Config { secret: Some(Secret::random(&OsRandom)), ..Config::default() }
}

async fn watch(node: &Manager, room: &rtbroadcaster_core::id::RoomId) -> Viewer {
    let viewer = Viewer::join(node.in_memory(Rights::anything()), room.clone()).unwrap();
    soon(viewer.inside()).await.unwrap();
    viewer
}

async fn has(viewer: &Viewer, seq: Seq) {
    soon(viewer.watch_state().wait_for(|state| state.seq() >= seq)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_keeps_the_contract() {
    let server = NatsServer::start();
    keeps_the_contract([server.log().await, server.log().await]).await;
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_rooms_are_the_same_on_every_node() {
    let server = NatsServer::start();
    let config = config();
    let (here, there) = (server.node(&config).await, server.node(&config).await);
    let owner = here.create_room().await.unwrap();
    owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let viewer = watch(&there, &owner.room()).await;
    assert_eq!(viewer.state().parse::<[u8; 1]>("slide").unwrap().unwrap(), [1]);
    let mut messages = viewer.messages();
    for number in 0..500_u32 {
        owner.publish(Message::event("n", [number]).unwrap()).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 500 {
        if let Some(Heard::Message(message)) = soon(messages.next()).await {
            heard.push(message.params().parse::<[u32; 1]>().unwrap()[0]);
        }
    }
    assert!(heard.is_sorted() && heard.len() == 500);
    let newer = there.own(&owner.room(), owner.key()).await.unwrap();
    assert_eq!(owner.publish(Message::event("late", ()).unwrap()).await, Err(PublishError::Fenced));
    let seq = newer.publish(Message::state("slide", [2]).unwrap()).await.unwrap();
    has(&viewer, seq).await;
    has(&watch(&here, &owner.room()).await, seq).await;
    let named = || RoomOptions::new().with_name("final".parse::<RoomName>().unwrap());
    let _owner = here.create_room_with(named()).await.unwrap();
    assert_eq!(there.create_room_with(named()).await.err(), Some(CreateError::Exists));
    newer.close().await.unwrap();
    let mut status = viewer.watch_status();
    soon(status.wait_for(|status| status.closing().is_some())).await.unwrap();
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_that_is_killed_and_started_again_loses_and_repeats_nothing() {
    let mut server = NatsServer::start();
    let config = config();
    let (here, there) = (server.node(&config).await, server.node(&config).await);
    let owner = here.create_room().await.unwrap();
    let viewer = watch(&there, &owner.room()).await;
    let mut messages = viewer.messages();
    let mut acked = 0;
    for round in 0..3 {
        for number in 0..100_u32 {
            if number == 50 {
                server.kill();
                let begun = owner.send(Message::event("n", [round * 100 + number]).unwrap()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(500)).await;
                server.run();
                assert!(soon(begun).await.is_ok(), "it waits until the server is back");
            } else {
                soon(owner.publish(Message::event("n", [round * 100 + number]).unwrap())).await.unwrap();
            }
            acked += 1;
        }
    }
    let mut heard = Vec::new();
    while heard.len() < acked {
        if let Some(Heard::Message(message)) = soon(messages.next()).await {
            heard.push(message.params().parse::<[u32; 1]>().unwrap()[0]);
        }
    }
    assert_eq!(heard, (0..300).collect::<Vec<_>>());
    assert_eq!(viewer.status(), Status::Live);
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_holds_a_room_of_thousands_of_messages_in_few_entries() {
    let server = NatsServer::start();
    let config = config();
    let (here, there) = (server.node(&config).await, server.node(&config).await);
    let owner = here.create_room().await.unwrap();
    for number in 0..2_000_u32 {
        owner.publish(Message::state(&format!("k{}", number % 50), [number]).unwrap()).await.unwrap();
    }
    let viewer = watch(&there, &owner.room()).await;
    assert_eq!((viewer.state().seq().get(), viewer.state().len()), (2_000, 50));
    // Further than entries reach back: only by checkpoints.
    for number in 0..4_000_u32 {
        owner.publish(Message::event("n", [number]).unwrap()).await.unwrap();
    }
    let third = server.node(&config).await;
    let viewer = watch(&third, &owner.room()).await;
    assert_eq!((viewer.state().seq().get(), viewer.state().len()), (6_000, 50));
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_settings_are_read_back() {
    let server = NatsServer::start();
    let nats = server.nats();
    let (followers, settings) = (Arc::new(Followers::default()), Settings::of(&nats, &Config::default()).unwrap());
    let client = eventually(|| nats.connect(&followers, tokio::sync::watch::Sender::new(super::Health::Fine))).await;
    let (durability, now) = settings.ensure(&client).await.unwrap();
    assert_eq!(durability, Durability::ClusterMemory, "one server");
    let here = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(here.abs_diff(now) < Duration::from_secs(60), "{now:?}");
    // The same stream, but with less than this node needs.
    let more = Settings::of(
        &nats,
        &Config {
            owner_grace_max: rtbroadcaster_core::limit::Limit::Max(Duration::from_secs(90 * 86_400)),
            ..Config::default()
        },
    );
    assert!(matches!(more.unwrap().ensure(&client).await, Err(NatsError::Setting { setting: "max_age", .. })));
    let large = Config { message_bytes_max: rtbroadcaster_core::limit::Limit::Max(8 << 20), ..Config::default() };
    let large = Settings::of(&nats, &large).unwrap();
    assert!(matches!(large.ensure(&client).await, Err(NatsError::Payload { .. })));
    let without = Manager::builder(Config::default()).engine(nats.clone()).open().await;
    assert!(without.is_err_and(|error| std::error::Error::source(&error).unwrap().to_string().contains("secret_file")));
}
