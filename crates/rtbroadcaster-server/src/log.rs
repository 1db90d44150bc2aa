//! The log: structured lines on stderr. Stdout stays free for the program's own output.
//! Must not know what is logged.

mod targets;

use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::time::Duration;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::output::Output;

/// The filter of the log: a level, or levels by module. Kept as text, from which each [`EnvFilter`] is built.
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

impl Filter {
    fn build(&self) -> EnvFilter {
        EnvFilter::new(targets::with_store(&self.0))
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A line for people; coloured on a terminal.
    Text,
    /// A JSON object a line, for machines.
    Json,
}

/// Returns the filter for `text`. An empty text is refused, since it would mean `error`, which surprises.
fn filter(text: &str) -> Result<EnvFilter, String> {
    if text.trim().is_empty() {
        return Err("name a level, such as info, or off".into());
    }
    targets::check(text)?;
    EnvFilter::builder().parse(text).map_err(|error| format!("{error}; write a level such as info, or name=level"))
}

/// How long the process waits at its end for lines that are not written yet: enough for a reader that reads.
const FLUSH: Duration = Duration::from_secs(1);

/// The running log. Dropping it waits for unwritten lines, for [`FLUSH`] at most.
pub(crate) struct LogHandle {
    stderr: Output,
    filter: Handle<EnvFilter, Registry>,
}

impl LogHandle {
    /// Starts the log. Lines that were logged before are lost.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub(crate) fn start(filter: &Filter, format: Format) -> io::Result<Self> {
        let stderr = Output::start("log", io::stderr(), |lines| {
            tracing::warn!(lines, "lines of the log were dropped: stderr was blocked, or failed");
        })?;
        let (layer, handle) = reload::Layer::new(filter.build());
        let writer = stderr.clone();
        let lines = fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(io::stderr().is_terminal())
            // There is no other place to report an error of the log.
            .log_internal_errors(false);
        let log = tracing_subscriber::registry().with(layer);
        match format {
            Format::Text => log.with(lines).init(),
            Format::Json => log.with(lines.json().flatten_event(true)).init(),
        }
        std::panic::set_hook(Box::new(|panic| {
            // The location only: the message may contain text from a peer.
            tracing::error!(at = panic.location().map(tracing::field::display), "a panic");
        }));
        Ok(Self { stderr, filter: handle })
    }

    /// Replaces the filter of the running log.
    pub(crate) fn set_filter(&self, filter: &Filter) {
        let filter = filter.build();
        // The store logs through the crate `log`, which has a level of its own in front of the filter.
        ::log::set_max_level(match filter.max_level_hint().unwrap_or(LevelFilter::TRACE).into_level() {
            None => ::log::LevelFilter::Off,
            Some(Level::ERROR) => ::log::LevelFilter::Error,
            Some(Level::WARN) => ::log::LevelFilter::Warn,
            Some(Level::INFO) => ::log::LevelFilter::Info,
            Some(Level::DEBUG) => ::log::LevelFilter::Debug,
            Some(Level::TRACE) => ::log::LevelFilter::Trace,
        });
        // It fails only if the log is gone, so the error has no place to be logged.
        let _ = self.filter.reload(filter);
    }

    /// Returns the output to which the log writes its lines.
    pub(crate) fn stderr(&self) -> &Output {
        &self.stderr
    }
}

impl Drop for LogHandle {
    fn drop(&mut self) {
        self.stderr.flush(FLUSH);
    }
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
