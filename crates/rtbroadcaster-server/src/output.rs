//! A standard stream behind a queue: adding a line never waits for the reader of the stream. Lines that do not fit into
//! the queue are dropped and counted.
//! Must not know what the lines say.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::queue::{Worker, WorkerQueue};

/// The most bytes that wait, plus [`LINE_BYTES`] for each line: about two thousand lines.
const WAITING_BYTES_MAX: usize = 512 * 1024;
/// The bytes that count for a line besides its text.
const LINE_BYTES: usize = 64;

/// A queue of lines for a stream. Clones share the stream.
#[derive(Debug, Clone)]
pub(crate) struct Output(WorkerQueue<Box<[u8]>>);

impl Output {
    /// Starts the thread that writes to `stream`. After lines were dropped, and once the stream accepts lines again,
    /// the thread calls `notice` with their number, so that it can add a line about them.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(
        name: &str,
        stream: impl AsFd + Send + 'static,
        notice: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = WorkerQueue::new(WAITING_BYTES_MAX);
        queue.start(name, StreamWriter { stream, notice, is_torn: false })?;
        Ok(Self(queue))
    }

    /// Queues whole lines, or drops and counts them if too much waits. Never blocks on the reader.
    pub(crate) fn add(&self, text: &[u8]) {
        self.0.add(text.into(), text.len() + LINE_BYTES);
    }

    /// Returns the number of dropped lines: too much waited, or the stream failed.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Waits until everything is written, for `time` at most.
    pub(crate) fn flush(&self, time: Duration) {
        self.0.flush(time);
    }
}

impl io::Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.add(text);
        Ok(text.len())
    }

    /// Does nothing: waiting needs a time limit, which the inherent `flush` has.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The worker that writes lines to the stream.
struct StreamWriter<S, N> {
    stream: S,
    notice: N,
    /// The last write has failed in the middle of a line.
    is_torn: bool,
}

impl<S: AsFd + Send + 'static, N: Fn(u64) + Send + 'static> Worker<Box<[u8]>> for StreamWriter<S, N> {
    fn process(&mut self, line: Box<[u8]>) -> bool {
        self.write(&line).is_ok()
    }

    fn report(&mut self, dropped: u64) {
        // The notice may add no line: the filter of the log may drop it.
        (self.notice)(dropped);
    }
}

impl<S: AsFd, N> StreamWriter<S, N> {
    /// Writes a whole line, however long the reader takes. Bypasses the standard library's lock and buffer, which the
    /// process needs when it ends.
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
                // Another process that shares the stream has made it non-blocking.
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
