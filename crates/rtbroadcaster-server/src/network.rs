//! An IP address or a network, as an operator writes it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// One IP address, or all addresses with a common prefix. IPv4-mapped IPv6 addresses are IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpNet);

/// The error for a text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NetworkError {
    #[error("expected an address or a network, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8")]
    NotANetwork,
    #[error("this is an address of the network {0}; write that, or the address without its prefix")]
    AddressInside(Network),
}

impl Network {
    /// Returns the network that counts as one client: an IPv4 address, or an IPv6 /64.
    pub(crate) fn of_client(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 64 };
        Self(IpNet::new_assert(address, bits).trunc())
    }

    /// Returns whether `address` is in this network.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Returns the same network, as an IPv4 network if it is IPv4-mapped.
    fn canonical(net: IpNet) -> Self {
        match net {
            IpNet::V6(v6) if v6.prefix_len() >= 96 => {
                let v4 = v6.addr().to_ipv4_mapped().and_then(|addr| Ipv4Net::new(addr, v6.prefix_len() - 96).ok());
                Self(v4.map_or(net, IpNet::V4))
            }
            _ => Self(net),
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        let net: IpNet = text.parse().map_err(|_| NetworkError::NotANetwork)?;
        // The server must not guess what is meant, since this list decides which proxies it trusts.
        if net != net.trunc() {
            return Err(NetworkError::AddressInside(Self::canonical(net.trunc())));
        }
        Ok(Self::canonical(net))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_prefix_and_holds_what_begins_with_it() {
        for (text, shown, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/32", "192.0.2.7", "::ffff:192.0.2.7", "::c000:207"),
            ("10.0.0.0/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("fd00::/8", "fd00::/8", "fdff::1", "fe00::1"),
            ("::1", "::1", "::1", "127.0.0.1"),
            ("0.0.0.0/0", "0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), shown, "{text}");
            assert!(network.contains(inside.parse().unwrap()), "{text} holds {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} does not hold {outside}");
        }
    }

    #[test]
    fn a_text_that_is_no_network_is_refused() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "fd00::/129", "10.0.0.1:80", " ::1"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::NotANetwork), "{text}");
        }
        let inside = "10.1.2.3/8".parse::<Network>().unwrap_err();
        assert!(inside.to_string().contains("10.0.0.0/8"), "{inside}");
    }
}
