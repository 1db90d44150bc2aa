//! Decodes client frames into messages: incremental, strict, and bounded by what arrived.
//! Must not know sockets or time. It sends nothing: the values that it returns say what the peer is owed.

use super::header::{ControlOpcode, FrameHeader, FrameKind, PartialHeader};
use super::mask::unmask;
use super::text::{PartialText, WholeMessage};

pub use super::control::Control;
pub use super::violation::Violation;

/// The limits on one message in a decoder.
///
/// ```
/// use rtbroadcaster_core::wire::{Decoder, DecoderLimits, Violation};
///
/// let header_of_six_bytes = [0x81, 0x86, 0, 0, 0, 0];
/// let limits = DecoderLimits { message_bytes_max: 5, ..DecoderLimits::default() };
/// assert_eq!(Decoder::new(limits).decode(&mut &header_of_six_bytes[..]), Err(Violation::TooBig));
/// let lifted = DecoderLimits { message_bytes_max: usize::MAX, fragments_max: u32::MAX, ..DecoderLimits::default() };
/// assert_eq!(Decoder::new(lifted).decode(&mut &header_of_six_bytes[..]), Ok(None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderLimits {
    /// The most bytes of text in one message, over all its frames; 65 536 by default. The greatest
    /// number is no limit.
    pub message_bytes_max: usize,
    /// The most frames in one message; 128 by default. The greatest number is no limit.
    pub fragments_max: u32,
    /// What happens to a message over the first of these limits; refused by default.
    pub excess: Excess,
    /// What happens to a binary message; refused by default.
    pub binary: Binary,
}

/// What happens to a binary message.
///
/// ```
/// use rtbroadcaster_core::wire::{Binary, Decoder, Incoming, DecoderLimits, Violation};
///
/// let one_byte_under_a_mask_of_zeroes = [0x82, 0x81, 0, 0, 0, 0, 7];
/// let refused = Decoder::new(DecoderLimits::default()).decode(&mut &one_byte_under_a_mask_of_zeroes[..]);
/// assert_eq!(refused, Err(Violation::Binary));
/// let limits = DecoderLimits { binary: Binary::Accept, ..DecoderLimits::default() };
/// let accepted = Decoder::new(limits).decode(&mut &one_byte_under_a_mask_of_zeroes[..]);
/// assert_eq!(accepted, Ok(Some(Incoming::Binary([7].into()))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binary {
    /// The first byte of its header is a [violation](Violation::Binary).
    #[default]
    Refuse,
    /// It is an [`Incoming::Binary`], within the same limits as a text.
    Accept,
}

/// What happens to a message that is too big.
///
/// ```
/// use rtbroadcaster_core::wire::{Decoder, Excess, Incoming, DecoderLimits};
///
/// let limits = DecoderLimits { message_bytes_max: 1, excess: Excess::Skipped, ..DecoderLimits::default() };
/// let mut decoder = Decoder::new(limits);
/// let hi_under_a_mask_of_zeroes = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
/// assert_eq!(decoder.decode(&mut &hi_under_a_mask_of_zeroes[..]), Ok(Some(Incoming::TooBig(2))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Excess {
    /// The length in its header is a [violation](Violation::TooBig).
    #[default]
    Refused,
    /// Its bytes are dropped as they arrive, with those that are stored already, and [`Incoming::TooBig`] stands in its
    /// place. They are not checked for UTF-8. A message of more than 16 times the limit is a violation all the same.
    Skipped,
}

/// How many times the limit a skipped message may have.
const SKIPPED_MAX: u64 = 16;

impl DecoderLimits {
    /// Returns whether a message that is too big, with so many `bytes` so far, is skipped.
    pub(super) fn skips(&self, bytes: u64) -> bool {
        self.excess == Excess::Skipped && bytes <= SKIPPED_MAX.saturating_mul(self.message_bytes_max as u64)
    }
}

impl Default for DecoderLimits {
    fn default() -> Self {
        Self { message_bytes_max: 65_536, fragments_max: 128, excess: Excess::Refused, binary: Binary::Refuse }
    }
}

/// A message or control frame of a client.
///
/// ```
/// use rtbroadcaster_core::wire::{Control, Decoder, Incoming, DecoderLimits};
///
/// let mut input = &[0x89, 0x81, 0, 0, 0, 0, b'!'][..];
/// let got = Decoder::new(DecoderLimits::default()).decode(&mut input);
/// assert_eq!(got, Ok(Some(Incoming::Ping(Control::of(*b"!")))));
/// assert_ne!(got, Ok(Some(Incoming::Close(None))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message.
    Text(String),
    /// A whole text message that was too big and [skipped](Excess::Skipped): how many bytes it had.
    TooBig(usize),
    /// A whole binary message, of a decoder that [accepts](Binary::Accept) them.
    Binary(Box<[u8]>),
    /// A ping: the peer is owed a pong with the same payload (RFC 6455 section 5.5.2).
    Ping(Control),
    /// A pong, asked for or not: nothing is owed.
    Pong(Control),
    /// The closing handshake, with the peer's code, or `None` for an empty body: the peer is owed one echo
    /// (RFC 6455 section 5.5.1). The last value a decoder gives.
    Close(Option<u16>),
}

/// An incremental decoder of the masked frames of one client. Idle, it holds no heap.
///
/// ```
/// use rtbroadcaster_core::wire::{Decoder, Incoming, DecoderLimits, Violation};
///
/// let mut decoder = Decoder::new(DecoderLimits::default());
/// let mut input = &[0x81, 0x82, 0, 0, 0, 0, b'h'][..];
/// assert_eq!(decoder.decode(&mut input), Ok(None), "one byte is missing");
/// assert!(input.is_empty() && !decoder.is_between_messages());
/// assert_eq!(decoder.decode(&mut &b"i"[..]), Ok(Some(Incoming::Text("hi".into()))));
///
/// let unmasked = [0x81, 0x02, b'h', b'i'];
/// assert_eq!(decoder.decode(&mut &unmasked[..]), Err(Violation::Unmasked));
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// The limits on one message.
    limits: DecoderLimits,
    /// The message of which frames have arrived; control frames may come between them.
    text: PartialText,
    /// The meaning of the next byte of input.
    state: DecodeState,
}

/// The meaning of the next byte of input.
#[derive(Debug)]
enum DecodeState {
    /// A byte of a header.
    Header(PartialHeader),
    /// A byte of a text message's frame.
    Part { rest_bytes: u64, mask: [u8; 4], end: PartEnd },
    /// A byte of a control frame; the payload so far waits beside the text, as the frame may split a message.
    Control { rest_bytes: u8, mask: [u8; 4], kind: ControlOpcode, payload: Vec<u8> },
    /// Nothing: the peer has closed.
    Closed,
    /// Nothing: the peer broke the framing.
    Failed(Violation),
}

/// The end of a text frame: of the frame only, or of its message.
#[derive(Debug, Clone, Copy)]
enum PartEnd {
    Frame,
    Message,
}

impl DecodeState {
    /// Returns the state between two frames.
    fn next_frame() -> Self {
        Self::Header(PartialHeader::default())
    }
}

impl Decoder {
    /// Returns a decoder for a connection that has sent nothing yet.
    pub fn new(limits: DecoderLimits) -> Self {
        Self { limits, text: PartialText::default(), state: DecodeState::next_frame() }
    }

    /// Consumes from the front of `input` and returns the next message or control frame, or `None` when all input is
    /// used up. The input may be cut anywhere. After a close the rest is consumed and ignored (RFC 6455 section 5.5.1).
    ///
    /// # Errors
    /// The first violation, at the byte that makes it certain, and again at every later call.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Incoming>, Violation> {
        let outcome = self.advance(input);
        if let Err(violation) = outcome {
            self.text = PartialText::default();
            self.state = DecodeState::Failed(violation);
        }
        outcome
    }

    /// Returns whether the client is between two messages: no header or payload is incomplete, and no fragmented
    /// message is open. True after a close, never after a violation.
    pub fn is_between_messages(&self) -> bool {
        match &self.state {
            DecodeState::Header(header) => header.is_empty() && self.text.frames() == 0,
            DecodeState::Closed => true,
            DecodeState::Part { .. } | DecodeState::Control { .. } | DecodeState::Failed(_) => false,
        }
    }

    /// Returns the bytes of memory held for input that is not whole: never more than a little beyond what arrived of
    /// it.
    pub fn held_bytes(&self) -> usize {
        let control = if let DecodeState::Control { payload, .. } = &self.state { payload.capacity() } else { 0 };
        self.text.capacity() + control
    }

    /// Returns the bytes that have arrived of the message that is not whole.
    pub fn message_bytes(&self) -> usize {
        self.text.arrived()
    }

    /// Returns the same of a message that is [skipped](Excess::Skipped); 0 for any other.
    pub fn skipped_bytes(&self) -> usize {
        self.text.skipped()
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Incoming>, Violation> {
        loop {
            match &mut self.state {
                DecodeState::Header(header) => match header.read(input, &self.text, &self.limits)? {
                    Some(header) => self.begin(&header),
                    None => return Ok(None),
                },
                DecodeState::Part { rest_bytes, mask, end } => {
                    let part = take(input, *rest_bytes);
                    *rest_bytes -= part.len() as u64;
                    *mask = self.text.append(part, *mask);
                    match (*rest_bytes, *end) {
                        (0, PartEnd::Message) => {
                            self.state = DecodeState::next_frame();
                            return Ok(Some(match self.text.finish()? {
                                WholeMessage::Text(text) => Incoming::Text(text),
                                WholeMessage::Binary(bytes) => Incoming::Binary(bytes),
                                WholeMessage::Skipped(bytes) => Incoming::TooBig(bytes),
                            }));
                        }
                        (0, PartEnd::Frame) => {
                            self.state = DecodeState::next_frame();
                            self.text.check()?;
                        }
                        _ => return self.text.check().map(|()| None),
                    }
                }
                DecodeState::Control { rest_bytes, mask, kind, payload } => {
                    let part = take(input, u64::from(*rest_bytes));
                    let start = payload.len();
                    payload.extend_from_slice(part);
                    *mask = unmask(&mut payload[start..], *mask);
                    // The part is no longer than the rest, which fits a byte.
                    *rest_bytes -= u8::try_from(part.len()).unwrap_or(*rest_bytes);
                    if *rest_bytes > 0 {
                        return Ok(None);
                    }
                    let (kind, payload) = (*kind, std::mem::take(payload));
                    return self.finish_control(kind, payload).map(Some);
                }
                DecodeState::Closed => {
                    *input = &[];
                    return Ok(None);
                }
                DecodeState::Failed(violation) => return Err(*violation),
            }
        }
    }

    /// Steps from a header into its payload.
    fn begin(&mut self, header: &FrameHeader) {
        let &FrameHeader { kind, payload_bytes, mask, is_excess } = header;
        if is_excess {
            self.text.skip();
        }
        let end = match kind {
            FrameKind::Part => PartEnd::Frame,
            FrameKind::LastPart => PartEnd::Message,
            FrameKind::Binary { is_final } => {
                self.text.begin_binary();
                if is_final { PartEnd::Message } else { PartEnd::Frame }
            }
            FrameKind::Control(kind) => {
                // A header of a control frame with more than 125 bytes is a violation, so the rest fits a byte.
                let rest_bytes = u8::try_from(payload_bytes).unwrap_or(u8::MAX);
                self.state = DecodeState::Control { rest_bytes, mask, kind, payload: Vec::new() };
                return;
            }
        };
        self.text.begin_frame();
        self.state = DecodeState::Part { rest_bytes: payload_bytes, mask, end };
    }

    fn finish_control(&mut self, kind: ControlOpcode, payload: Vec<u8>) -> Result<Incoming, Violation> {
        self.state = DecodeState::next_frame();
        Ok(match kind {
            ControlOpcode::Ping => Incoming::Ping(Control::received(payload)),
            ControlOpcode::Pong => Incoming::Pong(Control::received(payload)),
            ControlOpcode::Close => {
                let code = close_code(&payload)?;
                self.text = PartialText::default();
                self.state = DecodeState::Closed;
                Incoming::Close(code)
            }
        })
    }
}

/// Takes at most `bytes_max` from the front of the input.
fn take<'input>(input: &mut &'input [u8], bytes_max: u64) -> &'input [u8] {
    let size = usize::try_from(bytes_max).map_or(input.len(), |max| max.min(input.len()));
    let (part, rest) = input.split_at(size);
    *input = rest;
    part
}

/// Returns the code in the body of a close frame, if there is a body (RFC 6455 section 5.5.1). The reason is only
/// checked: it is the peer's text, and nothing here repeats it.
fn close_code(body: &[u8]) -> Result<Option<u16>, Violation> {
    if body.is_empty() {
        return Ok(None);
    }
    let Some((&code, reason)) = body.split_first_chunk::<2>() else { return Err(Violation::CloseBodyOfOneByte) };
    let code = u16::from_be_bytes(code);
    // RFC 6455 section 7.4.1 and its IANA registry: 1004 has no meaning; 1005, 1006 and 1015 are never sent.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(code))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
