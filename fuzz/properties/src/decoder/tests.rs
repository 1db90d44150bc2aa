//! Random and mutated frames through the property, and the subjects of the comparison with tungstenite.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::decoder;
use super::oracle::{Agreed, MESSAGE_BYTES_MAX, compare};

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = FIN | 0x8;

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_masked(first, payload, [0x37, 0xfa, 0x21, 0x3d])
}

/// A masked frame with the shortest length, by the definition of RFC 6455 section 5.2.
fn frame_masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut bytes = match u8::try_from(length) {
        Ok(length) if length < 126 => vec![first, 0x80 | length],
        _ => [&[first, 0x80 | 126], &length.to_be_bytes()[..]].concat(),
    };
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    bytes
}

/// A frame of random parts, most of them lawful.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop_oneof![Just(0x81_u8), Just(0x01), Just(0x00), Just(0x80), Just(0x89), Just(0x8a), Just(0x88)],
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "[a-zß€𝄞]{0,40}".prop_map(String::into_bytes),
        2 => vec(prop_oneof![Just(0xf0_u8), Just(0x9d), Just(0x84), Just(0x9e), Just(0xed), Just(0xa0)], 0..5),
        2 => (prop_oneof![990..1020_u16, 2990..5010_u16], "[a-z€]{0,9}")
            .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
        1 => vec(any::<u8>(), 0..200),
    ];
    let form = prop_oneof![12 => Just(Form::Shortest), 1 => Just(Form::Two), 1 => Just(Form::Eight)];
    (first, payload, any::<[u8; 4]>(), form, prop::bool::weighted(0.05)).prop_map(
        |(first, payload, mask, form, unmasked)| {
            let mut frame = frame_masked(first, &payload, mask);
            let shortest = frame.len() - payload.len() - 4;
            let long: Vec<u8> = match form {
                Form::Shortest => frame[1..shortest].to_vec(),
                Form::Two => [&[0xfe], &u16::try_from(payload.len()).unwrap().to_be_bytes()[..]].concat(),
                Form::Eight => [&[0xff], &(payload.len() as u64).to_be_bytes()[..]].concat(),
            };
            frame.splice(1..shortest, long);
            if unmasked {
                frame[1] &= 0x7f;
            }
            frame
        },
    )
}

/// The number of bytes in which a length is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Shortest,
    Two,
    Eight,
}

/// One text in frames cut anywhere, with pings between them.
fn talk() -> impl Strategy<Value = Vec<u8>> {
    let point = prop_oneof![Just('a'), Just('ß'), Just('€'), Just('𝄞'), any::<char>()];
    let text = vec(point, 0..30).prop_map(|points| points.into_iter().collect::<String>());
    (text, vec(any::<Index>(), 0..4), any::<[u8; 4]>(), vec(any::<u8>(), 0..9)).prop_map(
        |(text, cuts, mask, payload)| {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let (mut stream, mut start) = (Vec::new(), 0);
            for (i, &cut) in cuts.iter().enumerate() {
                let (opcode, fin) = (if i == 0 { TEXT } else { 0 }, if i + 1 == cuts.len() { FIN } else { 0 });
                stream.extend(frame_masked(fin | opcode, &text.as_bytes()[start..cut], mask));
                stream.extend(frame_masked(FIN | 0x9, &payload, mask));
                start = cut;
            }
            stream
        },
    )
}

/// Lawful talk with a few bytes changed, inserted or removed.
fn mutated_talk() -> impl Strategy<Value = Vec<u8>> {
    let mutation = (any::<Index>(), any::<u8>(), 0..3_u8);
    (vec(talk(), 1..6), proptest::option::of(1000..1016_u16), vec(mutation, 0..3)).prop_map(
        |(talk, code, mutations)| {
            let mut stream = talk.concat();
            if let Some(code) = code {
                stream.extend(frame(CLOSE, &code.to_be_bytes()));
            }
            for (at, byte, what) in mutations {
                let at = at.index(stream.len());
                match what {
                    0 => stream[at] = byte,
                    1 => stream.insert(at, byte),
                    _ if stream.len() > 1 => drop(stream.remove(at)),
                    _ => {}
                }
            }
            stream
        },
    )
}

/// Returns the two sizes by which a stream is cut.
fn cuts() -> impl Strategy<Value = [u8; 2]> {
    prop_oneof![any::<[u8; 2]>(), [0..8_u8, 0..8_u8]]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_frames_get_the_verdict_of_tungstenite_however_they_are_cut(
        stream in vec(frames(), 1..8).prop_map(|frames| frames.concat()),
        cuts in cuts(),
    ) {
        decoder(&[&cuts[..], &stream].concat());
    }

    #[test]
    fn mutated_talk_gets_the_verdict_of_tungstenite_however_it_is_cut(stream in mutated_talk(), cuts in cuts()) {
        decoder(&[&cuts[..], &stream].concat());
    }
}

#[test]
fn each_known_difference_is_one() {
    let close = |code: u16| frame(CLOSE, &code.to_be_bytes());
    let cases: [(Vec<u8>, Agreed); 12] = [
        (frame(0x81, b"hi"), Agreed::Lawful),
        (frame(0x82, b"hi"), Agreed::Differ("binary")),
        ([frame(0x02, b"hi"), frame(0x80, b"")].concat(), Agreed::Differ("binary")),
        (vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], Agreed::Differ("long form of a length")),
        (vec![0x89, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], Agreed::Differ("long form of a length")),
        (close(1014), Agreed::Differ("code 1014")),
        (frame(CLOSE, b"\x03\xeaProtocol violation"), Agreed::Differ("the same words")),
        (close(1005), Agreed::Refused("close code")),
        (frame(0x81, b"\xff"), Agreed::Refused("text")),
        (frame(0x81, &[b'x'; MESSAGE_BYTES_MAX + 1]), Agreed::Refused("size")),
        (frame(0xc1, b""), Agreed::Refused("framing")),
        (frame(0x89, &[0; 126]), Agreed::Refused("framing")),
    ];
    for (stream, expected) in cases {
        assert_eq!(compare(&stream, &[1]), Ok(expected), "{stream:x?}");
    }
}
