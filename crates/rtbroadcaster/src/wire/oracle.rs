//! Tests only: the same bytes through this decoder and through tungstenite, which must agree until the first error.
//!
//! They may differ in these points, each of which is checked to be the reason:
//! - a binary frame is a violation here, and a message there;
//! - a length that is not in its shortest form is a violation here (RFC 6455 section 5.2), and accepted there;
//! - a close code that must not be sent is a violation here, and told there as a close by code 1002 of its own;
//! - 1014, registered after RFC 6455, is a close code here, and such a refused code there.
//!
//! The limit of fragments, which only this decoder has, is lifted. Verdicts are compared at the end of whole frames,
//! since tungstenite judges text when its frame is complete and this decoder earlier.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::client_frames::{self, CLOSE, piece_sizes, pieces, talk};
use super::{Control, Decoder, Incoming, Limits, Violation};

const MESSAGE_BYTES_MAX: usize = 150;

/// What tungstenite made of a stream.
#[derive(Debug)]
enum Verdict {
    /// It waits for more bytes, or the peer has said close.
    Lawful,
    Binary,
    CloseCode,
    Failed(Error),
}

/// Gives its pieces one after the other, then nothing; swallows what is written.
struct Stream(VecDeque<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(mut piece) = self.0.pop_front() {
            if !piece.is_empty() {
                let size = piece.len().min(space.len());
                space[..size].copy_from_slice(&piece[..size]);
                self.0.push_front(piece.split_off(size));
                return Ok(size);
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Stream {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(pieces: &[&[u8]]) -> (Vec<Incoming>, Verdict) {
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let stream = Stream(pieces.iter().map(|piece| piece.to_vec()).collect());
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut got = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => got.push(Incoming::Text(text.to_string())),
            Ok(Message::Ping(payload)) => got.push(Incoming::Ping(Control::new(&payload).unwrap())),
            Ok(Message::Pong(payload)) => got.push(Incoming::Pong(Control::new(&payload).unwrap())),
            Ok(Message::Binary(_)) => return (got, Verdict::Binary),
            Ok(Message::Close(Some(close))) if close.reason == "Protocol violation" => {
                return (got, Verdict::CloseCode);
            }
            Ok(Message::Close(close)) => {
                got.push(Incoming::Close(close.map(|close| close.code.into())));
                return (got, Verdict::Lawful);
            }
            Ok(Message::Frame(_)) => unreachable!("reading gives no raw frames"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return (got, Verdict::Lawful),
            Err(error) => return (got, Verdict::Failed(error)),
        }
    }
}

fn ours(pieces: &[&[u8]]) -> (Vec<Incoming>, Option<Violation>) {
    let mut decoder = Decoder::new(Limits { message_bytes_max: MESSAGE_BYTES_MAX, fragments_max: 0 });
    let mut got = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(close @ Incoming::Close(_))) => {
                    got.push(close);
                    return (got, None);
                }
                Ok(Some(incoming)) => got.push(incoming),
                Ok(None) => break,
                Err(violation) => return (got, Some(violation)),
            }
        }
    }
    (got, None)
}

/// What the walk over a stream, with no judgement, finds out about its frames.
#[derive(Default)]
struct Walk {
    /// Zeros to append so that the last frame is whole.
    missing: usize,
    /// A length stands in more bytes than it needs.
    has_long_form: bool,
}

fn walk(stream: &[u8]) -> Walk {
    let mut walk = Walk::default();
    // The zeros that may have to be appended are read too.
    let byte = |at: usize| u64::from(stream.get(at).copied().unwrap_or(0));
    let mut at = 0;
    while at < stream.len() {
        let (size, short) = match byte(at + 1) & 0x7f {
            126 => (4, false),
            127 => (10, false),
            _ => (2, true),
        };
        let number = |from: usize| (at + from..at + size).fold(0_u64, |sum, at| sum << 8 | byte(at));
        let length = if short { byte(at + 1) & 0x7f } else { number(2) };
        walk.has_long_form |= !short && length < if size == 4 { 126 } else { 65_536 };
        let masked = byte(at + 1) & 0x80 != 0;
        at += size + if masked { 4 } else { 0 };
        if length > MESSAGE_BYTES_MAX as u64 {
            break; // Both refuse it at the header.
        }
        at += usize::try_from(length).unwrap();
    }
    walk.missing = at.saturating_sub(stream.len());
    walk
}

/// What one comparison was about, so that a test can show that it compares something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreed {
    Lawful,
    Refused(&'static str),
    Differ(&'static str),
}

/// Compares the two and says how it went, or why it is wrong.
fn compare(stream: &[u8], sizes: &[usize]) -> Result<Agreed, String> {
    let Walk { missing, has_long_form } = walk(stream);
    let stream = [stream, &vec![0; missing]].concat();
    let pieces = pieces(&stream, sizes);
    let (our, violation) = ours(&pieces);
    let (their, verdict) = theirs(&pieces);
    let agreed = match (violation, &verdict) {
        (None, Verdict::Lawful) => Some(Agreed::Lawful),
        // tungstenite checks the reason before the code, and here it is the other way round.
        (Some(Violation::CloseCode), Verdict::CloseCode | Verdict::Failed(Error::Utf8(_))) => {
            Some(Agreed::Refused("close code"))
        }
        (Some(Violation::NotUtf8), Verdict::Failed(Error::Utf8(_))) => Some(Agreed::Refused("text")),
        (Some(Violation::TooBig), Verdict::Failed(Error::Capacity(_))) => Some(Agreed::Refused("size")),
        (Some(Violation::NotUtf8 | Violation::TooBig | Violation::CloseCode | Violation::Binary), _) => None,
        (Some(_), Verdict::Failed(_)) => Some(Agreed::Refused("framing")),
        _ => None,
    };
    if let Some(agreed) = agreed
        && our == their
    {
        return Ok(agreed);
    }
    let difference = match (violation, &verdict) {
        (Some(Violation::Binary), _) if their.starts_with(&our) => Some("binary"),
        (Some(Violation::LengthNotMinimal | Violation::ControlTooLong), _)
            if has_long_form && their.starts_with(&our) =>
        {
            Some("long form of a length")
        }
        (None, Verdict::CloseCode) if our.split_last() == Some((&Incoming::Close(Some(1014)), &their[..])) => {
            Some("code 1014")
        }
        _ => None,
    };
    difference.map(Agreed::Differ).ok_or_else(|| format!("ours {our:?} {violation:?}, theirs {their:?} {verdict:?}"))
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
            let mut frame = client_frames::frame_masked(first, &payload, mask);
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

/// In how many bytes a length is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Shortest,
    Two,
    Eight,
}

/// Lawful talk with a few bytes changed, inserted or removed.
fn mutated_talk() -> impl Strategy<Value = Vec<u8>> {
    let mutation = (any::<Index>(), any::<u8>(), 0..3_u8);
    (talk(60), proptest::option::of(1000..1016_u16), vec(mutation, 0..3)).prop_map(|(talk, code, mutations)| {
        let mut stream = Vec::new();
        talk.iter().for_each(|said| said.write(&mut stream, &mut Vec::new()));
        if let Some(code) = code {
            stream.extend(client_frames::frame(CLOSE, &code.to_be_bytes()));
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
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_frames_get_the_verdict_of_tungstenite(
        stream in vec(frames(), 1..8).prop_map(|frames| frames.concat()),
        sizes in piece_sizes(),
    ) {
        compare(&stream, &sizes).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn mutated_talk_gets_the_verdict_of_tungstenite(stream in mutated_talk(), sizes in piece_sizes()) {
        compare(&stream, &sizes).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn each_known_difference_is_one() {
    let frame = client_frames::frame;
    let close = |code: u16| frame(CLOSE, &code.to_be_bytes());
    let cases: [(Vec<u8>, Agreed); 11] = [
        (frame(0x81, b"hi"), Agreed::Lawful),
        (frame(0x82, b"hi"), Agreed::Differ("binary")),
        ([frame(0x02, b"hi"), frame(0x80, b"")].concat(), Agreed::Differ("binary")),
        (vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], Agreed::Differ("long form of a length")),
        (vec![0x89, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], Agreed::Differ("long form of a length")),
        (close(1014), Agreed::Differ("code 1014")),
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
