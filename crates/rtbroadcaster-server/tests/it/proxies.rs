//! Clients behind a proxy, which sends their addresses in `X-Forwarded-For`.

use serde_json::json;

use crate::client::Client;
use crate::connection::{Answer, Connection};
use crate::server::{Server, program};

/// A server that trusts the proxy at 127.0.0.1, and the one at 10.0.0.1 behind it.
async fn server(limit: &str, most: &str) -> Server {
    let flags = ["--trusted-proxies", "127.0.0.1", "--trusted-proxies", "10.0.0.0/8", limit, most];
    Server::started_by(&mut program(), &flags).await
}

/// Asks for the upgrade from `peer`, with the header of a proxy if there is one. The connection is kept as long as the
/// answer.
async fn upgrade(server: &Server, peer: &str, forwarded_for: Option<&str>) -> (Connection, Answer) {
    let mut connection = Connection::open_from(server, peer).await;
    let header = forwarded_for.map_or_else(String::new, |value| format!("X-Forwarded-For: {value}\r\n"));
    let answer = connection.upgrade(&header).await;
    (connection, answer)
}

#[tokio::test]
async fn connections_count_for_the_address_that_a_trusted_proxy_tells_and_for_no_other() {
    let server = server("--connections-per-address-max", "1").await;
    let mut open = Vec::new();
    for (peer, forwarded_for, status) in [
        ("127.0.0.1", Some("203.0.113.1"), 101),
        ("127.0.0.1", Some("203.0.113.1"), 429),
        ("127.0.0.1", Some("198.51.100.7, 203.0.113.1"), 429),
        ("127.0.0.1", Some("203.0.113.1, 10.0.0.1"), 429),
        ("127.0.0.1", Some("::ffff:203.0.113.1"), 429),
        ("127.0.0.1", Some("203.0.113.1:50000"), 429),
        ("127.0.0.1", Some("203.0.113.2"), 101),
        // An IPv6 site is one place.
        ("127.0.0.1", Some("2001:db8:1:2::1"), 101),
        ("127.0.0.1", Some("2001:db8:1:2:ffff::9"), 429),
        ("127.0.0.1", Some("2001:db8:1:3::1"), 101),
        // Without a header that makes sense it is the proxy's own.
        ("127.0.0.1", None, 101),
        ("127.0.0.1", Some("unknown"), 429),
        ("127.0.0.1", Some("203.0.113.9, unknown"), 429),
        // A client that is not trusted can write any address.
        ("127.0.0.2", Some("203.0.113.3"), 101),
        ("127.0.0.2", Some("203.0.113.4"), 429),
        ("127.0.0.2", None, 429),
        ("127.0.0.1", Some("203.0.113.3"), 101),
        ("127.0.0.1", Some("127.0.0.2"), 429),
    ] {
        let (connection, answer) = upgrade(&server, peer, forwarded_for).await;
        assert_eq!(answer.status, status, "{forwarded_for:?} from {peer}");
        open.push(connection);
    }
}

#[tokio::test]
async fn handshakes_and_the_log_are_by_the_address_that_a_trusted_proxy_tells() {
    let mut server = server("--handshakes-per-address-per-second", "1").await;
    assert_eq!(upgrade(&server, "127.0.0.1", Some("203.0.113.1")).await.1.status, 101);
    assert_eq!(upgrade(&server, "127.0.0.1", Some("203.0.113.2")).await.1.status, 101);
    // As fast as it can, so that one at least comes within a second of another.
    let mut refused = false;
    for _ in 0..5 {
        refused |= upgrade(&server, "127.0.0.1", Some("203.0.113.2")).await.1.status == 429;
    }
    assert!(refused, "an address has as many handshakes as it wants");
    let line = server.log_has("upgrade refused").await;
    assert!(line.contains("address=203.0.113.2"), "{line}");
    assert_eq!(upgrade(&server, "127.0.0.1", Some("203.0.113.3")).await.1.status, 101);
}

#[tokio::test]
async fn rooms_count_for_the_address_that_a_trusted_proxy_tells() {
    let server = server("--rooms-per-address-max", "1").await;
    let client = async |peer: &str, address: &str| {
        let connection = Connection::open_from(&server, peer).await;
        Client::open_on(connection, &server, &[("x-forwarded-for", address)]).await
    };
    let mut first = client("127.0.0.1", "203.0.113.1").await;
    let room = first.create().await;
    let mut second = client("127.0.0.1", "203.0.113.1").await;
    second.say(json!({"status": {"value": 1}})).await;
    assert_eq!(second.hear().await["status"]["text"], "too many rooms");
    client("127.0.0.1", "203.0.113.2").await.create().await;
    let mut stranger = client("127.0.0.2", "203.0.113.3").await;
    stranger.create().await;
    let mut same_stranger = client("127.0.0.2", "203.0.113.4").await;
    same_stranger.say(json!({"status": {"value": 1}})).await;
    assert_eq!(same_stranger.hear().await["status"]["text"], "too many rooms");
    // A client that was refused a room may still join one.
    second.join(&room).await;
    first.ring(1).await;
    second.hear_ring(1).await;
}

#[tokio::test]
async fn requests_of_several_clients_may_share_the_connection_of_their_proxy() {
    let server = server("--handshakes-per-address-per-second", "1").await;
    let mut connection = Connection::open(&server).await;
    assert_eq!(upgrade(&server, "127.0.0.1", Some("203.0.113.1")).await.1.status, 101);
    assert_eq!(connection.ask("GET /healthz", "X-Forwarded-For: 203.0.113.1\r\n").await.status, 200);
    // The next request on this connection is from another client, which has made no handshake yet.
    assert_eq!(connection.upgrade("X-Forwarded-For: 203.0.113.2\r\n").await.status, 101);
}
