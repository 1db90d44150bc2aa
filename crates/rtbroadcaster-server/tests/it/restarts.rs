//! Rooms that outlive the server: after a kill, after a signal, and when the disk takes nothing more.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{DEADLINE, Server, program, soon};

/// A directory that goes with its test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("rtbroadcaster-{name}-{}", std::process::id())))
    }

    async fn server(&self, arguments: &[&str]) -> Server {
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
async fn client(server: &Server) -> Client {
    let headers = [("sec-websocket-protocol", "rtbroadcaster.v2")];
    Client::open_on(Connection::open(server).await, server, &headers).await
}

async fn ask(client: &mut Client, request: Value) -> Value {
    client.say(request).await;
    client.hear().await
}

/// A room with its owner.
struct Room {
    owner: Client,
    name: String,
    key: String,
}

impl Room {
    async fn create(server: &Server) -> Self {
        Self::create_as(server, json!({"type": "create", "id": "c"})).await
    }

    async fn create_as(server: &Server, create: Value) -> Self {
        let mut owner = client(server).await;
        let created = ask(&mut owner, create).await;
        let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        Self { owner, name: text("room"), key: text("ownerKey") }
    }

    async fn says(&mut self, number: u32) -> u64 {
        let ack = ask(&mut self.owner, message(number)).await;
        assert_eq!((&ack["type"], &ack["id"]), (&json!("ack"), &json!(number.to_string())), "{ack}");
        ack["seq"].as_u64().unwrap()
    }

    /// A viewer that has joined, and the answer.
    async fn viewer(&self, server: &Server, cursor: Option<Value>) -> (Client, Value) {
        let mut viewer = client(server).await;
        let mut join = json!({"type": "join", "id": "j", "room": self.name});
        if let Some(cursor) = cursor {
            (join["cursor"], join["lives"]) = (cursor, json!(true));
        }
        let joined = ask(&mut viewer, join).await;
        (viewer, joined)
    }

    /// The owner comes back by its key.
    async fn return_to(&mut self, server: &Server) -> Value {
        self.owner = client(server).await;
        let own = json!({"type": "own", "id": "o", "room": self.name, "ownerKey": self.key});
        let owned = ask(&mut self.owner, own).await;
        for _ in 0..owned["replay"].as_u64().unwrap_or(0) {
            self.owner.hear().await;
        }
        owned
    }
}

fn message(number: u32) -> Value {
    json!({"type": "publish", "id": number.to_string(), "key": "n", "params": [number]})
}

#[tokio::test]
async fn a_killed_server_leaves_its_rooms_to_the_next() {
    let directory = Directory::new("kill");
    let mut server = directory.server(&[]).await;
    server.log_has("rooms are kept").await;
    let mut room = Room::create(&server).await;
    let state = json!({"type": "publish", "id": "s", "key": "deck", "params": [1.0, "\u{e4}"], "state": true});
    assert_eq!(ask(&mut room.owner, state).await["seq"], 1);
    let (mut viewer, joined) = room.viewer(&server, None).await;
    assert_eq!(joined["how"], "snapshot", "{joined}");
    assert_eq!(viewer.hear().await["key"], "deck");
    for number in 2..=20 {
        assert_eq!(room.says(number).await, u64::from(number));
    }
    for number in 2..=10 {
        assert_eq!(viewer.hear().await["params"], json!([number]));
    }
    server.signal("KILL").await;
    server.exit().await;

    let server = directory.server(&[]).await;
    let cursor = json!({"epoch": joined["epoch"], "seq": 10});
    let (mut viewer, back) = room.viewer(&server, Some(cursor)).await;
    let expected = (&json!("resumed"), &json!(10), &json!(20), &json!("away"));
    assert_eq!((&back["how"], &back["replay"], &back["seq"], &back["owner"]), expected, "{back}");
    let numbering = |epoch: &Value| epoch.as_str().unwrap()[..16].to_owned();
    assert_eq!(numbering(&back["epoch"]), numbering(&joined["epoch"]));
    assert_ne!(back["epoch"], joined["epoch"], "another life has begun");
    for number in 11..=20 {
        assert_eq!(viewer.hear().await["params"], json!([number]));
    }
    let owned = room.return_to(&server).await;
    assert_eq!((&owned["type"], &owned["term"], &owned["seq"]), (&json!("owned"), &json!(2), &json!(20)), "{owned}");
    assert_eq!(viewer.hear().await["type"], "owner");
    assert_eq!(room.says(20).await, 20, "said again it is stored once");
    assert_eq!(room.says(21).await, 21);
    assert_eq!(viewer.hear().await["seq"], 21);
}

#[tokio::test]
async fn behind_a_kill_the_history_goes_as_far_back_as_before_and_whoever_misses_more_gets_the_state() {
    let directory = Directory::new("retention");
    let flags = ["--history-messages-max", "8", "--ack", "disk"];
    let mut server = directory.server(&flags).await;
    let mut room = Room::create(&server).await;
    let epoch = room.viewer(&server, None).await.1["epoch"].clone();
    let state = |key: &str| json!({"type": "publish", "id": key, "key": key, "params": [key], "state": true});
    // One value is older than the history, with a hole behind it, the other one is part of it.
    assert_eq!(ask(&mut room.owner, state("old")).await["seq"], 1);
    for number in 2..=30 {
        assert_eq!(room.says(number).await, u64::from(number));
    }
    assert_eq!(ask(&mut room.owner, state("new")).await["seq"], 31);
    for number in 32..=33 {
        assert_eq!(room.says(number).await, u64::from(number));
    }
    for _ in 0..2 {
        server.signal("KILL").await;
        server.exit().await;
        server = directory.server(&flags).await;
        for (cursor, how, replay) in [
            (25, "resumed", (26..=33).collect()),
            (24, "reset", vec![1, 31]),
            (1, "reset", vec![1, 31]),
            (0, "reset", vec![1, 31]),
            (33, "resumed", vec![]),
        ] {
            let (mut viewer, joined) = room.viewer(&server, Some(json!({"epoch": epoch, "seq": cursor}))).await;
            let reason = if how == "reset" { json!("retention") } else { Value::Null };
            assert_eq!(
                (&joined["how"], &joined["reason"], &joined["seq"]),
                (&json!(how), &reason, &json!(33)),
                "{joined}"
            );
            let replay: Vec<u64> = replay;
            assert_eq!(joined["replay"], replay.len(), "{joined}");
            for seq in replay {
                assert_eq!(viewer.hear().await["seq"], seq);
            }
        }
    }
}

#[tokio::test]
async fn a_signal_sends_everybody_away_and_the_next_server_has_them_back() {
    let directory = Directory::new("term");
    let mut server = directory.server(&["--ack", "disk"]).await;
    let mut room = Room::create(&server).await;
    let (mut viewer, joined) = room.viewer(&server, None).await;
    assert_eq!(room.says(1).await, 1);
    assert_eq!(viewer.hear().await["seq"], 1);
    let mut classic = Client::viewer(&server, &room.name).await;
    let (_, classic_room) = Client::owner(&server).await;
    // What was accepted is flushed, and answered, before the end is told.
    for number in 2..=30 {
        room.owner.say(message(number)).await;
    }
    server.signal("TERM").await;
    let mut acked = 1;
    loop {
        let said = room.owner.hear().await;
        match said["type"].as_str() {
            Some("ack") => acked = said["seq"].as_u64().unwrap(),
            Some("draining") => break assert!(said["reconnectInMs"].as_u64().unwrap() >= 1_000, "{said}"),
            _ => panic!("{said}"),
        }
    }
    assert_eq!(room.owner.hear().await["reason"], "restart");
    assert_eq!(room.owner.end().await, 1012);
    let mut heard = 1;
    loop {
        let said = viewer.hear().await;
        match said["type"].as_str() {
            Some("message") => heard = said["seq"].as_u64().unwrap(),
            Some("draining") => break,
            _ => panic!("{said}"),
        }
    }
    assert!(heard >= acked, "{acked} were acknowledged, {heard} were told");
    assert_eq!(viewer.hear().await["reason"], "restart");
    assert_eq!(viewer.end().await, 1012);
    for number in 2..=u32::try_from(heard).unwrap() {
        assert_eq!(classic.hear().await["funcParams"], json!([number]));
    }
    assert_eq!(classic.end().await, 1012);
    drop((viewer, classic));
    assert_eq!(server.exit().await.code(), Some(0));

    let server = directory.server(&[]).await;
    let (_, back) = room.viewer(&server, Some(json!({"epoch": joined["epoch"], "seq": heard}))).await;
    assert_eq!((&back["how"], &back["seq"]), (&json!("resumed"), &json!(heard)), "{back}");
    assert_eq!(room.return_to(&server).await["type"], "owned");
    let mut stranger = Client::open(&server).await;
    stranger.say(json!({"uuid": classic_room, "status": {"value": 2}})).await;
    assert_eq!(stranger.hear().await["status"]["text"], "room not found", "nobody could come back to it");
}

#[tokio::test]
async fn a_room_tells_its_viewers_and_counts_their_signals_also_when_it_was_kept_twice() {
    let directory = Directory::new("wishes");
    let signals = json!({"vote": {"count": true, "everyMs": 100, "oncePerViewer": true}});
    let create = json!({"type": "create", "id": "c", "audience": true, "signals": signals});
    let mut server = directory.server(&[]).await;
    let mut room = Room::create_as(&server, create).await;
    for _ in 0..3 {
        let (mut viewer, joined) = room.viewer(&server, None).await;
        assert_eq!(viewer.hear_audience().await, json!({"type": "audience", "viewers": 1}), "{joined}");
        // What was counted in an older life is not counted any more.
        viewer.say(json!({"type": "signal", "key": "vote", "params": [2]})).await;
        let counted = json!({"type": "signal", "key": "vote", "counts": [[[2], 1]]});
        assert_eq!(room.owner.hear().await, counted);
        // With this what is known of the room is written anew, by the last life of it.
        room.return_to(&server).await;
        assert_eq!(room.owner.hear().await, counted);
        server.signal("KILL").await;
        server.exit().await;
        server = directory.server(&[]).await;
        room.return_to(&server).await;
    }
}

#[tokio::test]
async fn a_directory_that_another_server_uses_is_a_plain_error() {
    let directory = Directory::new("use");
    let _first = directory.server(&[]).await;
    let mut second = program();
    second.args(["--listen", "127.0.0.1:0", "--data-dir", directory.0.to_str().unwrap()]);
    let output = soon("the second server's end", second.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("--data-dir: the directory {} is in use by another process", directory.0.display());
    assert!(said.contains(&expected), "{said}");
}

/// Has the system refuse every write of `server` behind so many bytes of a file.
async fn limit_its_files(server: &Server, bytes: &str) {
    // The soft limit, so that it can be lifted again.
    let limit = format!("--fsize={bytes}:");
    let status = Command::new("prlimit").args(["--pid", &server.pid(), &limit]).status().await.unwrap();
    assert!(status.success());
}

/// A server on `directory` that is told of a limit by an error instead of a signal.
async fn limited_server(directory: &Directory, arguments: &[&str]) -> Server {
    let mut shell = Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_rtbroadcaster");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", binary, "--data-dir", directory.0.to_str().unwrap()]);
    shell.stdin(Stdio::null());
    Server::started_by(&mut shell, arguments).await
}

/// Waits until `/readyz` answers with `status`.
async fn is_ready(server: &Server, status: u16) {
    let deadline = Instant::now() + DEADLINE;
    let mut connection = Connection::open(server).await;
    loop {
        let answer = connection.ask("GET /readyz", "").await;
        if answer.status == status {
            return;
        }
        assert!(Instant::now() < deadline, "{status} is expected, it is {}", answer.status);
    }
}

#[tokio::test]
async fn when_nothing_can_be_written_publishes_are_refused_viewers_stay_and_it_mends_itself() {
    let directory = Directory::new("full");
    let mut server = limited_server(&directory, &[]).await;
    let mut room = Room::create(&server).await;
    assert_eq!(room.says(1).await, 1);
    let (mut viewer, joined) = room.viewer(&server, None).await;
    for outage in 1..=2_u32 {
        limit_its_files(&server, "10").await;
        let number = outage + 1;
        // A publish finds it out, unless the marker did.
        room.owner.say(message(number)).await;
        let mut heard = room.owner.hear().await;
        if heard["type"] == "error" {
            let (code, id) = (&json!("unavailable"), &json!(number.to_string()));
            assert_eq!((&heard["code"], &heard["id"]), (code, id), "{heard}");
            heard = room.owner.hear().await;
        }
        assert_eq!(heard["reason"], "unavailable", "{heard}");
        assert_eq!(room.owner.end().await, 4013);
        server.log_has("rooms refuse messages until that works again").await;
        is_ready(&server, 503).await;
        assert_eq!(room.return_to(&server).await["code"], "unavailable");
        let mut other = client(&server).await;
        assert_eq!(ask(&mut other, json!({"type": "create", "id": "c"})).await["code"], "unavailable");
        let (_late, late) = room.viewer(&server, None).await;
        assert_eq!((&late["seq"], &late["owner"]), (&json!(outage), &json!("away")), "{late}");

        limit_its_files(&server, "unlimited").await;
        server.log_has("the data directory can be written again").await;
        is_ready(&server, 200).await;
        let owned = room.return_to(&server).await;
        assert_eq!(owned["type"], "owned", "{owned}");
        assert_eq!(room.says(number).await, u64::from(number), "published again it is stored once");
        let mut seqs = Vec::new();
        while seqs.is_empty() {
            let said = viewer.hear().await;
            match said["type"].as_str() {
                Some("message") => seqs.push(said["seq"].as_u64().unwrap()),
                Some("owner") => {}
                _ => panic!("{said}"),
            }
        }
        assert_eq!(seqs, [u64::from(number)], "the viewer that stayed gets it once");
    }
    server.signal("KILL").await;
    server.exit().await;

    let server = directory.server(&[]).await;
    let (_, back) = room.viewer(&server, Some(json!({"epoch": joined["epoch"], "seq": 1}))).await;
    assert_eq!((&back["how"], &back["seq"]), (&json!("resumed"), &json!(3)), "{back}");
    assert_eq!(room.return_to(&server).await["type"], "owned");
}

#[tokio::test]
async fn a_directory_that_is_moved_away_is_missed_within_seconds_and_found_again() {
    let directory = Directory::new("moved");
    let aside = Directory::new("aside");
    let mut server = directory.server(&[]).await;
    let mut room = Room::create(&server).await;
    assert_eq!(room.says(1).await, 1);
    std::fs::rename(&directory.0, &aside.0).unwrap();
    assert_eq!(room.owner.hear().await["reason"], "unavailable", "also an owner that says nothing");
    assert_eq!(room.owner.end().await, 4013);
    is_ready(&server, 503).await;
    assert!(!directory.0.exists(), "it is not made anew");
    std::fs::rename(&aside.0, &directory.0).unwrap();
    is_ready(&server, 200).await;
    assert_eq!(room.return_to(&server).await["type"], "owned");
    assert_eq!(room.says(2).await, 2);
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_server_whose_store_is_not_what_it_confirmed_ends_with_an_error() {
    let directory = Directory::new("lost");
    let mut server = limited_server(&directory, &[]).await;
    let mut room = Room::create(&server).await;
    for number in 1..=5 {
        assert_eq!(room.says(number).await, u64::from(number));
    }
    limit_its_files(&server, "10").await;
    is_ready(&server, 503).await;
    // What was confirmed goes while the store is closed.
    let store = directory.0.join("store");
    let journals = std::fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let journal = journals.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max().unwrap();
    room.owner.say(message(6)).await;
    while room.owner.hear().await["type"] != "closed" {}
    std::fs::OpenOptions::new().write(true).open(journal).unwrap().set_len(200).unwrap();
    limit_its_files(&server, "unlimited").await;
    assert_eq!(server.exit().await.code(), Some(1));
    server.log_has("the data directory does not hold what it had confirmed").await;
}

#[tokio::test]
async fn a_thousand_rooms_are_ready_within_two_seconds() {
    let directory = Directory::new("many");
    let flags = ["--rooms-per-address-max", "0", "--connections-per-address-max", "0"];
    let flags = [&flags[..], &["--handshakes-per-address-per-second", "0"]].concat();
    let mut server = directory.server(&flags).await;
    let mut rooms = Vec::new();
    for _ in 0..1_000 {
        let mut room = Room::create(&server).await;
        room.says(1).await;
        rooms.push(room);
    }
    server.signal("KILL").await;
    server.exit().await;
    let began = Instant::now();
    let server = directory.server(&flags).await;
    let (_, joined) = rooms[500].viewer(&server, None).await;
    assert_eq!(joined["seq"], 1);
    // The promise is 2 s; a busy machine has more.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_owner_that_says_very_much_at_once_gets_every_answer() {
    let directory = Directory::new("burst");
    let server = directory.server(&["--ack", "disk"]).await;
    let mut room = Room::create(&server).await;
    // More than one write to the disk takes, and more answers than may wait for a client.
    const SAID: u32 = 6_000;
    let publish = |n: u32| json!({"type": "publish", "id": n.to_string(), "key": "n", "params": []});
    room.owner.say_all((0..SAID).map(publish)).await;
    for n in 0..SAID {
        assert_eq!(room.owner.hear().await, json!({"type": "ack", "id": n.to_string(), "seq": n + 1}));
    }
}
