//! The header of a client frame (RFC 6455 section 5.2), judged byte by byte: every breach is found at the byte that
//! makes it certain, so how the input is cut never changes the verdict. Must not know payloads.

use super::decode::{Binary, DecoderLimits};
use super::text::PartialText;
use super::violation::Violation;

/// The longest header: two bytes, a length of eight, a mask of four.
const BYTES_MAX: usize = 14;
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// The content of a frame, by its opcode and FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// A part of a text message that is continued in a later frame.
    Part,
    /// The last, or only, part of a text message.
    LastPart,
    /// The first frame of a binary message.
    Binary {
        /// Whether it is the only one.
        is_final: bool,
    },
    Control(ControlOpcode),
}

/// The control frames of RFC 6455 section 5.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlOpcode {
    Close,
    Ping,
    Pong,
}

/// A whole and lawful header.
#[derive(Debug)]
pub(super) struct FrameHeader {
    /// The kind of the payload.
    pub(super) kind: FrameKind,
    /// The payload's length in bytes.
    pub(super) payload_bytes: u64,
    /// The mask of the payload's first four bytes.
    pub(super) mask: [u8; 4],
    /// Whether it brings its message over the limit, where such a message is skipped.
    pub(super) is_excess: bool,
}

/// The bytes of a header that is not whole yet.
#[derive(Debug, Default)]
pub(super) struct PartialHeader {
    /// Room for the longest header.
    bytes: [u8; BYTES_MAX],
    /// How many of the bytes have arrived.
    filled: u8,
}

impl PartialHeader {
    /// Returns whether no byte has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Reads a header from the front of the input, or as much of it as there is.
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        open: &PartialText,
        limits: &DecoderLimits,
    ) -> Result<Option<FrameHeader>, Violation> {
        if self.is_empty()
            && let Some((header, size)) = parse(input, open, limits)?
        {
            *input = &input[size..];
            return Ok(Some(header));
        }
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.bytes[usize::from(self.filled)] = byte;
            self.filled += 1;
            if let Some((header, _)) = parse(&self.bytes[..usize::from(self.filled)], open, limits)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// Checks the header at the front of `bytes` as far as it has arrived. Returns it, and its size, once it is whole.
fn parse(bytes: &[u8], open: &PartialText, limits: &DecoderLimits) -> Result<Option<(FrameHeader, usize)>, Violation> {
    let Some((&first, bytes)) = bytes.split_first() else { return Ok(None) };
    let kind = kind_of(first, open, limits)?;
    let Some((&second, bytes)) = bytes.split_first() else { return Ok(None) };
    let short = short_length(second, kind)?;
    let Some((payload_bytes, length_size)) = length_of(short, bytes)? else { return Ok(None) };
    // The open part is within the limit, as each of its frames was admitted here, or its message is skipped already.
    let left = limits.message_bytes_max.saturating_sub(open.len());
    let is_excess = !matches!(kind, FrameKind::Control(_)) && payload_bytes > left as u64;
    if is_excess && !limits.skips((open.arrived() as u64).saturating_add(payload_bytes)) {
        return Err(Violation::TooBig);
    }
    let Some(&mask) = bytes[length_size..].first_chunk::<4>() else { return Ok(None) };
    Ok(Some((FrameHeader { kind, payload_bytes, mask, is_excess }, 2 + length_size + 4)))
}

/// Checks FIN, the reserved bits and the opcode against the message that is open. Returns what the frame carries.
fn kind_of(first: u8, open: &PartialText, limits: &DecoderLimits) -> Result<FrameKind, Violation> {
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBit);
    }
    let is_final = first & FIN != 0;
    let is_open = open.frames() != 0;
    let control = match first & OPCODE {
        0x0 if !is_open => return Err(Violation::ContinuationWithoutStart),
        0x1 | 0x2 if is_open => return Err(Violation::DataInsideMessage),
        0x2 if limits.binary == Binary::Accept => return Ok(FrameKind::Binary { is_final }),
        0x2 => return Err(Violation::Binary),
        0x0 | 0x1 if open.frames() >= limits.fragments_max => {
            return Err(Violation::TooManyFragments);
        }
        0x0 | 0x1 if is_final => return Ok(FrameKind::LastPart),
        0x0 | 0x1 => return Ok(FrameKind::Part),
        0x8 => ControlOpcode::Close,
        0x9 => ControlOpcode::Ping,
        0xa => ControlOpcode::Pong,
        _ => return Err(Violation::ReservedOpcode),
    };
    if is_final { Ok(FrameKind::Control(control)) } else { Err(Violation::ControlFragmented) }
}

/// Checks the mask bit, and returns the seven bits of length.
fn short_length(second: u8, kind: FrameKind) -> Result<u8, Violation> {
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    match (kind, second & LENGTH) {
        (FrameKind::Control(_), 126..) => Err(Violation::ControlTooLong),
        (FrameKind::Control(ControlOpcode::Close), 1) => Err(Violation::CloseBodyOfOneByte),
        (_, short) => Ok(short),
    }
}

/// Returns the payload's length and the size of its extended form, once that is whole.
fn length_of(short: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let (length, size, least) = match short {
        126 => match bytes.first_chunk::<2>() {
            Some(&length) => (u64::from(u16::from_be_bytes(length)), 2, 126),
            None => return Ok(None),
        },
        127 => match (bytes.first(), bytes.first_chunk::<8>()) {
            (Some(0x80..), _) => return Err(Violation::LengthOutOfRange),
            (_, Some(&length)) => (u64::from_be_bytes(length), 8, 0x1_0000),
            (_, None) => return Ok(None),
        },
        _ => (u64::from(short), 0, 0),
    };
    if length < least { Err(Violation::LengthNotMinimal) } else { Ok(Some((length, size))) }
}
