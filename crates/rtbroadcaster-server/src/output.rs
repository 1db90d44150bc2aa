//! A standard stream with a queue and a thread of its own: a writer of lines never waits for whoever reads the stream, and
//! what there is no room for is dropped and counted.
//! Must not know what the lines say.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// The most bytes that wait, with [`LINE_BYTES`] for each line: some two thousand lines.
const WAITING_BYTES_MAX: usize = 512 * 1024;
/// What a line costs besides its bytes.
const LINE_BYTES: usize = 64;
/// How often a reader that goes on reading too slowly is told what was dropped.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// Lines on their way to a stream. Each clone is the same stream.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// A line was added, or none waits any more.
    changed: Condvar,
    /// How many lines were dropped.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Line>,
    /// How many bytes these are, and the line that is being written.
    bytes: usize,
    /// A line is being written.
    is_writing: bool,
    /// How many lines were dropped and no line that waits says so.
    untold: u64,
    /// The thread that writes. Its own lines, which say what was dropped, always have room.
    writer: Option<ThreadId>,
    /// How many dropped lines the line says that the writer adds now.
    telling: u64,
}

#[derive(Debug)]
struct Line {
    text: Box<[u8]>,
    /// How many dropped lines it tells of.
    tells: u64,
}

impl Line {
    fn cost(&self) -> usize {
        self.text.len() + LINE_BYTES
    }
}

impl Output {
    /// Starts the thread that writes to `stream`. When lines were dropped and the stream takes some again, `notice` is called
    /// there with their number, to add a line that says so.
    ///
    /// # Errors
    /// When the system has no thread.
    pub(crate) fn start(
        name: &str,
        stream: impl AsFd + Send + 'static,
        notice: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new(), dropped: AtomicU64::new(0) };
        let output = Self(Arc::new(shared));
        let writer = Writer { output: output.clone(), stream, notice, noticed: None, is_torn: false };
        // Lasts as long as the process: it may be in a write that never ends.
        thread::Builder::new().name(name.to_owned()).spawn(move || writer.run())?;
        Ok(output)
    }

    /// Adds whole lines, or drops and counts them when too much waits. Waits for no reader.
    pub(crate) fn add(&self, text: &[u8]) {
        let mut state = self.lock();
        let is_notice = state.writer == Some(thread::current().id());
        let tells = if is_notice { std::mem::take(&mut state.telling) } else { 0 };
        let line = Line { text: text.into(), tells };
        if state.bytes + line.cost() > WAITING_BYTES_MAX && !is_notice {
            state.untold += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += line.cost();
        state.waiting.push_back(line);
        drop(state);
        self.0.changed.notify_all();
    }

    /// How many lines were dropped: too much waited, or the stream failed.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, for `time` at most.
    pub(crate) fn flush(&self, time: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.lock(), time, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can panic halfway.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next line.
    fn next(&self) -> Line {
        let is_idle = |state: &mut State| state.waiting.is_empty();
        let waited = self.0.changed.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        state.waiting.pop_front().expect("the wait ends when there is one")
    }

    /// `line` is done with.
    fn done(&self, line: &Line, is_written: bool) {
        let mut state = self.lock();
        state.bytes -= line.cost();
        state.is_writing = false;
        if !is_written {
            // Of a notice only what it was to say counts: that is said by another one.
            let lost = if line.tells > 0 { line.tells } else { 1 };
            state.untold += lost;
            if line.tells == 0 {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// How many lines were dropped and are to be told of now; they are told of from then on.
    fn take_untold(&self, is_due: bool) -> Option<u64> {
        let mut state = self.lock();
        if state.untold == 0 || !(is_due || state.waiting.is_empty()) {
            return None;
        }
        state.telling = std::mem::take(&mut state.untold);
        Some(state.telling)
    }
}

impl io::Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.add(text);
        Ok(text.len())
    }

    /// Nothing: who wants to wait says for how long.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the thread has.
struct Writer<S, N> {
    output: Output,
    stream: S,
    notice: N,
    /// When the reader was told last what was dropped.
    noticed: Option<Instant>,
    /// The stream has failed in the middle of a line.
    is_torn: bool,
}

impl<S: AsFd, N: Fn(u64)> Writer<S, N> {
    fn run(mut self) {
        self.output.lock().writer = Some(thread::current().id());
        loop {
            let line = self.output.next();
            let written = self.write(&line.text);
            self.output.done(&line, written.is_ok());
            // Not after a failure: the notice would fail too, and the next one, for ever.
            if written.is_ok() {
                self.tell();
            }
        }
    }

    /// Says what was dropped, if there is anything to say and it is time.
    fn tell(&mut self) {
        let is_due = self.noticed.is_none_or(|at| at.elapsed() >= NOTICE_INTERVAL);
        if let Some(lines) = self.output.take_untold(is_due) {
            self.noticed = Some(Instant::now());
            (self.notice)(lines);
            // The filter of the log may be against the line.
            self.output.lock().telling = 0;
        }
    }

    /// Writes a whole line, however long the reader takes. Past the standard library's own lock and buffer, which the process
    /// would want when it ends.
    fn write(&mut self, line: &[u8]) -> Result<(), Errno> {
        if std::mem::take(&mut self.is_torn) {
            self.write_all(b"\n").inspect_err(|_| self.is_torn = true)?;
        }
        self.write_all(line)
    }

    fn write_all(&mut self, mut text: &[u8]) -> Result<(), Errno> {
        let whole = text.len();
        while !text.is_empty() {
            let failure = match rustix::io::write(&self.stream, text) {
                Ok(0) => Errno::IO,
                Ok(written) => {
                    text = &text[written..];
                    continue;
                }
                Err(Errno::INTR) => continue,
                // Another process that has the stream too has made it so.
                Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&self.stream, PollFlags::OUT)], None) {
                    Ok(_) | Err(Errno::INTR) => continue,
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            self.is_torn = text.len() < whole;
            return Err(failure);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
