//! The text message under way: its bytes so far, checked as they arrive. Must not know headers and limits.

use super::mask::unmask;
use super::violation::Violation;

/// A text message of which some frames, or parts of one, have arrived. Empty, it holds no heap.
#[derive(Debug, Default)]
pub(super) struct PartialText {
    /// The unmasked bytes that arrived. Grows with them, never by a length field.
    bytes: Vec<u8>,
    /// How many of the bytes are known to be whole, valid code points; of a message that is skipped, how many have arrived.
    checked: usize,
    /// The frames begun, zero when no message is open.
    frames: u32,
    /// Whether the open message is too big: none of it is stored.
    is_skipped: bool,
    /// What becomes of binary messages.
    #[cfg(test)]
    pub(super) binary: Binary,
}

/// Tests only: what becomes of binary messages. Everybody else's are refused.
#[cfg(test)]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    #[default]
    Refused,
    Taken,
    /// They are taken, and the open message is one.
    Open,
}

impl PartialText {
    /// The frames of the open message begun so far, zero when none is open.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// The bytes of the open message that have arrived.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Counts one more frame.
    pub(super) fn begin_frame(&mut self) {
        // Saturates only where the limit is lifted; the count then has no other use than being above zero.
        self.frames = self.frames.saturating_add(1);
    }

    /// The bytes that have arrived of the open message, stored or not.
    pub(super) fn arrived(&self) -> usize {
        if self.is_skipped { self.checked } else { self.bytes.len() }
    }

    /// The same of a message that is skipped; 0 for any other.
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
            // Nobody reads them, so nobody unmasks them.
            return mask;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(masked);
        unmask(&mut self.bytes[start..], mask)
    }

    /// Refuses bytes that no continuation can make valid. A code point cut by the end of the bytes may still become
    /// whole, so at most its three bytes are looked at again: the check is linear however finely the input is cut.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        #[cfg(test)]
        if self.binary == Binary::Open {
            return Ok(());
        }
        if self.is_skipped {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(rest) => self.checked += rest.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }

    /// Hands over the whole message, or how many bytes one had that was skipped. Validated from its start, since a message that
    /// arrives in one piece, as nearly all do, has not been checked before; the buffer moves into the string.
    pub(super) fn finish(&mut self) -> Result<Result<String, usize>, Violation> {
        if self.is_skipped {
            let bytes = self.checked;
            *self = Self::default();
            return Ok(Err(bytes));
        }
        String::from_utf8(self.take()).map(Ok).map_err(|_| Violation::NotUtf8)
    }

    /// Hands over the whole message, if it is a binary one.
    #[cfg(test)]
    pub(super) fn finish_binary(&mut self) -> Option<Vec<u8>> {
        (self.binary == Binary::Open).then(|| {
            self.binary = Binary::Taken;
            self.take()
        })
    }

    /// Takes the bytes out; no message is open any more.
    fn take(&mut self) -> Vec<u8> {
        (self.checked, self.frames) = (0, 0);
        std::mem::take(&mut self.bytes)
    }

    /// The bytes of memory held.
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
