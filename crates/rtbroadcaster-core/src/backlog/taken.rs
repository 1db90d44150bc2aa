//! The frames taken for a write: from here on nothing takes their place.
//! Must not know what waits behind them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

/// The frames that stand before everything that may still change.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Each with the time since which it waits for the member.
    frames: VecDeque<(Bytes, Duration)>,
    /// How many bytes of the first frame are out.
    written: usize,
    /// The bytes of all frames, those included that are out.
    bytes: usize,
    /// The frames are being written.
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

    /// The bytes that are not out.
    pub(super) fn bytes(&self) -> usize {
        self.bytes - self.written
    }

    /// Since when the first frame waits.
    pub(super) fn since(&self) -> Option<Duration> {
        self.frames.front().map(|(_, since)| *since)
    }

    pub(super) fn push(&mut self, bytes: Bytes, since: Duration) {
        self.bytes += bytes.len();
        self.frames.push_back((bytes, since));
    }

    /// Of the first frame `written` bytes are out already.
    pub(super) fn was_begun(&mut self, written: usize) {
        self.written += written;
    }

    /// Hands all frames to a writer, and says how many bytes of the first one are out.
    pub(super) fn write(&mut self, frames: &mut Vec<Bytes>) -> usize {
        debug_assert!(!self.writing, "one write at a time");
        frames.extend(self.frames.iter().map(|(bytes, _)| bytes.clone()));
        self.writing = !frames.is_empty();
        self.written
    }

    /// The writer is done: `written` more bytes are out. Says how many frames ended with them.
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

    /// Keeps only the frame that the member has seen a part of.
    pub(super) fn drop_unwritten(&mut self) {
        self.frames.truncate(usize::from(self.written > 0));
        self.bytes = self.frames.front().map_or(0, |(first, _)| first.len());
    }
}
