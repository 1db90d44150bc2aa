//! Directories that were copied, restored or damaged between two servers.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::kept::{Directory, Room, ask, client};
use crate::server::{program, soon};

/// Runs a command of the system that has to work.
async fn run(command: &str, arguments: &[&str]) {
    let status = Command::new(command).args(arguments).status().await.unwrap();
    assert!(status.success(), "{command} {arguments:?}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn state(room: &mut Room, key: &str, value: u32) -> u64 {
    let id = format!("{key} {value}");
    let publish = json!({"type": "publish", "id": id, "key": key, "params": [value], "state": true});
    let ack = ask(&mut room.owner, publish).await;
    ack["seq"].as_u64().unwrap_or_else(|| panic!("{ack}"))
}

/// An owner's answer to a comeback with a cursor.
async fn own(room: &Room, server: &crate::server::Server, epoch: &Value, seq: u64) -> Value {
    let mut owner = client(server).await;
    let cursor = json!({"epoch": epoch, "seq": seq});
    let own =
        json!({"type": "own", "id": "o", "room": room.name, "ownerKey": room.key, "cursor": cursor, "lives": true});
    ask(&mut owner, own).await
}

#[tokio::test]
async fn a_viewer_ahead_of_a_restored_backup_is_reset_and_its_owner_is_told() {
    let (directory, backup) = (Directory::new("restored"), Directory::new("backup"));
    // A directory that was itself copied here, as by an operator who moved it.
    let mut server = directory.server(&[]).await;
    server.signal("TERM").await;
    server.exit().await;
    run("cp", &["-a", text(&directory.0), text(&backup.0)]).await;
    run("rm", &["-rf", text(&directory.0)]).await;
    run("mv", &[text(&backup.0), text(&directory.0)]).await;

    let mut server = directory.server(&[]).await;
    let mut room = Room::create(&server).await;
    let (_viewer, joined) = room.viewer(&server, None).await;
    for value in 1..=3 {
        state(&mut room, "slide", value).await;
    }
    run("cp", &["-a", text(&directory.0), text(&backup.0)]).await;
    for value in 4..=5 {
        state(&mut room, "slide", value).await;
    }
    assert_eq!(state(&mut room, "lost", 1).await, 6);
    server.signal("TERM").await;
    server.exit().await;
    run("rm", &["-rf", text(&directory.0)]).await;
    run("cp", &["-a", text(&backup.0), text(&directory.0)]).await;
    // The copied marker may be newer than the copied store.
    std::fs::remove_file(directory.0.join("alive")).unwrap();

    let server = directory.server(&[]).await;
    let owned = own(&room, &server, &joined["epoch"], 6).await;
    assert_eq!(
        (&owned["how"], &owned["reason"], &owned["seq"]),
        (&json!("reset"), &json!("epoch"), &json!(3)),
        "{owned}"
    );
    room.return_to(&server).await;
    for value in 7..=9 {
        state(&mut room, "slide", value).await;
    }
    for seq in 0..=6 {
        let (mut viewer, back) = room.viewer(&server, Some(json!({"epoch": joined["epoch"], "seq": seq}))).await;
        if seq <= 3 {
            assert_eq!((&back["how"], &back["replay"]), (&json!("resumed"), &json!(6 - seq)), "{seq}: {back}");
        } else {
            assert_eq!((&back["how"], &back["reason"]), (&json!("reset"), &json!("epoch")), "{seq}: {back}");
            assert_eq!(viewer.hear().await["params"], json!([9]), "and that is all of the state");
            assert_eq!(back["replay"], 1);
        }
    }
    let owned = own(&room, &server, &joined["epoch"], 3).await;
    assert_eq!(owned["how"], "resumed", "{owned}");
}

#[tokio::test]
async fn a_sector_of_zeros_in_the_journal_is_refused_until_its_loss_is_accepted_by_its_word() {
    let directory = Directory::new("zeroed");
    let mut server = directory.server(&["--ack", "disk"]).await;
    let mut room = Room::create(&server).await;
    let (_viewer, joined) = room.viewer(&server, None).await;
    for value in 1..=60 {
        assert_eq!(state(&mut room, "slide", value).await, u64::from(value));
    }
    server.signal("TERM").await;
    server.exit().await;
    let store = directory.0.join("store");
    let journals = std::fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let journal = journals.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max().unwrap();
    let mut bytes = std::fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let sector = end / 2 / 512 * 512;
    bytes[sector..sector + 512].fill(0);
    std::fs::write(&journal, bytes).unwrap();

    let refused = async |arguments: &[&str]| {
        let mut server = program();
        server.args(["--listen", "127.0.0.1:0", "--ack", "disk", "--data-dir", text(&directory.0)]).args(arguments);
        let output = soon("the refusal", server.output()).await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&[]).await;
    assert!(said.contains("messages (") && said.contains(text(&journal)), "{said}");
    let word = said.rsplit("--accept-data-loss ").next().unwrap().trim().trim_end_matches(')').to_owned();
    assert!(refused(&["--accept-data-loss", "00000000"]).await.contains(&word), "another word does not help");
    let flags = ["--ack", "disk", "--accept-data-loss", &word];
    let mut server = directory.server(&flags).await;
    server.log_has("the loss is accepted").await;
    let (_, back) = room.viewer(&server, Some(json!({"epoch": joined["epoch"], "seq": 60}))).await;
    assert_eq!((&back["how"], &back["reason"]), (&json!("reset"), &json!("epoch")), "{back}");
    let left = back["seq"].as_u64().unwrap();
    assert!((5..60).contains(&left), "{left}");
    let (_, back) = room.viewer(&server, Some(json!({"epoch": joined["epoch"], "seq": left - 1}))).await;
    assert_eq!((&back["how"], &back["replay"]), (&json!("resumed"), &json!(1)), "{back}");
    server.signal("TERM").await;
    server.exit().await;
    // A unit file that keeps the flag accepts nothing else.
    directory.server(&flags).await;
}
