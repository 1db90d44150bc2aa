//! The frames that are taken for a write: nothing supersedes them any more.
//! Must not know the frames behind them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

/// The frames that are taken for a write, in order.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Each with the time since which it waits for the member.
    frames: VecDeque<(Bytes, Duration)>,
    /// How many bytes of the first frame are written.
    written: usize,
    /// The bytes of all frames, written ones included.
    bytes: usize,
    /// Whether the frames are being written.
    writing: bool,
}

impl Taken {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing
    }

    /// Returns the bytes that are not written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes - self.written
    }

    /// Returns since when the first frame waits.
    pub(super) fn since(&self) -> Option<Duration> {
        self.frames.front().map(|(_, since)| *since)
    }

    pub(super) fn push(&mut self, bytes: Bytes, since: Duration) {
        self.bytes += bytes.len();
        self.frames.push_back((bytes, since));
    }

    /// Notes that `written` bytes of the first frame are written already.
    pub(super) fn was_begun(&mut self, written: usize) {
        self.written += written;
    }

    /// Hands all frames to a writer. Returns how many bytes of the first one are written.
    pub(super) fn write(&mut self, frames: &mut Vec<Bytes>) -> usize {
        debug_assert!(!self.writing, "one write at a time");
        frames.extend(self.frames.iter().map(|(bytes, _)| bytes.clone()));
        self.writing = !frames.is_empty();
        self.written
    }

    /// Notes that the writer is done and `written` more bytes are written. Returns how many frames these completed.
    pub(super) fn advance(&mut self, written: usize) -> usize {
        let before = self.frames.len();
        self.writing = false;
        self.written += written;
        while let Some((first, _)) = self.frames.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.bytes -= first.len();
            self.frames.pop_front();
        }
        before - self.frames.len()
    }

    /// Drops all frames but one that is partly written.
    pub(super) fn drop_unwritten(&mut self) {
        self.frames.truncate(usize::from(self.written > 0));
        self.bytes = self.frames.front().map_or(0, |(first, _)| first.len());
    }
}
