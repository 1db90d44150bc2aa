//! The decoder of client frames: cuts of the input change nothing, its memory is bounded by the bytes that arrived, and
//! tungstenite agrees. Must not know sockets.

mod oracle;

use rtbroadcaster_core::wire::{Binary, Decoder, DecoderLimits, Excess, Incoming, Violation};

/// The bytes that a buffer may hold beyond those that arrived: its growth, and its first step.
const SLACK_BYTES: usize = 16;

/// The limits under which every stream is read: those of the oracle, few frames, none, and a limit beyond which
/// messages are skipped.
const LIMITS: [DecoderLimits; 4] = [
    DecoderLimits {
        message_bytes_max: oracle::MESSAGE_BYTES_MAX,
        fragments_max: u32::MAX,
        excess: Excess::Refused,
        binary: Binary::Refuse,
    },
    DecoderLimits { message_bytes_max: 20, fragments_max: 3, excess: Excess::Refused, binary: Binary::Refuse },
    DecoderLimits {
        message_bytes_max: usize::MAX,
        fragments_max: u32::MAX,
        excess: Excess::Refused,
        binary: Binary::Refuse,
    },
    DecoderLimits { message_bytes_max: 20, fragments_max: u32::MAX, excess: Excess::Skipped, binary: Binary::Refuse },
];

/// Checks a client's stream. The first two of `bytes` are the sizes of the pieces into which the rest is cut, in turn.
/// The stream decodes to the same at once, in pieces and byte by byte, and tungstenite agrees.
pub fn decoder(bytes: &[u8]) {
    let Some((&[one, other], stream)) = bytes.split_first_chunk() else { return };
    let sizes = if (one, other) == (0, 0) { [1, 1] } else { [one.into(), other.into()] };
    for limits in LIMITS {
        let whole = decoded(limits, &[stream]);
        assert_eq!(decoded(limits, &pieces(stream, &sizes)), whole, "in pieces of {sizes:?}: {stream:x?}");
        assert_eq!(decoded(limits, &pieces(stream, &[1])), whole, "byte by byte: {stream:x?}");
    }
    if let Err(difference) = oracle::compare(stream, &sizes) {
        panic!("{difference}: {stream:x?} in pieces of {sizes:?}");
    }
}

/// Cuts a stream into pieces of these sizes, over and over; zero is an empty piece.
fn pieces<'stream>(mut stream: &'stream [u8], sizes: &[usize]) -> Vec<&'stream [u8]> {
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

/// Returns everything that the pieces decode to, and the violation at the end.
fn decoded(limits: DecoderLimits, pieces: &[&[u8]]) -> (Vec<Incoming>, Option<Violation>) {
    let mut decoder = Decoder::new(limits);
    let (mut got, mut arrived) = (Vec::new(), 0);
    for mut piece in pieces.iter().copied() {
        arrived += piece.len();
        loop {
            let outcome = decoder.decode(&mut piece);
            let held = decoder.held_bytes();
            assert!(held <= 2 * arrived + SLACK_BYTES, "{held} bytes are held of {arrived} that arrived");
            assert!(!decoder.is_between_messages() || held == 0, "{held} bytes are held of nothing");
            match outcome {
                Ok(Some(incoming)) => {
                    let said = got.last();
                    assert!(!matches!(said, Some(Incoming::Close(_))), "after a close came {incoming:?}");
                    got.push(incoming);
                }
                Ok(None) => break,
                Err(violation) => {
                    fails_for_ever(&mut decoder, violation);
                    return (got, Some(violation));
                }
            }
        }
        assert!(piece.is_empty(), "the decoder left bytes of the piece");
    }
    let closed = matches!(got.last(), Some(Incoming::Close(_)));
    assert!(!closed || decoder.is_between_messages());
    (got, None)
}

/// Checks that a failed decoder fails for ever, and holds nothing for bytes that cannot follow.
fn fails_for_ever(decoder: &mut Decoder, violation: Violation) {
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    for mut more in [&ping[..], &[]] {
        assert_eq!(decoder.decode(&mut more), Err(violation));
    }
    assert!(!decoder.is_between_messages());
    assert_eq!(decoder.held_bytes(), 0);
    assert!((1002..=1009).contains(&violation.reason().code()), "{violation:?} has a code of RFC 6455");
}

#[cfg(test)]
mod tests;
