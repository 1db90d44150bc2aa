//! Shows a progress bar on stderr if that is a terminal, otherwise nothing. Must not know what is counted.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The time between two redraws of the bar while its number does not change.
const TICK: Duration = Duration::from_millis(100);

/// The progress bar.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new() -> Self {
        // indicatif hides it if stderr is no terminal.
        let bar = ProgressBar::new(1);
        let style = ProgressStyle::with_template("{spinner} {msg:<10} {wide_bar} {pos}/{len} {elapsed_precise}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Restarts the bar for another count, up to `length`.
    pub(crate) fn begin(&self, what: &'static str, length: u64) {
        self.0.set_position(0);
        self.0.set_length(length);
        self.0.set_message(what);
    }

    pub(crate) fn reach(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
