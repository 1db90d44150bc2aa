//! The log: structured lines on stderr, so that stdout is the program's own.
//! Must not know what is logged.

mod targets;

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// Which lines are written: a level, or levels by module. Kept as text, which is what a filter is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(String);

impl Default for Filter {
    fn default() -> Self {
        Self("info".into())
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        filter(text).map(|_| Self(text.into()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A line for people; coloured on a terminal.
    Text,
    /// A JSON object a line, for machines.
    Json,
}

/// An empty filter would mean `error`, which nobody guesses.
fn filter(text: &str) -> Result<EnvFilter, String> {
    if text.trim().is_empty() {
        return Err("name a level, such as info, or off".into());
    }
    targets::check(text)?;
    EnvFilter::builder().parse(text).map_err(|error| format!("{error}; write a level such as info, or name=level"))
}

/// Starts the log. What was logged before is lost.
pub(crate) fn start(filter: &Filter, format: Format) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(targets::with_store(&filter.0)))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that cannot be written must not end the rooms: the report of it would panic on a closed stderr.
        .log_internal_errors(false);
    match format {
        Format::Text => log.init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        // Where, and not what it says, which may hold what a peer has sent.
        tracing::error!(at = panic.location().map(tracing::field::display), "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_a_list_by_module() {
        for good in ["info", "off", "warn,rtbroadcaster=debug"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "inof", "info,rtbroadcaster=loud"] {
            assert!(filter(bad).is_err(), "{bad:?}");
        }
    }
}
