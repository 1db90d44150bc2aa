//! Checks which pages may connect: those of the host they connect to, and those that are listed.
//! Must not know rooms or permits.

use std::fmt;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName};
use rtbroadcaster_core::origin::{AllowedOrigins, Origin};

/// The most letters of a value from a peer or a configuration that a log line has.
const LETTERS_MAX: usize = 128;

/// The reason why a page may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// It comes from another host or from an app, and its origin is not listed.
    #[error(
        "the page's origin is not the host it connects to; allow_origin lists those of other hosts and of apps, public_url \
         names our own host"
    )]
    NotAllowed,
    /// It comes from nowhere: a file, a sandbox, a redirect across origins.
    #[error("the page has no origin (null); serve it from a host")]
    Null,
    /// The header is there more than once, or is no origin.
    #[error("the Origin header is not one origin")]
    Malformed,
}

/// The page that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// No `Origin`: a client that is no browser (RFC 6455 section 10.2).
    None,
    /// A page that speaks to its own host.
    SameHost,
    /// A page of another host than the one in `Host`.
    Other(Origin),
}

/// Reads from the headers which page a request comes from.
pub(super) fn page(headers: &HeaderMap) -> Result<Page, OriginError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(Page::None) };
    if origins.next().is_some() {
        return Err(OriginError::Malformed);
    }
    if origin == "null" {
        return Err(OriginError::Null);
    }
    let origin: Origin = origin.to_str().ok().and_then(|text| text.parse().ok()).ok_or(OriginError::Malformed)?;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    Ok(if host.is_some_and(|host| origin.is_of_host(host)) { Page::SameHost } else { Page::Other(origin) })
}

impl Page {
    /// Checks that it may connect: it comes from the same host, or its origin is one of `allowed`.
    pub(super) fn check(&self, allowed: &AllowedOrigins) -> Result<(), OriginError> {
        match self {
            Page::Other(origin) if !allowed.allow(origin) => Err(OriginError::NotAllowed),
            _ => Ok(()),
        }
    }
}

/// The origin of a page and the host that it connects to, as they are logged if the page is refused.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) origin: String,
    pub(super) host: String,
}

impl Claim {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { origin: told(headers, &ORIGIN), host: told(headers, &HOST) }
    }
}

/// Returns all values of a header, as they may be logged.
fn told(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    cut(values.join(", "))
}

/// Returns `text` as it is logged: printable ASCII, all else escaped, and at most `LETTERS_MAX` letters of it.
pub(super) fn cut(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let mut letters = text.chars();
    let mut cut = String::new();
    for letter in letters.by_ref().take(LETTERS_MAX) {
        if matches!(letter, ' '..='~') {
            cut.push(letter);
        } else {
            cut.extend(letter.escape_unicode());
        }
    }
    if letters.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use rtbroadcaster_core::config::Config;

    use super::*;

    fn check(origins: &[&str], host: &str, config: &Config) -> Result<(), OriginError> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        page(&headers)?.check(&AllowedOrigins::of(config))
    }

    #[test]
    fn the_log_tells_what_was_sent_without_what_steers_a_terminal() {
        let mut headers = HeaderMap::new();
        headers.append(ORIGIN, "https://a.test".parse().unwrap());
        headers.append(ORIGIN, http::HeaderValue::from_bytes("http://\u{9b}2J\u{202e}\"\t".as_bytes()).unwrap());
        headers.append(HOST, http::HeaderValue::from_bytes(&[b'h', 0xff]).unwrap());
        let Claim { origin, host } = Claim::of(&headers);
        assert_eq!(origin, "https://a.test, http://\\u{9b}2J\\u{202e}\"\\u{9}");
        assert_eq!(host, "h\\u{fffd}");
        let long = cut("ä".repeat(1_000));
        assert_eq!(long, "\\u{e4}".repeat(LETTERS_MAX) + "…");
        assert_eq!(cut("x".repeat(LETTERS_MAX)), "x".repeat(LETTERS_MAX));
    }

    #[test]
    fn origins_are_replaced_while_the_server_runs() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        let allowed = AllowedOrigins::of(&Config::default());
        assert_eq!(allowed.to_string(), "none");
        allowed.set_listed(vec![origin("https://a.test"), origin("https://b.test")]);
        allowed.set_public(Some(origin("https://show.test")));
        assert_eq!(allowed.to_string(), "https://show.test, https://a.test, https://b.test");
        assert_eq!(Page::Other(origin("https://b.test")).check(&allowed), Ok(()));
        allowed.set_listed(Vec::new());
        assert_eq!(Page::Other(origin("https://b.test")).check(&allowed), Err(OriginError::NotAllowed));
        assert_eq!(Page::Other(origin("http://show.test")).check(&allowed), Ok(()));
    }

    #[test]
    fn a_page_may_connect_to_the_host_that_it_came_from() {
        let config = Config::default();
        let table = [
            (&[][..], "example.org", Ok(())),
            (&["https://example.org"], "example.org", Ok(())),
            (&["https://example.org"], "example.org:443", Ok(())),
            (&["http://EXAMPLE.org:8080"], "example.ORG:8080", Ok(())),
            (&["http://[::1]:8080"], "[::1]:8080", Ok(())),
            (&["null"], "example.org", Err(OriginError::Null)),
            (&["https://example.org", "https://example.org"], "example.org", Err(OriginError::Malformed)),
            (&[""], "example.org", Err(OriginError::Malformed)),
            (&["example.org"], "example.org", Err(OriginError::Malformed)),
            (&["https://example.org/"], "example.org", Err(OriginError::Malformed)),
            (&["https://user@example.org"], "example.org", Err(OriginError::Malformed)),
            (&["https://evil.test://example.org"], "example.org", Err(OriginError::Malformed)),
            (&["https://example.org.evil.test"], "example.org", Err(OriginError::NotAllowed)),
            (&["https://evil.test"], "example.org", Err(OriginError::NotAllowed)),
            (&["https://example.org:444"], "example.org", Err(OriginError::NotAllowed)),
            (&["https://example.org"], "example.org:80", Err(OriginError::NotAllowed)),
        ];
        for (origins, host, expected) in table {
            assert_eq!(check(origins, host, &config), expected, "{origins:?} to {host}");
        }
    }

    #[test]
    fn a_listed_origin_is_exact_and_the_public_host_counts_as_the_own() {
        let config = Config {
            allow_origins: ["https://pages.test", "capacitor://localhost"].map(|text| text.parse().unwrap()).into(),
            public_url: Some("https://show.test".parse().unwrap()),
            ..Config::default()
        };
        let table = [
            ("https://pages.test", Ok(())),
            ("https://pages.test:443", Ok(())),
            ("http://pages.test", Err(OriginError::NotAllowed)),
            ("https://pages.test:8443", Err(OriginError::NotAllowed)),
            ("https://www.pages.test", Err(OriginError::NotAllowed)),
            ("https://show.test", Ok(())),
            ("http://show.test", Ok(())),
            ("https://show.test:8443", Err(OriginError::NotAllowed)),
            ("http://127.0.0.1:8080", Ok(())),
            ("capacitor://localhost", Ok(())),
            ("tauri://localhost", Err(OriginError::NotAllowed)),
            ("tauri://127.0.0.1:8080", Err(OriginError::NotAllowed)),
            ("tauri://show.test", Err(OriginError::NotAllowed)),
        ];
        for (origin, expected) in table {
            assert_eq!(check(&[origin], "127.0.0.1:8080", &config), expected, "{origin}");
        }
    }
}
