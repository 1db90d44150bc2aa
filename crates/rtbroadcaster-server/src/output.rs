//! A standard stream behind a queue: a writer of lines never waits for whoever reads the stream, and what there is no room
//! for is dropped and counted.
//! Must not know what the lines say.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::queue::{Queue, Work};

/// The most bytes that wait, with [`LINE_BYTES`] for each line: some two thousand lines.
const WAITING_BYTES_MAX: usize = 512 * 1024;
/// What a line costs besides its bytes.
const LINE_BYTES: usize = 64;

/// Lines on their way to a stream. Each clone is the same stream.
#[derive(Debug, Clone)]
pub(crate) struct Output(Queue<Box<[u8]>>);

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
        let queue = Queue::new(WAITING_BYTES_MAX);
        queue.start(name, Writer { stream, notice, is_torn: false })?;
        Ok(Self(queue))
    }

    /// Adds whole lines, or drops and counts them when too much waits. Waits for no reader.
    pub(crate) fn add(&self, text: &[u8]) {
        self.0.add(text.into(), text.len() + LINE_BYTES);
    }

    /// How many lines were dropped: too much waited, or the stream failed.
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

    /// Nothing: who wants to wait says for how long.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the thread has.
struct Writer<S, N> {
    stream: S,
    notice: N,
    /// The stream has failed in the middle of a line.
    is_torn: bool,
}

impl<S: AsFd + Send + 'static, N: Fn(u64) + Send + 'static> Work<Box<[u8]>> for Writer<S, N> {
    fn is_done(&mut self, line: Box<[u8]>) -> bool {
        self.write(&line).is_ok()
    }

    fn tell(&mut self, dropped: u64) {
        // The filter of the log may be against the line.
        (self.notice)(dropped);
    }
}

impl<S: AsFd, N> Writer<S, N> {
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
