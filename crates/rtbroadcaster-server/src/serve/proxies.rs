//! Finds a client's address behind proxies, from the headers of trusted proxies only.
//! Must not know connections. `Forwarded` (RFC 7239) is not read: the proxies in use write `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};

use crate::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are trusted about a client's address.
#[derive(Debug, Clone)]
pub(super) struct Proxies(Arc<[Network]>);

impl Proxies {
    /// Returns the proxies in these networks.
    pub(super) fn of(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Returns whether `address` belongs to a trusted proxy.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns the client's address of a request from `peer` with these headers. Each proxy appends the address of its
    /// peer, so a trusted proxy has seen the last address that is not a trusted proxy's. Any client can write the
    /// addresses before it. If all addresses are trusted, the first one is the client's.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trust(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        for line in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(line) = line.to_str() else { return peer };
            // Empty elements of a list are ignored (RFC 9110 section 5.6.1.2).
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

/// Parses an address as proxies write it: alone, in brackets, or with a port.
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
            // Elements before the client's address are not read.
            (&["unknown, 203.0.113.9"], "203.0.113.9:0"),
            (&["\"><script>, 203.0.113.9, 10.0.0.2"], "203.0.113.9:0"),
            // The first one, if all are trusted.
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
