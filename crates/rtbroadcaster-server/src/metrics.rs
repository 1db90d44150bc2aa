//! What `/metrics` tells: one table of names, helps and numbers, written as Prometheus reads it.
//! Must not know HTTP, nor how the numbers come about.

mod process;
mod table;
mod text;

use std::sync::Arc;

use rtbroadcaster::Manager;

use crate::output::Output;
pub(crate) use process::Process;
use table::{Numbers, TABLE};

/// What became of the connections of plain HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PlainHttp {
    /// Those that are open now.
    pub(crate) open: u64,
    /// Those that were closed at their accept, since there were too many.
    pub(crate) refused: u64,
    /// Those that were closed while they waited for a request, since another one needed the place.
    pub(crate) displaced: u64,
}

/// The media type of [`tell`] (Prometheus, "Exposition formats", text format).
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the numbers are read from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) manager: Manager,
    pub(crate) http: Arc<dyn Fn() -> PlainHttp + Send + Sync>,
    pub(crate) process: Process,
    /// Where the lines of the log are written.
    pub(crate) log: Output,
}

/// All metrics as they stand now. It looks at every open file of the process, so it may take a few milliseconds.
pub(crate) fn tell(source: &Source) -> String {
    let Source { manager, http, process, log } = source;
    let (process, log_lines_dropped) = (process.look(), log.dropped());
    let numbers = Numbers { manager: manager.metrics(), http: http(), process, log_lines_dropped };
    let mut text = String::new();
    for row in TABLE {
        text::write(&mut text, row, &(row.read)(&numbers));
    }
    text
}

#[cfg(test)]
mod tests;
