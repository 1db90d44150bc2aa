//! What `/metrics` tells: one table of names, helps and numbers, written as Prometheus reads it.
//! Must not know HTTP, nor how the numbers come about.

mod process;
mod table;
mod text;

use rtbroadcaster::Manager;

use crate::output::Output;
pub(crate) use process::Process;
use table::{Numbers, TABLE};

/// The media type of [`tell`] (Prometheus, "Exposition formats", text format).
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the numbers are read from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    manager: Manager,
    process: Process,
    /// Where the lines of the log are written.
    log: Output,
}

impl Source {
    pub(crate) fn new(manager: &Manager, process: Process, log: Output) -> Self {
        Self { manager: manager.clone(), process, log }
    }
}

/// All metrics as they stand now. It looks at every open file of the process, so it may take a few milliseconds.
pub(crate) fn tell(source: &Source) -> String {
    let Source { manager, process, log } = source;
    let numbers = Numbers { manager: manager.metrics(), process: process.look(), log_lines_dropped: log.dropped() };
    let mut text = String::new();
    for row in TABLE {
        text::write(&mut text, row, &(row.read)(&numbers));
    }
    text
}

#[cfg(test)]
mod tests;
