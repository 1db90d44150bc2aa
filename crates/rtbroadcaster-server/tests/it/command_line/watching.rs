//! `watch` in a pipe.

use serde_json::json;
use tokio::process::Command;

use super::{Stage, slide};
use crate::process::Process;
use crate::server::{Server, program, soon};

#[tokio::test]
async fn each_thing_that_is_said_is_a_line() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    stage.says(slide(1)).await;
    let (mut watcher, state) = stage.watcher().await;
    assert_eq!(state, json!({"type": "state", "seq": 1, "state": {"slide": [1]}}));
    stage.says(json!({"key": "bell"})).await;
    stage.says(json!({"key": "two\nwords", "params": [1, {"a": "\u{1b}"}], "state": true})).await;
    stage.says(json!({"key": "pointer", "params": [0.5], "ephemeral": true})).await;
    stage.says(json!({"key": "slide", "clear": true})).await;
    stage.publisher.hush();
    for expected in [
        r#"{"type":"message","seq":2,"key":"bell","params":[]}"#,
        r#"{"type":"message","seq":3,"key":"two\nwords","params":[1,{"a":"\u001b"}],"state":true}"#,
        r#"{"type":"message","key":"pointer","params":[0.5],"ephemeral":true}"#,
        r#"{"type":"message","seq":4,"key":"slide","params":[],"cleared":true}"#,
        r#"{"type":"closed","code":4503,"reason":"room_closed","why":"owner"}"#,
    ] {
        assert_eq!(watcher.line().await, expected);
    }
    let end = watcher.end().await;
    assert_eq!((end.code, end.stdout.len(), end.stderr), (Some(0), 0, vec![]));
    assert_eq!(stage.publisher.end().await.code, Some(0));
}

#[tokio::test]
async fn the_state_is_printed_and_that_is_all() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    for line in [slide(1), json!({"key": "score", "params": [2.0, 1], "state": true}), slide(2)] {
        stage.says(line).await;
    }
    let end = Process::start(&["watch", "--state", &server.url, &stage.room]).end().await;
    assert_eq!((end.code, end.stderr), (Some(0), vec![]));
    assert_eq!(end.stdout, [r#"{"type":"state","seq":3,"state":{"score":[2.0,1],"slide":[2]}}"#]);
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_it_quietly_also_while_nothing_is_said() {
    let server = Server::start().await;
    let stage = Stage::open(&server, &[]).await;
    // Nothing follows the first line, so no write can fail on the closed pipe.
    let script = "set -o pipefail; \"$0\" watch \"$1\" | head -n 1; echo \"${PIPESTATUS[@]}\"";
    let mut shell = Command::new("bash");
    let shell = Process::of(shell.args(["-c", script, env!("CARGO_BIN_EXE_rtbroadcaster"), &stage.link]));
    let end = shell.end().await;
    assert_eq!(end.stdout, [r#"{"type":"state","seq":0,"state":{}}"#, "0 0"]);
    assert_eq!(end.stderr, [""; 0]);
}

#[tokio::test]
async fn a_signal_ends_it_and_its_code_says_which() {
    let server = Server::start().await;
    let stage = Stage::open(&server, &[]).await;
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (watcher, _) = stage.watcher().await;
        watcher.signal(name).await;
        let end = watcher.end().await;
        assert_eq!((end.code, end.stdout.len(), end.stderr), (Some(code), 0, vec![]), "{name}");
    }
}

#[tokio::test]
async fn a_signal_ends_it_also_while_its_reader_takes_nothing() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    let mut command = program();
    command.args(["watch", &stage.link]).kill_on_drop(true);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let mut watcher = command.spawn().unwrap();
    let long = "x".repeat(60_000);
    // More than the pipe holds, and what the program gathers before it writes.
    for number in 0..10 {
        stage.says(json!({"key": number.to_string(), "params": [long], "state": true})).await;
    }
    let pid = watcher.id().unwrap();
    let is_blocked = || {
        // It holds the pipe's 64 KiB while it waits for its reader.
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let waits =
            |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.unwrap().path().join("wchan"));
        tasks.filter_map(|task| waits(task).ok()).any(|place| place.contains("pipe_write"))
    };
    let blocked = async {
        while !is_blocked() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon("it waits for its reader", blocked).await;
    let sent = Command::new("sh").args(["-c", "kill -s INT \"$0\"", &pid.to_string()]).status().await.unwrap();
    assert!(sent.success());
    let status = soon("its end", watcher.wait()).await.unwrap();
    assert_eq!(status.code(), Some(130));
}

#[tokio::test]
async fn a_room_without_an_owner_for_a_while_is_noted() {
    let server = Server::start().await;
    let directory = super::keys::Directory::new("away");
    let key = directory.path("talk.key");
    let mut stage = Stage::open(&server, &["--owner-key-file", &key]).await;
    let (mut watcher, _) = stage.watcher().await;
    stage.publisher.hush();
    assert_eq!(watcher.json().await, json!({"type": "owner", "status": "away", "term": 1}));
    let own = ["publish", &stage.link, "--owner-key-file", &key, "--event", "bell", "--close"];
    let end = Process::start(&own).end().await;
    assert_eq!((end.code, end.stderr), (Some(0), vec![]));
    assert_eq!(watcher.json().await, json!({"type": "owner", "status": "live", "term": 2}));
    assert_eq!(watcher.json().await["key"], "bell");
    assert_eq!(watcher.json().await["type"], "closed");
}
