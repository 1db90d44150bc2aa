//! How often one address may have a room's state.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{DEADLINE, Server, program};

/// What a second brings, and the state: three seconds' worth. Ten seconds' worth may be had at once.
const BYTES_PER_SECOND: usize = 20_000;
const STATE_BYTES: usize = 60_000;

async fn server() -> Server {
    let most = BYTES_PER_SECOND.to_string();
    let flags = ["--replay-bytes-per-address-per-second", &most, "--trusted-proxies", "127.0.0.1"];
    Server::started_by(&mut program(), &flags).await
}

/// A client of version 2 that comes from `address`.
async fn client(server: &Server, address: &str) -> Client {
    let connection = Connection::open(server).await;
    let headers = [("x-forwarded-for", address), ("sec-websocket-protocol", "rtbroadcaster.v2")];
    Client::open_on(connection, server, &headers).await
}

/// Asks, and gives the answer.
async fn ask(client: &mut Client, request: &Value) -> Value {
    client.say(request.clone()).await;
    client.hear().await
}

fn join(room: &str) -> Value {
    json!({"type": "join", "id": "j", "room": room})
}

/// Joins and takes the state.
async fn joins(client: &mut Client, room: &str) {
    let joined = ask(client, &join(room)).await;
    assert_eq!((&joined["type"], &joined["replay"]), (&json!("joined"), &json!(1)), "{joined}");
    assert_eq!(client.hear().await["key"], "deck");
}

/// An owner whose room has a state, the room and its key.
async fn owner(server: &Server) -> (Client, String, String) {
    let mut owner = client(server, "203.0.113.1").await;
    let created = ask(&mut owner, &json!({"type": "create", "id": "c"})).await;
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    let params = json!(["x".repeat(STATE_BYTES)]);
    let set = json!({"type": "publish", "id": "p", "key": "deck", "params": params, "state": true});
    assert_eq!(ask(&mut owner, &set).await["type"], "ack");
    (owner, text("room"), text("ownerKey"))
}

fn is_refused(answer: &Value) -> bool {
    if answer["type"] != "error" {
        return false;
    }
    assert_eq!((&answer["code"], &answer["retryInMs"]), (&json!("rate"), &json!(1000)), "{answer}");
    true
}

#[tokio::test]
async fn an_address_that_had_its_share_of_states_gets_a_time_to_retry_and_then_the_state() {
    let server = server().await;
    let (mut owner, room, key) = owner(&server).await;
    let mut good = client(&server, "203.0.113.2").await;
    joins(&mut good, &room).await;
    // It pauses before its address is out of bytes.
    let mut paused = client(&server, "203.0.113.66").await;
    joins(&mut paused, &room).await;
    paused.say(json!({"type": "pause"})).await;
    // Answered behind it.
    assert_eq!(ask(&mut paused, &json!({"type": "nothing"})).await["code"], "bad_message");
    owner.say(json!({"type": "publish", "key": "bell", "params": []})).await;
    assert_eq!(good.hear().await["key"], "bell");

    let began = Instant::now();
    let mut crowd = Vec::new();
    let mut refused = loop {
        assert!(crowd.len() < 20, "it joins as often as it wants");
        let mut one = client(&server, "203.0.113.66").await;
        let answer = ask(&mut one, &join(&room)).await;
        if is_refused(&answer) {
            break one;
        }
        assert_eq!(one.hear().await["key"], "deck");
        crowd.push(one);
    };
    // With the one that paused, and what a busy machine's time brings.
    assert!((3..7).contains(&crowd.len()), "{} joined at once", crowd.len());

    // The limit applies to every way to the state, and a refusal does not reveal whether the room exists.
    let nowhere = "00000000-0000-4000-8000-000000000000";
    assert!(is_refused(&ask(&mut refused, &join(nowhere)).await));
    assert!(is_refused(&ask(&mut refused, &json!({"type": "own", "id": "o", "room": room, "ownerKey": key})).await));
    assert!(is_refused(&ask(&mut paused, &json!({"type": "unpause", "id": "u"})).await));
    let headers = [("x-forwarded-for", "203.0.113.66")];
    let mut classic = Client::open_on(Connection::open(&server).await, &server, &headers).await;
    classic.say(json!({"uuid": room, "status": {"value": 2}})).await;
    assert_eq!(classic.hear().await["status"]["text"], "unavailable");

    // Others lose nothing, be they there or new.
    let mut late = client(&server, "203.0.113.3").await;
    joins(&mut late, &room).await;
    owner.say(json!({"type": "publish", "key": "bell", "params": []})).await;
    for viewer in [&mut good, &mut late, &mut crowd[0]] {
        assert_eq!(viewer.hear().await["key"], "bell");
    }

    // A refusal is no mistake, however often it comes, and ends.
    let mut ticks = interval(Duration::from_millis(100));
    let answer = loop {
        assert!(began.elapsed() < 2 * DEADLINE, "it is refused for ever");
        ticks.tick().await;
        let answer = ask(&mut refused, &join(&room)).await;
        if !is_refused(&answer) {
            break answer;
        }
    };
    assert_eq!(answer["how"], "snapshot");
    assert_eq!(refused.hear().await["key"], "deck");
}
