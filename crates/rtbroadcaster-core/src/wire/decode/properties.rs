//! Random lawful messages, cut at random places, decode to what was sent.

use proptest::prelude::*;

use super::super::client_frames::{CLOSE, frame, piece_sizes, pieces, talk};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lawful_talk_decodes_to_what_was_said_however_it_is_cut(
        talk in talk(300),
        sizes in piece_sizes(),
        code in proptest::option::of(3000..5000_u16),
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        talk.iter().for_each(|said| said.write(&mut stream, &mut expected));
        let mut decoder = Decoder::new(DecoderLimits::default());
        let got = decode_pieces(&mut decoder, &pieces(&stream, &sizes));
        prop_assert_eq!(got, (expected, None));
        prop_assert!(decoder.is_between_messages());
        prop_assert_eq!(decoder.text.capacity(), 0);

        let body = code.map(u16::to_be_bytes);
        let close = frame(CLOSE, body.as_ref().map_or(&[], |body| &body[..]));
        let got = decode_pieces(&mut decoder, &pieces(&close, &sizes));
        prop_assert_eq!(got, (vec![Incoming::Close(code)], None));
    }

    #[test]
    fn a_message_that_is_too_big_is_skipped_and_all_others_are_read(
        talk in talk(300),
        sizes in piece_sizes(),
        limit in 75..200_usize,
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        talk.iter().for_each(|said| said.write(&mut stream, &mut expected));
        for incoming in &mut expected {
            if let Incoming::Text(text) = incoming && text.len() > limit {
                *incoming = Incoming::TooBig(text.len());
            }
        }
        let limits = DecoderLimits { message_bytes_max: limit, excess: Excess::Skipped, ..DecoderLimits::default() };
        let mut decoder = Decoder::new(limits);
        let mut got = Vec::new();
        for piece in pieces(&stream, &sizes) {
            let (more, violation) = decode_pieces(&mut decoder, &[piece]);
            prop_assert_eq!(violation, None);
            // The payload of a control frame may be held too, and buffers grow by doubling.
            prop_assert!(decoder.held_bytes() <= 2 * (limit + 125) + 16);
            got.extend(more);
        }
        prop_assert_eq!(got, expected);
        prop_assert_eq!(decoder.skipped_bytes(), 0);
        prop_assert!(decoder.is_between_messages());
    }

    #[test]
    fn noise_never_panics_and_its_verdict_does_not_depend_on_the_cuts(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        sizes in piece_sizes(),
    ) {
        let whole = decode_pieces(&mut Decoder::new(DecoderLimits::default()), &[&noise]);
        let cut = decode_pieces(&mut Decoder::new(DecoderLimits::default()), &pieces(&noise, &sizes));
        prop_assert_eq!(whole, cut);
    }
}

/// Returns everything that the pieces decode to, and the violation that ended it.
fn decode_pieces(decoder: &mut Decoder, pieces: &[&[u8]]) -> (Vec<Incoming>, Option<Violation>) {
    let mut got = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(incoming)) => got.push(incoming),
                Ok(None) => break,
                Err(violation) => return (got, Some(violation)),
            }
        }
    }
    (got, None)
}
