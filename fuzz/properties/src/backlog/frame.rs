//! Frames with a tag and a number, and the two kinds of dialect that write them. Must not know who reads.

use bytes::Bytes;
use rtbroadcaster_core::message::{Change, Entry, Params, Written};
use rtbroadcaster_core::protocol::{Dialect, Notice, OnOverflow, classic};

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// A numbered message.
    Message,
    /// An ephemeral message, by its number among all of them.
    Passing,
    Answer,
    Control,
    /// A hole, up to and including a number.
    Hole,
    /// The announcement of a replay of the state at a number.
    State,
    /// The announcement of a replay of every message up to a number.
    Missed,
    Close,
}

const TAGS: [Tag; 8] =
    [Tag::Message, Tag::Passing, Tag::Answer, Tag::Control, Tag::Hole, Tag::State, Tag::Missed, Tag::Close];

/// The length of a header: the tag, the number and the length of the rest.
pub(super) const HEADER_BYTES: usize = 7;

/// Returns a frame with `rest` behind its header.
pub(super) fn frame(tag: Tag, number: u64, rest: &[u8]) -> Bytes {
    let tag = TAGS.iter().position(|known| *known == tag).and_then(|place| u8::try_from(place).ok());
    let number = u32::try_from(number).expect("a course is short");
    let length = u16::try_from(rest.len()).expect("a frame is short");
    let header = [&[tag.expect("eight tags")], &number.to_be_bytes()[..], &length.to_be_bytes()].concat();
    [&header, rest].concat().into()
}

/// Takes the next whole frame from the front of `stream`.
pub(super) fn next(stream: &mut Vec<u8>) -> Option<(Tag, u64)> {
    let &[tag, a, b, c, d, high, low] = stream.first_chunk::<HEADER_BYTES>()?;
    let length = HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if stream.len() < length {
        return None;
    }
    stream.drain(..length);
    let tag = TAGS.get(usize::from(tag)).copied();
    Some((tag.expect("the stream is cut at frames only"), u32::from_be_bytes([a, b, c, d]).into()))
}

/// Returns parameters that carry a number and are `size` bytes longer than necessary.
pub(super) fn params(number: u64, size: usize) -> Params {
    Params::from_json(&format!("[{number},\"{}\"]", "x".repeat(size))).expect("an array")
}

fn encode(entry: &Entry, params: &Params) -> Option<Written> {
    let text = std::str::from_utf8(params.as_bytes()).ok()?;
    let number = text.strip_prefix('[')?.split_once(',')?.0.parse().ok()?;
    let tag = if entry.change == Change::Ephemeral { Tag::Passing } else { Tag::Message };
    Some(Written { frame: frame(tag, number, params.as_bytes()), tail: 0 })
}

/// A dialect with words for everything.
pub(super) static TELLING: Dialect = Dialect {
    slot: 1,
    encode,
    write: |notice| match notice {
        Notice::Skipped { through, .. } => Some(frame(Tag::Hole, through.get(), &[])),
        Notice::Reset { standing, .. } => Some(frame(Tag::State, standing.seq.get(), &[])),
        _ => None,
    },
    on_overflow: OnOverflow::Reset,
    ..classic::DIALECT
};

/// A dialect without words for holes and cleared keys.
pub(super) static TERSE: Dialect = Dialect {
    slot: 0,
    encode: |entry, params| if entry.change == Change::Cleared { None } else { encode(entry, params) },
    write: |_| None,
    on_overflow: OnOverflow::Close,
    ..TELLING
};
