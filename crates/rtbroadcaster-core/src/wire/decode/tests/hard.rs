//! The hard cases of the Autobahn test suite that the other tables do not have, by their numbers there, and the grammar
//! of UTF-8 as RFC 3629 section 4 writes it.

use super::*;

#[test]
fn every_pattern_of_reserved_bits_breaks_every_frame() {
    // 3.1 to 3.7.
    let open = frame(TEXT, b"open");
    for bits in 1..8_u8 {
        for first in [TEXT, FIN | TEXT, FIN | BINARY, CLOSE, PING, PONG] {
            let stream = frame(bits << 4 | first, b"ab");
            check("reserved bits", DecoderLimits::default(), &stream, &[], Ends::Violation(Violation::ReservedBit, 1));
        }
        for first in [CONTINUATION, FIN | CONTINUATION, PING] {
            let stream = [open.clone(), frame(bits << 4 | first, b"ab")].concat();
            let ends = Ends::Violation(Violation::ReservedBit, open.len() + 1);
            check("reserved bits in a message", DecoderLimits::default(), &stream, &[], ends);
        }
    }
}

#[test]
fn what_came_whole_before_a_breach_is_told_and_nothing_behind_it() {
    use Violation::*;
    let (first, last) = (frame(TEXT, b"fragment1"), frame(FIN | CONTINUATION, b"fragment2"));
    let whole = || text("fragment1fragment2");
    let after = first.len() + last.len();
    let cases: [(&str, Frames, Vec<Incoming>, Violation, usize); 12] = [
        (
            "4.1.3",
            vec![frame(FIN | TEXT, b"a"), frame(0x85, b""), frame(PING, b"")],
            vec![text("a")],
            ReservedOpcode,
            8,
        ),
        (
            "4.2.4",
            vec![frame(FIN | TEXT, b"a"), frame(0x8e, b"b"), frame(PING, b"")],
            vec![text("a")],
            ReservedOpcode,
            8,
        ),
        ("5.1", vec![frame(0x9, b"fragment1"), last.clone()], vec![], ControlFragmented, 1),
        ("5.2", vec![frame(0xa, b"fragment1"), last.clone()], vec![], ControlFragmented, 1),
        ("5.9", vec![last.clone(), frame(FIN | TEXT, b"a")], vec![], ContinuationWithoutStart, 1),
        ("5.12", vec![frame(CONTINUATION, b"a"), frame(FIN | TEXT, b"b")], vec![], ContinuationWithoutStart, 1),
        (
            "5.15",
            vec![first.clone(), last.clone(), frame(CONTINUATION, b"c"), frame(FIN | TEXT, b"d")],
            vec![whole()],
            ContinuationWithoutStart,
            after + 1,
        ),
        (
            "5.17",
            vec![frame(FIN | CONTINUATION, b"a"), first.clone(), last, frame(FIN | CONTINUATION, b"b")],
            vec![],
            ContinuationWithoutStart,
            1,
        ),
        ("5.18", vec![first.clone(), frame(FIN | TEXT, b"fragment2")], vec![], DataInsideMessage, first.len() + 1),
        (
            "a ping, then a breach, inside a message",
            vec![first.clone(), frame(PING, b"1"), frame(TEXT, b"")],
            vec![ping(b"1")],
            DataInsideMessage,
            first.len() + 8,
        ),
        (
            "7.3.2, inside a message",
            vec![first.clone(), frame(CLOSE, b"a")],
            vec![],
            CloseBodyOfOneByte,
            first.len() + 2,
        ),
        (
            "7.9.3, inside a message",
            vec![first.clone(), frame(CLOSE, &1004_u16.to_be_bytes())],
            vec![],
            CloseCode,
            first.len() + 8,
        ),
    ];
    for (name, frames, expected, violation, at) in cases {
        check(name, DecoderLimits::default(), &frames.concat(), &expected, Ends::Violation(violation, at));
    }
}

#[test]
fn long_messages_in_fragments_of_every_size_arrive_whole() {
    // 9.3 and 10.1: 65 536 bytes, in fragments of 1 300 as well as of one.
    let payload = "€uro".repeat(65_536 / 6);
    for size in [1, 7, 64, 256, 1_300, 4_096, 65_535] {
        let mut fragments: Frames = payload.as_bytes().chunks(size).map(|part| frame(CONTINUATION, part)).collect();
        fragments[0][0] = TEXT;
        fragments.push(frame(FIN | CONTINUATION, b""));
        let stream = fragments.concat();
        for pieces in [stream.chunks(997), stream.chunks(16_384)] {
            let pieces: Vec<_> = pieces.collect();
            assert!(run(LIFTED, &pieces) == (vec![text(&payload)], Ends::BetweenMessages), "fragments of {size}");
        }
    }
}

/// Where text breaks: at the byte after which nothing makes it valid, or at its last one, where that leaves a code
/// point unfinished. By the grammar of RFC 3629 section 4.
fn breaks_at(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&first) = text.get(at) {
        // The first byte says which the second may be and how many others follow.
        let (second, others) = match first {
            0x00..=0x7f => {
                at += 1;
                continue;
            }
            0xc2..=0xdf => (0x80..=0xbf, 0),
            0xe0 => (0xa0..=0xbf, 1),
            0xe1..=0xec | 0xee..=0xef => (0x80..=0xbf, 1),
            0xed => (0x80..=0x9f, 1),
            0xf0 => (0x90..=0xbf, 2),
            0xf1..=0xf3 => (0x80..=0xbf, 2),
            0xf4 => (0x80..=0x8f, 2),
            _ => return Some(at),
        };
        for may_be in [second].into_iter().chain(std::iter::repeat_n(0x80..=0xbf, others)) {
            at += 1;
            match text.get(at) {
                Some(byte) if may_be.contains(byte) => {}
                Some(_) => return Some(at),
                None => return Some(at - 1),
            }
        }
        at += 1;
    }
    None
}

/// The text as one frame, byte by byte, has the verdict of the grammar, at the byte that makes it certain.
fn judge(payload: &[u8]) {
    let stream = frame(FIN | TEXT, payload);
    let pieces: Vec<_> = stream.chunks(1).collect();
    let ends = match breaks_at(payload) {
        None => Ends::BetweenMessages,
        Some(at) => Ends::Violation(Violation::NotUtf8, stream.len() - payload.len() + at + 1),
    };
    assert_eq!(run(LIFTED, &pieces).1, ends, "{payload:x?}");
}

#[test]
fn every_pair_of_bytes_and_every_edge_of_longer_code_points_is_judged_by_the_grammar() {
    let edges = [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff];
    for first in 0..=0xff {
        for second in 0..=0xff {
            judge(&[first, second]);
            if first < 0xe0 || !(0x7f..=0xc0).contains(&second) {
                continue;
            }
            for third in edges {
                judge(&[first, second, third]);
                edges.iter().for_each(|fourth| judge(&[first, second, third, *fourth]));
            }
        }
    }
}

#[test]
fn the_suites_texts_are_judged_by_the_grammar_and_the_grammar_by_this_table() {
    let lonely = |firsts: std::ops::Range<u8>| firsts.flat_map(|first| [first, b' ']).collect::<Vec<_>>();
    let cases: Vec<(&str, Vec<u8>, Option<usize>)> = vec![
        ("6.2", "Hello-µ@ßöäüàá-UTF-8!!".into(), None),
        ("6.3", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited".into(), Some(12)),
        ("6.4", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited".into(), Some(12)),
        ("6.5", "hello$world hello¢world hello€world hello𤭢world".into(), None),
        ("6.9", b"\x7f\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf".into(), None),
        ("6.10, four bytes", b"\xf7\xbf\xbf\xbf".into(), Some(0)),
        ("6.10, five bytes", b"\xfb\xbf\xbf\xbf\xbf".into(), Some(0)),
        ("6.10, six bytes", b"\xfd\xbf\xbf\xbf\xbf\xbf".into(), Some(0)),
        ("6.11", b"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf4\x90\x80\x80".into(), Some(10)),
        ("6.12", (0x80..0xc0).collect(), Some(0)),
        ("6.13, of two", lonely(0xc0..0xe0), Some(0)),
        ("6.13, of three", lonely(0xe0..0xf0), Some(1)),
        ("6.13, of four", lonely(0xf0..0xf8), Some(1)),
        ("6.13, of five", lonely(0xf8..0xfc), Some(0)),
        ("6.13, of six", lonely(0xfc..0xfe), Some(0)),
        ("6.14, overlong", b"\xe0\x80".into(), Some(1)),
        ("6.14, of two", b"\xdf".into(), Some(0)),
        ("6.14, of three", b"\xef\xbf".into(), Some(1)),
        ("6.14, of four", b"\xf7\xbf\xbf".into(), Some(0)),
        ("6.15", b"\xc0\xe0\x80\xf0\x80\x80\xdf\xef\xbf\xf7\xbf\xbf".into(), Some(0)),
        ("6.16", b"\xfe\xfe\xff\xff".into(), Some(0)),
        ("6.17", b"\xfc\x80\x80\x80\x80\xaf".into(), Some(0)),
        ("6.18", b"\xf8\x87\xbf\xbf\xbf".into(), Some(0)),
        ("6.19, in two", b"\xc0\x80".into(), Some(0)),
        ("6.19, in three", b"\xe0\x80\x80".into(), Some(1)),
        ("6.19, in four", b"\xf0\x80\x80\x80".into(), Some(1)),
        ("6.20, the last high one", b"\xed\xaf\xbf".into(), Some(1)),
        ("6.20, the first low one", b"\xed\xb0\x80".into(), Some(1)),
        ("6.21", b"\xed\xaf\xbf\xed\xb0\x80".into(), Some(1)),
        ("6.23", ('\u{fff9}'..='\u{ffff}').collect::<String>().into(), None),
    ];
    for (name, payload, at) in cases {
        assert_eq!(breaks_at(&payload), at, "{name}");
        judge(&payload);
    }
    // 6.6: a text that is cut anywhere. 6.22: what is no character, and yet text.
    let greek = "κόσμε".as_bytes();
    (0..=greek.len()).for_each(|cut| judge(&greek[..cut]));
    for plane in 0..=0x10_u32 {
        let payload: String = [0xfffe, 0xffff].map(|end| char::from_u32(plane << 16 | end).unwrap()).iter().collect();
        assert_eq!(breaks_at(payload.as_bytes()), None);
        judge(payload.as_bytes());
    }
}
