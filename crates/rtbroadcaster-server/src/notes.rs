//! Notes on stderr, written by a thread of their own: a command never waits for the reader of stderr. When too many
//! notes wait, new ones are dropped and counted, and a later note has their number. Must not know what the notes say.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::queue::{Worker, WorkerQueue};

/// The most notes that wait to be written.
const WAITING_MAX: usize = 64;

/// The most bytes of a note that are written. A note may quote text from the network.
const NOTE_BYTES_MAX: usize = 4 * 1024;

/// How long the process waits at its end for the last notes.
const FAREWELL: Duration = Duration::from_millis(500);

/// One piece of work on stderr.
type Job = Box<dyn FnOnce() + Send>;

/// The worker that runs the jobs.
struct Stderr;

impl Worker<Job> for Stderr {
    fn process(&mut self, job: Job) -> bool {
        job();
        true
    }

    fn report(&mut self, dropped: u64) {
        print(&format!("{dropped} notes were dropped here: stderr was blocked"));
    }
}

/// Returns the queue of this process's notes.
fn notes() -> &'static WorkerQueue<Job> {
    static NOTES: OnceLock<WorkerQueue<Job>> = OnceLock::new();
    NOTES.get_or_init(|| {
        let notes = WorkerQueue::new(WAITING_MAX);
        // If the thread cannot start, there are no notes, and the command runs on.
        let _ = notes.start("notes", Stderr);
        notes
    })
}

/// Queues a job.
fn add(job: impl FnOnce() + Send + 'static) {
    notes().add(Box::new(job), 1);
}

/// Queues a note for the person who runs the command.
pub(crate) fn note(text: &str) {
    let text = text.to_owned();
    add(move || print(&text));
}

/// Queues a note that is printed above a progress bar.
pub(crate) fn note_above(bar: &ProgressBar, text: &str) {
    let text = text.to_owned();
    draw(bar, move |bar| bar.suspend(|| print(&text)));
}

/// Queues a change of a progress bar. Drawing would block on a stderr that is not read.
pub(crate) fn draw(bar: &ProgressBar, change: impl FnOnce(&ProgressBar) + Send + 'static) {
    let bar = bar.clone();
    add(move || change(&bar));
}

/// Waits for the last notes, for [`FAREWELL`] at most, before the process ends.
pub(crate) fn finish() {
    notes().flush(FAREWELL);
}

/// Writes one note. Errors are ignored: stderr may have no reader.
fn print(text: &str) {
    let cut = (0..=text.len().min(NOTE_BYTES_MAX)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let end = if cut < text.len() { " …" } else { "" };
    let _ = io::stderr().write_all(format!("rtbroadcaster: {}{end}\n", &text[..cut]).as_bytes());
}
