//! The log: structured lines on stderr, so that stdout is the program's own.
//! Must not know what is logged.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// What to log on stderr: error, warn, info, debug, trace or off, also by module (info,rtbroadcaster=debug)
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = filter)]
    log: EnvFilter,
    /// How to write the log
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A line for people; coloured on a terminal
    #[default]
    Text,
    /// A JSON object a line, for machines
    Json,
}

/// An empty filter would mean `error`, which nobody guesses.
fn filter(text: &str) -> Result<EnvFilter, String> {
    if text.trim().is_empty() {
        return Err("name a level, such as info, or off".into());
    }
    EnvFilter::builder().parse(text).map_err(|error| format!("{error}; write a level such as info, or name=level"))
}

/// Starts the log. What was logged before is lost.
pub(crate) fn start(options: Log) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(options.log)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that cannot be written must not end the rooms: the report of it would panic on a closed stderr.
        .log_internal_errors(false);
    match options.log_format {
        Format::Text => log.init(),
        Format::Json => log.json().flatten_event(true).init(),
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
        for bad in ["", " ", "info,rtbroadcaster=loud"] {
            assert!(filter(bad).is_err(), "{bad:?}");
        }
    }
}
