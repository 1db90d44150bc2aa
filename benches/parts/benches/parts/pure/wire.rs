//! Frames: encodes the server's, decodes those of clients. Must not know JSON.

use std::hint::black_box;

use rtbroadcaster_core::wire::{Decoder, DecoderLimits, encode};

use super::sample;
use rtbroadcaster_parts::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("encode_a_text_of_512_bytes", || encode(512)),
    Part::new("encode_a_text_of_16_kib", || encode(16 * 1024)),
    Part::new("decode_a_text_of_512_bytes", || decode(512, usize::MAX)),
    Part::new("decode_a_text_of_16_kib", || decode(16 * 1024, usize::MAX)),
    Part::new("decode_a_text_of_16_kib_in_pieces_of_1_460_bytes", || decode(16 * 1024, 1_460)),
];

/// The mask of every frame; its value does not matter.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn encode(bytes: usize) -> Box<dyn FnMut()> {
    let payload = sample::params_text(bytes);
    Box::new(move || {
        black_box(encode::text(black_box(payload.as_bytes())));
    })
}

/// Decodes a client's frame of `bytes` bytes that arrives in pieces of `piece` bytes.
fn decode(bytes: usize, piece: usize) -> Box<dyn FnMut()> {
    let frame = masked(sample::params_text(bytes).as_bytes());
    let mut decoder = Decoder::new(DecoderLimits::default());
    Box::new(move || {
        for mut piece in black_box(&frame).chunks(piece) {
            let decoded = decoder.decode(&mut piece).expect("it is a lawful frame");
            black_box(decoded);
        }
    })
}

/// Returns a text frame as clients send it (RFC 6455 section 5.2), of 126 to 65 535 bytes.
fn masked(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("it fits two bytes");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
