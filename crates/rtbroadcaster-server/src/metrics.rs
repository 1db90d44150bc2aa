//! The metrics of the server, in the text format of Prometheus.
//! Must not know HTTP.

mod process;
mod table;
mod text;

use std::sync::Arc;

use rtbroadcaster::Manager;

use crate::output::Output;
pub(crate) use process::Process;
use table::{Numbers, TABLE};

/// The counts of connections of plain HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PlainHttp {
    /// Connections that are open now.
    pub(crate) open: u64,
    /// Connections that were closed at their accept, since there were too many.
    pub(crate) refused: u64,
    /// Connections that were closed while they waited for a request, to make room for new ones.
    pub(crate) displaced: u64,
}

/// The media type of [`render`] (Prometheus, "Exposition formats", text format).
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The sources of all numbers.
#[derive(Clone)]
pub(crate) struct MetricsSource {
    pub(crate) manager: Manager,
    pub(crate) http: Arc<dyn Fn() -> PlainHttp + Send + Sync>,
    pub(crate) process: Process,
    /// The output of the log, which counts dropped lines.
    pub(crate) log: Output,
}

/// Returns the text of all metrics. May take a few milliseconds, since it counts every open file of the process.
pub(crate) fn render(source: &MetricsSource) -> String {
    let MetricsSource { manager, http, process, log } = source;
    let (process, log_lines_dropped) = (process.stats(), log.dropped());
    let numbers = Numbers { manager: manager.metrics(), http: http(), process, log_lines_dropped };
    let mut text = String::new();
    for row in TABLE {
        text::write(&mut text, row, &(row.read)(&numbers));
    }
    text
}

#[cfg(test)]
mod tests;
