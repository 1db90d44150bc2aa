//! What connections may do: as the application says it, as it changes that, and as it ends.

use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::any};
use rtbroadcaster::{Config, Grant, Manager, OwnerKey, Permit, Rights, RoomId, Rooms, Upgrade};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::house::in_memory_with;
use crate::moment::until;

pub(super) type Peer = Client<DuplexStream>;

/// The next message that is no heartbeat and does not tell how many watch.
pub(super) async fn next(peer: &mut Peer) -> Value {
    loop {
        let value: Value = serde_json::from_str(&peer.text().await).unwrap();
        if value["type"] != "alive" && value["type"] != "audience" {
            return value;
        }
    }
}

/// What is answered: the code of a refusal, or the type of the answer.
async fn ask(peer: &mut Peer, request: Value) -> String {
    peer.send(&request.to_string()).await;
    let answer = next(peer).await;
    answer["code"].as_str().or(answer["type"].as_str()).unwrap().to_owned()
}

fn join(room: &RoomId) -> Value {
    json!({"type": "join", "id": "j", "room": room.to_string()})
}

fn own(room: &RoomId, key: &OwnerKey) -> Value {
    json!({"type": "own", "id": "o", "room": room.to_string(), "ownerKey": key.as_str()})
}

fn publish() -> Value {
    json!({"type": "publish", "id": "p", "key": "k", "params": []})
}

/// Rights that differ from `rights` in what `change` says.
fn but(rights: Rights, change: impl FnOnce(&mut Rights)) -> Rights {
    let mut rights = rights;
    change(&mut rights);
    rights
}

#[tokio::test]
async fn each_right_allows_what_it_is_named_for_and_nothing_else() {
    let manager = Manager::new(Config::default());
    let first = manager.create_room().await.unwrap();
    let (room, key) = (first.room(), first.key().clone());
    let other = manager.create_room().await.unwrap();
    let create = || json!({"type": "create", "id": "c"});
    let signal = || json!({"type": "signal", "id": "s", "key": "hand", "params": []});
    let ping = || json!({"type": "ping", "id": "q"});
    // Rights, what is asked, what is answered.
    let table: Vec<(Permit, Vec<(Value, &str)>)> = vec![
        (Rights::default().into(), vec![(create(), "not_owner"), (join(&room), "no_room")]),
        (Rights::default().into(), vec![(own(&room, &key), "no_room")]),
        (Permit::viewer(), vec![(create(), "not_owner"), (join(&room), "joined")]),
        // What it asks for is the owner's, and a viewer's: that is said, not which right is missing.
        (Permit::viewer(), vec![(join(&room), "joined"), (publish(), "not_owner")]),
        (Permit::owner(), vec![(create(), "created"), (signal(), "bad_message"), (publish(), "ack")]),
        (Permit::viewer_of(room.clone()), vec![(join(&other.room()), "no_room"), (join(&room), "joined")]),
        (Permit::owner(), vec![(join(&room), "no_room"), (create(), "created"), (publish(), "ack")]),
        (
            but(Rights::viewer(), |rights| rights.signal = false).into(),
            vec![(join(&room), "joined"), (signal(), "unauthorized"), (ping(), "pong")],
        ),
        (
            but(Rights::owner(), |rights| rights.publish = false).into(),
            vec![(own(&room, &key), "owned"), (publish(), "unauthorized"), (ping(), "pong")],
        ),
        (
            but(Rights::owner(), |rights| rights.end = false).into(),
            vec![
                (own(&room, &key), "owned"),
                (json!({"type": "close", "id": "x"}), "unauthorized"),
                (publish(), "ack"),
            ],
        ),
        (
            but(Rights::owner(), |rights| rights.own = Rooms::from(other.room())).into(),
            vec![(own(&room, &key), "no_room"), (create(), "created")],
        ),
        (Permit::anything(), vec![(join(&room), "joined")]),
    ];
    for (permit, steps) in table {
        let mut peer = in_memory_with(&manager, permit.clone()).await;
        for (request, expected) in steps {
            assert_eq!(ask(&mut peer, request.clone()).await, expected, "{request} with {permit:?}");
        }
    }
}

#[tokio::test]
async fn a_grace_is_no_longer_than_the_rights_allow() {
    let manager = Manager::new(Config::default());
    let rights = but(Rights::owner(), |rights| rights.limits.owner_grace_max = Some(Duration::from_secs(90)));
    for (wished, given) in [(Some(3_600_000), 90_000), (Some(60_000), 60_000), (None, 90_000)] {
        let mut peer = in_memory_with(&manager, rights.clone()).await;
        let mut request = json!({"type": "create", "id": "c"});
        if let Some(wished) = wished {
            request["graceMs"] = json!(wished);
        }
        peer.send(&request.to_string()).await;
        assert_eq!(next(&mut peer).await["graceMs"], json!(given), "{wished:?}");
    }
}

/// Checks that it is closed with the end of its rights.
async fn ends_by_its_rights(peer: &mut Peer) {
    assert_eq!(next(peer).await, json!({"type": "closed", "reason": "expired"}));
    peer.expect_close(4005).await;
}

#[tokio::test]
async fn a_connection_ends_within_a_second_of_its_rights_and_others_stay() {
    let manager = Manager::new(Config::default());
    let owner = manager.create_room().await.unwrap();
    let ends = SystemTime::now() + Duration::from_millis(300);
    let mut brief = in_memory_with(&manager, but(Rights::viewer(), |rights| rights.until = Some(ends))).await;
    let mut stays = in_memory_with(&manager, Permit::viewer()).await;
    let told = next(&mut brief).await;
    assert!(told["type"] == "expiring" && told["inMs"].as_u64().is_some_and(|left| left <= 300), "{told}");
    for peer in [&mut brief, &mut stays] {
        assert_eq!(ask(peer, join(&owner.room())).await, "joined");
    }
    ends_by_its_rights(&mut brief).await;
    let late = SystemTime::now().duration_since(ends).expect("not before its time");
    assert!(late < Duration::from_secs(1), "{late:?} too late");
    owner.publish(rtbroadcaster::Message::event("on", ()).unwrap()).await.unwrap();
    assert_eq!(next(&mut stays).await["key"], "on");
}

#[tokio::test]
async fn rights_that_are_replaced_count_at_once() {
    let manager = Manager::new(Config::default());
    let (one, other) = (manager.create_room().await.unwrap(), manager.create_room().await.unwrap());
    let grant = Grant::new(Rights::viewer());
    let (mut first, mut second) = (in_memory_with(&manager, &grant).await, in_memory_with(&manager, &grant).await);
    assert_eq!(ask(&mut first, join(&one.room())).await, "joined");
    assert_eq!(ask(&mut second, join(&other.room())).await, "joined");
    grant.replace(but(Rights::viewer_of(other.room()), |rights| rights.signal = false));
    ends_by_its_rights(&mut first).await;
    let signal = json!({"type": "signal", "id": "s", "key": "hand", "params": []});
    assert_eq!(ask(&mut second, signal).await, "unauthorized");
    until("the first is gone", || grant.connections() == 1).await;
    grant.revoke();
    ends_by_its_rights(&mut second).await;
}

#[tokio::test]
async fn what_a_handler_of_an_application_refuses_is_counted_as_by_the_ready_one() {
    async fn watch(State(manager): State<Manager>, upgrade: Upgrade) -> Response {
        upgrade.accept(&manager, Permit::viewer()).await
    }
    let manager = Manager::new(Config::default());
    let app = Router::new().route("/", any(watch)).with_state(manager.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(manager.metrics().upgrade_refusals.contains(&("handshake", 1)));
}
