//! Tests only: frames as a client makes them, and random lawful talk. Must not use the decoder.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Control, Incoming};

pub(super) const FIN: u8 = 0x80;
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = FIN | 0x8;
pub(super) const PING: u8 = FIN | 0x9;
pub(super) const PONG: u8 = FIN | 0xa;

/// Returns a masked frame with the shortest length, by the definition of RFC 6455 section 5.2.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_masked(first, payload, [0x37, 0xfa, 0x21, 0x3d])
}

pub(super) fn frame_masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64, mask);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    bytes
}

/// Returns the header alone, for frames whose payload never comes.
pub(super) fn header(first: u8, length: u64, mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = match length {
        0..=125 => vec![first, 0x80 | u8::try_from(length).unwrap()],
        126..=65_535 => [&[first, 0x80 | 126], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
        65_536.. => [&[first, 0x80 | 127], &length.to_be_bytes()[..]].concat(),
    };
    bytes.extend_from_slice(&mask);
    bytes
}

/// A message or control frame of a client, with its random fragments and masks.
#[derive(Debug, Clone)]
pub(super) enum ClientFrame {
    /// A text in frames cut at these bytes, each of the later frames preceded by the control frames at its place.
    Text { text: String, cuts: Vec<Index>, between: Vec<Vec<ControlFrame>>, mask: [u8; 4] },
    /// A control frame between messages.
    Control(ControlFrame),
}

/// A ping or pong.
#[derive(Debug, Clone)]
pub(super) struct ControlFrame {
    first: u8,
    payload: Vec<u8>,
    mask: [u8; 4],
}

impl ClientFrame {
    /// Appends the frames to the stream and the expected values to `expected`.
    pub(super) fn write(&self, stream: &mut Vec<u8>, expected: &mut Vec<Incoming>) {
        match self {
            Self::Control(control) => control.write(stream, expected),
            Self::Text { text, cuts, between, mask } => {
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
                cuts.sort_unstable();
                cuts.push(text.len());
                let mut start = 0;
                for (i, &cut) in cuts.iter().enumerate() {
                    if i > 0 {
                        between.get(i - 1).into_iter().flatten().for_each(|control| control.write(stream, expected));
                    }
                    let opcode = if i == 0 { TEXT } else { CONTINUATION };
                    let fin = if i + 1 == cuts.len() { FIN } else { 0 };
                    stream.extend(frame_masked(fin | opcode, &text.as_bytes()[start..cut], *mask));
                    start = cut;
                }
                expected.push(Incoming::Text(text.clone()));
            }
        }
    }
}

impl ControlFrame {
    fn write(&self, stream: &mut Vec<u8>, expected: &mut Vec<Incoming>) {
        stream.extend(frame_masked(self.first, &self.payload, self.mask));
        let payload = Control::new(&self.payload).unwrap();
        expected.push(if self.first == PING { Incoming::Ping(payload) } else { Incoming::Pong(payload) });
    }
}

/// Returns texts of up to `chars_max` code points, in code points of all lengths.
fn texts(chars_max: usize) -> impl Strategy<Value = String> {
    let point = prop_oneof![Just('a'), Just('ß'), Just('€'), Just('𝄞'), any::<char>()];
    vec(point, 0..=chars_max).prop_map(|points| points.into_iter().collect())
}

fn controls() -> impl Strategy<Value = ControlFrame> {
    (prop_oneof![Just(PING), Just(PONG)], vec(any::<u8>(), 0..=125), any::<[u8; 4]>())
        .prop_map(|(first, payload, mask)| ControlFrame { first, payload, mask })
}

/// Returns anything that a client may lawfully send before its close.
pub(super) fn talk(chars_max: usize) -> impl Strategy<Value = Vec<ClientFrame>> {
    let text = (texts(chars_max), vec(any::<Index>(), 0..4), vec(vec(controls(), 0..3), 0..4), any::<[u8; 4]>())
        .prop_map(|(text, cuts, between, mask)| ClientFrame::Text { text, cuts, between, mask });
    vec(prop_oneof![4 => text, 1 => controls().prop_map(ClientFrame::Control)], 1..6)
}

/// Cuts a stream into pieces of these sizes, over and over; zero stands for an empty piece.
pub(super) fn pieces<'stream>(mut stream: &'stream [u8], sizes: &[usize]) -> Vec<&'stream [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// Returns sizes of pieces, at least one of them above zero.
pub(super) fn piece_sizes() -> impl Strategy<Value = Vec<usize>> {
    (vec(prop_oneof![0..8_usize, 0..400_usize], 0..8), 1..300_usize).prop_map(|(mut sizes, last)| {
        sizes.push(last);
        sizes
    })
}
