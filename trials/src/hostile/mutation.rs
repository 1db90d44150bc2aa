//! Mutates right bytes: flipped bits, cut ends, false lengths, splices, fragments. Pure: randomness is an argument.

use crate::random::Random;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x01;
const PING: u8 = 0x89;

/// Returns a frame as a client sends it, with a mask of its own.
pub(super) fn frame(first: u8, payload: &[u8], random: &mut Random) -> Vec<u8> {
    let mask = random.next().to_be_bytes();
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..126) => frame.push(0x80 | u8::try_from(length).unwrap_or(0)),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(&mask[..4]);
    frame.extend(payload.iter().zip(mask[..4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Returns a text as it should be sent.
pub(super) fn text(text: &str, random: &mut Random) -> Vec<u8> {
    frame(FIN | TEXT, text.as_bytes(), random)
}

/// Returns a ping that carries a number: its answer shows how far the server has read.
pub(super) fn ping(number: u16, random: &mut Random) -> Vec<u8> {
    frame(PING, &number.to_be_bytes(), random)
}

/// Returns a text as it should not be sent. Mostly its framing holds, so that the next one is read too.
pub(super) fn mutated(text: &str, other: &str, random: &mut Random) -> Vec<u8> {
    match random.index(12) {
        // Another text.
        0..=2 => frame(FIN | TEXT, &flipped(text.as_bytes(), 0x5f, random), random),
        3 => frame(FIN | TEXT, cut(text.as_bytes(), random), random),
        4 | 5 => frame(FIN | TEXT, &spliced(text.as_bytes(), other.as_bytes(), random), random),
        6 | 7 => fragments(text.as_bytes(), random),
        // Another frame.
        8 => {
            let frame = frame(FIN | TEXT, text.as_bytes(), random);
            flipped(&frame, 0xff, random)
        }
        9 => {
            let frame = frame(FIN | TEXT, text.as_bytes(), random);
            cut(&frame, random).to_vec()
        }
        10 => lie(text.as_bytes(), random),
        _ => {
            let (one, two) = (frame(FIN | TEXT, text.as_bytes(), random), frame(FIN | TEXT, other.as_bytes(), random));
            spliced(&one, &two, random)
        }
    }
}

/// Returns the bytes with one to eight of the bits in `bits` flipped.
pub(super) fn flipped(bytes: &[u8], bits: u8, random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..=random.index(8) {
        let at = random.index(bytes.len());
        bytes[at] ^= bits & (1 << random.index(8));
    }
    bytes
}

/// Returns the bytes without their end.
pub(super) fn cut<'bytes>(bytes: &'bytes [u8], random: &mut Random) -> &'bytes [u8] {
    &bytes[..random.index(bytes.len() + 1)]
}

/// Returns `bytes` with a piece of `other` somewhere in it.
pub(super) fn spliced(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let at = random.index(bytes.len() + 1);
    let begin = random.index(other.len() + 1);
    let end = begin + random.index(other.len() - begin + 1);
    [&bytes[..at], &other[begin..end], &bytes[at + random.index(bytes.len() - at + 1)..]].concat()
}

/// Returns up to eight frames, cut anywhere; sometimes their opcodes or ends are wrong.
fn fragments(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    let count = 1 + random.index(8);
    for number in 0..count {
        let is_last = number + 1 == count;
        let (part, after) = rest.split_at(if is_last { rest.len() } else { random.index(rest.len() + 1) });
        rest = after;
        let mut first = if number == 0 { TEXT } else { 0 } | if is_last { FIN } else { 0 };
        if random.one_in(24) {
            first ^= 1 << random.index(8);
        }
        frames.extend(frame(first, part, random));
        if random.one_in(8) {
            frames.extend(frame(PING, b"between", random));
        }
    }
    frames
}

/// Returns the frame with a false length in its header, in one of the three forms.
fn lie(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut frame = vec![FIN | TEXT];
    let number = random.next().to_be_bytes();
    match random.index(3) {
        0 => frame.push(0x80 | (number[0] % 126)),
        1 => frame.extend([0x80 | 126, number[0], number[1]]),
        _ => {
            frame.push(0x80 | 127);
            let zeroes = random.index(9);
            frame.extend(std::iter::repeat_n(0, zeroes).chain(number).take(8));
        }
    }
    frame.extend([0; 4]);
    frame.extend(bytes);
    frame
}

/// Returns where a stream of `length` bytes is cut for its writes.
pub(super) fn cuts(length: usize, random: &mut Random) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..random.index(4)).map(|_| random.index(length + 1)).collect();
    cuts.push(length);
    cuts.sort_unstable();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"type":"create","id":"a"}"#;
    const OTHER: &str = r#"{"status":{"value":1}}"#;

    #[test]
    fn a_seed_repeats_its_mutations_and_they_differ() {
        let mutations = |seed| {
            let mut random = Random::new(seed, 1);
            (0..100).map(|_| mutated(ONE, OTHER, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(mutations(1), mutations(1));
        let mut all = mutations(1);
        all.extend(mutations(2));
        all.sort();
        all.dedup();
        assert!(all.len() > 150, "{} of 200 differ", all.len());
    }

    #[test]
    fn bits_are_flipped_only_where_they_may_be_and_nothing_panics_however_short() {
        let mut random = Random::new(3, 1);
        for _ in 0..1_000 {
            assert!(flipped(b"aaaa", 0x5f, &mut random).is_ascii());
            for text in ["", "a", ONE] {
                mutated(text, "", &mut random);
                mutated(text, OTHER, &mut random);
                assert_eq!(cuts(text.len(), &mut random).last(), Some(&text.len()));
            }
        }
    }

    #[test]
    fn a_mask_undoes_itself() {
        let mut random = Random::new(4, 1);
        let frame = text("Hello", &mut random);
        let (header, rest) = frame.split_at(2);
        let (mask, payload) = rest.split_at(4);
        let unmasked: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!((header, &unmasked[..]), (&[0x81, 0x85][..], &b"Hello"[..]));
    }
}
