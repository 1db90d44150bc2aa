//! Which pages may connect: those of the host they connect to.
//! Must not know rooms or permits.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Why a page may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// It comes from another host, or from none (`null`).
    #[error("the page's origin is not the host it connects to")]
    OtherHost,
    /// The header is there more than once.
    #[error("there is more than one origin")]
    Repeated,
}

/// Same host and port, or no origin at all: a client that is no browser sends none (RFC 6455 section 10.2).
pub(super) fn check(headers: &HeaderMap) -> Result<(), OriginError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    if origins.next().is_some() {
        return Err(OriginError::Repeated);
    }
    let host = headers.get(HOST).map(http::HeaderValue::as_bytes);
    let (Some(host), Some((_scheme, authority))) = (host, origin.to_str().ok().and_then(|text| text.split_once("://")))
    else {
        return Err(OriginError::OtherHost);
    };
    if authority.as_bytes().eq_ignore_ascii_case(host) { Ok(()) } else { Err(OriginError::OtherHost) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &[&str], host: &str, expected: Result<(), OriginError>) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(super::check(&headers), expected, "{origins:?} to {host}");
    }

    #[test]
    fn only_pages_of_the_same_host_may_connect() {
        check(&[], "example.org", Ok(()));
        check(&["https://example.org"], "example.org", Ok(()));
        check(&["http://EXAMPLE.org:8080"], "example.ORG:8080", Ok(()));
        check(&["http://[::1]:8080"], "[::1]:8080", Ok(()));
        let other = [
            "null",
            "",
            "example.org",
            "https://example.org.evil.test",
            "https://evil.test",
            "https://example.org:444",
            "https://example.org/",
            "https://user@example.org",
            "https://evil.test://example.org",
        ];
        for origin in other {
            check(&[origin], "example.org", Err(OriginError::OtherHost));
        }
        check(&["https://example.org", "https://example.org"], "example.org", Err(OriginError::Repeated));
    }
}
