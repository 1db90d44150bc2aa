//! Byte tables: every lawful form and every violation, each cut at every place.

use super::super::client_frames::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, frame, header};
use super::*;

const LIFTED: DecoderLimits = DecoderLimits {
    message_bytes_max: usize::MAX,
    fragments_max: u32::MAX,
    excess: Excess::Refused,
    binary: Binary::Refuse,
};

/// Frames one after the other.
type Frames = Vec<Vec<u8>>;

/// How a stream ends: lawfully, or with the violation that becomes certain with its n-th byte.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    BetweenMessages,
    InsideMessage,
    Violation(Violation, usize),
}

/// Feeds the pieces one after the other. Returns a violation with the count of bytes that were fed until it was found.
fn run(limits: DecoderLimits, pieces: &[&[u8]]) -> (Vec<Incoming>, Ends) {
    let mut decoder = Decoder::new(limits);
    let (mut got, mut fed) = (Vec::new(), 0);
    for mut piece in pieces.iter().copied() {
        fed += piece.len();
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(incoming)) => got.push(incoming),
                Ok(None) => break,
                Err(violation) => {
                    assert_eq!(
                        decoder.decode(&mut &frame(PING, b"")[..]),
                        Err(violation),
                        "failed once, failed always"
                    );
                    assert_eq!(decoder.decode(&mut &[][..]), Err(violation));
                    assert!(!decoder.is_between_messages());
                    assert_eq!(decoder.text.capacity(), 0);
                    return (got, Ends::Violation(violation, fed));
                }
            }
        }
        assert!(piece.is_empty(), "nothing is left when nothing more comes");
    }
    (got, if decoder.is_between_messages() { Ends::BetweenMessages } else { Ends::InsideMessage })
}

/// Checks a stream byte by byte, at once, and cut in two at every place (of long streams, near the ends).
fn check(name: &str, limits: DecoderLimits, stream: &[u8], expected: &[Incoming], ends: Ends) {
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(run(limits, &bytes), (expected.to_vec(), ends), "{name}, byte by byte");
    for cut in (0..=stream.len()).filter(|cut| stream.len() < 600 || *cut < 300 || stream.len() - cut < 300) {
        let (first, second) = stream.split_at(cut);
        let ends = match ends {
            Ends::Violation(violation, at) => {
                Ends::Violation(violation, if at <= first.len() { first.len() } else { stream.len() })
            }
            lawful => lawful,
        };
        assert_eq!(run(limits, &[first, second]), (expected.to_vec(), ends), "{name}, cut at {cut}");
    }
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.to_owned())
}

fn ping(payload: &[u8]) -> Incoming {
    Incoming::Ping(Control::new(payload).unwrap())
}

fn pong(payload: &[u8]) -> Incoming {
    Incoming::Pong(Control::new(payload).unwrap())
}

#[test]
fn an_idle_decoder_is_small_and_holds_no_heap() {
    assert!(size_of::<Decoder>() <= 96, "{}", size_of::<Decoder>());
    assert!(size_of::<Incoming>() <= 24, "{}", size_of::<Incoming>());
    let mut decoder = Decoder::new(DecoderLimits::default());
    assert_eq!(decoder.text.capacity(), 0);
    for stream in [frame(FIN | TEXT, &[b'x'; 5000]), frame(PING, b"ping")] {
        assert!(decoder.decode(&mut &stream[..]).unwrap().is_some());
        assert!(decoder.is_between_messages());
        assert_eq!(decoder.text.capacity(), 0);
    }
}

#[test]
fn nothing_is_allocated_from_a_length_field() {
    let mut decoder = Decoder::new(LIFTED);
    let declared = header(FIN | TEXT, (1 << 63) - 1, [0; 4]);
    assert_eq!(decoder.decode(&mut &declared[..]), Ok(None));
    assert_eq!(decoder.text.capacity(), 0);
    for arrived in [1, 10, 100, 1000] {
        assert_eq!(decoder.decode(&mut &vec![b'x'; arrived][..]), Ok(None));
        assert!(decoder.text.capacity() <= 2 * decoder.text.len().max(8), "{arrived}");
    }
}

#[test]
fn every_length_of_text_arrives_whole() {
    for length in [0, 1, 7, 8, 9, 124, 125, 126, 127, 128, 65_535, 65_536] {
        let payload: String = ('a'..='z').cycle().take(length).collect();
        let stream = frame(FIN | TEXT, payload.as_bytes());
        check(&format!("{length} bytes"), DecoderLimits::default(), &stream, &[text(&payload)], Ends::BetweenMessages);
    }
}

#[test]
fn messages_in_fragments_with_control_frames_between_arrive_in_order() {
    let full = [9; 125];
    let cases: [(&str, Frames, Vec<Incoming>, Ends); 12] = [
        ("nothing", vec![], vec![], Ends::BetweenMessages),
        ("an empty ping", vec![frame(PING, b"")], vec![ping(b"")], Ends::BetweenMessages),
        ("a full ping", vec![frame(PING, &full)], vec![ping(&full)], Ends::BetweenMessages),
        ("an unasked pong", vec![frame(PONG, b"why")], vec![pong(b"why")], Ends::BetweenMessages),
        (
            "three fragments",
            vec![frame(TEXT, b"one "), frame(CONTINUATION, b"two "), frame(FIN | CONTINUATION, b"three")],
            vec![text("one two three")],
            Ends::BetweenMessages,
        ),
        (
            "empty fragments",
            vec![frame(TEXT, b""), frame(CONTINUATION, b""), frame(FIN | CONTINUATION, b"")],
            vec![text("")],
            Ends::BetweenMessages,
        ),
        (
            "an empty last fragment",
            vec![frame(TEXT, b"all"), frame(FIN | CONTINUATION, b"")],
            vec![text("all")],
            Ends::BetweenMessages,
        ),
        (
            "control frames between fragments",
            vec![
                frame(TEXT, b"a"),
                frame(PING, b"1"),
                frame(PONG, b""),
                frame(CONTINUATION, b"b"),
                frame(PING, &full),
                frame(FIN | CONTINUATION, b"c"),
                frame(PING, b"3"),
            ],
            vec![ping(b"1"), pong(b""), ping(&full), text("abc"), ping(b"3")],
            Ends::BetweenMessages,
        ),
        (
            "two messages in fragments",
            vec![
                frame(TEXT, b"a"),
                frame(FIN | CONTINUATION, b"b"),
                frame(TEXT, b"c"),
                frame(FIN | CONTINUATION, b"d"),
            ],
            vec![text("ab"), text("cd")],
            Ends::BetweenMessages,
        ),
        ("an open message", vec![frame(TEXT, b"a"), frame(PING, b"1")], vec![ping(b"1")], Ends::InsideMessage),
        ("half a frame", vec![header(FIN | TEXT, 2, [0; 4]), vec![b'a']], vec![], Ends::InsideMessage),
        ("half a ping", vec![header(PING, 2, [0; 4]), vec![b'a']], vec![], Ends::InsideMessage),
    ];
    for (name, frames, expected, ends) in cases {
        check(name, DecoderLimits::default(), &frames.concat(), &expected, ends);
    }
}

#[test]
fn only_after_a_whole_message_the_decoder_is_between_messages() {
    let frames = [
        (frame(TEXT, b"a"), false),
        (frame(PING, b"1"), false),
        (frame(FIN | CONTINUATION, b"b"), true),
        (frame(PING, b"2"), true),
        (frame(FIN | TEXT, b""), true),
        (frame(CLOSE, b""), true),
    ];
    let mut decoder = Decoder::new(DecoderLimits::default());
    assert!(decoder.is_between_messages());
    for (frame, expected) in frames {
        let last = frame.len() - 1;
        for (i, byte) in frame.into_iter().enumerate() {
            decoder.decode(&mut &[byte][..]).unwrap();
            assert_eq!(decoder.is_between_messages(), i == last && expected);
        }
    }
}

#[test]
fn after_a_close_everything_is_ignored() {
    for rest in [frame(FIN | TEXT, b"late"), frame(PING, b"late"), frame(CLOSE, b""), vec![0xff; 20]] {
        let stream = [frame(TEXT, b"never ended"), frame(CLOSE, &1000_u16.to_be_bytes()), rest].concat();
        check(
            "after a close",
            DecoderLimits::default(),
            &stream,
            &[Incoming::Close(Some(1000))],
            Ends::BetweenMessages,
        );
    }
}

#[test]
fn every_breach_of_the_framing_is_found_at_the_byte_that_makes_it_certain() {
    use Violation::*;
    let length = |first: u8, form: u8, extended: &[u8]| [&[first, 0x80 | form], extended, &[0; 4]].concat();
    let open = frame(TEXT, b"open");
    let continued = |breach: Vec<u8>| [open.clone(), breach].concat();
    let after = open.len();
    let cases: Vec<(&str, Vec<u8>, Violation, usize)> = vec![
        ("text without a mask", vec![FIN | TEXT, 2, b'h', b'i'], Unmasked, 2),
        ("ping without a mask", vec![PING, 0], Unmasked, 2),
        ("long text without a mask", vec![FIN | TEXT, 126, 1, 0], Unmasked, 2),
        ("reserved bit 1", frame(FIN | 0x40 | TEXT, b"x"), ReservedBit, 1),
        ("reserved bit 2", frame(FIN | 0x20 | TEXT, b"x"), ReservedBit, 1),
        ("reserved bit 3", frame(FIN | 0x10 | TEXT, b"x"), ReservedBit, 1),
        ("reserved bit in a ping", frame(0x40 | PING, b""), ReservedBit, 1),
        ("reserved bit in a continuation", continued(frame(0x40, b"")), ReservedBit, after + 1),
        ("continuation of nothing", frame(CONTINUATION, b"x"), ContinuationWithoutStart, 1),
        ("last continuation of nothing", frame(FIN | CONTINUATION, b"x"), ContinuationWithoutStart, 1),
        ("text in a message", continued(frame(FIN | TEXT, b"x")), DataInsideMessage, after + 1),
        ("fragment in a message", continued(frame(TEXT, b"x")), DataInsideMessage, after + 1),
        ("binary in a message", continued(frame(FIN | BINARY, b"x")), DataInsideMessage, after + 1),
        ("binary", frame(FIN | BINARY, b"x"), Binary, 1),
        ("binary fragment", frame(BINARY, b"x"), Binary, 1),
        ("close in fragments", frame(0x8, b""), ControlFragmented, 1),
        ("ping in fragments", frame(0x9, b""), ControlFragmented, 1),
        ("pong in fragments", continued(frame(0xa, b"")), ControlFragmented, after + 1),
        ("close of 126 bytes", frame(CLOSE, &[0; 126]), ControlTooLong, 2),
        ("ping of 126 bytes", frame(PING, &[0; 126]), ControlTooLong, 2),
        ("pong of 65 536 bytes", frame(PONG, &[0; 65_536]), ControlTooLong, 2),
        ("close of one byte", frame(CLOSE, &[3]), CloseBodyOfOneByte, 2),
        ("0 in two bytes", length(FIN | TEXT, 126, &[0, 0]), LengthNotMinimal, 4),
        ("125 in two bytes", length(FIN | TEXT, 126, &[0, 125]), LengthNotMinimal, 4),
        ("125 in eight bytes", length(FIN | TEXT, 127, &125_u64.to_be_bytes()), LengthNotMinimal, 10),
        ("65 535 in eight bytes", length(FIN | TEXT, 127, &65_535_u64.to_be_bytes()), LengthNotMinimal, 10),
        ("2^63", length(FIN | TEXT, 127, &(1_u64 << 63).to_be_bytes()), LengthOutOfRange, 3),
        ("2^64-1", length(FIN | TEXT, 127, &u64::MAX.to_be_bytes()), LengthOutOfRange, 3),
        ("2^63-1", length(FIN | TEXT, 127, &(u64::MAX >> 1).to_be_bytes()), TooBig, 10),
    ];
    for (name, stream, violation, at) in cases {
        check(name, DecoderLimits::default(), &stream, &[], Ends::Violation(violation, at));
        let good = [frame(FIN | TEXT, b"good"), frame(PING, b"")].concat();
        let ends = Ends::Violation(violation, good.len() + at);
        let preceded = [good, stream].concat();
        check(name, DecoderLimits::default(), &preceded, &[text("good"), ping(b"")], ends);
    }
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        for first in [opcode, FIN | opcode] {
            check("reserved", DecoderLimits::default(), &frame(first, b""), &[], Ends::Violation(ReservedOpcode, 1));
        }
    }
}

#[test]
fn every_violation_has_its_close_code() {
    use Violation::*;
    let cases = [
        (Unmasked, 1002),
        (ReservedBit, 1002),
        (ReservedOpcode, 1002),
        (ControlTooLong, 1002),
        (ControlFragmented, 1002),
        (ContinuationWithoutStart, 1002),
        (DataInsideMessage, 1002),
        (LengthNotMinimal, 1002),
        (LengthOutOfRange, 1002),
        (CloseBodyOfOneByte, 1002),
        (CloseCode, 1002),
        (Binary, 1003),
        (NotUtf8, 1007),
        (TooManyFragments, 1008),
        (TooBig, 1009),
    ];
    for (violation, code) in cases {
        assert_eq!(violation.reason().code(), code, "{violation:?}");
    }
}

#[test]
fn only_the_codes_of_rfc_6455_section_7_4_close() {
    let allowed =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4008, 4999];
    let refused = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 0x8000, 65_535];
    for code in allowed {
        let stream = frame(CLOSE, &u16::to_be_bytes(code));
        check("code", DecoderLimits::default(), &stream, &[Incoming::Close(Some(code))], Ends::BetweenMessages);
    }
    for code in refused {
        let stream = frame(CLOSE, &u16::to_be_bytes(code));
        let ends = Ends::Violation(Violation::CloseCode, stream.len());
        check(&code.to_string(), DecoderLimits::default(), &stream, &[], ends);
    }
    let lawful = (0..=u16::MAX).filter(|code| close_code(&code.to_be_bytes()).is_ok()).count();
    assert_eq!(lawful, 4 + 8 + 2000);
}

#[test]
fn the_reason_of_a_close_is_utf_8_of_at_most_123_bytes() {
    let cases: [(&str, &[u8], bool); 6] = [
        ("no reason", b"", true),
        ("a word", b"bye", true),
        ("the longest", &[b'x'; 123], true),
        ("four bytes", "𝄞".as_bytes(), true),
        ("a cut code point", &[0xe2, 0x82], false),
        ("a surrogate", &[b'x', 0xed, 0xa0, 0x80], false),
    ];
    for (name, reason, lawful) in cases {
        let stream = frame(CLOSE, &[&1001_u16.to_be_bytes(), reason].concat());
        let (expected, ends) = if lawful {
            (vec![Incoming::Close(Some(1001))], Ends::BetweenMessages)
        } else {
            (vec![], Ends::Violation(Violation::NotUtf8, stream.len()))
        };
        check(name, DecoderLimits::default(), &stream, &expected, ends);
    }
    check("empty body", DecoderLimits::default(), &frame(CLOSE, b""), &[Incoming::Close(None)], Ends::BetweenMessages);
}

#[test]
fn text_is_utf_8_and_the_byte_that_breaks_it_is_the_last_one_read() {
    // The index is that of the byte after which no continuation makes the text valid; the last one for a cut text.
    let cases: [(&str, &[u8], Option<usize>); 34] = [
        ("one byte", b"a", None),
        ("NUL", b"\0", None),
        ("two bytes", "\u{80}".as_bytes(), None),
        ("the last of two bytes", "\u{7ff}".as_bytes(), None),
        ("the first of three bytes", "\u{800}".as_bytes(), None),
        ("before the surrogates", "\u{d7ff}".as_bytes(), None),
        ("after the surrogates", "\u{e000}".as_bytes(), None),
        ("a noncharacter", "\u{ffff}".as_bytes(), None),
        ("the first of four bytes", "\u{10000}".as_bytes(), None),
        ("the last code point", "\u{10ffff}".as_bytes(), None),
        ("mixed", "κόσμε a 𝄞 ß".as_bytes(), None),
        ("a lone continuation", &[0x80], Some(0)),
        ("a lone last continuation", &[b'a', 0xbf], Some(1)),
        ("a third byte too many", &[0xc3, 0x9f, 0x80], Some(2)),
        ("0xfe", &[0xfe], Some(0)),
        ("0xff", &[b'a', b'b', 0xff], Some(2)),
        ("overlong slash in two", &[0xc0, 0xaf], Some(0)),
        ("overlong in two, the last", &[0xc1, 0xbf], Some(0)),
        ("overlong in three", &[0xe0, 0x80, 0xaf], Some(1)),
        ("overlong in three, the last", &[0xe0, 0x9f, 0xbf], Some(1)),
        ("overlong in four", &[0xf0, 0x80, 0x80, 0xaf], Some(1)),
        ("overlong in four, the last", &[0xf0, 0x8f, 0xbf, 0xbf], Some(1)),
        ("the first surrogate", &[0xed, 0xa0, 0x80], Some(1)),
        ("the last surrogate", &[0xed, 0xbf, 0xbf], Some(1)),
        ("a pair of surrogates", &[0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], Some(1)),
        ("above the last code point", &[0xf4, 0x90, 0x80, 0x80], Some(1)),
        ("a lead above the last", &[0xf5, 0x80, 0x80, 0x80], Some(0)),
        ("five bytes", &[0xf8, 0x88, 0x80, 0x80, 0x80], Some(0)),
        ("six bytes", &[0xfc, 0x84, 0x80, 0x80, 0x80, 0x80], Some(0)),
        ("cut after one of two", &[b'a', 0xc3], Some(1)),
        ("cut after two of three", &[0xe2, 0x82], Some(1)),
        ("cut after three of four", &[0xf0, 0x9d, 0x84], Some(2)),
        ("a letter in three", &[0xe2, b'a'], Some(1)),
        ("a lead in four", &[0xf0, 0x9d, 0xc3, 0x9f], Some(2)),
    ];
    for (name, payload, broken) in cases {
        let ends = |at: usize| Ends::Violation(Violation::NotUtf8, at);
        let whole = frame(FIN | TEXT, payload);
        // One frame per byte, and an empty last one: a code point may be cut by frames and by the input at once.
        let mut each: Vec<u8> = payload.iter().enumerate().fold(Vec::new(), |mut stream, (i, byte)| {
            stream.extend(frame(if i == 0 { TEXT } else { CONTINUATION }, &[*byte]));
            stream
        });
        let cut = std::str::from_utf8(payload).is_err_and(|error| error.error_len().is_none());
        each.extend(frame(FIN | CONTINUATION, b""));
        match broken {
            None => {
                let expected = [text(std::str::from_utf8(payload).unwrap())];
                check(name, LIFTED, &whole, &expected, Ends::BetweenMessages);
                check(name, LIFTED, &each, &expected, Ends::BetweenMessages);
            }
            Some(index) => {
                check(name, LIFTED, &whole, &[], ends(6 + index + 1));
                check(name, LIFTED, &each, &[], ends(if cut { each.len() } else { 7 * (index + 1) }));
            }
        }
    }
}

#[test]
fn broken_text_is_refused_before_its_frame_is_complete() {
    let mut decoder = Decoder::new(DecoderLimits::default());
    let first_half = [&header(FIN | TEXT, 1000, [0; 4])[..], b"good\xffand on"].concat();
    assert_eq!(decoder.decode(&mut &first_half[..]), Err(Violation::NotUtf8));
}

#[test]
fn a_message_over_its_size_is_refused_at_the_header_that_says_so() {
    let limits = |message_bytes_max| DecoderLimits {
        message_bytes_max,
        fragments_max: u32::MAX,
        excess: Excess::Refused,
        binary: Binary::Refuse,
    };
    let too_big = |at| (vec![], Ends::Violation(Violation::TooBig, at));
    let lawful = |payload: &str| (vec![text(payload)], Ends::BetweenMessages);
    let six_in_two = [frame(TEXT, b"abc"), frame(FIN | CONTINUATION, b"def")].concat();
    let four_in_four =
        [frame(TEXT, b"ab"), frame(CONTINUATION, b""), frame(CONTINUATION, b"c"), frame(FIN | CONTINUATION, b"d")]
            .concat();
    let cases = [
        ("exactly the limit", 5, frame(FIN | TEXT, b"abcde"), lawful("abcde")),
        ("one more", 5, frame(FIN | TEXT, b"abcdef"), too_big(2)),
        ("one more than 125", 125, frame(FIN | TEXT, &[b'x'; 126]), too_big(4)),
        ("far more", 65_536, header(FIN | TEXT, 1 << 40, [0; 4]), too_big(10)),
        ("far more in a fragment", 65_536, header(TEXT, 65_537, [0; 4]), too_big(10)),
        ("the sum, exactly", 6, six_in_two.clone(), lawful("abcdef")),
        ("the sum, one more", 5, six_in_two.clone(), too_big(9 + 2)),
        ("the sum, far more", 5, [frame(TEXT, b"a"), header(CONTINUATION, 1 << 50, [0; 4])].concat(), too_big(7 + 10)),
        ("the sum of four", 3, four_in_four.clone(), too_big(8 + 6 + 7 + 2)),
        ("the limit lifted", usize::MAX, six_in_two, lawful("abcdef")),
        ("four of four", 4, four_in_four, lawful("abcd")),
    ];
    for (name, bytes_max, stream, (expected, ends)) in cases {
        check(name, limits(bytes_max), &stream, &expected, ends);
    }
    let ping_over = [frame(PING, b"longer"), frame(FIN | TEXT, b"abc")].concat();
    check("control frames", limits(3), &ping_over, &[ping(b"longer"), text("abc")], Ends::BetweenMessages);
}

#[test]
fn a_message_of_too_many_frames_is_refused_at_the_first_one_too_many() {
    let message = |frames: usize| {
        let mut stream = frame(TEXT, b"");
        (2..frames).for_each(|_| stream.extend([frame(PING, b""), frame(CONTINUATION, b"")].concat()));
        stream.extend(frame(FIN | CONTINUATION, b"x"));
        stream
    };
    let pings = |count| vec![ping(b""); count];
    let limits = |fragments_max| DecoderLimits {
        message_bytes_max: 9,
        fragments_max,
        excess: Excess::Refused,
        binary: Binary::Refuse,
    };
    let cases = [
        ("two of two", 2, message(2), [pings(0), vec![text("x")]].concat(), Ends::BetweenMessages),
        ("two of one", 1, message(2), pings(0), Ends::Violation(Violation::TooManyFragments, 6 + 1)),
        ("four of three", 3, message(4), pings(2), Ends::Violation(Violation::TooManyFragments, 6 + 24 + 1)),
        (
            "twice three",
            3,
            message(3).repeat(2),
            vec![ping(b""), text("x"), ping(b""), text("x")],
            Ends::BetweenMessages,
        ),
        ("lifted", u32::MAX, message(300), [pings(298), vec![text("x")]].concat(), Ends::BetweenMessages),
        ("one of one", 1, frame(FIN | TEXT, b"x").repeat(3), vec![text("x"); 3], Ends::BetweenMessages),
    ];
    for (name, fragments_max, stream, expected, ends) in cases {
        check(name, limits(fragments_max), &stream, &expected, ends);
    }
}

mod hard;
