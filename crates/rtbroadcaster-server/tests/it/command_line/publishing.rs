//! `publish` in a pipe.

use serde_json::{Value, json};
use tokio::process::Command;

use super::{Stage, slide};
use crate::process::Process;
use crate::server::{Server, soon};

#[tokio::test]
async fn each_line_is_answered_in_order_and_a_bad_one_stops_no_other() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    assert_eq!(stage.says(slide(1)).await, json!({"type": "ack", "n": 1, "key": "slide", "seq": 1}));
    stage.publisher.say("").await;
    stage.publisher.say("not JSON").await;
    let error = stage.publisher.json().await;
    assert_eq!((&error["type"], &error["n"], &error["code"]), (&json!("error"), &json!(3), &json!("bad_line")));
    stage.publisher.notes("message 3 was not published").await;
    let named = json!({"key": "bell", "params": [1], "id": "first"});
    assert_eq!(stage.says(named.clone()).await["seq"], 2);
    assert_eq!(stage.says(named).await, json!({"type": "ack", "n": 5, "key": "bell", "id": "first", "seq": 2}));
    let other = json!({"key": "bell", "params": [2], "id": "first"});
    assert_eq!(stage.says(other).await["code"], "id_reused");
    let big = json!({"key": "bell", "params": ["x".repeat(70_000)]});
    assert_eq!(stage.says(big).await["code"], "bad_message");
    let pointer = json!({"key": "pointer", "params": [1], "ephemeral": true});
    assert_eq!(stage.says(pointer).await, json!({"type": "ack", "n": 8, "key": "pointer"}));
    assert_eq!(stage.says(json!({"key": "slide", "clear": true})).await["seq"], 3);
    stage.publisher.hush();
    let end = stage.publisher.end().await;
    assert_eq!(end.code, Some(5));
    assert!(end.stderr.iter().any(|line| line.contains("3 messages were not published")), "{:?}", end.stderr);
}

#[tokio::test]
async fn what_stands_behind_a_message_that_is_too_big_is_said() {
    let server = Server::started_by(&mut crate::server::program(), &["--message-bytes-max", "2000"]).await;
    // Its key and parameters are below the limit of the server, and what stands around them is not counted there.
    for (limit, bytes) in [("2000", 1_980), ("2000", 3_000), ("500", 1_000)] {
        let mut stage = Stage::open(&server, &["--message-bytes-max", limit]).await;
        for round in 0..3 {
            let big = json!({"key": "bell", "params": ["x".repeat(bytes)]});
            assert_eq!(stage.says(big).await["code"], "bad_message");
            assert_eq!(stage.says(slide(round)).await["seq"], u64::from(round) + 1);
        }
        stage.publisher.hush();
        let end = stage.publisher.end().await;
        assert_eq!(end.code, Some(5));
        assert!(end.stderr.iter().any(|line| line.contains("3 messages were not published")), "{:?}", end.stderr);
    }
}

#[tokio::test]
async fn options_are_said_in_their_order_and_the_room_stays_until_ctrl_c() {
    let server = Server::start().await;
    let said = ["--state", "slide=[1]", "--event", "bell", "--clear", "slide", "--state", "slide=2"];
    let mut publisher = Process::start(&[&["publish", &server.url][..], &said].concat());
    let link = publisher.json().await["link"].as_str().unwrap().to_owned();
    for (n, key) in (1..).zip(["slide", "bell", "slide", "slide"]) {
        assert_eq!(publisher.json().await, json!({"type": "ack", "n": n, "key": key, "seq": n}));
    }
    publisher.notes("until Ctrl-C").await;
    let mut watcher = Process::start(&["watch", &link]);
    assert_eq!(watcher.json().await, json!({"type": "state", "seq": 4, "state": {"slide": [2]}}));
    publisher.signal("INT").await;
    assert_eq!(publisher.end().await.code, Some(130));
    let closed = json!({"type": "closed", "code": 4503, "reason": "room_closed", "why": "owner"});
    assert_eq!(watcher.json().await, closed);
    assert_eq!(watcher.end().await.code, Some(0));
}

#[tokio::test]
async fn what_watch_writes_down_makes_the_same_room_again() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    stage.says(slide(1)).await;
    stage.says(json!({"key": "score", "params": [1.0, "x"], "state": true})).await;
    let (watcher, _) = stage.watcher().await;
    stage.says(json!({"key": "bell"})).await;
    stage.says(slide(2)).await;
    stage.says(json!({"key": "score", "clear": true})).await;
    let end = Process::start(&["watch", "--state", &stage.link]).end().await;
    let state: Value = serde_json::from_str(&end.stdout[0]).unwrap();
    stage.publisher.hush();
    let recording = watcher.end().await.stdout;
    assert_eq!(recording.len(), 4, "{recording:?}");

    let mut again = Stage::open(&server, &[]).await;
    let first = r#"{"type":"state","seq":2,"state":{"slide":[1],"score":[1.0,"x"]}}"#;
    for line in std::iter::once(first).chain(recording.iter().map(String::as_str)) {
        again.publisher.say(line).await;
    }
    let keys = ["slide", "score", "bell", "slide", "score"];
    for (seq, key) in (1..).zip(keys) {
        let ack = again.publisher.json().await;
        assert_eq!((&ack["key"], &ack["seq"]), (&json!(key), &json!(seq)), "{ack}");
    }
    let end = Process::start(&["watch", "--state", &again.link]).end().await;
    let same: Value = serde_json::from_str(&end.stdout[0]).unwrap();
    assert_eq!(same, state);
}

#[tokio::test]
async fn thousands_of_lines_are_all_published_though_their_reports_are_not_read() {
    let server = Server::start().await;
    let directory = super::keys::Directory::new("unread");
    let key = directory.path("feed.key");
    let script = "for number in $(seq 5000); do echo '{\"key\":\"t\",\"params\":['$number'],\"state\":true}'; done \
                  | \"$0\" publish \"$1\" --owner-key-file \"$2\" | head -n 1; echo \"${PIPESTATUS[1]}\"";
    let mut shell = Command::new("bash");
    let mut shell = Process::of(shell.args(["-c", script, env!("CARGO_BIN_EXE_rtbroadcaster"), &server.url, &key]));
    let link = shell.json().await["link"].as_str().unwrap().to_owned();
    assert_eq!(soon("the feed's end", shell.end()).await.stdout, ["0"]);
    let end = Process::start(&["watch", "--state", &link]).end().await;
    assert_eq!(end.stdout, [r#"{"type":"state","seq":5000,"state":{"t":[5000]}}"#]);
}

#[tokio::test]
async fn what_was_read_before_a_signal_is_said() {
    let server = Server::start().await;
    let directory = super::keys::Directory::new("signal");
    let key = directory.path("feed.key");
    let mut stage = Stage::open(&server, &["--owner-key-file", &key]).await;
    stage.says(slide(1)).await;
    stage.publisher.signal("TERM").await;
    let end = stage.publisher.end().await;
    assert_eq!((end.code, end.stderr), (Some(143), vec![]));
    let end = Process::start(&["watch", "--state", &stage.link]).end().await;
    assert_eq!(end.stdout, [r#"{"type":"state","seq":1,"state":{"slide":[1]}}"#]);
}
