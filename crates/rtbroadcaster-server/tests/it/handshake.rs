//! Which requests become WebSocket connections.

use crate::connection::{Answer, Connection, KEY, VERSION, WISH};
use crate::server::Server;

async fn ask(server: &Server, headers: &str) -> Answer {
    Connection::open(server).await.ask("GET /broadcasting", headers).await
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_what_to_send() {
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
