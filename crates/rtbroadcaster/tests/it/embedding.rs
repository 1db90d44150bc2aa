//! The examples as real programs, and a connection that is no TCP socket.

use std::path::PathBuf;
use std::process::Stdio;

use rtbroadcaster::{Config, Limit, Manager, Message};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio_tungstenite::tungstenite::Error;

use crate::classic;
use crate::client::{Came, Client, request};
use crate::house::{in_memory, in_memory_behind};
use crate::moment::{until, within};

/// A running example. It ends when this is dropped.
struct Example {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Example {
    /// Starts the example `name` on a free port and waits for the line that tells its address.
    async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(program(name))
            .arg("127.0.0.1:0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within("the address", lines.next_line()).await.unwrap().expect("the example ended at once");
        let address = line.strip_prefix("listening on ws://").and_then(|rest| rest.strip_suffix("/broadcasting"));
        let address = address.unwrap_or_else(|| panic!("not an address: {line}")).to_owned();
        Self { _process: process, lines, address }
    }

    /// The next line that the example prints.
    async fn line(&mut self) -> String {
        within("a line", self.lines.next_line()).await.unwrap().expect("the example ended")
    }

    /// Connects with `query` behind the path.
    async fn connect(&self, query: &str) -> Result<Client, Error> {
        let mut request = request(&self.address, None);
        *request.uri_mut() = format!("ws://{}/broadcasting{query}", self.address).parse().unwrap();
        let socket = within("connecting", TcpStream::connect(&self.address)).await.unwrap();
        Client::open(request, socket).await
    }
}

/// Where cargo has put an example beside this test.
fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing: build it with `cargo build --examples`", path.display());
    path
}

/// The status with which a handshake was refused.
fn refusal(answer: Result<Client, Error>) -> u16 {
    match answer {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

/// An owner opens a room, a viewer and a late one watch it, and it ends.
async fn converse<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut owner: Client<S>,
    mut viewer: Client<S>,
    mut late: Client<S>,
) {
    let room = owner.create().await;
    viewer.join(&room).await;
    owner.send(&classic::publish_state("score", "[2,1]")).await;
    owner.send(&classic::publish("bell", "[]")).await;
    viewer.expect(&classic::message(&room, "score", "[2,1]", true)).await;
    viewer.expect(&classic::message(&room, "bell", "[]", false)).await;
    late.join(&room).await;
    late.expect(&classic::message(&room, "score", "[2,1]", true)).await;
    owner.send_all((0..1_000).map(|n| classic::publish("n", &format!("[{n}]")))).await;
    for n in 0..1_000 {
        let text = classic::message(&room, "n", &format!("[{n}]"), false);
        viewer.expect(&text).await;
        late.expect(&text).await;
    }
    late.send_close().await;
    late.expect_close(1000).await;
    owner.send(classic::CLOSE).await;
    for client in [&mut owner, &mut viewer] {
        client.expect(&classic::not_connected(&room)).await;
        client.expect_close(1000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_lines_under_axum_serve_a_conversation() {
    let example = Example::start("axum_five_lines", &[]).await;
    let connect = || async { example.connect("").await.unwrap() };
    converse(connect().await, connect().await, connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_hyper_serves_a_conversation() {
    let example = Example::start("hyper_bare", &[]).await;
    let connect = || async { example.connect("").await.unwrap() };
    converse(connect().await, connect().await, connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_lets_in_whom_it_wants_for_what_it_wants() {
    let example = Example::start("axum_auth", &[("PRESENTER_KEY", "opensesame")]).await;
    for query in ["", "?key=", "?key=opensesam", "?key=opensesame2", "?room=Lobby", "?key=no&room=Lobby"] {
        assert_eq!(refusal(example.connect(query).await), 401, "{query}");
    }
    let mut presenter = example.connect("?key=opensesame").await.unwrap();
    let room = presenter.create().await;
    let mut other = example.connect("?key=opensesame").await.unwrap();
    let other_room = other.create().await;
    let mut viewer = example.connect(&format!("?room={room}")).await.unwrap();
    viewer.send(&classic::join(&other_room)).await;
    viewer.expect(&classic::refused(&other_room, "room not found")).await;
    viewer.send(classic::CREATE).await;
    viewer.expect(&classic::refused("", "not the owner")).await;
    viewer.join(&room).await;
    presenter.send(&classic::publish("bell", "[1]")).await;
    viewer.expect(&classic::message(&room, "bell", "[1]", false)).await;
    // A presenter has no link.
    let mut third = example.connect("?key=opensesame").await.unwrap();
    third.send(&classic::join(&room)).await;
    third.expect(&classic::refused(&room, "room not found")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_program_speaks_and_a_late_viewer_begins_with_the_newest_value() {
    let mut example = Example::start("speak_from_rust", &[]).await;
    let line = example.line().await;
    let room = line.strip_prefix("room ").unwrap_or_else(|| panic!("not a room: {line}")).to_owned();
    let mut first = example.connect("").await.unwrap();
    first.join(&room).await;
    let mut last = count(&room, &first.text().await);
    while last < 5 {
        let next = count(&room, &first.text().await);
        assert_eq!(next, last + 1);
        last = next;
    }
    let mut late = example.connect("").await.unwrap();
    late.join(&room).await;
    let newest = count(&room, &late.text().await);
    assert!(newest >= last, "it began with {newest}, which is older than {last}");
    for next in 1..4 {
        assert_eq!(count(&room, &late.text().await), newest + next);
    }
    let mut stranger = example.connect("").await.unwrap();
    stranger.send(classic::CREATE).await;
    stranger.expect(&classic::refused("", "not the owner")).await;
}

/// The value of the counter in a message.
fn count(room: &str, text: &str) -> u64 {
    let value = text.split_once(r#""funcParams":["#).and_then(|(_, rest)| rest.split_once(']'));
    let count = value.and_then(|(value, _)| value.parse().ok()).unwrap_or_else(|| panic!("no count: {text}"));
    assert_eq!(text, classic::message(room, "count", &format!("[{count}]"), true));
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_tcp_socket_serves_a_conversation() {
    let manager = Manager::new(Config::default());
    for held_back_bytes in [1, 16 * 1024] {
        let connect = || in_memory_behind(&manager, 4 * 1024, held_back_bytes);
        converse(connect().await, connect().await, connect().await).await;
    }
    until("all connections are gone", || manager.connections() == 0).await;
    assert!(manager.rooms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_tcp_socket_is_closed_when_it_is_not_read() {
    let config = Config { backlog_bytes_max: Limit::Max(64 * 1024), ..Config::default() };
    let manager = Manager::new(config);
    let owner = manager.create_room().await.unwrap();
    for n in 0..50 {
        owner.publish(Message::state(&format!("k{n}"), ["x".repeat(10_000)]).unwrap()).await.unwrap();
    }
    let mut slow = in_memory(&manager, 4 * 1024).await;
    slow.join(&owner.room().to_string()).await;
    for n in 0..200 {
        owner.publish(Message::event("bell", (n, "x".repeat(1_000))).unwrap()).await.unwrap();
    }
    let mut texts = 0;
    let end = loop {
        match slow.next().await {
            Came::Text(_) => texts += 1,
            other => break other,
        }
    };
    assert_eq!(end, Came::Close(4008, "slow".into()));
    assert!(texts < 10, "{texts} messages came after the decision to close");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_every_room_and_every_connection() {
    let manager = Manager::new(Config::default());
    let mut waiting = in_memory(&manager, 4 * 1024).await;
    let (mut owner, mut viewer) = (in_memory(&manager, 4 * 1024).await, in_memory(&manager, 4 * 1024).await);
    let room = owner.create().await;
    viewer.join(&room).await;
    waiting.expect_nothing().await;
    let shutting_down = manager.clone();
    let shutdown = tokio::spawn(async move { shutting_down.shutdown().await });
    waiting.expect_close(1001).await;
    for client in [&mut owner, &mut viewer] {
        client.expect(&classic::not_connected(&room)).await;
        client.expect_close(1000).await;
    }
    drop((waiting, owner, viewer));
    within("the shutdown", shutdown).await.unwrap();
    assert_eq!((manager.connections(), manager.rooms().len()), (0, 0));
}
