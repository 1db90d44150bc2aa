//! The same bytes through this decoder and through tungstenite, which must agree until the first error.
//!
//! They may differ in these points, each of which is checked to be the reason:
//! - a binary frame is a violation here, and a message there;
//! - a length that is not in its shortest form is a violation here (RFC 6455 section 5.2), and accepted there;
//! - a close code that must not be sent is a violation here, and reported there as a close by code 1002 of its own;
//! - 1014, registered after RFC 6455, is a close code here, and such a forbidden code there;
//! - a client's close whose code and reason are those by which tungstenite reports a forbidden code.
//!
//! The limit of fragments, which only this decoder has, is lifted. Verdicts are compared at the end of whole frames,
//! since tungstenite judges text when its frame is complete and this decoder earlier. Must not know who makes the
//! bytes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use rtbroadcaster_core::wire::{Control, Incoming, Violation};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::{LIMITS, decoded, pieces};

/// The most bytes in one message, small enough that a few frames are over it.
pub(super) const MESSAGE_BYTES_MAX: usize = 150;

/// tungstenite's verdict on a stream.
#[derive(Debug)]
enum OracleVerdict {
    /// It waits for more bytes, or the peer has closed.
    Lawful,
    Binary,
    CloseCode,
    Failed(Error),
}

/// Returns its pieces one after the other, then nothing; discards what is written.
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

fn control(payload: &[u8]) -> Control {
    Control::new(payload).expect("tungstenite keeps the limit too")
}

fn theirs(pieces: &[&[u8]]) -> (Vec<Incoming>, OracleVerdict) {
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
            Ok(Message::Ping(payload)) => got.push(Incoming::Ping(control(&payload))),
            Ok(Message::Pong(payload)) => got.push(Incoming::Pong(control(&payload))),
            Ok(Message::Binary(_)) => return (got, OracleVerdict::Binary),
            Ok(Message::Close(Some(close))) if close.reason == "Protocol violation" => {
                return (got, OracleVerdict::CloseCode);
            }
            Ok(Message::Close(close)) => {
                got.push(Incoming::Close(close.map(|close| close.code.into())));
                return (got, OracleVerdict::Lawful);
            }
            Ok(Message::Frame(_)) => unreachable!("reading gives no raw frames"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return (got, OracleVerdict::Lawful),
            Err(error) => return (got, OracleVerdict::Failed(error)),
        }
    }
}

/// The properties of a stream's frames, found without judging them.
#[derive(Default)]
struct FrameScan {
    /// Zeros to append so that the last frame is whole.
    missing: usize,
    /// A length stands in more bytes than it needs.
    has_long_form: bool,
}

fn walk(stream: &[u8]) -> FrameScan {
    let mut walk = FrameScan::default();
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
        at += usize::try_from(length).expect("at most the limit");
    }
    walk.missing = at.saturating_sub(stream.len());
    walk
}

/// The subject of one comparison, so that a test can show that it compares something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    Lawful,
    Refused(&'static str),
    Differ(&'static str),
}

/// Compares the two. Returns what they agreed on, or how they differ.
pub(super) fn compare(stream: &[u8], sizes: &[usize]) -> Result<Agreed, String> {
    let FrameScan { missing, has_long_form } = walk(stream);
    let stream = [stream, &vec![0; missing]].concat();
    let pieces = pieces(&stream, sizes);
    let (our, violation) = decoded(LIMITS[0], &pieces);
    let (their, verdict) = theirs(&pieces);
    let agreed = match (violation, &verdict) {
        (None, OracleVerdict::Lawful) => Some(Agreed::Lawful),
        // tungstenite checks the reason before the code; this decoder checks the code first.
        (Some(Violation::CloseCode), OracleVerdict::CloseCode | OracleVerdict::Failed(Error::Utf8(_))) => {
            Some(Agreed::Refused("close code"))
        }
        (Some(Violation::NotUtf8), OracleVerdict::Failed(Error::Utf8(_))) => Some(Agreed::Refused("text")),
        (Some(Violation::TooBig), OracleVerdict::Failed(Error::Capacity(_))) => Some(Agreed::Refused("size")),
        (Some(Violation::NotUtf8 | Violation::TooBig | Violation::CloseCode | Violation::Binary), _) => None,
        (Some(_), OracleVerdict::Failed(_)) => Some(Agreed::Refused("framing")),
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
        (None, OracleVerdict::CloseCode) if our.split_last() == Some((&Incoming::Close(Some(1014)), &their[..])) => {
            Some("code 1014")
        }
        (None, OracleVerdict::CloseCode) if our.split_last() == Some((&Incoming::Close(Some(1002)), &their[..])) => {
            Some("the same words")
        }
        _ => None,
    };
    difference.map(Agreed::Differ).ok_or_else(|| format!("ours {our:?} {violation:?}, theirs {their:?} {verdict:?}"))
}
