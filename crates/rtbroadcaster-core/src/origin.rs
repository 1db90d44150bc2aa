//! The origin of a page, as browsers send it, and the origins whose pages may connect.
//! Must not know connections.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use crate::config::Config;

/// The origin of a page: scheme, host and port (RFC 6454 section 4). An app's pages have a scheme of its own, such as
/// `capacitor://localhost`, and those that a web view opens from a file have `file://`.
///
/// ```
/// use rtbroadcaster::Origin;
///
/// let origin: Origin = "https://Example.org:443".parse().unwrap();
/// assert_eq!(origin.to_string(), "https://example.org");
/// assert!("https://example.org/path".parse::<Origin>().is_err());
/// assert!("null".parse::<Origin>().is_err(), "a page of nowhere has no origin");
/// assert_eq!("tauri://localhost".parse::<Origin>().unwrap().to_string(), "tauri://localhost");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// Host and port in lower case; the port is absent where it is the scheme's own. Empty for files only.
    authority: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
    /// The scheme of an app, whose hosts are not those of the network.
    Other(Box<str>),
}

/// The scheme of pages that come from files.
const FILE: &str = "file";

impl Scheme {
    /// Returns the scheme as browsers write it, if it can be one (RFC 3986 section 3.1).
    fn named(name: &str) -> Option<Self> {
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        match name {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            // Pages connect to these, but have no such origin: http or https is meant.
            "ws" | "wss" => None,
            _ => (name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(is_sign))
                .then(|| Self::Other(name.into())),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Other(name) => name,
        }
    }

    /// Returns the port that is left out (RFC 9110 section 4.2).
    const fn default_port(&self) -> Option<&'static str> {
        match self {
            Self::Http => Some(":80"),
            Self::Https => Some(":443"),
            Self::Other(_) => None,
        }
    }
}

/// The text is no origin: a scheme, a host, perhaps a port, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme, a host, perhaps a port, and nothing else: https://example.org:8443, capacitor://localhost \
     (or file:// alone; ws:// and wss:// are no origins)"
)]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let scheme = Scheme::named(scheme).ok_or(InvalidOrigin)?;
        if authority.is_empty() && scheme.name() == FILE {
            return Ok(Self { scheme, authority: "".into() });
        }
        let parsed: http::uri::Authority = authority.parse().map_err(|_| InvalidOrigin)?;
        let port = authority.strip_prefix(parsed.host()).ok_or(InvalidOrigin)?;
        let port_is_one = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        if parsed.host().is_empty() || !port_is_one {
            return Err(InvalidOrigin);
        }
        let authority = authority.to_ascii_lowercase();
        let authority = without(&authority, scheme.default_port()).into();
        Ok(Self { scheme, authority })
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns `authority` without the port that is left out.
fn without<'a>(authority: &'a str, port: Option<&str>) -> &'a str {
    port.and_then(|port| authority.strip_suffix(port)).unwrap_or(authority)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority)
    }
}

impl Origin {
    /// Returns whether it names a host of the network: an app's page of `capacitor://localhost` comes from no server.
    fn is_of_the_web(&self) -> bool {
        matches!(self.scheme, Scheme::Http | Scheme::Https)
    }

    /// Returns whether `host`, which a page of this origin sends (RFC 9110 section 7.2), is the page's own host.
    pub fn is_of_host(&self, host: &str) -> bool {
        self.is_of_the_web() && self.authority.eq_ignore_ascii_case(without(host, self.scheme.default_port()))
    }

    /// Returns whether both name the same host and port of the network, whatever their scheme.
    pub fn shares_host_with(&self, other: &Origin) -> bool {
        self.is_of_the_web() && other.is_of_the_web() && self.authority == other.authority
    }
}

/// The origins of pages from other hosts that may connect. They may be replaced while the server runs.
#[derive(Debug)]
pub struct AllowedOrigins(RwLock<Allowed>);

#[derive(Debug)]
struct Allowed {
    /// The origins that are allowed exactly as they are listed.
    listed: Vec<Origin>,
    /// The server's own origin: pages of its host and port are allowed, with any scheme.
    public: Option<Origin>,
}

impl AllowedOrigins {
    /// Returns the origins that `config` allows.
    pub fn of(config: &Config) -> Self {
        Self(RwLock::new(Allowed { listed: config.allow_origins.clone(), public: config.public_url.clone() }))
    }

    /// Returns whether a page of this origin may connect.
    pub fn allow(&self, origin: &Origin) -> bool {
        self.read(|allowed| {
            let is_public = allowed.public.as_ref().is_some_and(|public| public.shares_host_with(origin));
            is_public || allowed.listed.contains(origin)
        })
    }

    /// Replaces the listed origins.
    pub fn set_listed(&self, origins: Vec<Origin>) {
        self.write(|allowed| allowed.listed = origins);
    }

    /// Replaces the server's own origin.
    pub fn set_public(&self, origin: Option<Origin>) {
        self.write(|allowed| allowed.public = origin);
    }

    fn read<T>(&self, read: impl FnOnce(&Allowed) -> T) -> T {
        // Nothing is half changed after a panic: each change is one assignment.
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, write: impl FnOnce(&mut Allowed)) {
        write(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Writes the origins with a comma in between; `none` if there are none.
impl fmt::Display for AllowedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|allowed| {
            let mut origins = allowed.public.iter().chain(&allowed.listed);
            let Some(first) = origins.next() else { return f.write_str("none") };
            write!(f, "{first}")?;
            origins.try_for_each(|origin| write!(f, ", {origin}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let good = [
            ("http://example.org", "http://example.org"),
            ("http://example.org:80", "http://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("https://EXAMPLE.org:8443", "https://example.org:8443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://192.0.2.1", "http://192.0.2.1"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("tauri://localhost:80", "tauri://localhost:80"),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
            (
                "moz-extension://3b1e7f9c-0000-4000-8000-000000000000",
                "moz-extension://3b1e7f9c-0000-4000-8000-000000000000",
            ),
            ("app://.", "app://."),
            ("file://", "file://"),
        ];
        for (text, expected) in good {
            assert_eq!(text.parse::<Origin>().map(|origin| origin.to_string()).as_deref(), Ok(expected), "{text}");
        }
        let bad = [
            "",
            "null",
            "*",
            "example.org",
            "ws://example.org",
            "wss://example.org",
            "://example.org",
            "1a://example.org",
            "a_b://example.org",
            "capacitor://",
            "file:///a",
            "HTTPS://example.org",
            "https://",
            "https://example.org/",
            "https://example.org?a",
            "https://user@example.org",
            "https://example.org:",
            "https://example.org:99999",
            "https://example.org:+80",
            "https://evil.test://example.org",
            "https://exa mple.org",
        ];
        for text in bad {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }

    #[test]
    fn the_schemes_own_port_may_be_left_out_on_either_side() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        assert!(origin("http://example.org").is_of_host("example.org:80"));
        assert!(origin("https://example.org:443").is_of_host("Example.org"));
        assert!(!origin("https://example.org").is_of_host("example.org:80"));
        assert!(!origin("http://example.org:8080").is_of_host("example.org"));
    }
    #[test]
    fn the_host_of_an_app_is_none_of_the_network() {
        let (app, page): (Origin, Origin) = ("tauri://localhost".parse().unwrap(), "http://localhost".parse().unwrap());
        assert!(page.is_of_host("localhost") && !app.is_of_host("localhost"));
        assert!(!app.shares_host_with(&page) && !page.shares_host_with(&app) && !app.shares_host_with(&app));
        assert_ne!(app, "capacitor://localhost".parse().unwrap());
    }
}
