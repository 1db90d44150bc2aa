//! Owner keys: in files that only their owner can read, and nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use super::{Stage, slide};
use crate::process::Process;
use crate::server::Server;

/// A directory that is removed after its test.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rtbroadcaster-keys-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_key_of_a_new_room_is_in_its_file_and_nowhere_else() {
    let directory = Directory::new("new");
    let key = directory.path("talk.key");
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &["--owner-key-file", &key]).await;
    stage.says(slide(1)).await;
    let secret = fs::read_to_string(&key).unwrap().trim().to_owned();
    assert_eq!((secret.len(), fs::metadata(&key).unwrap().permissions().mode() & 0o777), (64, 0o600));
    for name in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{}/{name}", stage.publisher.pid())).unwrap();
        assert!(!String::from_utf8_lossy(&seen).contains(&secret), "{name}");
    }
    stage.publisher.hush();
    let end = stage.publisher.end().await;
    assert_eq!((end.code, end.stderr), (Some(0), vec![]));
    assert!(!stage.link.contains(&secret));
    // A program with the key continues.
    let mut again = Process::start(&["publish", &server.url, &stage.room, "--owner-key-file", &key]);
    let owned = again.json().await;
    assert_eq!((&owned["type"], &owned["term"], &owned["seq"]), (&json!("owned"), &json!(2), &json!(1)), "{owned}");
    again.say(&slide(2).to_string()).await;
    assert_eq!(again.json().await["seq"], 2);
    let again_seen = fs::read(format!("/proc/{}/cmdline", again.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&again_seen).contains(&secret));
}

#[tokio::test]
async fn a_file_without_a_key_and_one_that_others_can_read_are_noted() {
    let directory = Directory::new("bad");
    let server = Server::start().await;
    let room = rtbroadcaster::RoomId::random(&rtbroadcaster::OsRandom).to_string();
    let own =
        |file: &str| Process::start(&["publish", &server.url, &room, "--owner-key-file", file, "--event", "bell"]);
    let end = own(&directory.path("none")).end().await;
    assert_eq!(end.code, Some(1), "{:?}", end.stderr);
    let poem = directory.path("poem");
    fs::write(&poem, "a secret of another kind").unwrap();
    let end = own(&poem).end().await;
    let said = end.stderr.join("\n");
    assert_eq!(end.code, Some(2), "{said}");
    assert!(said.contains("holds no owner key") && !said.contains("secret of"), "{said}");
    let open = directory.path("open");
    fs::write(&open, "0".repeat(64)).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let end = own(&open).end().await;
    let said = end.stderr.join("\n");
    assert!(said.contains(&format!("chmod 600 {open}")) && said.contains("there is no such room"), "{said}");
    assert_eq!(end.code, Some(3));
}

#[tokio::test]
async fn no_key_is_overwritten_and_a_room_that_was_not_made_leaves_no_file() {
    let directory = Directory::new("kept");
    let key = directory.path("talk.key");
    fs::write(&key, "precious").unwrap();
    let server = Server::start().await;
    let end = Process::start(&["publish", &server.url, "--owner-key-file", &key, "--event", "bell"]).end().await;
    assert_eq!(end.code, Some(1));
    assert!(end.stderr[0].contains("cannot create the file"), "{:?}", end.stderr);
    assert_eq!(fs::read_to_string(&key).unwrap(), "precious");
    let other = directory.path("other.key");
    let nowhere = ["publish", "ws://127.0.0.1:1", "--patience", "10ms", "--owner-key-file", &other];
    assert_eq!(Process::start(&nowhere).end().await.code, Some(4));
    assert!(!fs::exists(&other).unwrap());
}
