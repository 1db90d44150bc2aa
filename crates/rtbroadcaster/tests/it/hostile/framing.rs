//! Frames that RFC 6455 or a limit forbids, each with the code of the end that it earns.
//! Must not know who sends them.

/// A frame under a mask of zeroes, which every server has to take.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&header(first, payload.len())[..], payload].concat()
}

/// The frame of a text message.
pub(super) fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// The header of a masked frame with so many bytes, without them.
fn header(first: u8, bytes: usize) -> Vec<u8> {
    let mut header = vec![first];
    match bytes {
        0..126 => header.push(0x80 | u8::try_from(bytes).unwrap()),
        126..0x1_0000 => {
            header.push(0x80 | 126);
            header.extend(u16::try_from(bytes).unwrap().to_be_bytes());
        }
        _ => {
            header.push(0x80 | 127);
            header.extend((bytes as u64).to_be_bytes());
        }
    }
    header.extend([0; 4]);
    header
}

/// What each row is, its bytes, and its end.
type Row = (&'static str, Vec<u8>, &'static str);

pub(super) fn rows() -> Vec<Row> {
    [headers(), lengths(), messages(), texts(), closes()].concat()
}

/// Wrong from the first bytes on.
fn headers() -> Vec<Row> {
    let mut rows = vec![
        ("no mask", vec![0x81, 0x02, b'{', b'}'], "1002"),
        ("a ping without a mask", vec![0x89, 0x00], "1002"),
        ("a ping of 126 bytes", header(0x89, 126), "1002"),
        ("a pong of 126 bytes", header(0x8a, 126), "1002"),
        ("a close frame of 126 bytes", header(0x88, 126), "1002"),
        ("a ping in fragments", frame(0x09, b""), "1002"),
        ("a pong in fragments", frame(0x0a, b""), "1002"),
        ("a close frame in fragments", frame(0x08, b""), "1002"),
        ("binary", frame(0x82, b"SECRET"), "1003"),
        ("the first fragment of a binary message", header(0x02, 1), "1003"),
    ];
    for bit in [0x40, 0x20, 0x10] {
        rows.push(("a reserved bit", frame(0x81 | bit, b"{}"), "1002"));
        rows.push(("a reserved bit of a ping", frame(0x89 | bit, b""), "1002"));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        rows.push(("a reserved opcode", frame(0x80 | opcode, b""), "1002"));
    }
    rows
}

/// Lengths in a wrong form, or of too much: nothing else has to come.
fn lengths() -> Vec<Row> {
    let long = |bytes: [u8; 8]| [&[0x81, 0xff][..], &bytes, &[0; 4]].concat();
    vec![
        ("125 in two bytes", vec![0x81, 0xfe, 0, 125, 0, 0, 0, 0], "1002"),
        ("125 in eight bytes", long([0, 0, 0, 0, 0, 0, 0, 125]), "1002"),
        ("65 535 in eight bytes", long([0, 0, 0, 0, 0, 0, 0xff, 0xff]), "1002"),
        ("2^63", long([0x80, 0, 0, 0, 0, 0, 0, 0]), "1002"),
        ("2^64 - 1", long([0xff; 8]), "1002"),
        ("2^63 - 1", long([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "1009"),
        ("more than 16 times too much", header(0x81, 16 * LIMIT + 1), "1009"),
        ("a fragment of more than 16 times too much", header(0x01, 16 * LIMIT + 1), "1009"),
    ]
}

/// The most bytes that a message may have.
const LIMIT: usize = 64 * 1024;

/// Messages of a little too much: what each is, from where on that is certain, and the rest of it.
pub(super) fn excess() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let no_text = [0xff; LIMIT + 1];
    vec![
        ("a byte too much", header(0x81, LIMIT + 1), vec![b' '; LIMIT + 1]),
        ("a byte too much that is no UTF-8", header(0x81, LIMIT + 1), no_text.to_vec()),
        ("a fragment of a byte too much", header(0x01, LIMIT + 1), [&no_text[..], &frame(0x80, b"\xff")].concat()),
        (
            "two fragments of a byte too much",
            [frame(0x01, &[b' '; LIMIT - 1]), header(0x00, 2)].concat(),
            [&b"  "[..], &frame(0x8a, b"between"), &frame(0x80, &no_text)].concat(),
        ),
        ("16 times as much as may be", header(0x81, 16 * LIMIT), vec![b' '; 16 * LIMIT]),
    ]
}

/// Messages that do not hold together.
fn messages() -> Vec<Row> {
    let fragments = |count: usize| [frame(0x01, b"{"), frame(0x00, b"").repeat(count - 1)].concat();
    vec![
        ("a continuation of nothing", frame(0x80, b"{}"), "1002"),
        ("a first continuation of nothing", frame(0x00, b"{"), "1002"),
        ("a text inside a message", [frame(0x01, b"{"), frame(0x81, b"}")].concat(), "1002"),
        ("a fragment of a text inside a message", [frame(0x01, b"{"), frame(0x01, b"}")].concat(), "1002"),
        ("a binary frame inside a message", [frame(0x01, b"{"), frame(0x82, b"}")].concat(), "1002"),
        ("129 fragments", fragments(129), "1008"),
        ("129 fragments, the last one whole", [fragments(128), frame(0x80, b"}")].concat(), "1008"),
        ("129 pings", frame(0x89, b"SECRET").repeat(129), "4029"),
        ("129 pongs", frame(0x8a, b"").repeat(129), "4029"),
        (
            "129 of both between fragments",
            [frame(0x01, b"{"), [frame(0x89, b""), frame(0x8a, b"")].concat().repeat(65)].concat(),
            "4029",
        ),
    ]
}

/// What is no UTF-8, as soon as that is certain.
fn texts() -> Vec<Row> {
    let split = |first: &[u8], second: &[u8]| [frame(0x01, first), frame(0x80, second)].concat();
    vec![
        ("0xff", frame(0x81, b"SECRET\xff"), "1007"),
        ("a code point cut by the end", frame(0x81, b"SECRET\xe2\x82"), "1007"),
        ("an overlong slash", frame(0x81, b"\xc0\xaf"), "1007"),
        ("half a surrogate pair", frame(0x81, b"\xed\xa0\x80"), "1007"),
        ("above U+10FFFF", frame(0x81, b"\xf4\x90\x80\x80"), "1007"),
        ("0xff in the second fragment", split(b"SECRET", b"\xff"), "1007"),
        ("a code point that goes on wrongly in the next fragment", split(b"SECRET\xe2", b"\x28\xa1"), "1007"),
        ("0xff in the first of many bytes", [header(0x81, 1_000), vec![0xff]].concat(), "1007"),
        ("0xff in a message that does not end", frame(0x01, b"\xff"), "1007"),
    ]
}

/// Close frames, good and bad.
fn closes() -> Vec<Row> {
    let close = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    let mut rows = vec![
        ("a close frame of one byte", frame(0x88, b"\x03"), "1002"),
        ("a close frame whose reason is no UTF-8", close(1000, b"SECRET\xff"), "1007"),
        ("a close frame with a reason", close(1000, b"SECRET"), "1000"),
        ("a close frame with a code of its own", close(4999, b""), "4999"),
        ("a close frame inside a message", [frame(0x01, b"{"), close(1001, b"")].concat(), "1001"),
    ];
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        rows.push(("a close code that must not be sent", close(code, b""), "1002"));
    }
    rows
}
