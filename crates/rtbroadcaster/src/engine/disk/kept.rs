//! The format of the store: keys, and values as text.
//! Must not know when anything is written, nor what is missing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use fjall::Slice;
use rtbroadcaster_core::id::{Life, RoomId, Seq, Term};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::record::{Header, LifeIndex, Lives, Record, Sum};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::header_text::{ChangeText, HeaderText, milliseconds};
use super::tally::Tally;
use super::text::{self, Text, Unreadable, halves};

/// The line before a message's parameters.
#[derive(Serialize, Deserialize)]
struct RecordText {
    said: u64,
    term: u64,
    change: ChangeText,
    key: String,
    /// The sum of what must exist of the room. Not in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<SumText>,
    /// The tally of what must exist of all rooms, where this was the last message of its batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tally: Option<Tally>,
}

/// A message that was read.
pub(super) struct ReadRecord {
    pub(super) record: Record,
    /// The sum of what must exist of its room, as the message says; none in format 1.
    pub(super) sum: Option<Sum>,
    /// The tally of what must exist of all rooms, as the message says.
    pub(super) tally: Option<Tally>,
}

/// A sum: the number of messages and ids, the bytes that they take, and the sum of their hashes.
#[derive(Serialize, Deserialize)]
struct SumText(u64, u64, #[serde(with = "halves")] u128);

/// The name of a message.
#[derive(Serialize, Deserialize)]
struct IdText {
    id: String,
    fingerprint: String,
}

/// The lives of the log.
#[derive(Serialize, Deserialize)]
struct LivesText {
    /// The index of the first life.
    oldest: u64,
    /// Each life as 16 hexadecimal digits.
    order: Vec<String>,
}

/// About how many bytes stand before the parameters besides the key.
const HEAD_BYTES: usize = 320;

/// Returns the key of message, or name, `seq` of one room.
pub(super) fn place(room: &RoomId, seq: Seq) -> Slice {
    Slice::from([room.encode().as_ref(), &seq.get().to_be_bytes()].concat())
}

/// Returns the number of a message, or of a name, by its key, which begins with that of its room.
pub(super) fn seq(place: &[u8], room: &[u8]) -> Option<Seq> {
    Seq::new(u64::from_be_bytes(place.strip_prefix(room)?.try_into().ok()?))
}

/// Writes the header of a room.
pub(super) fn header(header: &Header) -> Vec<u8> {
    let unknown = header.unknown.as_ref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Text { known: HeaderText::of(header), unknown }.write()
}

/// Reads the header of a room. One of format 1 has no numbering, and gets a new one.
pub(super) fn read_header(text: &[u8]) -> Result<Header, Unreadable> {
    let Text { known, unknown } = Text::<HeaderText>::read(text)?;
    let header = known.read().ok_or(Unreadable::Damaged)?;
    let unknown = (!unknown.is_empty()).then(|| Value::Object(unknown).to_string().into());
    Ok(Header { unknown, ..header })
}

/// Writes a message, and the tally of all rooms if it is the last one of its batch. The parameters follow on a line of
/// their own, as they were sent.
pub(super) fn record(record: &Record, tally: Option<Tally>) -> Vec<u8> {
    let change = ChangeText::of(record.change);
    let (said, term, key) = (milliseconds(record.said), record.term.get(), record.key.as_str().to_owned());
    let Sum { count, bytes, digest } = record.sum;
    let head = RecordText { said, term, change, key, sum: Some(SumText(count, bytes, digest)), tally };
    let mut text = Vec::with_capacity(HEAD_BYTES + record.key.as_str().len() + record.params.as_bytes().len());
    serde_json::to_writer(&mut text, &head).expect("plain data has a text");
    text.push(b'\n');
    text.extend_from_slice(record.params.as_bytes());
    text
}

/// Reads message `seq`.
pub(super) fn read_record(seq: Seq, text: &[u8]) -> Result<ReadRecord, Unreadable> {
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(Unreadable::Damaged)?;
    let (head, params) = (&text[..end], &text[end + 1..]);
    text::check(head)?;
    let head: RecordText = serde_json::from_slice(head).map_err(|_| Unreadable::Damaged)?;
    head.read(seq, params).ok_or(Unreadable::Damaged)
}

impl RecordText {
    fn read(self, seq: Seq, params: &[u8]) -> Option<ReadRecord> {
        let Self { said, term, change, key, sum, tally } = self;
        let change = Change::from(change);
        let (key, params) = (Key::new(&key)?, Params::from_json(std::str::from_utf8(params).ok()?)?);
        let sum = sum.map(|SumText(count, bytes, digest)| Sum { count, bytes, digest });
        let (said, term) = (Duration::from_millis(said), Term::new(term)?);
        let record = Record { seq, said, term, change, key, params, id: None, sum: sum.unwrap_or_default() };
        Some(ReadRecord { record, sum, tally })
    }
}

/// Writes the name of a message.
pub(super) fn id(id: &str, fingerprint: [u8; 16]) -> Vec<u8> {
    let text = IdText { id: id.to_owned(), fingerprint: BASE64.encode(fingerprint) };
    serde_json::to_vec(&text).expect("plain data has a text")
}

/// Reads the name of a message.
pub(super) fn read_id(text: &[u8]) -> Result<(Box<str>, [u8; 16]), Unreadable> {
    text::check(text)?;
    let IdText { id, fingerprint } = serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
    let fingerprint = BASE64.decode(fingerprint).ok().and_then(|bytes| bytes.try_into().ok());
    Ok((id.into(), fingerprint.ok_or(Unreadable::Damaged)?))
}

/// Writes the lives, with the fields of a later version.
pub(super) fn lives(lives: &Lives, unknown: Map<String, Value>) -> Vec<u8> {
    let order = lives.order().iter().map(Life::to_string).collect();
    Text { known: LivesText { oldest: lives.oldest().0, order }, unknown }.write()
}

/// Reads the lives, and the fields that only a later version knows.
pub(super) fn read_lives(text: &[u8]) -> Result<(Lives, Map<String, Value>), Unreadable> {
    let Text { known: LivesText { oldest, order }, unknown } = Text::read(text)?;
    let order: Option<Vec<Life>> = order.iter().map(|digits| Life::from_digits(digits)).collect();
    let order = order.filter(|order| !order.is_empty()).ok_or(Unreadable::Damaged)?;
    Ok((Lives::from_order(LifeIndex(oldest), order), unknown))
}
