//! A server that may open few files: the store and all clients continue.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::Client;
use crate::connection::Connection;
use crate::kept::{Directory, Room, ask, client};
use crate::server::Server;

/// What many systems give a program.
const FILES: u32 = 1_024;

/// Messages of this size and number are more than the store holds in memory before it opens other files.
const PARAM_BYTES: usize = 60_000;
const MESSAGES: u32 = 9 * 1024 * 1024 / 60_000;

const NO_LIMITS_PER_ADDRESS: [&str; 4] =
    ["--connections-per-address-max", "none", "--handshakes-per-address-per-second", "none"];

/// A server that may open so many. This process may open as many as it is allowed to.
async fn server(files: u32, flags: &[&str]) -> Server {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
    shell.args(["-c", &limited, env!("CARGO_BIN_EXE_rtbroadcaster")]);
    Server::started_by(&mut shell, flags).await
}

/// The same with `FILES`, and with rooms on the disk.
async fn keeping(directory: &Directory, flags: &[&str]) -> Server {
    server(FILES, &[&["--data-dir", directory.0.to_str().unwrap()], flags].concat()).await
}

/// The owner publishes a message, long or not, and is acknowledged.
async fn publish(room: &mut Room, number: u32, bytes: usize) {
    let params = [json!(number), json!("x".repeat(bytes))];
    let message = json!({"type": "publish", "id": number.to_string(), "key": "n", "params": params});
    room.owner.say(message).await;
    let ack = next(&mut room.owner).await;
    assert_eq!((&ack["type"], &ack["id"]), (&json!("ack"), &json!(number.to_string())), "{ack}");
}

/// The next message, except those with the room's position, which come at their own time.
async fn next(client: &mut Client) -> Value {
    loop {
        let message = client.hear().await;
        if message["type"] != "alive" {
            return message;
        }
    }
}

async fn is_ready(server: &Server) -> bool {
    Connection::open(server).await.ask("GET /readyz", "").await.status == 200
}

#[tokio::test]
async fn silent_connections_beyond_the_limit_of_files_refuse_no_publish() {
    let directory = Directory::new("silent");
    let server = keeping(&directory, &[]).await;
    let mut room = Room::create(&server).await;
    let (mut viewer, _) = room.viewer(&server, None).await;
    let mut silent = Vec::new();
    for number in 0..MESSAGES {
        for _ in 0..8 {
            silent.push(Connection::open_from(&server, "127.0.0.2").await);
        }
        publish(&mut room, number, PARAM_BYTES).await;
        assert_eq!(next(&mut viewer).await["params"][0], number);
        if number % 20 == 0 {
            assert!(is_ready(&server).await, "{number}");
            let (_, joined) = room.viewer(&server, None).await;
            assert_eq!(joined["type"], "joined", "{joined}");
        }
    }
    assert!(silent.len() > 1_100, "{}", silent.len());
}

/// Fills `server` with `places` connections and tries some more, while one room is spoken in and another fills the
/// store.
async fn fill(server: &Server, places: usize) {
    let mut heard = Room::create(server).await;
    let mut stored = Room::create(server).await;
    let mut viewers = Vec::new();
    while viewers.len() + 2 < places {
        let mut viewer = client(server).await;
        let joined = ask(&mut viewer, json!({"type": "join", "id": "j", "room": heard.name})).await;
        assert_eq!(joined["type"], "joined", "{joined}");
        viewers.push(viewer);
    }
    for number in 0..MESSAGES {
        publish(&mut stored, number, PARAM_BYTES).await;
        if number % 10 == 0 {
            publish(&mut heard, number, 0).await;
            let refusal = Connection::open(server).await.upgrade("").await;
            assert_eq!(refusal.status, 429, "there are {places}");
            assert!(is_ready(server).await, "{number}");
        }
    }
    for viewer in &mut viewers {
        hears_all(viewer).await;
    }
}

async fn hears_all(viewer: &mut Client) {
    for number in (0..MESSAGES).step_by(10) {
        assert_eq!(next(viewer).await["params"][0], number);
    }
}

#[tokio::test]
async fn viewers_beyond_the_limit_of_files_are_refused_and_those_who_are_there_lose_nothing() {
    let directory = Directory::new("viewers");
    let mut server = keeping(&directory, &NO_LIMITS_PER_ADDRESS).await;
    let line = server.log_has("the limit of open files allows fewer connections").await;
    let carried = line.split("carried=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!((600..FILES as usize).contains(&carried), "{carried}");
    fill(&server, carried).await;
}

#[tokio::test]
async fn as_many_connections_as_there_may_be_near_the_limit_of_files_lose_nothing() {
    let directory = Directory::new("near");
    let flags = [&NO_LIMITS_PER_ADDRESS[..], &["--connections-max", "700"]].concat();
    let server = keeping(&directory, &flags).await;
    fill(&server, 700).await;
}

#[tokio::test]
async fn answers_that_one_address_does_not_read_leave_places_for_others() {
    let server = server(300, &[]).await;
    let (mut owner, room) = Client::owner(&server).await;
    let mut viewer = Client::viewer(&server, &room).await;
    let mut unread = Vec::new();
    let request = format!("GET /page/page.css HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    for number in 0..320 {
        let mut connection = Connection::open_small_from(&server, "127.0.0.2").await;
        // One too many is closed.
        let _ = connection.write(&request.repeat(500)).await;
        unread.push(connection);
        if number % 20 == 0 {
            owner.ring(number).await;
            viewer.hear_ring(number).await;
            assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200, "{number}");
            drop(Client::viewer(&server, &room).await);
        }
    }
}
