//! The addresses of NATS servers and of their monitoring, and the namespace of an installation in them.
//! Must not know what is kept there.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Addresses of NATS servers. They have no passwords: settings are no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsServers(Vec<String>);

/// The error for a text that is no list of NATS servers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NatsServersError {
    #[error("expected nats://HOST:PORT or tls://HOST:PORT, several separated by commas")]
    NoAddress,
    #[error("a user or password does not belong here: set nats_credentials, which names a file")]
    Password,
}

impl FromStr for NatsServers {
    type Err = NatsServersError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let servers = text.split(',').map(|server| {
            let server = server.trim();
            let (scheme, host) = server.split_once("://").unwrap_or(("nats", server));
            if host.contains('@') {
                return Err(NatsServersError::Password);
            }
            let is_known = matches!(scheme, "nats" | "tls") && !host.is_empty();
            let has_odd = host.contains(|letter: char| letter.is_whitespace() || "/?#".contains(letter));
            if is_known && !has_odd { Ok(format!("{scheme}://{host}")) } else { Err(NatsServersError::NoAddress) }
        });
        servers.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for NatsServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// The monitoring addresses of NATS servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsMonitors(pub(crate) Vec<String>);

/// The error for a text that is no list of monitoring addresses.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http://HOST:PORT, one of each NATS server, separated by commas")]
pub(crate) struct NoMonitor;

impl FromStr for NatsMonitors {
    type Err = NoMonitor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let addresses = text.split(',').map(|address| {
            let host = address.trim().strip_prefix("http://").ok_or(NoMonitor)?.trim_end_matches('/');
            let is_odd = |letter: char| letter.is_whitespace() || "/?#@".contains(letter);
            if host.is_empty() || host.contains(is_odd) { Err(NoMonitor) } else { Ok(format!("http://{host}")) }
        });
        addresses.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for NatsMonitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// The path of a file with credentials or certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsFile(pub(crate) PathBuf);

impl fmt::Display for NatsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// The namespace of an installation: 1 to 32 of a to z, 0 to 9, _ and -.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace(String);

/// The error for a text that is no namespace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 32 of a to z, 0 to 9, _ and -")]
pub(crate) struct NoNamespace;

impl Default for Namespace {
    fn default() -> Self {
        Self("rtb".into())
    }
}

impl FromStr for Namespace {
    type Err = NoNamespace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_known = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"_-".contains(&letter);
        if (1..=32).contains(&text.len()) && text.bytes().all(is_known) {
            Ok(Self(text.into()))
        } else {
            Err(NoNamespace)
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_passwords_refused() {
        let read = |text: &str| text.parse::<NatsServers>().map(|servers| servers.to_string());
        assert_eq!(read("here:4222, tls://there").unwrap(), "nats://here:4222,tls://there");
        assert_eq!(read("nats://[::1]:4222").unwrap(), "nats://[::1]:4222");
        for wrong in ["", ",", "http://here", "nats://", "nats://a b", "nats://here/x"] {
            assert_eq!(read(wrong), Err(NatsServersError::NoAddress), "{wrong:?}");
        }
        assert_eq!(read("nats://me:secret@here"), Err(NatsServersError::Password));
    }

    #[test]
    fn monitoring_addresses_are_plain_http() {
        let read = |text: &str| text.parse::<NatsMonitors>().map(|monitors| monitors.to_string());
        assert_eq!(read("http://a:8222/, http://[::1]:8222").unwrap(), "http://a:8222,http://[::1]:8222");
        for wrong in ["", "a:8222", "https://a:8222", "http://", "http://a/varz", "http://me:x@a:8222"] {
            assert_eq!(read(wrong), Err(NoMonitor), "{wrong:?}");
        }
    }

    #[test]
    fn a_namespace_is_short_and_plain() {
        assert!(["a", "my-app_2", &"x".repeat(32)].iter().all(|text| text.parse::<Namespace>().is_ok()));
        assert!(["", "a.b", "A", ">", &"x".repeat(33)].iter().all(|text| text.parse::<Namespace>().is_err()));
    }
}
