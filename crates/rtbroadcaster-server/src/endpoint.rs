//! The path of the WebSocket endpoint, parsed and checked.

use std::fmt;
use std::str::FromStr;

use crate::page;

/// The paths of the health checks.
pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const READYZ: &str = "/readyz";

/// The most bytes in a path: a request for a path that fills its whole head would always be refused.
const BYTES_MAX: usize = 1024;

/// A path without characters that have a meaning in a URL or for a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

/// The error for a text that is not a path for the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("a path begins with '/', such as /broadcasting")]
    NoSlash,
    #[error("a path has only letters, digits and / - . _ ~")]
    Sign,
    #[error("this path is the server's own")]
    Taken,
    #[error("a path has at most {BYTES_MAX} bytes")]
    Long,
}

impl Default for Endpoint {
    /// The path of the library of 2016.
    fn default() -> Self {
        Self("/broadcasting".into())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if !text.starts_with('/') {
            return Err(EndpointError::NoSlash);
        }
        // The unreserved characters of RFC 3986 section 2.3 and the slash.
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte)) {
            return Err(EndpointError::Sign);
        }
        if text.len() > BYTES_MAX {
            return Err(EndpointError::Long);
        }
        let is_own = [HEALTHZ, READYZ].contains(&text) || page::PATHS.contains(&text);
        if is_own || page::FOLDERS.iter().any(|folder| text.starts_with(folder)) {
            return Err(EndpointError::Taken);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Endpoint {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_itself() {
        for good in ["/broadcasting", "/a/b-c.d_e~f/", "//"] {
            assert_eq!(good.parse::<Endpoint>().map(|path| path.to_string()), Ok(good.into()));
        }
        for (bad, why) in [
            ("", EndpointError::NoSlash),
            ("broadcasting", EndpointError::NoSlash),
            ("/{room}", EndpointError::Sign),
            ("/a?b", EndpointError::Sign),
            ("/:a", EndpointError::Sign),
            ("/a b", EndpointError::Sign),
            ("/ä", EndpointError::Sign),
            ("/", EndpointError::Taken),
            ("/poll", EndpointError::Taken),
            ("/qr.svg", EndpointError::Taken),
            ("/page/x", EndpointError::Taken),
            ("/sdk/", EndpointError::Taken),
            ("/healthz", EndpointError::Taken),
            ("/readyz", EndpointError::Taken),
            (&*format!("/{}", "a".repeat(BYTES_MAX)), EndpointError::Long),
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(why), "{bad}");
        }
    }
}
