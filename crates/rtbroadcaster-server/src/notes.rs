//! What a command says on stderr beside its purpose. A thread writes it, so no command waits for whoever reads; when too
//! much waits, what comes is dropped, and how much that was is said later. Must not know what is said.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;

/// How many notes wait to be written.
const WAITING_MAX: usize = 64;

/// How many bytes of a note are written. It may quote what somebody has sent.
const NOTE_BYTES_MAX: usize = 4 * 1024;

/// How long the last notes may take at the end of the process.
const FAREWELL: Duration = Duration::from_millis(500);

/// Something that is done on stderr.
type Job = Box<dyn FnOnce() + Send>;

/// What waits for the thread. All of it changes under one lock, and nothing panics under it.
#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// How many notes were dropped that nobody was told of.
    dropped: u64,
    /// Whether the thread is at one.
    is_busy: bool,
}

/// The notes of this process.
struct Notes {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Notes {
    fn get() -> &'static Self {
        static NOTES: OnceLock<Notes> = OnceLock::new();
        static WRITER: OnceLock<()> = OnceLock::new();
        let notes = NOTES.get_or_init(|| Self { waiting: Mutex::default(), changed: Condvar::new() });
        WRITER.get_or_init(|| {
            // Without a thread nothing is said, and everything else goes on.
            let _ = thread::Builder::new().name("notes".into()).spawn(|| notes.write());
        });
        notes
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, job: Job) {
        let mut waiting = self.lock();
        if waiting.jobs.len() < WAITING_MAX {
            waiting.jobs.push_back(job);
            self.changed.notify_all();
        } else {
            waiting.dropped += 1;
        }
    }

    /// Does what waits, for ever.
    fn write(&self) {
        loop {
            let mut waiting = self.lock();
            waiting.is_busy = false;
            self.changed.notify_all();
            let mut waiting = self
                .changed
                .wait_while(waiting, |waiting| waiting.jobs.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            waiting.is_busy = true;
            let (job, dropped) = (waiting.jobs.pop_front(), std::mem::take(&mut waiting.dropped));
            drop(waiting);
            if dropped > 0 {
                print(&format!("{dropped} notes are missing here: nobody has read them"));
            }
            if let Some(job) = job {
                job();
            }
        }
    }

    /// Waits until everything is done, but not for longer than `time`.
    fn finish(&self, time: Duration) {
        let is_at_it = |waiting: &mut Waiting| waiting.is_busy || !waiting.jobs.is_empty();
        let _ = self.changed.wait_timeout_while(self.lock(), time, is_at_it);
    }
}

/// Says something to whoever typed the command, soon.
pub(crate) fn note(text: &str) {
    let text = text.to_owned();
    Notes::get().add(Box::new(move || print(&text)));
}

/// The same, above a bar that is drawn meanwhile.
pub(crate) fn note_above(bar: &ProgressBar, text: &str) {
    let text = text.to_owned();
    draw(bar, move |bar| bar.suspend(|| print(&text)));
}

/// Changes a bar, soon: where nobody reads, drawing waits for ever.
pub(crate) fn draw(bar: &ProgressBar, change: impl FnOnce(&ProgressBar) + Send + 'static) {
    let bar = bar.clone();
    Notes::get().add(Box::new(move || change(&bar)));
}

/// Waits for the last notes, as long as somebody reads them. The process ends then.
pub(crate) fn finish() {
    Notes::get().finish(FAREWELL);
}

/// Writes one note at once. Nobody may be reading it.
fn print(text: &str) {
    let cut = (0..=text.len().min(NOTE_BYTES_MAX)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let end = if cut < text.len() { " …" } else { "" };
    let _ = io::stderr().write_all(format!("rtbroadcaster: {}{end}\n", &text[..cut]).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn nobody_waits_for_notes_that_cannot_be_written_and_what_is_dropped_is_counted() {
        let notes: &'static Notes = Box::leak(Box::new(Notes { waiting: Mutex::default(), changed: Condvar::new() }));
        thread::spawn(|| notes.write());
        let (read, unread) = mpsc::channel::<()>();
        let (done, all) = mpsc::channel();
        // As a pipe that nobody reads.
        let (is_full, full) = mpsc::channel();
        notes.add(Box::new(move || _ = (is_full.send(()), unread.recv())));
        full.recv().unwrap();
        for number in 0..WAITING_MAX + 10 {
            let done = done.clone();
            notes.add(Box::new(move || done.send(number).unwrap()));
        }
        drop(done);
        let begun = Instant::now();
        notes.finish(Duration::from_millis(20));
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait for ever");
        assert!(all.try_recv().is_err());
        assert_eq!(notes.lock().dropped, 10);
        read.send(()).unwrap();
        notes.finish(Duration::from_secs(60));
        let written: Vec<_> = all.try_iter().collect();
        assert!(written.len() == WAITING_MAX && written.is_sorted(), "{written:?}");
        assert_eq!(notes.lock().dropped, 0, "it was said");
    }
}
