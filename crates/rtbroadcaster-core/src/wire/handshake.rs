//! The opening handshake: checks whether a request is a lawful WebSocket upgrade, and answers it (RFC 6455 section
//! 4.2).
//! Must not know paths, origins or tokens: whether the client may enter is decided elsewhere.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Response, StatusCode, Version};
use sha1::{Digest, Sha1};

/// Joined to the key to make the accept value (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// A lawful upgrade request: the parts that its answer needs.
///
/// ```
/// use http::{HeaderMap, HeaderValue, Method, Version};
/// use rtbroadcaster_core::wire::handshake::{HandshakeError, check};
///
/// let mut headers = HeaderMap::new();
/// for (name, value) in [
///     ("host", "example.org"),
///     ("upgrade", "websocket"),
///     ("connection", "Upgrade"),
///     ("sec-websocket-version", "13"),
///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("sec-websocket-protocol", "chat, superchat"),
/// ] {
///     headers.insert(name, HeaderValue::from_static(value));
/// }
/// let request = check(&Method::GET, Version::HTTP_11, &headers).unwrap();
/// assert_eq!(request.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert!(request.offers("superchat") && !request.offers("super"));
///
/// assert_eq!(check(&Method::POST, Version::HTTP_11, &headers).unwrap_err(), HandshakeError::Method);
/// ```
#[derive(Debug, Clone)]
pub struct UpgradeRequest {
    /// The value that proves the key was read.
    accept: HeaderValue,
    /// The lists of subprotocols, one per header.
    protocols: Vec<HeaderValue>,
}

impl UpgradeRequest {
    /// Returns the value of `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2).
    pub fn accept(&self) -> &HeaderValue {
        &self.accept
    }

    /// Returns whether the client speaks this subprotocol, compared by exact spelling (RFC 6455 section 4.1).
    pub fn offers(&self, protocol: &str) -> bool {
        self.protocols.iter().flat_map(tokens).any(|token| token == protocol.as_bytes())
    }
}

/// Why a request is no lawful upgrade. Says what the client should send, and echoes nothing it sent.
///
/// ```
/// use rtbroadcaster_core::wire::handshake::HandshakeError;
///
/// assert_eq!(HandshakeError::Version.status(), 426);
/// assert_eq!(HandshakeError::Version.headers()["sec-websocket-version"], "13");
/// assert!(HandshakeError::Key.headers().is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Another method than GET.
    #[error("send a GET request")]
    Method,
    /// HTTP before 1.1.
    #[error("send the request as HTTP/1.1")]
    HttpVersion,
    /// No host, or several.
    #[error("send exactly one Host header")]
    Host,
    /// No wish for WebSocket.
    #[error("send the header Upgrade: websocket")]
    Upgrade,
    /// No wish to upgrade this connection.
    #[error("send the header Connection: Upgrade")]
    Connection,
    /// Another version of the protocol, or none, or several.
    #[error("send exactly one header Sec-WebSocket-Version: 13")]
    Version,
    /// No key, several, or one that is not sixteen bytes.
    #[error("send exactly one Sec-WebSocket-Key of sixteen bytes in base64")]
    Key,
    /// A body. Where it ends and the first frame begins would depend on how it was sent.
    #[error("send the request without a body")]
    Body,
}

impl HandshakeError {
    /// Returns the status of the refusal.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::HttpVersion | Self::Host | Self::Upgrade | Self::Connection | Self::Key | Self::Body => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// Returns the headers that the refusal must carry: what is allowed (RFC 9110 sections 15.5.6 and 15.5.22, RFC 6455
    /// section 4.4).
    pub fn headers(self) -> HeaderMap {
        let rows: &[(HeaderName, HeaderValue)] = match self {
            Self::Method => &[(ALLOW, const { HeaderValue::from_static("GET") })],
            Self::Version => &[
                (SEC_WEBSOCKET_VERSION, const { HeaderValue::from_static("13") }),
                (UPGRADE, WEBSOCKET),
                // An Upgrade header names itself here (RFC 9110 section 7.8).
                (CONNECTION, const { HeaderValue::from_static("Upgrade") }),
            ],
            Self::HttpVersion | Self::Host | Self::Upgrade | Self::Connection | Self::Key | Self::Body => &[],
        };
        rows.iter().cloned().collect()
    }
}

/// Judges a request by RFC 6455 section 4.2.1.
///
/// # Errors
/// The first rule that the request breaks, in the order of [`HandshakeError`].
pub fn check(method: &Method, version: Version, headers: &HeaderMap) -> Result<UpgradeRequest, HandshakeError> {
    if method != Method::GET {
        return Err(HandshakeError::Method);
    }
    if version < Version::HTTP_11 {
        return Err(HandshakeError::HttpVersion);
    }
    only(headers, HOST).ok_or(HandshakeError::Host)?;
    if !lists(headers, UPGRADE, b"websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !lists(headers, CONNECTION, b"upgrade") {
        return Err(HandshakeError::Connection);
    }
    only(headers, SEC_WEBSOCKET_VERSION).filter(|value| *value == "13").ok_or(HandshakeError::Version)?;
    let key = only(headers, SEC_WEBSOCKET_KEY).filter(|key| is_sixteen_bytes(key)).ok_or(HandshakeError::Key)?;
    // A length of zero means that there is none (RFC 9112 section 6.3).
    let has_no_length = headers.get_all(CONTENT_LENGTH).iter().all(|length| length == "0");
    if headers.contains_key(TRANSFER_ENCODING) || !has_no_length {
        return Err(HandshakeError::Body);
    }
    let protocols = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().cloned().collect();
    Ok(UpgradeRequest { accept: accept_of(key), protocols })
}

/// Returns the answer that opens the WebSocket (RFC 6455 section 4.2.2), with the subprotocol that was chosen. Choose
/// only a subprotocol that the client [offers](UpgradeRequest::offers): it fails the connection over any other.
///
/// # Panics
/// When `protocol` is not visible ASCII, which is the program's own text and never the peer's.
pub fn response(request: &UpgradeRequest, protocol: Option<&'static str>) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, WEBSOCKET);
    headers.insert(CONNECTION, const { HeaderValue::from_static("Upgrade") });
    headers.insert(SEC_WEBSOCKET_ACCEPT, request.accept.clone());
    if let Some(protocol) = protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}

/// Returns the header's value, when it is there exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Returns whether one of the headers of this name lists the token, in any case of its letters.
fn lists(headers: &HeaderMap, name: HeaderName, token: &[u8]) -> bool {
    headers.get_all(name).iter().flat_map(tokens).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// Returns the members of a comma-separated list.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// Returns whether the key is the base64 of exactly sixteen bytes. Only its form counts: the bytes are not used.
fn is_sixteen_bytes(key: &HeaderValue) -> bool {
    // A longer key is refused for want of space.
    let mut bytes = [0; 16];
    STANDARD.decode_slice(key, &mut bytes) == Ok(16)
}

fn accept_of(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    HeaderValue::try_from(STANDARD.encode(digest)).expect("base64 is visible ASCII")
}

#[cfg(test)]
mod tests;
