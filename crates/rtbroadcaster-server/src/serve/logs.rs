//! The log: structured lines on standard error.
//! Must not know what is logged.

use std::io::IsTerminal;

use crate::settings::{LogFilter, LogFormat};

/// Starts logging for the whole process.
pub(super) fn start(filter: &LogFilter, format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
