//! The address of a WebSocket server. Must not know the protocol that the server speaks.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use http::Uri;

/// The address of a WebSocket endpoint without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Host and port as in the address, for the `Host` header.
    authority: String,
    host: String,
    port: u16,
    path: String,
}

/// Why a text is not an address of a WebSocket endpoint without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("expected an address such as ws://127.0.0.1:8080/broadcasting")]
    Malformed,
    #[error("TLS is not supported: give the address behind the proxy, such as ws://127.0.0.1:8080/broadcasting")]
    Tls,
}

impl Target {
    /// Returns host and port as in the address.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the path with its query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the first address of the host.
    pub(crate) fn resolve(&self) -> io::Result<SocketAddr> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        // The brackets of an IPv6 address belong to the URL.
        let host = self.host.trim_matches(['[', ']']);
        (host, self.port).to_socket_addrs()?.next().ok_or_else(unknown)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let uri: Uri = text.parse().map_err(|_| TargetError::Malformed)?;
        match uri.scheme_str() {
            Some("ws" | "http") => {}
            Some("wss" | "https") => return Err(TargetError::Tls),
            _ => return Err(TargetError::Malformed),
        }
        let authority = uri.authority().ok_or(TargetError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Malformed);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            authority: authority.as_str().into(),
            host: authority.host().into(),
            port: authority.port_u16().unwrap_or(80),
            path: path.into(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, authority, port, path) in [
            ("ws://127.0.0.1:9/a?b=c", "127.0.0.1:9", 9, "/a?b=c"),
            ("ws://localhost", "localhost", 80, "/"),
            ("http://[::1]:7/", "[::1]:7", 7, "/"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.authority(), target.port, target.path()), (authority, port, path), "{text}");
            assert_eq!(target.resolve().unwrap().port(), port, "{text}");
        }
        for (text, why) in [
            ("", TargetError::Malformed),
            ("127.0.0.1:8080", TargetError::Malformed),
            ("ftp://a/", TargetError::Malformed),
            ("ws://me@a/", TargetError::Malformed),
            ("wss://a/", TargetError::Tls),
        ] {
            assert_eq!(text.parse::<Target>(), Err(why), "{text}");
        }
    }
}
