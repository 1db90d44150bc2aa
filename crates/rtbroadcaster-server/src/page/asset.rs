//! One file as an HTTP response: content type, entity tag and security headers.
//! Must not know where the file comes from.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Everything comes from this host; nothing is inline, framed or sent elsewhere. `'self'` covers the WebSocket of the
/// same host and port (Content Security Policy Level 3 section 6.7.2.8).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                                       object-src 'none'";

/// The bytes of the SHA-256 in an entity tag: 64 bits are enough to distinguish versions of one file.
const TAG_BYTES: usize = 8;

/// The origins whose pages may load a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OriginAccess {
    /// The server's own origin only.
    SameOrigin,
    /// Any origin: the SDK is public, and the WebSocket handshake decides which pages may connect.
    AnyOrigin,
}

/// A file with its headers. All responses share its bytes.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    content_type: &'static str,
    body: Bytes,
    tag: HeaderValue,
    access: OriginAccess,
}

impl Asset {
    /// Returns a file with the content type of its name's extension.
    pub(super) fn new(name: &str, body: Cow<'static, [u8]>, access: OriginAccess) -> Self {
        let body = match body {
            Cow::Borrowed(body) => Bytes::from_static(body),
            Cow::Owned(body) => body.into(),
        };
        Self::of(name, body, access)
    }

    /// Like [`new`](Self::new), for shared bytes.
    pub(super) fn of(name: &str, body: Bytes, access: OriginAccess) -> Self {
        let tag = HeaderValue::try_from(entity_tag(&body)).expect("a tag is hexadecimal digits between quotes");
        Self { content_type: content_type(name), body, tag, access }
    }

    /// Returns 200 with the file, or 304 if the client has it (RFC 9110 section 13.1.2).
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if is_known(request, &self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(self.body.clone()).into_response()
        };
        let headers = response.headers_mut();
        let fixed = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.access == OriginAccess::AnyOrigin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        headers.insert(header::ETAG, self.tag.clone());
        response
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        // A source map is JSON (ECMA-426).
        Some("map") => "application/json",
        _ => "application/octet-stream",
    }
}

fn entity_tag(body: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in &Sha256::digest(body)[..TAG_BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Returns whether the request names this version, by weak comparison.
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let named = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|one| one == "*" || *tag == one.trim_start_matches("W/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(known: Option<&str>) -> Response {
        let mut request = HeaderMap::new();
        if let Some(known) = known {
            request.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        }
        Asset::new("page.js", Cow::Borrowed(b"1"), OriginAccess::SameOrigin).answer(&request)
    }

    #[test]
    fn a_version_the_client_has_is_not_sent_again() {
        let first = answer(None);
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].to_str().unwrap();
        for known in [tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
            let again = answer(Some(known));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[header::ETAG], tag);
        }
        for unknown in ["\"other\"", "", tag.trim_matches('"')] {
            assert_eq!(answer(Some(unknown)).status(), StatusCode::OK, "{unknown}");
        }
    }

    #[test]
    fn a_files_type_follows_from_its_ending() {
        assert_eq!(content_type("page.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("index.html"), "text/html; charset=utf-8");
        assert_eq!(content_type("page.min.js.map"), "application/json");
        assert_eq!(content_type("js"), "application/octet-stream");
        assert_eq!(answer(None).headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[test]
    fn only_files_for_any_origin_may_be_read_by_other_origins() {
        let of = |access| Asset::new("a.js", Cow::Borrowed(b""), access).answer(&HeaderMap::new());
        assert!(!of(OriginAccess::SameOrigin).headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(of(OriginAccess::AnyOrigin).headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}
