//! Directories that cannot be written for a while: full, away, and not what they were.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, interval};

use crate::connection::Connection;
use crate::kept::{Directory, Room, ask, client, message};
use crate::server::{DEADLINE, Server};

/// Has the system refuse every write of `server` behind so many bytes of a file.
async fn limit_its_files(server: &Server, bytes: &str) {
    // The soft limit, so that it can be lifted again.
    let limit = format!("--fsize={bytes}:");
    let status = Command::new("prlimit").args(["--pid", &server.pid(), &limit]).status().await.unwrap();
    assert!(status.success());
}

/// A server on `directory` in which a write over the limit fails with an error instead of a signal.
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
    let mut pace = interval(Duration::from_millis(10));
    loop {
        pace.tick().await;
        let answer = Connection::open(server).await.ask("GET /readyz", "").await;
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
    // The confirmed data is removed while the store is closed.
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
