//! A host name as it stands in a URL, parsed and compared.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The most bytes in a name (RFC 1035 section 2.3.4, without the dots' framing).
const BYTES_MAX: usize = 253;

/// A host name or an IP address, without a port, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName(String);

/// The error for a text that is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name without scheme and port, such as show.example.org")]
pub(crate) struct NotAHostName;

impl HostName {
    /// Returns whether the host of a request, given without its port, is this one. Ignores case.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.0.eq_ignore_ascii_case(host)
    }
}

impl FromStr for HostName {
    type Err = NotAHostName;

    fn from_str(text: &str) -> Result<Self, NotAHostName> {
        let is_address = text.parse::<IpAddr>().is_ok();
        let is_name = (1..=BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if is_address || is_name { Ok(Self(text.to_ascii_lowercase())) } else { Err(NotAHostName) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for HostName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_without_scheme_and_port() {
        let longest = "a".repeat(BYTES_MAX);
        for good in ["localhost", "Show.example.org", "a_b-c", "127.0.0.1", "::1", &longest] {
            assert_eq!(good.parse::<HostName>().map(|name| name.to_string()), Ok(good.to_ascii_lowercase()));
        }
        for bad in ["", "https://a.test", "a.test:80", "[::1]", "a b", "ä.test", "*", &"a".repeat(BYTES_MAX + 1)] {
            assert_eq!(bad.parse::<HostName>(), Err(NotAHostName), "{bad}");
        }
    }
}
