//! The message under way: its bytes so far, those of a text checked as they arrive. Must not know headers and limits.

use super::mask::unmask;
use super::violation::Violation;

/// A message of which some frames, or parts of one, have arrived. Empty, it holds no heap.
#[derive(Debug, Default)]
pub(super) struct PartialText {
    /// The unmasked bytes that arrived. Grows with them, never by a length field.
    bytes: Vec<u8>,
    /// How many of the bytes are known to be whole, valid code points; of a message that is skipped, how many have
    /// arrived.
    checked: usize,
    /// The frames begun, zero when no message is open.
    frames: u32,
    /// Whether the open message is too big: none of it is stored.
    is_skipped: bool,
    /// Whether the open message is a binary one, in which any bytes may stand.
    is_binary: bool,
}

/// A message of which every byte has arrived.
#[derive(Debug)]
pub(super) enum WholeMessage {
    Text(String),
    Binary(Box<[u8]>),
    /// It was skipped: how many bytes it had.
    Skipped(usize),
}

impl PartialText {
    /// Returns the frames of the open message begun so far, zero when none is open.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Returns the bytes of the open message that are stored.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Counts one more frame.
    pub(super) fn begin_frame(&mut self) {
        // Saturates only where the limit is lifted; the count then has no other use than being above zero.
        self.frames = self.frames.saturating_add(1);
    }

    /// Notes that the message whose next frame begins is a binary one.
    pub(super) fn begin_binary(&mut self) {
        self.is_binary = true;
    }

    /// Returns the bytes that have arrived of the open message, stored or not.
    pub(super) fn arrived(&self) -> usize {
        if self.is_skipped { self.checked } else { self.bytes.len() }
    }

    /// Returns the same of a message that is skipped; 0 for any other.
    pub(super) fn skipped(&self) -> usize {
        if self.is_skipped { self.checked } else { 0 }
    }

    /// Skips the message whose next frame begins, and frees what was stored of it.
    pub(super) fn skip(&mut self) {
        if !self.is_skipped {
            self.checked = std::mem::take(&mut self.bytes).len();
            self.is_skipped = true;
        }
    }

    /// Appends masked bytes as they arrived, and returns the mask for those that follow.
    pub(super) fn append(&mut self, masked: &[u8], mask: [u8; 4]) -> [u8; 4] {
        if self.is_skipped {
            self.checked = self.checked.saturating_add(masked.len());
            // They are never read, so they need not be unmasked.
            return mask;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(masked);
        unmask(&mut self.bytes[start..], mask)
    }

    /// Refuses bytes that no continuation can make valid. A code point cut by the end of the bytes may still become
    /// whole, so at most its three bytes are looked at again: the check is linear however finely the input is cut.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        if self.is_skipped || self.is_binary {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(rest) => self.checked += rest.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }

    /// Takes out the whole message, or the number of bytes of a skipped one. A text is validated from its start, since
    /// one that arrives in one piece, as nearly all do, has not been checked before; the buffer moves into the string.
    pub(super) fn finish(&mut self) -> Result<WholeMessage, Violation> {
        if self.is_skipped {
            let bytes = self.checked;
            *self = Self::default();
            return Ok(WholeMessage::Skipped(bytes));
        }
        if self.is_binary {
            return Ok(WholeMessage::Binary(self.take().into()));
        }
        String::from_utf8(self.take()).map(WholeMessage::Text).map_err(|_| Violation::NotUtf8)
    }

    /// Takes the bytes out; no message is open any more.
    fn take(&mut self) -> Vec<u8> {
        (self.checked, self.frames, self.is_binary) = (0, 0, false);
        std::mem::take(&mut self.bytes)
    }

    /// Returns the bytes of memory held.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_a_cut_code_point_is_looked_at_again() {
        // Euro signs of three bytes, in pieces that each end inside one.
        let stream = "€".repeat(20);
        let (first, rest) = stream.as_bytes().split_at(2);
        let mut text = PartialText::default();
        for piece in std::iter::once(first).chain(rest.chunks(3)) {
            text.append(piece, [0; 4]);
            text.check().unwrap();
            assert!(text.bytes.len() - text.checked <= 3);
        }
        assert_eq!(text.checked, text.bytes.len());
    }
}
