//! The few frames that a trial needs (RFC 6455 section 5.2), read and written by tungstenite. Pure: bytes in, bytes out.
//! Not the library's code, nor the load generator's: a fault there would hide from itself.

use std::io::Cursor;
use std::ops::Range;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The mask of every frame; a real client takes a new random one for each, which the server cannot tell.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Close,
    Ping,
    Pong,
}

/// Bytes that are not a whole, unmasked frame of a known kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a frame that begins with {0:#04x} {1:#04x}")]
pub(crate) struct BadFrame(u8, u8);

/// Returns a frame as a client sends it.
pub(crate) fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let opcode = match opcode {
        Opcode::Text => OpCode::Data(Data::Text),
        Opcode::Close => OpCode::Control(Control::Close),
        Opcode::Ping => OpCode::Control(Control::Ping),
        Opcode::Pong => OpCode::Control(Control::Pong),
    };
    let header = FrameHeader { opcode, mask: Some(MASK), ..FrameHeader::default() };
    let length = payload.len() as u64;
    let mut frame = Vec::with_capacity(header.len(length) + payload.len());
    header.format(length, &mut frame).expect("memory takes all that is written");
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Returns the first frame of `bytes` and the range of its payload, or `None` if it is incomplete.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Opcode, Range<usize>)>, BadFrame> {
    let &[one, two, ..] = bytes else { return Ok(None) };
    let bad = BadFrame(one, two);
    let mut cursor = Cursor::new(bytes);
    let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|_| bad)? else { return Ok(None) };
    let opcode = match header.opcode {
        OpCode::Data(Data::Text) => Opcode::Text,
        OpCode::Control(Control::Close) => Opcode::Close,
        OpCode::Control(Control::Ping) => Opcode::Ping,
        OpCode::Control(Control::Pong) => Opcode::Pong,
        _ => return Err(bad),
    };
    let is_plain = header.is_final && !(header.rsv1 || header.rsv2 || header.rsv3) && header.mask.is_none();
    if !is_plain {
        return Err(bad);
    }
    let start = usize::try_from(cursor.position()).map_err(|_| bad)?;
    let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).ok_or(bad)?;
    Ok((end <= bytes.len()).then_some((opcode, start..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_when_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            // As a server sends it: without a mask.
            let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
            let mut bytes = Vec::new();
            header.format(length as u64, &mut bytes).unwrap();
            let start = bytes.len();
            bytes.extend(vec![b'a'; length]);
            let whole = start..start + length;
            assert_eq!(first(&bytes), Ok(Some((Opcode::Text, whole.clone()))), "{length}");
            for cut in [0, 1, start - 1, whole.end - 1].into_iter().filter(|&cut| cut < whole.end) {
                assert_eq!(first(&bytes[..cut]), Ok(None), "{cut} of {length}");
            }
            bytes.push(0x88);
            assert_eq!(first(&bytes), Ok(Some((Opcode::Text, whole))), "{length}");
        }
    }

    #[test]
    fn a_masked_a_fragmented_and_an_unknown_frame_are_bad() {
        for bytes in
            [[0x81, 0x81, 0, 0, 0, 0], [0x01, 0x01, 0, 0, 0, 0], [0x82, 0x01, 0, 0, 0, 0], [0xc1, 0x01, 0, 0, 0, 0]]
        {
            assert_eq!(first(&bytes), Err(BadFrame(bytes[0], bytes[1])));
        }
        let longest = [0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(first(&longest), Err(BadFrame(0x81, 127)));
    }

    #[test]
    fn a_mask_undoes_itself() {
        let frame = masked(Opcode::Text, b"Hello");
        assert_eq!(frame[..6], [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
        // RFC 6455 section 5.7.
        assert_eq!(frame[6..], [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
