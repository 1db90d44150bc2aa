//! The client's side of the upgrade to WebSocket (RFC 6455 section 4.1). Pure: bytes in, bytes out.

use crate::plan::Protocol;
use crate::target::Target;

/// The example key of RFC 6455 section 1.3, and the right answer to it. Servers cannot tell that the key is not random.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The name of version 2.
const V2: &str = "rtbroadcaster.v2";

/// The most bytes of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Why the server did not upgrade the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpgradeRefusal {
    #[error(
        "the server takes no more connections (429). A rtbroadcaster server takes them all from one address with\n  \
         --connections-per-address-max none --handshakes-per-address-per-second none --connections-max none"
    )]
    TooMany,
    #[error("there is no such path on the server (404): give the address of its WebSocket endpoint")]
    NoPath,
    #[error("the server does not let this connection in: {0:?}")]
    Status(String),
    #[error("the server speaks no version 2 (rtbroadcaster.v2): try --protocol classic or --protocol relay")]
    NoV2,
    #[error("the answer is not that of a WebSocket server")]
    NoWebSocket,
}

/// Returns the request for an upgrade.
pub(crate) fn request(target: &Target, protocol: Protocol) -> Vec<u8> {
    let offer = if protocol == Protocol::V2 { format!("Sec-WebSocket-Protocol: {V2}\r\n") } else { String::new() };
    format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{offer}\r\n",
        target.path(),
        target.authority(),
    )
    .into()
}

/// Returns the length of the answer; `None` if it is not whole yet.
pub(crate) fn answer(bytes: &[u8], protocol: Protocol) -> Result<Option<usize>, UpgradeRefusal> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        let is_http = bytes.iter().zip(b"HTTP/1.1").all(|(byte, expected)| byte == expected);
        return if is_http && bytes.len() < HEAD_BYTES_MAX { Ok(None) } else { Err(UpgradeRefusal::NoWebSocket) };
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    match status.strip_prefix("HTTP/1.1 ").and_then(|status| status.split(' ').next()) {
        Some("101") => {}
        Some("404") => return Err(UpgradeRefusal::NoPath),
        Some("429") => return Err(UpgradeRefusal::TooMany),
        Some(_) => return Err(UpgradeRefusal::Status(status.into())),
        None => return Err(UpgradeRefusal::NoWebSocket),
    }
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let has = |name: &str, value: &str| {
        headers.iter().any(|(found, text)| found.eq_ignore_ascii_case(name) && text.trim() == value)
    };
    if !has("sec-websocket-accept", ACCEPT) {
        return Err(UpgradeRefusal::NoWebSocket);
    }
    if protocol == Protocol::V2 && !has("sec-websocket-protocol", V2) {
        return Err(UpgradeRefusal::NoV2);
    }
    Ok(Some(end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_2_is_asked_for_by_name() {
        let target = "ws://a:9/b".parse().unwrap();
        let text = |protocol| String::from_utf8(request(&target, protocol)).unwrap();
        assert!(text(Protocol::Classic).starts_with("GET /b HTTP/1.1\r\nHost: a:9\r\n"));
        assert!(!text(Protocol::Relay).contains("Protocol"));
        assert!(text(Protocol::V2).contains("\r\nSec-WebSocket-Protocol: rtbroadcaster.v2\r\n"));
    }

    #[test]
    fn an_answer_is_taken_or_refused_with_the_reason() {
        let good = format!("HTTP/1.1 101 Switching Protocols\r\nSec-Websocket-ACCEPT:{ACCEPT}\r\n");
        let whole = format!("{good}\r\nrest");
        assert_eq!(answer(whole.as_bytes(), Protocol::Classic), Ok(Some(good.len() + 2)));
        assert_eq!(answer(good.as_bytes(), Protocol::Classic), Ok(None));
        assert_eq!(answer(b"", Protocol::Classic), Ok(None));
        assert_eq!(answer(whole.as_bytes(), Protocol::V2), Err(UpgradeRefusal::NoV2));
        let v2 = format!("{good}sec-websocket-protocol: {V2}\r\n\r\n");
        assert_eq!(answer(v2.as_bytes(), Protocol::V2), Ok(Some(v2.len())));
        for (text, why) in [
            ("HTTP/1.1 429 Too Many Requests\r\n\r\n", UpgradeRefusal::TooMany),
            ("HTTP/1.1 404 Not Found\r\n\r\n", UpgradeRefusal::NoPath),
            ("HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\n", UpgradeRefusal::Status("HTTP/1.1 403 Forbidden".into())),
            ("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: other\r\n\r\n", UpgradeRefusal::NoWebSocket),
            ("220 mail\r\n", UpgradeRefusal::NoWebSocket),
        ] {
            assert_eq!(answer(text.as_bytes(), Protocol::Classic), Err(why), "{text}");
        }
    }
}
