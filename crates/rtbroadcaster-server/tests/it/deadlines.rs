//! How long a connection may take.

use std::time::Duration;

use tokio::time::{Instant, interval, timeout};

use crate::client::Client;
use crate::connection::Connection;
use crate::server::Server;

/// 5 s, and what a busy machine needs.
fn assert_in_time(what: &str, age: Duration) {
    assert!((4.5..6.0).contains(&age.as_secs_f64()), "{what}: ended after {age:?}");
}

async fn silent(server: &Server) {
    let (came, age) = Connection::open(server).await.ended().await;
    assert_eq!(came, b"");
    assert_in_time("silent", age);
}

async fn half_sent(server: &Server) {
    let mut connection = Connection::open(server).await;
    connection.write("GET /broadcasting HTTP/1.1\r\nHost: a\r\nUpgra").await.unwrap();
    let (came, age) = connection.ended().await;
    assert_eq!(came, b"");
    assert_in_time("half sent", age);
}

/// Each byte comes in time, the head does not.
async fn trickling(server: &Server) {
    let mut connection = Connection::open(server).await;
    connection.write("GET /broadcasting HTTP/1.1\r\nHost: a\r\nX-Padding: ").await.unwrap();
    let (came, age) = connection.ended_while_trickling(interval(Duration::from_millis(200))).await;
    assert_eq!(came, b"");
    assert_in_time("trickling", age);
}

/// Half of another head behind an answer has the same time.
async fn half_sent_after_an_answer(server: &Server) {
    let mut connection = Connection::open(server).await;
    assert_eq!(connection.ask("GET /healthz", "").await.status, 200);
    connection.write("GET /healthz HTTP/1.1\r\nHost: a\r\nX-").await.unwrap();
    let (came, age) = connection.ended().await;
    assert_eq!(came, b"");
    assert_in_time("half sent after an answer", age);
}

/// Balancers and browsers keep a connection for the next request.
async fn idle_after_an_answer(server: &Server) {
    let mut connection = Connection::open(server).await;
    assert_eq!(connection.ask("GET /healthz", "").await.status, 200);
    assert!(timeout(Duration::from_secs(6), connection.byte_or_end()).await.is_err(), "it is kept");
    assert_eq!(connection.ask("GET /healthz", "").await.status, 200);
}

/// The close has a reason.
async fn upgraded_and_silent(server: &Server) {
    let mut client = Client::open(server).await;
    let opened = Instant::now();
    assert_eq!(client.end_within(Duration::from_secs(9)).await, 4502);
    assert_in_time("upgraded", opened.elapsed());
}

/// The upgrade does not restart the clock: a client that takes 3 s for its head has 2 s for its first message.
async fn upgraded_late_and_silent(server: &Server) {
    let mut connection = Connection::open(server).await;
    let mut ticks = interval(Duration::from_secs(3));
    ticks.tick().await;
    ticks.tick().await;
    assert_eq!(connection.upgrade("").await.status, 101);
    let (came, age) = connection.ended().await;
    assert_eq!(came[..4], [0x88, 2 + 4, 0x11, 0x96], "a close frame with 4502: {came:?}");
    assert_in_time("upgraded late", age);
}

/// A client that has sent a valid message is not closed by that clock.
async fn joined(server: &Server) {
    let (mut owner, _) = Client::owner(server).await;
    assert!(owner.hears_nothing_for(Duration::from_secs(6)).await);
}

#[tokio::test]
async fn who_does_not_speak_is_closed_5_seconds_after_the_accept() {
    let server = Server::start().await;
    tokio::join!(
        silent(&server),
        half_sent(&server),
        trickling(&server),
        half_sent_after_an_answer(&server),
        idle_after_an_answer(&server),
        upgraded_and_silent(&server),
        upgraded_late_and_silent(&server),
        joined(&server),
    );
}
