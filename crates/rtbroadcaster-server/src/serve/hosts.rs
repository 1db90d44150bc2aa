//! The host names that a listener accepts. A server on a loopback address is for this machine only, but any page could
//! make its own name resolve to this machine (DNS rebinding), and would then be of "the same host".
//! Must not know the responses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use rtbroadcaster::Sampling;

use crate::host_name::HostName;
use crate::plain;

/// The rule for the `Host` of requests.
#[derive(Debug, Clone)]
pub(super) enum Hosts {
    /// Any host name: the network decides who can connect.
    Any,
    /// The names of this machine, and the allowed ones.
    Loopback(Arc<Loopback>),
}

/// The rule of a listener on a loopback address.
#[derive(Debug)]
pub(super) struct Loopback {
    allowed: Box<[HostName]>,
    /// Limits the log lines about refused requests.
    refusals: Sampling<()>,
}

impl Loopback {
    /// Returns all accepted names, for the log.
    fn names(&self) -> String {
        let names = self.allowed.iter().map(ToString::to_string);
        std::iter::once("localhost".to_owned()).chain(names).collect::<Vec<_>>().join(", ")
    }
}

/// Returns all `Host` fields of a request, escaped and shortened for the log.
fn sent(headers: &HeaderMap) -> String {
    let hosts = headers.get_all(HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()));
    plain::short(&hosts.collect::<Vec<_>>().join(", "))
}

impl Hosts {
    /// Returns the rule for a listener on `address`.
    pub(super) fn of(address: SocketAddr, allowed: &[HostName]) -> Self {
        if !address.ip().to_canonical().is_loopback() {
            return Self::Any;
        }
        Self::Loopback(Arc::new(Loopback { allowed: allowed.into(), refusals: Sampling::default() }))
    }

    /// Returns whether a request of this `version` with these headers is accepted.
    fn allow(&self, version: Version, headers: &HeaderMap) -> bool {
        let Self::Loopback(rule) = self else { return true };
        // HTTP/1.0 has no Host, and health checks of load balancers use it. Pages do not: a browser uses at least
        // HTTP/1.1 and sends the host in every request, by which a rebound name is detected.
        if version == Version::HTTP_10 && !headers.contains_key(HOST) {
            return true;
        }
        // Several Host fields are an attack: other software may read another one than this code.
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none());
        let host = host.and_then(|host| host.to_str().ok()).filter(|host| !host.contains('@'));
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        let Some(host) = host else { return false };
        let name = host.host().trim_matches(['[', ']']);
        let is_own = name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        is_own || rule.allowed.iter().any(|allowed| allowed.names(name))
    }

    /// Returns the response 403 if a request of this `version` with these headers is not accepted. Logs it at a limited
    /// rate.
    pub(super) fn refuse(&self, version: Version, headers: &HeaderMap) -> Option<Response> {
        if self.allow(version, headers) {
            return None;
        }
        if let Self::Loopback(rule) = self
            && let Some(unsaid) = rule.refusals.count((), Instant::now())
        {
            let why = "a listener on a loopback address accepts localhost only; --allow-host HOST adds a name";
            let host = sent(headers);
            let allowed = plain::short(&rule.names());
            tracing::info!(host, allowed, unsaid, "request refused: {why}");
        }
        let answer = "this server answers to localhost only; --allow-host adds other names\n";
        Some((StatusCode::FORBIDDEN, answer).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_loopback_listener_answers_to_its_own_names_and_allowed_ones() {
        let allowed = Settings::with("allow_host", "Show.example.org").unwrap().allow_hosts;
        let answers = |listen: &str, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            Hosts::of(listen.parse().unwrap(), &allowed).allow(Version::HTTP_11, &headers)
        };
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "show.example.org:80"]
        {
            assert!(answers("127.0.0.1:8080", host), "{host}");
        }
        for host in ["evil.test", "localhost.evil.test", "192.168.1.2:8080", "example.org", ""] {
            assert!(!answers("127.0.0.1:8080", host), "{host}");
            assert!(!answers("[::1]:8080", host), "{host}");
            assert!(answers("0.0.0.0:8080", host), "{host}");
        }
        assert!(!answers("127.0.0.1:8080", "evil@localhost"), "only a host and a port");
        let rule = Hosts::of("127.0.0.1:1".parse().unwrap(), &allowed);
        assert!(!rule.allow(Version::HTTP_11, &HeaderMap::new()), "no Host at all");
        assert!(rule.allow(Version::HTTP_10, &HeaderMap::new()), "no Host, as HTTP/1.0 allows");
        let evil = HeaderMap::from_iter([(HOST, "evil.test".parse().unwrap())]);
        assert!(!rule.allow(Version::HTTP_10, &evil), "another Host");
        let mut both = HeaderMap::new();
        both.append(HOST, "localhost".parse().unwrap());
        both.append(HOST, "localhost".parse().unwrap());
        assert!(!rule.allow(Version::HTTP_11, &both), "two Hosts");
        assert!(!rule.allow(Version::HTTP_10, &both), "two Hosts");
    }
}
