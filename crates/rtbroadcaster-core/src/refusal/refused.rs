//! A refusal as a client reads it.
//! Must not know which refusals this version has: a server may have others.

use std::time::Duration;

/// A request that the server refused, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {code}")]
pub struct Refused {
    code: Box<str>,
    retry: Option<Duration>,
}

impl Refused {
    /// Returns the refusal of this code; with `retry`, trying again may help after that time.
    pub fn new(code: impl Into<Box<str>>, retry: Option<Duration>) -> Self {
        Self { code: code.into(), retry }
    }

    /// Returns the code of PROTOCOL.md's table of errors, such as `rate`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns after which time trying again may help, if the server told it.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}
