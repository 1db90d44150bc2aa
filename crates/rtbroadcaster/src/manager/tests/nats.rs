//! Rooms over several nodes, on real NATS servers. `cargo xtask nats` installs these and runs the tests.

use std::time::Duration;

use rtbroadcaster_client::{Heard, Status, Viewer};
use rtbroadcaster_core::id::{RoomName, Seq};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::refusal::PublishError;
use tokio::time::timeout;

use super::super::*;
use crate::engine::nats::Nats;
use crate::engine::nats::test_server::{NatsServer, eventually};
use crate::metrics::LogStatus;
use crate::os_random::OsRandom;
use crate::rights::Rights;

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), what).await.expect("in time")
}

fn config() -> Config {
    Config { secret: Some(Secret::random(&OsRandom)), ..Config::default() }
}

async fn watch(node: &Manager, room: &RoomId) -> Viewer {
    let viewer = Viewer::join(node.in_memory(Rights::anything()), room.clone()).unwrap();
    soon(viewer.inside()).await.unwrap();
    viewer
}

async fn has(viewer: &Viewer, seq: Seq) {
    soon(viewer.watch_state().wait_for(|state| state.seq() >= seq)).await.unwrap();
}

/// Returns a node.
async fn node(server: &NatsServer, config: &Config) -> Manager {
    let nats = server.nats();
    let node = Manager::builder(config.clone()).engine(nats).open().await.unwrap();
    eventually(async || Some(()).filter(|()| node.log_status() == LogStatus::Writable).ok_or("no NATS")).await;
    node
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_rooms_are_the_same_on_every_node() {
    let server = NatsServer::start();
    let config = config();
    let (here, there) = (node(&server, &config).await, node(&server, &config).await);
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
    let (here, there) = (node(&server, &config).await, node(&server, &config).await);
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
    let (here, there) = (node(&server, &config).await, node(&server, &config).await);
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
    let third = node(&server, &config).await;
    let viewer = watch(&third, &owner.room()).await;
    assert_eq!((viewer.state().seq().get(), viewer.state().len()), (6_000, 50));
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_that_is_absent_at_the_start_is_waited_for() {
    let mut server = NatsServer::start();
    server.kill();
    let node = Manager::builder(config()).engine(server.nats()).open().await.unwrap();
    assert_eq!(node.log_status(), LogStatus::Unavailable);
    assert_eq!(node.create_room().await.err(), Some(CreateError::Unavailable));
    server.run();
    eventually(async || Some(()).filter(|()| node.log_status() == LogStatus::Writable).ok_or("no NATS")).await;
    let owner = node.create_room().await.unwrap();
    assert_eq!(soon(owner.publish(Message::event("n", [1]).unwrap())).await.map(Seq::get), Ok(1));
    server.kill();
    eventually(async || Some(()).filter(|()| node.log_status() == LogStatus::Unavailable).ok_or("it is fine")).await;
    server.run();
    eventually(async || Some(()).filter(|()| node.log_status() == LogStatus::Writable).ok_or("no NATS")).await;
    assert_eq!(soon(owner.publish(Message::event("n", [2]).unwrap())).await.map(Seq::get), Ok(2));
}

#[tokio::test]
async fn nodes_without_a_secret_of_their_own_are_refused() {
    let refused = Manager::builder(Config::default()).engine(Nats::at("nats://127.0.0.1:1")).open().await;
    let causes = std::error::Error::source(&refused.unwrap_err()).unwrap().to_string();
    assert!(causes.contains("secret_file"), "{causes}");
}
