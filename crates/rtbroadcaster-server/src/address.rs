//! An address to listen on: an IP address or a host name, and a port.
//! Must not resolve host names.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::host_name::HostName;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    Ip(SocketAddr),
    /// All addresses to which the system resolves a name, and a port.
    Name(HostName, u16),
}

/// The error for a text that is not an address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address or a host name, and a port: 127.0.0.1:8080, 0.0.0.0:80, [::1]:8080 or localhost:8080")]
pub(crate) struct NotAnAddress;

impl ListenAddress {
    /// Returns the port; 0 stands for a free one.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Ip(address) => address.port(),
            Self::Name(_, port) => *port,
        }
    }

    /// Returns whether no program can listen on both: they are equal, or one stands for all addresses of the other's
    /// family.
    pub(crate) fn collides_with(&self, other: &Self) -> bool {
        if self.port() != other.port() || self.port() == 0 {
            return false;
        }
        match (self, other) {
            (Self::Ip(one), Self::Ip(two)) => {
                let is_all = one.ip().is_unspecified() || two.ip().is_unspecified();
                one == two || one.is_ipv4() == two.is_ipv4() && is_all
            }
            _ => self == other,
        }
    }

    /// Returns whether other machines can reach this address. False for a name, which is not resolved here.
    pub(crate) fn is_for_the_network(&self) -> bool {
        matches!(self, Self::Ip(address) if !address.ip().to_canonical().is_loopback())
    }
}

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let (name, port) = text.rsplit_once(':').ok_or(NotAnAddress)?;
        // A name whose last label is a number is a mistyped IP address, such as 127.1 or 10.0.0.300.
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let is_port = is_number(port);
        if !is_port || name.contains(':') || name.rsplit('.').next().is_none_or(is_number) {
            return Err(NotAnAddress);
        }
        let port = port.parse().map_err(|_| NotAnAddress)?;
        Ok(Self::Name(name.parse().map_err(|_| NotAnAddress)?, port))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ListenAddress {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_an_ip_address_or_a_name_with_a_port() {
        for (text, shown) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:0", "[::1]:0"),
            ("localhost:8080", "localhost:8080"),
            ("Show.Example.org:80", "show.example.org:80"),
        ] {
            assert_eq!(text.parse::<ListenAddress>().map(|address| address.to_string()).as_deref(), Ok(shown));
        }
        for bad in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:+80",
            "localhost:65536",
            "http://a.test:80",
            "a b:80",
            "::1:80",
            "127.1:80",
            "10.0.0.300:80",
            "*:80",
        ] {
            assert_eq!(bad.parse::<ListenAddress>(), Err(NotAnAddress), "{bad}");
        }
    }

    #[test]
    fn two_addresses_collide_where_no_program_can_listen_on_both() {
        for (one, two, collide) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
            ("0.0.0.0:80", "[::]:80", false),
            ("localhost:80", "localhost:80", true),
            ("localhost:80", "a.test:80", false),
        ] {
            assert_eq!(address(one).collides_with(&address(two)), collide, "{one} and {two}");
            assert_eq!(address(two).collides_with(&address(one)), collide, "{two} and {one}");
        }
    }

    #[test]
    fn what_is_for_other_machines_is_told_without_looking_a_name_up() {
        for (text, expected) in
            [("127.0.0.1:80", false), ("[::1]:80", false), ("0.0.0.0:80", true), ("localhost:80", false)]
        {
            assert_eq!(address(text).is_for_the_network(), expected, "{text}");
        }
    }
}
