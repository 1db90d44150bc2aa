//! Which requests become WebSocket connections.

use crate::connection::{Answer, Connection, KEY, VERSION, WISH};
use crate::server::{Server, program};

async fn ask(server: &Server, headers: &str) -> Answer {
    Connection::open(server).await.ask("GET /broadcasting", headers).await
}

#[tokio::test]
async fn a_request_that_is_no_handshake_gets_what_to_send() {
    let server = Server::start().await;
    let wrong_version = "Sec-WebSocket-Version: 8\r\n";
    for (headers, status, word) in [
        (String::new(), 400, "Upgrade"),
        (format!("{WISH}{VERSION}"), 400, "Sec-WebSocket-Key"),
        (format!("{WISH}{VERSION}Sec-WebSocket-Key: short\r\n"), 400, "Sec-WebSocket-Key"),
        (format!("{WISH}{KEY}{wrong_version}"), 426, "Sec-WebSocket-Version: 13"),
        (format!("{WISH}{KEY}"), 426, "Sec-WebSocket-Version: 13"),
    ] {
        let answer = ask(&server, &headers).await;
        assert_eq!(answer.status, status, "{headers}: {answer:?}");
        assert!(answer.body.contains(word), "{headers}: {answer:?}");
    }
    let answer = ask(&server, &format!("{WISH}{KEY}{wrong_version}")).await;
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
}

#[tokio::test]
async fn only_pages_of_the_same_origin_and_clients_that_are_no_pages_are_upgraded() {
    let server = Server::start().await;
    let host = server.address;
    for (origin, status) in [
        (String::new(), 101),
        (format!("Origin: http://{host}\r\n"), 101),
        ("Origin: http://127.0.0.1\r\n".into(), 403),
        ("Origin: https://example.org\r\n".into(), 403),
        (format!("Origin: http://{host}.example.org\r\n"), 403),
        ("Origin: null\r\n".into(), 403),
    ] {
        let answer = Connection::open(&server).await.upgrade(&origin).await;
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
        assert!(!answer.body.contains("example.org"), "the answer echoes nothing: {answer:?}");
    }
}

#[tokio::test]
async fn the_answer_proves_that_the_key_was_read() {
    let server = Server::start().await;
    let answer = Connection::open(&server).await.upgrade("").await;
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(answer.header("sec-websocket-protocol"), None);
}

#[tokio::test]
async fn a_head_may_have_64_headers_and_16_kib() {
    let server = Server::start().await;
    // Host and the four of the handshake are there already.
    let headers = |count: usize| "X-Padding: 1\r\n".repeat(count - 5);
    assert_eq!(Connection::open(&server).await.upgrade(&headers(64)).await.status, 101);
    assert_eq!(Connection::open(&server).await.upgrade(&headers(65)).await.status, 431);
    let bytes = |count: usize| format!("X-Padding: {}\r\n", "a".repeat(count));
    assert_eq!(Connection::open(&server).await.upgrade(&bytes(15 * 1024)).await.status, 101);
    assert_eq!(Connection::open(&server).await.upgrade(&bytes(16 * 1024)).await.status, 431);
}

#[tokio::test]
async fn origins_that_are_listed_or_public_are_upgraded_too() {
    let flags = [
        "--allow-origin",
        "https://a.test,capacitor://localhost",
        "--allow-origin",
        "http://b.test:81",
        "--public-url",
        "https://c.test",
    ];
    let mut server = Server::started_by(&mut program(), &flags).await;
    for (origin, status) in [
        ("https://a.test", 101),
        ("http://b.test:81", 101),
        ("https://c.test", 101),
        ("capacitor://localhost", 101),
        ("tauri://localhost", 403),
        ("http://a.test", 403),
        ("https://b.test", 403),
        ("https://a.test.evil.test", 403),
        ("null", 403),
    ] {
        let answer = Connection::open(&server).await.upgrade(&format!("Origin: {origin}\r\n")).await;
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
    }
    let twice = Connection::open(&server).await.upgrade("Origin: https://a.test\r\nOrigin: https://a.test\r\n").await;
    assert_eq!(twice.status, 403);
    let line = server.log_has("upgrade refused").await;
    assert!(line.contains("allow_origin"), "the log says what to set: {line}");
    let allowed = "allowed=\"https://c.test, https://a.test, capacitor://localhost, http://b.test:81\"";
    for told in ["origin=\"tauri://localhost\"", &format!("host=\"{}\"", server.address), allowed] {
        assert!(line.contains(told), "{told} is not in {line}");
    }
}

#[tokio::test]
async fn a_loopback_server_answers_to_its_own_names_only() {
    let mut server = Server::started_by(&mut program(), &["--allow-host", "show.test"]).await;
    for (host, status) in
        [("localhost", 200), ("show.test:8080", 200), ("evil.test", 403), ("localhost.evil.test", 403)]
    {
        let answer = Connection::open(&server).await.ask_host("GET /healthz", host).await;
        assert_eq!(answer.status, status, "{host}: {answer:?}");
    }
    let line = server.log_has("--allow-host").await;
    assert!(line.contains("host=\"evil.test\"") && line.contains("allowed=\"localhost, show.test\""), "{line}");
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_whether_there_is_a_server() {
    let server = Server::started_by(&mut program(), &[]).await;
    let headers = "Origin: https://far.test\r\n";
    let answer = Connection::open(&server).await.ask("GET /healthz", headers).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{answer:?}");
    let answer = Connection::open(&server).await.ask("GET /readyz", headers).await;
    assert_eq!(answer.header("access-control-allow-origin"), None, "that one tells of the server's state");
}

#[tokio::test]
async fn too_many_connections_get_a_time_to_retry() {
    let mut server = Server::started_by(&mut program(), &["--connections-per-address-max", "2"]).await;
    let mut first = Connection::open(&server).await;
    let mut second = Connection::open(&server).await;
    assert_eq!((first.upgrade("").await.status, second.upgrade("").await.status), (101, 101));
    let answer = Connection::open(&server).await.upgrade("").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    server.log_has("too many connections").await;
    assert_eq!(
        Connection::open(&server).await.ask("GET /healthz", "").await.status,
        200,
        "only handshakes are limited"
    );
}
