//! Reads and writes the few frames that a load generator needs (RFC 6455 section 5.2). Pure: bytes in, bytes out.
//! Must not use the library's code, since a fault of that could hide itself.

use std::ops::Range;

/// The mask of every frame. A real client uses a new random one for each frame, but the server cannot tell the
/// difference.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The type of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Close,
    Ping,
    Pong,
}

/// The error of a frame that is fragmented, masked or of an unknown type: its first two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a frame that begins with {0:#04x} {1:#04x}")]
pub(crate) struct BadFrame(u8, u8);

/// Returns a frame as a client sends it.
pub(crate) fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let first = 0x80
        | match opcode {
            Opcode::Text => 1,
            Opcode::Close => 8,
            Opcode::Ping => 9,
            Opcode::Pong => 10,
        };
    let mut frame = Vec::with_capacity(14 + payload.len());
    frame.push(first);
    if let Ok(length @ ..126) = u8::try_from(payload.len()) {
        frame.push(0x80 | length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        frame.push(0x80 | 126);
        frame.extend(length.to_be_bytes());
    } else {
        frame.push(0x80 | 127);
        frame.extend((payload.len() as u64).to_be_bytes());
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Returns the type and the payload's range of the first frame of `bytes`; `None` if it is not whole yet.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Opcode, Range<usize>)>, BadFrame> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let opcode = match first {
        0x81 => Opcode::Text,
        0x88 => Opcode::Close,
        0x89 => Opcode::Ping,
        0x8a => Opcode::Pong,
        _ => return Err(BadFrame(first, second)),
    };
    let (start, length): (usize, usize) = match second {
        0..126 => (2, usize::from(second)),
        126 => match rest.first_chunk() {
            Some(&length) => (4, usize::from(u16::from_be_bytes(length))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(&length) => (10, usize::try_from(u64::from_be_bytes(length)).map_err(|_| BadFrame(first, second))?),
            None => return Ok(None),
        },
        _ => return Err(BadFrame(first, second)),
    };
    let end = start.checked_add(length).ok_or(BadFrame(first, second))?;
    Ok((end <= bytes.len()).then_some((opcode, start..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_when_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = masked(Opcode::Text, &vec![b'a'; length]);
            // As a server sends it: without the mask.
            let header = bytes.len() - length;
            bytes.drain(header - 4..header);
            bytes[1] &= 0x7f;
            bytes.truncate(header - 4);
            bytes.extend(vec![b'a'; length]);
            let whole = bytes.len();
            assert_eq!(first(&bytes), Ok(Some((Opcode::Text, whole - length..whole))), "{length}");
            assert_eq!(first(&bytes[..whole - 1]), Ok(None), "{length}");
            bytes.push(0x88);
            assert_eq!(first(&bytes), Ok(Some((Opcode::Text, whole - length..whole))), "{length}");
        }
    }

    #[test]
    fn a_masked_a_fragmented_and_an_unknown_frame_are_bad() {
        for bytes in [[0x81, 0x81], [0x01, 0x01], [0x82, 0x01], [0xc1, 0x01]] {
            assert_eq!(first(&bytes), Err(BadFrame(bytes[0], bytes[1])));
        }
    }

    #[test]
    fn a_mask_undoes_itself() {
        let frame = masked(Opcode::Text, b"Hello");
        assert_eq!(frame[..6], [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
        // RFC 6455 section 5.7.
        assert_eq!(frame[6..], [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
