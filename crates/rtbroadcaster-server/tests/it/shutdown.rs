//! How the server ends.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Client;
use crate::connection::Connection;
use crate::server::Server;

/// A client that the server waits for when it ends: it does not answer its close frame.
async fn holder(server: &Server) -> Connection {
    let mut holder = Connection::open(server).await;
    assert_eq!(holder.upgrade("").await.status, 101);
    holder.say(r#"{"status":{"value":1}}"#).await;
    holder.byte().await;
    holder
}

/// Has the server shut down.
async fn begin_shutdown(server: &mut Server) {
    server.signal("TERM").await;
    server.log_has("shutting down").await;
}

async fn ends_all_rooms_politely(signal: &str) {
    let mut server = Server::start().await;
    let (owner, room) = Client::owner(&server).await;
    let mut clients = vec![owner, Client::viewer(&server, &room).await, Client::viewer(&server, &room).await];
    let mut alone = Client::open(&server).await;
    let asked = Instant::now();
    server.signal(signal).await;
    for client in &mut clients {
        let farewell = client.hear().await;
        assert_eq!((&farewell["status"]["value"], &farewell["uuid"]), (&0.into(), &room.as_str().into()));
        assert_eq!(client.end().await, 1000);
    }
    assert_eq!(alone.end().await, 1001, "a client in no room may look for another server");
    drop((clients, alone));
    let status = server.exit().await;
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(1), "the server waited for no client: {:?}", asked.elapsed());
}

#[tokio::test]
async fn sigterm_ends_all_rooms_politely() {
    ends_all_rooms_politely("TERM").await;
}

#[tokio::test]
async fn sigint_ends_all_rooms_politely() {
    ends_all_rooms_politely("INT").await;
}

#[tokio::test]
async fn connections_that_do_not_speak_do_not_hold_the_process() {
    let mut server = Server::start().await;
    let mut idle = Connection::open(&server).await;
    assert_eq!(idle.ask("GET /healthz", "").await.status, 200);
    // Accepted before the next one, which has its answer.
    let mut silent = Connection::open(&server).await;
    assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200);
    let asked = Instant::now();
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    for connection in [&mut idle, &mut silent] {
        assert_eq!(connection.ended().await.0, b"");
    }
}

#[tokio::test]
async fn while_shutting_down_no_client_is_let_in_and_readyz_is_503() {
    let mut server = Server::start().await;
    let (mut asks, mut upgrades) = (Connection::open(&server).await, Connection::open(&server).await);
    for connection in [&mut asks, &mut upgrades] {
        assert_eq!(connection.ask("GET /readyz", "").await.status, 200);
    }
    let holder = holder(&server).await;
    begin_shutdown(&mut server).await;
    // A new connection gets the same.
    let answer = Connection::open(&server).await.upgrade("").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let answer = asks.ask("GET /readyz", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "shutting down"));
    assert_eq!(asks.ask("GET /healthz", "").await.status, 200);
    let answer = upgrades.upgrade("").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    drop(holder);
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_client_that_does_not_leave_is_left_within_3_seconds() {
    let mut server = Server::start().await;
    let _holder = holder(&server).await;
    let mut half_sent = Connection::open(&server).await;
    half_sent.write("GET /healthz HTTP/1.1\r\nHo").await.unwrap();
    let asked = Instant::now();
    begin_shutdown(&mut server).await;
    assert_eq!(server.exit().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_millis(3_500), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut server = Server::start().await;
        let _holder = holder(&server).await;
        begin_shutdown(&mut server).await;
        let asked = Instant::now();
        server.signal(signal).await;
        let status = server.exit().await;
        assert_eq!((status.code(), status.signal()), (Some(code), None));
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
}
