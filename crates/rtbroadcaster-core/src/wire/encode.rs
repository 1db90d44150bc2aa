//! Finished server frames: one FIN frame per message, unmasked, so that the same bytes serve every client (RFC 6455
//! sections 5.1 and 5.2). Must not know clients.

use std::io;

use bytes::Bytes;

use super::control::Control;
use crate::close::CloseReason;

/// The longest header of a server frame: two bytes and a length of eight.
const HEADER_BYTES_MAX: usize = 10;
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Returns a text frame of a payload. The caller guarantees that it is UTF-8, as JSON always is.
pub fn text(payload: &[u8]) -> Bytes {
    frame(TEXT, payload)
}

/// Returns a binary frame.
pub fn binary(payload: &[u8]) -> Bytes {
    frame(BINARY, payload)
}

/// Returns a ping.
pub fn ping(payload: &Control) -> Bytes {
    frame(PING, payload)
}

/// Returns a pong: the answer to the ping that carried the payload (RFC 6455 section 5.5.3).
pub fn pong(payload: &Control) -> Bytes {
    frame(PONG, payload)
}

/// Returns a close frame with the reason's code and word.
pub fn close(reason: CloseReason) -> Bytes {
    let mut body = Vec::with_capacity(Control::BYTES_MAX);
    body.extend_from_slice(&reason.code().to_be_bytes());
    body.extend_from_slice(reason.word().as_bytes());
    frame(CLOSE, &body)
}

/// Returns the answer to a peer's close: the same code, or an empty body if it had none (RFC 6455 section 5.5.1).
pub fn close_echo(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => frame(CLOSE, &code.to_be_bytes()),
        None => frame(CLOSE, &[]),
    }
}

fn frame(first: u8, payload: &[u8]) -> Bytes {
    let (header, start) = header(first, payload.len());
    let mut bytes = Vec::with_capacity(HEADER_BYTES_MAX - start + payload.len());
    bytes.extend_from_slice(&header[start..]);
    bytes.extend_from_slice(payload);
    bytes.into()
}

/// A text frame under way: JSON is written straight behind the space its header will take, so no byte of it is
/// copied again.
///
/// ```
/// use std::io::Write;
/// use rtbroadcaster_core::wire::encode::{self, TextFrame};
///
/// let mut frame = TextFrame::with_capacity(16);
/// write!(frame, "[{},{}]", 2, 1).unwrap();
/// let bytes = frame.finish();
/// assert_eq!(bytes, encode::text(b"[2,1]"));
/// assert_ne!(bytes, encode::text(b"[2, 1]"));
/// ```
#[derive(Debug)]
pub struct TextFrame {
    /// The longest header's space, then the payload.
    bytes: Vec<u8>,
}

impl TextFrame {
    /// Returns a frame with no payload yet and space for `payload_bytes` of it; it grows when there are more.
    pub fn with_capacity(payload_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES_MAX + payload_bytes);
        bytes.resize(HEADER_BYTES_MAX, 0);
        Self { bytes }
    }

    /// Returns the finished frame. The caller guarantees that the payload is UTF-8, as JSON always is.
    pub fn finish(mut self) -> Bytes {
        let (header, start) = header(TEXT, self.bytes.len() - HEADER_BYTES_MAX);
        self.bytes[start..HEADER_BYTES_MAX].copy_from_slice(&header[start..]);
        Bytes::from(self.bytes).slice(start..)
    }
}

impl io::Write for TextFrame {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the shortest header for a payload, at the end of the space for the longest, and where it starts.
fn header(first: u8, payload_bytes: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    let length = (payload_bytes as u64).to_be_bytes();
    let start = match payload_bytes {
        0..126 => {
            header[9] = length[7];
            8
        }
        126..0x1_0000 => {
            header[7] = 126;
            header[8..].copy_from_slice(&length[6..]);
            6
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&length);
            0
        }
    };
    header[start] = first;
    (header, start)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        let cases: [(usize, &[u8]); 8] = [
            (0, &[0x81, 0]),
            (1, &[0x81, 1]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (127, &[0x81, 126, 0, 127]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (70_000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
        ];
        for (length, header) in cases {
            let payload = vec![b'x'; length];
            let mut expected = header.to_vec();
            expected.extend_from_slice(&payload);
            assert_eq!(text(&payload), expected, "{length} bytes at once");
            for capacity in [0, length, 2 * length] {
                let mut frame = TextFrame::with_capacity(capacity);
                let (front, back) = payload.split_at(length / 3);
                frame.write_all(front).unwrap();
                let written = frame.write(back).unwrap();
                assert_eq!(written, back.len());
                assert_eq!(frame.finish(), expected, "{length} bytes written into space for {capacity}");
            }
        }
    }

    #[test]
    fn a_payload_within_its_capacity_is_not_moved() {
        let mut frame = TextFrame::with_capacity(1000);
        let (before, capacity) = (frame.bytes.as_ptr(), frame.bytes.capacity());
        frame.write_all(&[b'x'; 1000]).unwrap();
        assert_eq!((frame.bytes.as_ptr(), frame.bytes.capacity()), (before, capacity));
        let finished = frame.finish();
        assert_eq!(finished.as_ptr(), before.wrapping_add(6), "behind a header of four bytes");
    }

    #[test]
    fn control_frames_carry_their_payload() {
        let longest = Control::new(&[7; 125]).unwrap();
        assert_eq!(ping(&Control::default()), [0x89, 0].as_slice());
        assert_eq!(ping(&Control::of(*b"hi")), [0x89, 2, b'h', b'i'].as_slice());
        assert_eq!(pong(&Control::of(*b"hi")), [0x8a, 2, b'h', b'i'].as_slice());
        assert_eq!(pong(&longest)[..3], [0x8a, 125, 7]);
        assert_eq!(pong(&longest).len(), 127);
        assert_eq!(Control::new(&[7; 126]), None);
    }

    #[test]
    fn a_close_tells_code_and_word_and_an_echo_the_code_alone() {
        assert_eq!(close(CloseReason::Done), [0x88, 6, 0x03, 0xe8, b'd', b'o', b'n', b'e'].as_slice());
        for reason in CloseReason::ALL {
            let frame = close(reason);
            assert_eq!(usize::from(frame[1]), 2 + reason.word().len());
            assert_eq!(frame[2..4], reason.code().to_be_bytes());
            assert_eq!(&frame[4..], reason.word().as_bytes());
        }
        assert_eq!(close_echo(Some(4000)), [0x88, 2, 0x0f, 0xa0].as_slice());
        assert_eq!(close_echo(None), [0x88, 0].as_slice());
    }
}
