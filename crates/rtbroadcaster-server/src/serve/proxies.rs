//! Where a client is that comes through proxies: what trusted ones say of it, and nobody else.
//! Must not know connections. `Forwarded` (RFC 7239) is not read: the proxies in use write `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};

use crate::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word about a client's address counts.
#[derive(Debug, Clone)]
pub(super) struct Proxies(Arc<[Network]>);

impl Proxies {
    /// Those in these networks.
    pub(super) fn of(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Whether `address` is one of theirs.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Where the client of a request is that came from `peer` with these headers. Each proxy appends the address that it
    /// was asked from, so the last address that is no trusted proxy's is what a trusted one has seen; whatever stands
    /// before it anybody may have written. Where all are trusted it is the first one.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trust(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        for line in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(line) = line.to_str() else { return peer };
            // Empty elements mean nothing in a list (RFC 9110 section 5.6.1.2).
            for element in line.split(',').rev().map(|element| element.trim_matches([' ', '\t'])) {
                match address(element) {
                    _ if element.is_empty() => {}
                    Some(found) if self.trust(found.ip()) => client = found,
                    Some(found) => return found,
                    None => return peer,
                }
            }
        }
        client
    }
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn address(text: &str) -> Option<SocketAddr> {
    let alone = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = match alone.parse::<IpAddr>() {
        Ok(ip) if alone.len() == text.len() || ip.is_ipv6() => SocketAddr::new(ip, 0),
        _ => text.parse().ok()?,
    };
    Some(SocketAddr::new(parsed.ip().to_canonical(), parsed.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.1:4711";

    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let proxies = Proxies::of(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, axum::http::HeaderValue::from_bytes(line).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxys_is_the_client() {
        for (lines, expected) in [
            (&["203.0.113.9"][..], "203.0.113.9:0"),
            (&["198.51.100.1, 203.0.113.9"], "203.0.113.9:0"),
            (&["198.51.100.1, 203.0.113.9, 10.2.3.4,10.0.0.9"], "203.0.113.9:0"),
            (&["198.51.100.1", "203.0.113.9", "10.2.3.4"], "203.0.113.9:0"),
            (&["203.0.113.9:50000"], "203.0.113.9:50000"),
            (&["2001:db8::7"], "[2001:db8::7]:0"),
            (&["[2001:db8::7]"], "[2001:db8::7]:0"),
            (&["[2001:db8::7]:80, fd00::1"], "[2001:db8::7]:80"),
            (&["::ffff:203.0.113.9, ::ffff:10.0.0.9"], "203.0.113.9:0"),
            (&[" , 203.0.113.9 ,\t, "], "203.0.113.9:0"),
            // Nobody reads what stands before the client.
            (&["unknown, 203.0.113.9"], "203.0.113.9:0"),
            (&["\"><script>, 203.0.113.9, 10.0.0.2"], "203.0.113.9:0"),
            // The first one, where all are trusted.
            (&["10.7.7.7, 10.0.0.2"], "10.7.7.7:0"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(client(PEER, &lines), expected, "{lines:?}");
            assert_eq!(client("[::ffff:10.0.0.1]:4711", &lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_header_that_makes_no_sense_or_is_missing_leaves_the_peers_address() {
        for lines in [
            &[][..],
            &[&b""[..]],
            &[b"unknown"],
            &[b"203.0.113.9, unknown"],
            &[b"203.0.113.9, _hidden, 10.0.0.2"],
            &[b"203.0.113.256"],
            &[b"203.0.113.9.1"],
            &[b"[203.0.113.9]"],
            &[b"[2001:db8::7"],
            &[b"2001:db8::7]:80"],
            &[b"fe80::1%eth0"],
            &[b"203.0.113.9;203.0.113.10"],
            &[b"203.0.113.9:65536"],
            &[b"203.0.113.9", b"\xff"],
        ] {
            assert_eq!(client(PEER, lines), PEER, "{lines:?}");
        }
    }

    #[test]
    fn the_header_of_a_stranger_is_not_read() {
        for peer in ["11.0.0.1:1", "[fe00::1]:1", "[::1]:1"] {
            assert_eq!(client(peer, &[b"203.0.113.9"]), peer);
        }
        let nobody = Proxies::of(&[]);
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, "203.0.113.9".parse().unwrap());
        assert_eq!(nobody.client(PEER.parse().unwrap(), &headers).to_string(), PEER);
    }
}
