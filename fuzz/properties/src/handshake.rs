//! The opening handshake against the rules of RFC 6455 section 4.2, written down once more. Must not know hyper.

use http::header::{ALLOW, CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Method, Request, Version};
use rtbroadcaster::{Upgrade, UpgradeError};
use rtbroadcaster_core::protocol::{self, Dialect, classic, v2};
use rtbroadcaster_core::wire::handshake::{HandshakeError, check, response};
use tungstenite::handshake::derive_accept_key;

/// The number of headers that hyper reads of one request.
const HEADERS_MAX: usize = 100;

/// Checks `bytes`, the head of an HTTP request. It is accepted exactly when RFC 6455 section 4.2.1 says so, with the
/// proof of section 4.2.2. Every refusal names the first broken rule and has the status that PROTOCOL.md gives it.
pub fn handshake(bytes: &[u8]) {
    let head = Head::read(bytes);
    let found = check(&head.method, head.version, &head.headers);
    let expected = head.broken_rule();
    assert_eq!(found.as_ref().err().copied(), expected, "{head:?}");
    match found {
        Ok(request) => {
            let key = head.all("sec-websocket-key")[0];
            assert_eq!(request.accept().as_bytes(), derive_accept_key(key).as_bytes());
            let offered = head.lists("sec-websocket-protocol");
            let is_v2 = offered.contains(&&b"rtbroadcaster.v2"[..]);
            let dialect = protocol::choose(|name| request.offers(name));
            let expected: &Dialect = if is_v2 { &v2::DIALECT } else { &classic::DIALECT };
            assert!(std::ptr::eq(dialect, expected), "{head:?}");
            let answer = response(&request, dialect.name);
            let value = |name: &str| answer.headers().get(name).map(HeaderValue::as_bytes);
            assert_eq!(answer.status(), 101);
            assert_eq!(value("upgrade"), Some(&b"websocket"[..]));
            assert_eq!(value("connection"), Some(&b"Upgrade"[..]));
            assert_eq!(value("sec-websocket-accept"), Some(request.accept().as_bytes()));
            assert_eq!(value("sec-websocket-protocol"), is_v2.then_some(&b"rtbroadcaster.v2"[..]));
            assert_eq!(answer.headers().len(), 3 + usize::from(is_v2), "no extension is ever agreed on");
            assert_eq!(head.refusal(), UpgradeError::NotUpgradable);
        }
        Err(error) => refused(&head, error),
    }
}

/// Checks that the answer to a refused handshake says what is allowed, and repeats nothing of the request.
fn refused(head: &Head, error: HandshakeError) {
    assert_eq!(head.refusal(), UpgradeError::Handshake(error));
    let answer = head.refusal().into_response::<String>();
    let status = match error {
        HandshakeError::Method => 405,
        HandshakeError::Version => 426,
        _ => 400,
    };
    assert_eq!(answer.status(), status, "{head:?}");
    assert_eq!(answer.body(), &format!("{error}\n"));
    let value = |name: HeaderName| answer.headers().get(name).map(HeaderValue::as_bytes);
    assert_eq!(value(ALLOW), (status == 405).then_some(&b"GET"[..]));
    assert_eq!(value(SEC_WEBSOCKET_VERSION), (status == 426).then_some(&b"13"[..]));
    assert_eq!(value(UPGRADE), (status == 426).then_some(&b"websocket"[..]));
    assert_eq!(value(CONNECTION), (status == 426).then_some(&b"Upgrade"[..]));
}

/// The head of a request, without anything that an HTTP library would not pass on.
#[derive(Debug)]
struct Head {
    method: Method,
    version: Version,
    headers: HeaderMap,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let first: Vec<&[u8]> = lines.next().unwrap_or_default().split(|byte| *byte == b' ').collect();
        let method = Method::from_bytes(first[0]).unwrap_or(Method::GET);
        let version = match first[first.len() - 1] {
            b"HTTP/0.9" => Version::HTTP_09,
            b"HTTP/1.0" => Version::HTTP_10,
            b"HTTP/2" => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
        });
        let mut all = HeaderMap::new();
        headers.take(HEADERS_MAX).for_each(|(name, value)| _ = all.append(name, value));
        Self { method, version, headers: all }
    }

    /// Returns the values of all headers of this name.
    fn all(&self, name: &str) -> Vec<&[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    /// Returns the members of the comma-separated lists in all headers of this name.
    fn lists(&self, name: &str) -> Vec<&[u8]> {
        let lists = self.all(name).into_iter();
        lists.flat_map(|list| list.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).collect()
    }

    /// Returns the first rule of RFC 6455 section 4.2.1 that it breaks.
    fn broken_rule(&self) -> Option<HandshakeError> {
        let lists = |name, token: &[u8]| self.lists(name).iter().any(|listed| listed.eq_ignore_ascii_case(token));
        let is_old = self.version == Version::HTTP_09 || self.version == Version::HTTP_10;
        let rules = [
            (self.method == Method::GET, HandshakeError::Method),
            (!is_old, HandshakeError::HttpVersion),
            (self.all("host").len() == 1, HandshakeError::Host),
            (lists("upgrade", b"websocket"), HandshakeError::Upgrade),
            (lists("connection", b"upgrade"), HandshakeError::Connection),
            (self.all("sec-websocket-version") == [b"13"], HandshakeError::Version),
            (matches!(self.all("sec-websocket-key")[..], [key] if is_key(key)), HandshakeError::Key),
        ];
        rules.into_iter().find_map(|(is_kept, error)| (!is_kept).then_some(error))
    }

    /// Returns the refusal of the whole upgrade, which gets no connection here.
    fn refusal(&self) -> UpgradeError {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.clone();
        let refusal = Upgrade::new(&mut request).err().unwrap_or_else(|| panic!("no connection to upgrade: {self:?}"));
        assert_eq!(request.headers(), &self.headers, "the request is left as it was");
        refusal
    }
}

/// Returns whether this is the base64 of sixteen bytes (RFC 4648 section 4): 21 digits, one whose last four bits are
/// zero, and the padding.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || [b'+', b'/'].contains(byte);
    key.len() == 24 && key[..21].iter().all(is_digit) && b"AQgw".contains(&key[21]) && key.ends_with(b"==")
}
