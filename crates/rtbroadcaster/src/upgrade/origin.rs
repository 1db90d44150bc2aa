//! Which pages may connect: those of the host they connect to, and those that are listed.
//! Must not know rooms or permits.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

use crate::config::Config;
use crate::origin::Origin;

/// Why a page may not connect.
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

/// What a request says about the page that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// No `Origin`: a client that is no browser (RFC 6455 section 10.2).
    None,
    /// A page that speaks to its own host.
    SameHost,
    /// A page of another host than the one in `Host`.
    Other(Origin),
}

/// Reads where a request comes from.
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
    /// Whether it may connect under the rules of `config`: the same host, the public one, or exactly a listed origin.
    pub(super) fn check(&self, config: &Config) -> Result<(), OriginError> {
        let Page::Other(origin) = self else { return Ok(()) };
        let is_public = config.public_url.as_ref().is_some_and(|public| public.shares_host_with(origin));
        if is_public || config.allow_origins.contains(origin) { Ok(()) } else { Err(OriginError::NotAllowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &[&str], host: &str, config: &Config) -> Result<(), OriginError> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        page(&headers)?.check(config)
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
