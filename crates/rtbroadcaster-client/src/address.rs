//! The address of a WebSocket server. Must not know the protocol that the server speaks.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// The address of a server's endpoint, such as `ws://127.0.0.1:8080/broadcasting`.
///
/// ```
/// use rtbroadcaster::remote::Address;
///
/// assert!("ws://127.0.0.1:8080/broadcasting".parse::<Address>().is_ok());
/// assert!("127.0.0.1:8080".parse::<Address>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Without a fragment, with a scheme and a host.
    uri: Uri,
    /// Whether connections use TLS.
    security: Security,
}

/// The security of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// Plain TCP.
    Plain,
    /// TLS.
    #[cfg(feature = "tls")]
    Tls,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is no WebSocket address.
    #[error("expected an address such as ws://127.0.0.1:8080/broadcasting")]
    Malformed,
    /// The scheme is `wss`, and the feature `remote-tls` is not on.
    #[error("wss needs the feature remote-tls")]
    NoTls,
}

impl Address {
    /// Returns the address as a URI.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the host; an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Returns the port, or the default of the scheme: 80, or 443 with TLS.
    pub(super) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(match self.security {
            Security::Plain => 80,
            #[cfg(feature = "tls")]
            Security::Tls => 443,
        })
    }

    pub(super) fn security(&self) -> Security {
        self.security
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
        let security = match uri.scheme_str() {
            Some("ws") => Security::Plain,
            #[cfg(feature = "tls")]
            Some("wss") => Security::Tls,
            #[cfg(not(feature = "tls"))]
            Some("wss") => return Err(AddressError::NoTls),
            _ => return Err(AddressError::Malformed),
        };
        let authority = uri.authority().ok_or(AddressError::Malformed)?;
        // Refused: a name and a password would appear in logs and process lists.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(AddressError::Malformed);
        }
        Ok(Self { uri, security })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, host, port) in [
            ("ws://127.0.0.1:9/a?b=c", "127.0.0.1", 9),
            ("ws://localhost", "localhost", 80),
            ("ws://[::1]:7/", "::1", 7),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
        }
        for text in ["", "127.0.0.1:8080", "http://a/", "ws://me@a/", "ws:///path"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Malformed), "{text}");
        }
        #[cfg(not(feature = "tls"))]
        assert_eq!("wss://a/".parse::<Address>(), Err(AddressError::NoTls));
        #[cfg(feature = "tls")]
        assert_eq!("wss://a/".parse::<Address>().map(|address| address.port()), Ok(443));
    }
}
