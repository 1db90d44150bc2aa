//! Rooms over several nodes, on real NATS servers. `cargo xtask nats` installs these and runs the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use rtbroadcaster_client::{Heard, Status, Viewer};
use rtbroadcaster_core::id::{RoomName, Seq};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::refusal::PublishError;
use tokio::time::timeout;

use super::super::*;
use super::resending::{Number, sends};
use crate::engine::nats::Nats;
use crate::engine::nats::test_server::{NatsCluster, NatsServer, eventually};
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
    node_at(server.nats(), config).await
}

async fn node_at(nats: Nats, config: &Config) -> Manager {
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
async fn nats_that_has_lost_entries_or_everything_gets_the_rooms_again() {
    let mut server = NatsServer::start();
    let config = config();
    let (here, there) = (node(&server, &config).await, node(&server, &config).await);
    let owner = rtbroadcaster_client::Owner::create(here.in_memory(Rights::anything())).await.unwrap();
    let viewer = watch(&there, &owner.room()).await;
    let mut messages = viewer.messages();
    let mut published = 0;
    for round in 0..3 {
        for _ in 0..50 {
            published += 1;
            soon(owner.publish(Message::event("n", [published]).unwrap())).await.unwrap();
        }
        server.kill();
        match round {
            0 => {
                let stored = server.stored();
                server.run();
                for _ in 0..50 {
                    published += 1;
                    soon(owner.publish(Message::event("n", [published]).unwrap())).await.unwrap();
                }
                server.kill();
                server.goes_back_to(Some(stored));
            }
            1 => server.goes_back_to(None),
            _ => {}
        }
        server.run();
    }
    published += 1;
    let seq = soon(owner.publish(Message::event("n", [published]).unwrap())).await.unwrap();
    assert_eq!(seq.get(), u64::from(published), "nothing that was acknowledged is lost");
    let mut heard = Vec::new();
    while heard.len() < usize::try_from(published).unwrap() {
        match soon(messages.next()).await {
            Some(Heard::Message(message)) => heard.push(message.params().parse::<[u32; 1]>().unwrap()[0]),
            // The state that it joined with.
            Some(Heard::State { state, .. }) if heard.is_empty() && state.is_empty() => {}
            Some(Heard::Owner { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, (1..=published).collect::<Vec<_>>(), "it was resumed each time");
    let newcomer = watch(&node(&server, &config).await, &owner.room()).await;
    has(&newcomer, seq).await;
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

/// An owner that moves between nodes, and sends again what was not acknowledged.
struct MovingOwner<'a> {
    nodes: &'a [Manager],
    owner: Option<Owner>,
    room: RoomId,
    key: OwnerKey,
    at: usize,
    published: Number,
    unacked: Vec<Number>,
    acked: BTreeMap<Number, Seq>,
}

impl MovingOwner<'_> {
    /// Owns the room on the next node.
    async fn moves(&mut self) {
        self.at += 1;
        let node = &self.nodes[self.at % self.nodes.len()];
        if let Ok(Ok(owner)) = timeout(Duration::from_secs(15), node.own(&self.room, &self.key)).await {
            self.owner = Some(owner);
        }
    }

    /// Sends what is not acknowledged, in order.
    async fn sends(&mut self) {
        let Some(owner) = &self.owner else { return self.moves().await };
        let message = |number: Number| Message::event("n", [number]).unwrap().with_id(&number.to_string()).unwrap();
        if !sends(owner, &mut self.unacked, &mut self.acked, message).await {
            self.owner = None;
        }
    }

    async fn publishes(&mut self, time: Duration) {
        let begun = tokio::time::Instant::now();
        let mut moved = begun;
        while begun.elapsed() < time {
            for _ in 0..5 {
                self.published += 1;
                self.unacked.push(self.published);
            }
            self.sends().await;
            if moved.elapsed() > Duration::from_millis(1_500) {
                moved = tokio::time::Instant::now();
                self.moves().await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn a_cluster_of_three_loses_and_repeats_nothing_whatever_happens_to_its_servers() {
    let mut cluster = NatsCluster::start();
    let config = config();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(node_at(cluster.nats(), &config).await);
    }
    let owner = nodes[0].create_room().await.unwrap();
    let (room, key) = (owner.room(), owner.key().clone());
    let mut watching = Vec::new();
    for node in &nodes {
        let viewer = watch(node, &room).await;
        let mut messages = viewer.messages();
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let got = tokio::spawn(async move {
            let mut got = Vec::new();
            loop {
                let heard = tokio::select! {
                    heard = messages.next() => heard,
                    _ = stopped.wait_for(|stopped| *stopped) => return got,
                };
                match heard {
                    Some(Heard::Message(message)) => {
                        got.push((message.seq().unwrap(), Some(message.params().parse::<[Number; 1]>().unwrap()[0])));
                    }
                    Some(Heard::State { state, .. }) => got.push((state.seq(), None)),
                    Some(_) => {}
                    None => return got,
                }
            }
        });
        watching.push((viewer, got, stop));
    }
    let mut speaker = MovingOwner {
        nodes: &nodes,
        owner: Some(owner),
        room: room.clone(),
        key,
        at: 0,
        published: 0,
        unacked: Vec::new(),
        acked: Default::default(),
    };
    for round in 0..5_usize {
        let before = speaker.acked.len();
        let servers = &mut cluster.0;
        let fault = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match round {
                // One after the other, so that the leader is among them.
                0 | 1 => servers[round].kill(),
                2 | 3 => servers[round - 1].signal("-STOP"),
                _ => servers.iter_mut().for_each(NatsServer::kill),
            }
            tokio::time::sleep(Duration::from_secs(if round == 4 { 1 } else { 7 })).await;
            match round {
                0 | 1 => servers[round].run(),
                2 | 3 => servers[round - 1].signal("-CONT"),
                _ => servers.iter_mut().for_each(NatsServer::run),
            }
        };
        tokio::join!(fault, speaker.publishes(Duration::from_secs(12)));
        println!("round {round}: {} acknowledged", speaker.acked.len() - before);
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !speaker.unacked.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{} are not acknowledged", speaker.unacked.len());
        speaker.sends().await;
    }
    assert!(speaker.acked.values().is_sorted(), "in order");
    let acked: BTreeMap<Seq, Number> = speaker.acked.into_iter().map(|(number, seq)| (seq, number)).collect();
    let last = *acked.last_key_value().unwrap().0;
    println!("{} acknowledged, the last one {last:?}", acked.len());
    assert_eq!(acked.len() as u64, speaker.published);
    assert_eq!(last.get(), speaker.published, "each is stored once");
    for (viewer, got, stop) in watching {
        has(&viewer, last).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.send_replace(true);
        let mut reached: Option<Seq> = None;
        for (seq, number) in got.await.unwrap() {
            if let Some(number) = number {
                assert_eq!(acked.get(&seq), Some(&number));
                assert!(reached.is_none_or(|before| seq.get() == before.get() + 1), "{reached:?}, then {seq:?}");
            }
            reached = Some(seq);
        }
        assert_eq!(reached, Some(last));
    }
}
