//! Requests that do not become WebSocket connections, each with the status that it earns.
//! Must not know what is said on connections that do.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::moment::within;

const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What each row is, its request, and the status of the answer.
pub(super) fn rows(house: &House) -> Vec<(String, Vec<u8>, u16)> {
    let address = house.address;
    let host = format!("Host: {address}\r\n");
    let good = format!("{host}{UPGRADE}{CONNECTION}{VERSION}{KEY}");
    let line = |line: &str, headers: &str| (line.to_owned(), format!("{line}\r\n{headers}\r\n").into_bytes());
    let with = |headers: &str| {
        let (_, bytes) = line("GET /broadcasting HTTP/1.1", headers);
        (headers.chars().take(400).collect(), bytes)
    };
    let lines = [
        ("POST /broadcasting HTTP/1.1", 405),
        ("BREW /broadcasting HTTP/1.1", 405),
        ("GET /SECRET HTTP/1.1", 404),
        ("GET /broadcasting/../SECRET HTTP/1.1", 404),
        ("GET /broadcasting HTTP/1.0", 400),
        ("GET /broadcasting HTTP/9.9", 400),
        ("GET /broadcasting", 400),
        ("\u{1b}[31mSECRET", 400),
    ];
    let mut rows: Vec<_> = lines.iter().map(|(first, status)| (line(first, &good), *status)).collect();
    let headers = [
        (good.clone(), 101),
        (format!("{UPGRADE}{CONNECTION}{VERSION}{KEY}"), 400),
        (format!("{good}{host}"), 400),
        (format!("{host}{CONNECTION}{VERSION}{KEY}"), 400),
        (format!("{host}Upgrade: SECRET\r\n{CONNECTION}{VERSION}{KEY}"), 400),
        (format!("{host}{UPGRADE}{VERSION}{KEY}"), 400),
        (format!("{host}{UPGRADE}Connection: SECRET\r\n{VERSION}{KEY}"), 400),
        (format!("{host}{UPGRADE}{CONNECTION}{KEY}"), 426),
        (format!("{host}{UPGRADE}{CONNECTION}Sec-WebSocket-Version: 8\r\n{KEY}"), 426),
        (format!("{good}{VERSION}"), 426),
        (format!("{host}{UPGRADE}{CONNECTION}{VERSION}"), 400),
        (format!("{host}{UPGRADE}{CONNECTION}{VERSION}Sec-WebSocket-Key: SECRET\r\n"), 400),
        (format!("{good}{KEY}"), 400),
        (format!("{good}Origin: https://elsewhere.test\r\n"), 403),
        (format!("{good}Origin: null\r\n"), 403),
        (format!("{good}Origin: http://{address}\r\nOrigin: http://{address}\r\n"), 403),
        (format!("{good}Origin: http://{address}.elsewhere.test\r\n"), 403),
        (format!("{good}Origin: https://{address}\r\n"), 101),
        (format!("{good}{}", "X-Secret: SECRET\r\n".repeat(200)), 431),
        (format!("{good}SECRET\u{1b}[31m\r\n"), 400),
        (format!("{good}X-\u{7}: SECRET\r\n"), 400),
    ];
    rows.extend(headers.iter().map(|(headers, status)| (with(headers), *status)));
    rows.into_iter().map(|((row, bytes), status)| (row, bytes, status)).collect()
}

/// The request is answered with `status`, and the answer repeats nothing of it.
pub(super) async fn check(house: &House, row: &str, request: &[u8], status: u16) {
    let head = answer(house, request).await;
    assert_eq!(head.split(' ').nth(1), Some(status.to_string().as_str()), "{row}: {head:?}");
    assert!(!head.contains("SECRET"), "{row}: {head:?}");
}

/// The answer to a request, as far as it comes in the first piece.
pub(super) async fn answer(house: &House, request: &[u8]) -> String {
    let mut stream = within("connecting", TcpStream::connect(house.address)).await.unwrap();
    within("the request", stream.write_all(request)).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(within("an answer", stream.read_buf(&mut head)).await.unwrap() > 0, "no answer: {head:?}");
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A request that is well.
pub(super) fn good(house: &House) -> Vec<u8> {
    rows(house).into_iter().find(|(.., status)| *status == 101).unwrap().1
}
