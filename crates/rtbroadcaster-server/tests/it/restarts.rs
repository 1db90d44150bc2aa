//! Rooms that outlive the server: after a kill and after a signal.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::Client;
use crate::kept::{Directory, Room, ask, message};
use crate::server::{program, soon};

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
async fn after_a_kill_the_history_is_as_long_as_before_and_a_viewer_that_misses_more_gets_the_state() {
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
async fn a_signal_disconnects_all_clients_and_they_return_to_the_next_server() {
    let directory = Directory::new("term");
    let mut server = directory.server(&["--ack", "disk"]).await;
    let mut room = Room::create(&server).await;
    let (mut viewer, joined) = room.viewer(&server, None).await;
    assert_eq!(room.says(1).await, 1);
    assert_eq!(viewer.hear().await["seq"], 1);
    let mut classic = Client::viewer(&server, &room.name).await;
    let (_, classic_room) = Client::owner(&server).await;
    // Accepted messages are flushed and acknowledged before the close.
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
        // This makes the last life write the room's metadata again.
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

#[tokio::test]
async fn a_thousand_rooms_are_ready_within_two_seconds() {
    let directory = Directory::new("many");
    let flags = ["--rooms-per-address-max", "none", "--connections-per-address-max", "none"];
    let flags = [&flags[..], &["--handshakes-per-address-per-second", "none"]].concat();
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
        let answer = loop {
            let heard = room.owner.hear().await;
            // While it is slowed, the server sends it a sign of life each second.
            if heard["type"] != "alive" {
                break heard;
            }
        };
        assert_eq!(answer, json!({"type": "ack", "id": n.to_string(), "seq": n + 1}));
    }
}
