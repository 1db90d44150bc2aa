//! Connections that begin with a PROXY header, and those that should.

use std::time::Duration;

use tokio::time::interval;

use crate::client::Client;
use crate::connection::{Connection, KEY, VERSION, WISH};
use crate::server::{Server, program};

/// A server whose connections come from the proxy at 127.0.0.1.
async fn server(flags: &[&str]) -> Server {
    let proxied = ["--proxy-protocol", "--trusted-proxies", "127.0.0.1"];
    Server::started_by(&mut program(), &[&proxied[..], flags].concat()).await
}

/// A header of version 1.
fn line(address: &str) -> Vec<u8> {
    format!("PROXY TCP4 {address} 192.0.2.1 50000 443\r\n").into_bytes()
}

/// A header of version 2.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u8::try_from(rest.len()).unwrap();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family, 0, length][..], rest].concat()
}

fn binary_four(address: [u8; 4]) -> Vec<u8> {
    binary(0x21, 0x11, &[&address[..], &[192, 0, 2, 1, 0xc3, 0x50, 1, 187]].concat())
}

/// A connection that has begun with `header`.
async fn begun(server: &Server, header: &[u8]) -> Connection {
    let mut connection = Connection::open(server).await;
    connection.write_bytes(header).await.unwrap();
    connection
}

#[tokio::test]
async fn connections_count_for_the_address_in_their_proxy_header() {
    let server = server(&["--connections-per-address-max", "1"]).await;
    let six = |last: u8| {
        let address = |last| [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, last];
        binary(0x21, 0x21, &[&address(last)[..], &address(1), &[0xc3, 0x50, 1, 187]].concat())
    };
    let with_more = [&[203, 0, 113, 7, 192, 0, 2, 1, 0xc3, 0x50, 1, 187], &[4, 0, 3, 1, 2, 3][..]].concat();
    let mut open = Vec::new();
    for (header, status) in [
        (line("203.0.113.1"), 101),
        (line("203.0.113.1"), 429),
        (line("203.0.113.2"), 101),
        (binary_four([203, 0, 113, 2]), 429),
        (binary_four([203, 0, 113, 3]), 101),
        (binary(0x21, 0x11, &with_more), 101),
        (six(7), 101),
        (six(9), 429),
        // The proxy's own.
        (binary(0x20, 0x00, &[]), 101),
        (b"PROXY UNKNOWN\r\n".to_vec(), 429),
        (binary(0x21, 0x00, &[]), 429),
    ] {
        let mut connection = begun(&server, &header).await;
        assert_eq!(connection.upgrade("").await.status, status, "{}", header.escape_ascii());
        open.push(connection);
    }
}

#[tokio::test]
async fn what_follows_the_header_is_served_however_it_is_cut() {
    let server = server(&[]).await;
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for header in [line("203.0.113.1"), binary_four([203, 0, 113, 1])] {
        // All at once.
        let mut connection = begun(&server, &[&header[..], health].concat()).await;
        assert_eq!(connection.answer().await.status, 200);
        // A second request, whose connection is still the same client's.
        assert_eq!(connection.ask("GET /healthz", "").await.status, 200);
        // In two parts, at every place, each as a segment of its own.
        for cut in 1..header.len() {
            let mut connection = begun(&server, &header[..cut]).await;
            let mut ticks = interval(Duration::from_millis(1));
            ticks.tick().await;
            ticks.tick().await;
            connection.write_bytes(&[&header[cut..], &health[..]].concat()).await.unwrap();
            assert_eq!(connection.answer().await.status, 200, "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn a_room_works_from_end_to_end_behind_a_proxy_beside_those_that_send_no_header() {
    let mut server = server(&[]).await;
    let open = async |header: &[u8]| Client::open_on(begun(&server, header).await, &server, &[]).await;
    let mut owner = open(&line("203.0.113.1")).await;
    let room = owner.create().await;
    let mut viewer = open(&binary_four([203, 0, 113, 2])).await;
    viewer.join(&room).await;

    let handshake = format!("GET /broadcasting HTTP/1.1\r\nHost: localhost\r\n{WISH}{VERSION}{KEY}\r\n");
    for (number, bad) in (0..).zip([
        handshake.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PROXY TCP4 203.0.113.1 192.0.2.1 50000\r\nGET",
        b"PROXY TCP4 203.0.113.256 192.0.2.1 50000 443\r\n",
        &[b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(),
        &binary(0x22, 0x11, &[0; 12]),
        &binary(0x21, 0x11, &[0; 3]),
    ]) {
        let (came, age) = begun(&server, bad).await.ended().await;
        assert_eq!(came, b"", "{}", bad.escape_ascii());
        assert!(age < Duration::from_secs(4), "closed at once: {age:?}");
        owner.ring(number).await;
        viewer.hear_ring(number).await;
    }
    let line_of_log = server.log_has("no PROXY header").await;
    assert!(line_of_log.contains("address=127.0.0.1"), "{line_of_log}");

    // The server reads nothing from a peer that is no trusted proxy.
    let mut stranger = Connection::open_from(&server, "127.0.0.2").await;
    // It may be gone already.
    let _ = stranger.write_bytes(&line("203.0.113.1")).await;
    let (came, age) = stranger.ended().await;
    assert_eq!(came, b"");
    assert!(age < Duration::from_secs(4), "closed at once: {age:?}");
    owner.ring(100).await;
    viewer.hear_ring(100).await;
}

/// 5 s, and what a busy machine needs.
fn assert_in_time(what: &str, age: Duration) {
    assert!((4.5..6.5).contains(&age.as_secs_f64()), "{what}: ended after {age:?}");
}

#[tokio::test]
async fn header_and_head_have_5_seconds_together() {
    let server = server(&[]).await;
    let silent = async {
        let (came, age) = begun(&server, b"").await.ended().await;
        assert_eq!(came, b"");
        assert_in_time("silent", age);
    };
    let half_sent = async {
        let (came, age) = begun(&server, b"PROXY TCP4 203.0").await.ended().await;
        assert_eq!(came, b"");
        assert_in_time("half sent", age);
    };
    let trickling = async {
        let connection = &mut begun(&server, b"PROXY UNKNOWN ").await;
        let (came, age) = connection.ended_while_trickling(interval(Duration::from_millis(200))).await;
        assert_eq!(came, b"");
        assert_in_time("trickling", age);
    };
    let late = async {
        let mut connection = begun(&server, b"").await;
        let mut ticks = interval(Duration::from_secs(3));
        ticks.tick().await;
        ticks.tick().await;
        connection.write_bytes(&line("203.0.113.1")).await.unwrap();
        connection.write("GET /healthz HTTP/1.1\r\nHost: a\r\nUpgra").await.unwrap();
        let (came, age) = connection.ended().await;
        assert_eq!(came, b"");
        assert_in_time("late", age);
    };
    let good = async {
        let mut owner = Client::open_on(begun(&server, &line("203.0.113.1")).await, &server, &[]).await;
        owner.create().await;
        assert!(owner.hears_nothing_for(Duration::from_secs(6)).await);
    };
    tokio::join!(silent, half_sent, trickling, late, good);
    // The server does not poll an incomplete header again and again.
    let cpu = server.cpu_time().await;
    assert!(cpu < Duration::from_secs(2), "{cpu:?} for waiting");
}
