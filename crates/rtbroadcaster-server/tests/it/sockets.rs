//! Connections of plain HTTP: how many there may be, and how long one may take what it asked for.

use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{Server, program, soon};

/// Far more than the buffers of both ends take.
const REQUESTS: usize = 500;

/// A connection that has asked for much and reads nothing.
async fn unread(server: &Server) -> Connection {
    let mut unread = Connection::open_small(server).await;
    let request = format!("GET /page/page.css HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let _ = timeout(Duration::from_millis(500), unread.write(&request.repeat(REQUESTS))).await;
    unread
}

/// Waits until the server has `count` connections of plain HTTP, this one that asks not counted.
async fn has_connections(metrics: std::net::SocketAddr, count: u64) {
    soon("so many connections", until_connections(metrics, count)).await;
}

async fn until_connections(metrics: std::net::SocketAddr, count: u64) {
    loop {
        let told = Connection::open_at(metrics).await.ask("GET /metrics", "").await.body;
        if told.contains(&format!("\nrtbroadcaster_http_connections {count}\n")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn watched(flags: &[&str]) -> (Server, std::net::SocketAddr) {
    let flags = [&["--admin-listen", "127.0.0.1:0"], flags].concat();
    let mut server = Server::started_by(&mut program(), &flags).await;
    let line = server.said().await;
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").parse().unwrap();
    (server, address)
}

#[tokio::test]
async fn an_answer_that_is_not_read_ends_its_connection() {
    let (server, metrics) = watched(&[]).await;
    let begun = Instant::now();
    let _unread = unread(&server).await;
    has_connections(metrics, 1).await;
    tokio::time::sleep_until(begun + Duration::from_secs(9)).await;
    has_connections(metrics, 1).await;
    // Besides its 10 s the answer has a second for each 2 048 bytes of it that the kernel took.
    let bytes = Connection::open(&server).await.ask("GET /page/page.css", "").await.body.len() as u64;
    let most = Duration::from_secs(10 + bytes / 2_048 + 5);
    let ended = tokio::time::timeout_at(begun + most, until_connections(metrics, 0)).await;
    ended.unwrap_or_else(|_| panic!("it is still there after {most:?}"));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_answers_that_are_not_read() {
    let (mut server, metrics) = watched(&[]).await;
    let _unread = [unread(&server).await, unread(&server).await];
    has_connections(metrics, 2).await;
    let asked = Instant::now();
    server.signal("TERM").await;
    assert!(server.exit().await.success());
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn an_idle_connection_ends_when_its_time_is_over() {
    let server = Server::started_by(&mut program(), &["--keep-alive-timeout", "1s"]).await;
    let mut idle = Connection::open(&server).await;
    assert_eq!(idle.ask("GET /healthz", "").await.status, 200);
    let (came, age) = idle.ended().await;
    assert_eq!(came, b"");
    assert!((1.0..3.0).contains(&age.as_secs_f64()), "{age:?}");
}

#[tokio::test]
async fn the_thousandth_answer_is_the_last_one() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    for _ in 1..1_000 {
        let answer = connection.ask("GET /healthz", "").await;
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
    let last = connection.ask("GET /healthz", "").await;
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert_eq!(connection.ended().await.0, b"");
}

/// Three hundred browsers behind one address, as a school's network has them: six connections for files and one for the
/// room.
#[tokio::test]
async fn browsers_behind_one_address_close_the_idle_connections_of_each_other_and_all_get_in() {
    let flags = ["--http-connections-per-address-max", "20", "--handshakes-per-address-per-second", "none"];
    let server = Server::started_by(&mut program(), &flags).await;
    let (mut owner, room) = Client::owner(&server).await;
    let (mut files, mut viewers) = (Vec::new(), Vec::new());
    for number in 0..40 {
        for _ in 0..6 {
            let mut file = Connection::open(&server).await;
            assert_eq!(file.ask("GET /page/page.css", "").await.status, 200, "browser {number}");
            files.push(file);
        }
        viewers.push(Client::viewer(&server, &room).await);
    }
    owner.ring(1).await;
    for viewer in &mut viewers {
        viewer.hear_ring(1).await;
    }
    // The idle ones that were left are the last ones.
    assert_eq!(files.last_mut().unwrap().ask("GET /healthz", "").await.status, 200);
    assert_eq!(files[0].ended().await.0, b"");
}

#[tokio::test]
async fn when_there_are_as_many_as_there_may_be_probes_are_answered_and_handshakes_refused() {
    let server = Server::started_by(&mut program(), &["--connections-max", "3"]).await;
    let (mut owner, room) = Client::owner(&server).await;
    let mut viewers = [Client::viewer(&server, &room).await, Client::viewer(&server, &room).await];
    assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200);
    let refusal = Connection::open(&server).await.upgrade("").await;
    assert_eq!((refusal.status, refusal.header("retry-after")), (429, Some("1")));
    owner.ring(1).await;
    for viewer in &mut viewers {
        viewer.hear_ring(1).await;
    }
}

/// The store, the log and all clients continue, and new ones join, while one address opens all connections that it can.
#[tokio::test]
async fn silent_connections_leave_files_for_the_store_and_for_others() {
    let directory = std::env::temp_dir().join(format!("rtbroadcaster-sockets-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rtbroadcaster")]);
    let mut server = Server::started_by(&mut shell, &["--data-dir", directory.to_str().unwrap()]).await;
    server.log_has("the limit of open files allows fewer connections").await;
    let (mut owner, room) = Client::owner(&server).await;
    let mut viewer = Client::viewer(&server, &room).await;
    let mut crowd = Vec::new();
    for number in 0..400 {
        crowd.push(Connection::open_from(&server, "127.0.0.2").await);
        if number % 40 == 0 {
            owner.ring(number).await;
            viewer.hear_ring(number).await;
            assert_eq!(Connection::open(&server).await.ask("GET /readyz", "").await.status, 200, "{number}");
        }
    }
    drop((crowd, server));
    std::fs::remove_dir_all(&directory).unwrap();
}
