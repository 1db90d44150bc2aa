//! The handshake as a table: a lawful request, changed in one point at a time.

use super::*;

/// Names and values.
type Headers = &'static [(&'static str, &'static str)];

/// What is changed in a lawful request.
#[derive(Debug)]
enum Change {
    Nothing,
    Method(Method),
    Http(Version),
    Without(&'static str),
    Set(&'static str, &'static str),
    Add(&'static str, &'static str),
}
use Change::{Add, Http, Nothing, Set, Without};

const LAWFUL: Headers = &[
    ("host", "server.example.com"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

fn judge(change: &Change) -> Result<UpgradeRequest, HandshakeError> {
    let mut headers: HeaderMap =
        LAWFUL.iter().map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
    let (mut method, mut version) = (Method::GET, Version::HTTP_11);
    match change {
        Nothing => {}
        Change::Method(other) => method = other.clone(),
        Http(other) => version = *other,
        Without(name) => drop(headers.remove(*name)),
        Set(name, value) => drop(headers.insert(*name, HeaderValue::from_static(value))),
        Add(name, value) => drop(headers.append(*name, HeaderValue::from_static(value))),
    }
    check(&method, version, &headers)
}

#[test]
fn the_example_of_rfc_6455_gets_its_accept_value() {
    assert_eq!(judge(&Nothing).unwrap().accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn each_broken_rule_has_its_refusal() {
    use HandshakeError::{Body, Connection, Host, HttpVersion, Key, Upgrade, Version as Ws};
    let cases = [
        (Nothing, None),
        (Change::Method(Method::POST), Some(HandshakeError::Method)),
        (Change::Method(Method::HEAD), Some(HandshakeError::Method)),
        (Change::Method(Method::CONNECT), Some(HandshakeError::Method)),
        (Http(Version::HTTP_09), Some(HttpVersion)),
        (Http(Version::HTTP_10), Some(HttpVersion)),
        (Http(Version::HTTP_2), None),
        (Without("host"), Some(Host)),
        (Add("host", "server.example.com"), Some(Host)),
        (Without("upgrade"), Some(Upgrade)),
        (Set("upgrade", "WebSocket"), None),
        (Set("upgrade", "h2c, websocket"), None),
        (Set("upgrade", "h2c,\t WEBSOCKET ,"), None),
        (Add("upgrade", "h2c"), None),
        (Set("upgrade", "websockets"), Some(Upgrade)),
        (Set("upgrade", "web socket"), Some(Upgrade)),
        (Set("upgrade", ""), Some(Upgrade)),
        (Without("connection"), Some(Connection)),
        (Set("connection", "keep-alive, Upgrade"), None),
        (Set("connection", "keep-alive,upgrade"), None),
        (Add("connection", "keep-alive"), None),
        (Set("connection", "keep-alive"), Some(Connection)),
        (Set("connection", "upgraded"), Some(Connection)),
        (Without("sec-websocket-version"), Some(Ws)),
        (Set("sec-websocket-version", "8"), Some(Ws)),
        (Set("sec-websocket-version", "013"), Some(Ws)),
        (Set("sec-websocket-version", "13, 8"), Some(Ws)),
        (Add("sec-websocket-version", "13"), Some(Ws)),
        (Without("sec-websocket-key"), Some(Key)),
        (Add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), Some(Key)),
        (Set("sec-websocket-key", ""), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25j"), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZWU="), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZWVl"), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZSBvZiBhIGxvdCBvZiBieXRlcw=="), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==="), Some(Key)),
        (Set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZR=="), Some(Key)),
        (Set("sec-websocket-key", "dGhl!HNhbXBsZSBub25jZQ=="), Some(Key)),
        (Set("content-length", "0"), None),
        (Set("content-length", "9"), Some(Body)),
        (Set("content-length", "00"), Some(Body)),
        (Set("transfer-encoding", "chunked"), Some(Body)),
    ];
    for (change, expected) in cases {
        assert_eq!(judge(&change).err(), expected, "{change:?}");
    }
}

#[test]
fn each_refusal_has_its_status_and_says_what_to_send() {
    let cases: [(HandshakeError, u16, Headers); 8] = [
        (HandshakeError::Method, 405, &[("allow", "GET")]),
        (HandshakeError::HttpVersion, 400, &[]),
        (HandshakeError::Host, 400, &[]),
        (HandshakeError::Upgrade, 400, &[]),
        (HandshakeError::Connection, 400, &[]),
        (
            HandshakeError::Version,
            426,
            &[("sec-websocket-version", "13"), ("upgrade", "websocket"), ("connection", "Upgrade")],
        ),
        (HandshakeError::Key, 400, &[]),
        (HandshakeError::Body, 400, &[]),
    ];
    for (error, status, headers) in cases {
        assert_eq!(error.status(), status, "{error:?}");
        let expected: HeaderMap =
            headers.iter().map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        assert_eq!(error.headers(), expected, "{error:?}");
        assert!(error.to_string().starts_with("send "), "{error:?}");
    }
}

#[test]
fn subprotocols_are_found_in_every_header_by_exact_spelling() {
    let cases: [(Change, bool); 6] = [
        (Nothing, false),
        (Set("sec-websocket-protocol", "rtbroadcaster.v2"), true),
        (Set("sec-websocket-protocol", "chat ,rtbroadcaster.v2"), true),
        (Set("sec-websocket-protocol", "RTBROADCASTER.v2"), false),
        (Set("sec-websocket-protocol", "rtbroadcaster.v22, xrtbroadcaster.v2"), false),
        (Set("sec-websocket-protocol", ""), false),
    ];
    for (change, expected) in cases {
        assert_eq!(judge(&change).unwrap().offers("rtbroadcaster.v2"), expected, "{change:?}");
    }
    let mut headers: HeaderMap =
        LAWFUL.iter().map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
    headers.append("sec-websocket-protocol", HeaderValue::from_static("chat"));
    headers.append("sec-websocket-protocol", HeaderValue::from_static("rtbroadcaster.v2"));
    assert!(check(&Method::GET, Version::HTTP_11, &headers).unwrap().offers("rtbroadcaster.v2"));
}

#[test]
fn the_answer_switches_protocols_and_names_the_chosen_one() {
    let request = judge(&Nothing).unwrap();
    for protocol in [None, Some("rtbroadcaster.v2")] {
        let response = response(&request, protocol);
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["upgrade"], "websocket");
        assert_eq!(response.headers()["connection"], "Upgrade");
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let named = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(named, protocol);
    }
}
