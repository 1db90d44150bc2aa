//! The opening handshake (RFC 6455 section 4.2), as little of it as a load generator needs. Must not know sockets.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// The longest request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Joined to the key to make the accept value (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Returns the answer to a request, or nothing while the request is incomplete.
///
/// # Errors
/// When it is too long or has no key.
pub(super) fn answer(head: &[u8]) -> io::Result<Option<String>> {
    if !head.ends_with(b"\r\n\r\n") {
        let waits = head.len() < HEAD_BYTES_MAX;
        return if waits { Ok(None) } else { Err(io::Error::other("the request is too long")) };
    }
    let text = String::from_utf8_lossy(head);
    let mut headers = text.lines().filter_map(|line| line.split_once(':'));
    let key = headers.find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim()));
    let key = key.ok_or_else(|| io::Error::other("the request has no key"))?;
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    Ok(Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_request_is_answered_with_its_key() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let answered = answer(request.as_bytes()).unwrap().unwrap();
        // RFC 6455 section 1.3.
        assert!(answered.contains("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answered}");
        assert_eq!(answer(&request.as_bytes()[..request.len() - 1]).unwrap(), None);
        assert!(answer(b"GET / HTTP/1.1\r\n\r\n").is_err());
        assert!(answer(&[b'a'; HEAD_BYTES_MAX]).is_err());
    }
}
