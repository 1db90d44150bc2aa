//! What SIGHUP changes, and what it does not.

use std::path::PathBuf;

use crate::connection::Connection;
use crate::kept::Directory;
use crate::server::{Server, program};

/// A configuration that a test may write again.
struct Configuration(Directory);

impl Configuration {
    fn new(name: &str, text: &str) -> Self {
        let directory = Directory::new(name);
        std::fs::create_dir_all(&directory.0).unwrap();
        let configuration = Self(directory);
        configuration.write(text);
        configuration
    }

    fn path(&self) -> PathBuf {
        self.0.0.join("rtbroadcaster.toml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    async fn server(&self, arguments: &[&str]) -> Server {
        let path = self.path();
        Server::started_by(&mut program(), &[&["--config", path.to_str().unwrap()][..], arguments].concat()).await
    }
}

/// The status that a page of this origin gets.
async fn connects(server: &Server, origin: &str) -> u16 {
    Connection::open(server).await.upgrade(&format!("Origin: {origin}\r\n")).await.status
}

async fn hang_up(server: &mut Server) -> String {
    server.signal("HUP").await;
    server.log_has("SIGHUP: the configuration was read again").await
}

#[tokio::test]
async fn origins_and_the_log_change_and_who_is_there_stays() {
    let configuration = Configuration::new("reload", "allow_origin = [\"https://a.test\"]\n");
    let mut server = configuration.server(&[]).await;
    assert_eq!((connects(&server, "https://a.test").await, connects(&server, "https://b.test").await), (101, 403));
    let mut there = Connection::open(&server).await;
    assert_eq!(there.ask("GET /healthz", "").await.status, 200);

    configuration.write(
        "allow_origin = [\"https://b.test\"]\npublic_url = \"https://show.test\"\nlog = \"trace\"\nrooms_max = 5\n",
    );
    server.signal("HUP").await;
    // In the order of the documentation.
    for (key, old, new) in [
        ("log", "info", "trace"),
        ("allow_origin", "https://a.test", "https://b.test"),
        ("public_url", "", "https://show.test"),
    ] {
        let line = server.log_has("SIGHUP: changed").await;
        assert!(line.contains(&format!("key=\"{key}\"")) && line.contains(old) && line.contains(new), "{line}");
    }
    let line = server.log_has("only change with a restart").await;
    assert!(line.contains("rooms_max") && !line.contains("allow_origin"), "{line}");
    server.log_has("SIGHUP: the configuration was read again").await;
    for (origin, status) in [("https://a.test", 403), ("https://b.test", 101), ("https://show.test", 101)] {
        assert_eq!(connects(&server, origin).await, status, "{origin}");
    }
    server.log_has("TRACE").await;
    assert_eq!(there.ask("GET /healthz", "").await.status, 200, "it is the same process");

    // Also back again.
    configuration.write("");
    hang_up(&mut server).await;
    assert_eq!(connects(&server, "https://b.test").await, 403);
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let configuration = Configuration::new("reload-wrong", "allow_origin = [\"https://a.test\"]\n");
    let mut server = configuration.server(&[]).await;
    for wrong in ["allow_origin = [\"a.test\"]\n", "alow_origin = [\"https://b.test\"]\n", "allow_origin"] {
        configuration.write(wrong);
        server.signal("HUP").await;
        let line = server.log_has("is not valid").await;
        assert!(line.contains("rtbroadcaster.toml:1"), "it says where: {line}");
        assert_eq!(connects(&server, "https://a.test").await, 101);
    }
    std::fs::remove_file(configuration.path()).unwrap();
    server.signal("HUP").await;
    server.log_has("cannot read the configuration").await;
    assert_eq!(connects(&server, "https://a.test").await, 101);
}

#[tokio::test]
async fn flags_win_over_a_file_that_was_written_again() {
    let configuration = Configuration::new("reload-flags", "");
    let mut server = configuration.server(&["--allow-origin", "https://flag.test"]).await;
    configuration.write("allow_origin = [\"https://file.test\"]\nlog = \"debug\"\n");
    hang_up(&mut server).await;
    assert_eq!(connects(&server, "https://flag.test").await, 101);
    assert_eq!(connects(&server, "https://file.test").await, 403);
}

#[tokio::test]
async fn a_server_without_a_configuration_file_survives_it_too() {
    let mut server = Server::start().await;
    let line = hang_up(&mut server).await;
    assert!(line.contains("changed=0"), "{line}");
    assert_eq!(connects(&server, "https://a.test").await, 403);
}

#[tokio::test]
async fn a_configuration_that_takes_for_ever_to_read_blocks_nothing() {
    let configuration = Configuration::new("reload-pipe", "");
    let mut server = configuration.server(&[]).await;
    std::fs::remove_file(configuration.path()).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, configuration.path(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    server.signal("HUP").await;
    for _ in 0..3 {
        assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200);
    }
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
}
