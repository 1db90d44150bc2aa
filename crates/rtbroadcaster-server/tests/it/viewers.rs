//! Viewers that are recognized: over a kill, by a secret of the operator's, and without a word of it in the log.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::client::Client;
use crate::kept::{Directory, Room, ask, client};
use crate::process::Process;
use crate::server::{Server, soon};

/// A room that counts votes, once for each viewer.
async fn poll(server: &Server) -> Room {
    let vote = json!({"vote": {"count": true, "everyMs": 100, "oncePerViewer": true}});
    Room::create_as(server, json!({"type": "create", "id": "c", "signals": vote})).await
}

/// A viewer of `room` that sends `key`, if it has one, and its identity.
async fn join(server: &Server, room: &str, key: Option<&Value>) -> (Client, Value) {
    let mut viewer = client(server).await;
    let mut join = json!({"type": "join", "id": "j", "room": room});
    if let Some(key) = key {
        join["viewer"] = key.clone();
    }
    let joined = ask(&mut viewer, join).await;
    assert_eq!(joined["type"], "joined", "{joined}");
    (viewer, joined["viewer"].clone())
}

/// Votes, and waits until that is counted.
async fn vote(viewer: &mut Client, choice: u64) {
    viewer.say(json!({"type": "signal", "key": "vote", "params": [choice]})).await;
    // Refused behind it.
    let refused = ask(viewer, json!({"type": "join", "id": "last", "room": "here"})).await;
    assert_eq!((&refused["id"], &refused["code"]), (&json!("last"), &json!("already_in_room")), "{refused}");
}

/// Waits until the owner gets these totals.
async fn gets(room: &mut Room, counts: Value) {
    soon("the totals", async { while room.owner.hear().await["counts"] != counts {} }).await;
}

#[tokio::test]
async fn no_viewer_is_counted_twice_over_a_kill() {
    const VOTERS: u64 = 12;
    let directory = Directory::new("voters");
    let mut server = directory.server(&[]).await;
    let mut room = poll(&server).await;
    let mut keys = Vec::new();
    for choice in 0..VOTERS {
        let (mut viewer, recognized) = join(&server, &room.name, None).await;
        vote(&mut viewer, choice % 2).await;
        keys.push(recognized);
    }
    gets(&mut room, json!([[[0], VOTERS / 2], [[1], VOTERS / 2]])).await;
    for life in 0..2 {
        server.signal("KILL").await;
        server.exit().await;
        server = directory.server(&[]).await;
        room.return_to(&server).await;
        // Each comes back in two windows and votes in both: the former counts are gone, and no viewer counts twice.
        for recognized in &keys {
            for choice in [8, 9] {
                let (mut window, again) = join(&server, &room.name, Some(&recognized["key"])).await;
                assert_eq!(again, *recognized, "after start {life}");
                vote(&mut window, choice).await;
            }
        }
        gets(&mut room, json!([[[9], VOTERS]])).await;
    }
    let secret = directory.0.join("secret");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&secret).unwrap().trim_end().len(), 64);
}

#[tokio::test]
async fn a_secret_of_the_operators_is_that_of_all_starts_and_no_log_has_it() {
    let (directory, keys) = (Directory::new("secret"), Directory::new("secret-keys"));
    fs::create_dir_all(&keys.0).unwrap();
    let digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let path = keys.0.join("right");
    fs::write(&path, digits).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let arguments = ["--log", "trace", "--secret-file", path.to_str().unwrap()];
    let mut server = directory.server(&arguments).await;
    let told = server.log_has("all users of this machine may use the secret").await;
    assert!(told.contains("WARN") && told.contains("0604"), "{told}");
    let mut room = poll(&server).await;
    let (mut viewer, one) = join(&server, &room.name, None).await;
    let wrong = json!("b29430a256d21d4f053fa22000eef38385bc69a0cf7b5");
    let (_other, two) = join(&server, &room.name, Some(&wrong)).await;
    assert_ne!(one, two);
    viewer.say(json!({"type": "signal", "key": "hand", "params": []})).await;
    let signal = room.owner.hear().await;
    assert_eq!(signal, json!({"type": "signal", "key": "hand", "params": [], "from": one["number"]}));
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
    let (said, log) = server.rest().await;
    assert!(log.len() > 10, "it is a log of everything: {log:?}");
    for secret in [digits, one["key"].as_str().unwrap(), two["key"].as_str().unwrap(), wrong.as_str().unwrap()] {
        let code = &secret[16..];
        assert!(!said.iter().chain(&log).any(|line| line.contains(code)), "a log has {secret}");
    }
    assert!(!directory.0.join("secret").exists(), "none is made");

    let server = directory.server(&arguments).await;
    assert_eq!(join(&server, &room.name, Some(&one["key"])).await.1, one);
    drop(server);
    let server = directory.server(&[]).await;
    assert_ne!(join(&server, &room.name, Some(&one["key"])).await.1, one, "by its own secret it is another one");
}

#[tokio::test]
async fn a_start_with_a_secret_file_that_holds_none_is_refused_by_its_path() {
    let directory = Directory::new("no-secret");
    fs::create_dir_all(&directory.0).unwrap();
    let (short, missing) = (directory.0.join("short"), directory.0.join("missing"));
    fs::write(&short, "0011").unwrap();
    for (path, why) in [(&short, "does not hold 64 hexadecimal digits"), (&missing, "cannot read")] {
        let path = path.to_str().unwrap();
        let process = Process::start(&["--listen", "127.0.0.1:0", "--secret-file", path]);
        let end = soon("the refusal", process.end()).await;
        let said = end.stderr.join("\n");
        assert!(said.contains("--secret-file") && said.contains(path) && said.contains(why), "{said}");
        assert_eq!((end.code, end.stdout.len()), (Some(1), 0), "{said}");
    }
    assert!(!missing.exists(), "none is made");
}
