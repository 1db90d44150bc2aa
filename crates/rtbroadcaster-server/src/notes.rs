//! What a command says on stderr beside its purpose, behind a queue: no command waits for whoever reads; when too much waits,
//! what comes is dropped, and how much that was is said later. Must not know what is said.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::queue::{Queue, Work};

/// How many notes wait to be written.
const WAITING_MAX: usize = 64;

/// How many bytes of a note are written. It may quote what somebody has sent.
const NOTE_BYTES_MAX: usize = 4 * 1024;

/// How long the last notes may take at the end of the process.
const FAREWELL: Duration = Duration::from_millis(500);

/// Something that is done on stderr.
type Job = Box<dyn FnOnce() + Send>;

/// Does the jobs.
struct Stderr;

impl Work<Job> for Stderr {
    fn is_done(&mut self, job: Job) -> bool {
        job();
        true
    }

    fn tell(&mut self, dropped: u64) {
        print(&format!("{dropped} notes are missing here: nobody has read them"));
    }
}

/// The notes of this process.
fn notes() -> &'static Queue<Job> {
    static NOTES: OnceLock<Queue<Job>> = OnceLock::new();
    NOTES.get_or_init(|| {
        let notes = Queue::new(WAITING_MAX);
        // Without a thread nothing is said, and everything else goes on.
        let _ = notes.start("notes", Stderr);
        notes
    })
}

/// Has the thread do something.
fn add(job: impl FnOnce() + Send + 'static) {
    notes().add(Box::new(job), 1);
}

/// Says something to whoever typed the command, soon.
pub(crate) fn note(text: &str) {
    let text = text.to_owned();
    add(move || print(&text));
}

/// The same, above a bar that is drawn meanwhile.
pub(crate) fn note_above(bar: &ProgressBar, text: &str) {
    let text = text.to_owned();
    draw(bar, move |bar| bar.suspend(|| print(&text)));
}

/// Changes a bar, soon: where nobody reads, drawing waits for ever.
pub(crate) fn draw(bar: &ProgressBar, change: impl FnOnce(&ProgressBar) + Send + 'static) {
    let bar = bar.clone();
    add(move || change(&bar));
}

/// Waits for the last notes, as long as somebody reads them. The process ends then.
pub(crate) fn finish() {
    notes().flush(FAREWELL);
}

/// Writes one note at once. Nobody may be reading it.
fn print(text: &str) {
    let cut = (0..=text.len().min(NOTE_BYTES_MAX)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let end = if cut < text.len() { " …" } else { "" };
    let _ = io::stderr().write_all(format!("rtbroadcaster: {}{end}\n", &text[..cut]).as_bytes());
}
