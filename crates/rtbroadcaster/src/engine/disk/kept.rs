//! The format of the store: keys, and values as text.
//! Must not know when anything is written, nor what is missing.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use fjall::Slice;
use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::id::{Life, Numbering, RoomId, Seq, Term};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::options::{Counting, RoomOptions};
use rtbroadcaster_core::record::{Header, LifeIndex, Lives, Record, Sum};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tally::Tally;
use super::text::{self, Text, Unreadable, halves};
use crate::os_random::OsRandom;

/// The header of a room. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct HeaderText {
    /// 16 hexadecimal digits. Not in format 1.
    #[serde(default)]
    numbering: String,
    /// The index of each life in which the room was created or got a message, and its first number there.
    #[serde(default)]
    starts: Vec<(u64, u64)>,
    term: u64,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    away: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moment: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    audience: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counted: Vec<CountedText>,
}

/// A key whose signals are counted.
#[derive(Serialize, Deserialize)]
struct CountedText {
    key: String,
    every: u64,
    once: bool,
}

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

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChangeText {
    Event,
    State,
    Cleared,
}

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

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Writes the header of a room.
pub(super) fn header(header: &Header) -> Vec<u8> {
    let Header { numbering, life: _, starts, term, key, away, moment, place, options, unknown } = header;
    let counted = options.counted().map(|(key, Counting { every, once_per_viewer })| CountedText {
        key: key.to_owned(),
        every: milliseconds(every),
        once: once_per_viewer,
    });
    let known = HeaderText {
        numbering: numbering.to_string(),
        starts: starts.iter().map(|(LifeIndex(life), seq)| (*life, seq.get())).collect(),
        term: term.get(),
        key: BASE64.encode(key),
        away: away.map(milliseconds),
        moment: moment.map(milliseconds),
        place: place.map(AddressBlock::address),
        grace: options.grace().map(milliseconds),
        audience: options.has_audience(),
        counted: counted.collect(),
    };
    let unknown = unknown.as_ref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Text { known, unknown }.write()
}

/// Reads the header of a room. One of format 1 has no numbering, and gets a new one.
pub(super) fn read_header(text: &[u8]) -> Result<Header, Unreadable> {
    let Text { known, unknown } = Text::<HeaderText>::read(text)?;
    known.read(&unknown).ok_or(Unreadable::Damaged)
}

impl HeaderText {
    fn read(self, unknown: &Map<String, Value>) -> Option<Header> {
        let Self { numbering, starts, term, key, away, moment, place, grace, audience, counted } = self;
        let key = BASE64.decode(key).ok()?.try_into().ok()?;
        let options = RoomOptions::new();
        let options = if audience { options.with_audience() } else { options };
        let options = match grace {
            Some(grace) => options.with_grace(Duration::from_millis(grace)),
            None => options,
        };
        let options = counted.into_iter().try_fold(options, |options, CountedText { key, every, once }| {
            let counting = Counting { every: Duration::from_millis(every), once_per_viewer: once };
            options.with_counting(&key, counting).ok()
        })?;
        let numbering =
            if numbering.is_empty() { Numbering::random(&OsRandom) } else { Numbering::from_digits(&numbering)? };
        let starts = starts.into_iter().map(|(life, seq)| Some((LifeIndex(life), Seq::new(seq)?)));
        Some(Header {
            numbering,
            life: None,
            starts: starts.collect::<Option<_>>()?,
            term: Term::new(term)?,
            key,
            away: away.map(Duration::from_millis),
            moment: moment.map(Duration::from_millis),
            place: place.map(AddressBlock::from),
            options,
            unknown: (!unknown.is_empty()).then(|| Value::Object(unknown.clone()).to_string().into()),
        })
    }
}

/// Writes a message, and the tally of all rooms if it is the last one of its batch. The parameters follow on a line of
/// their own, as they were sent.
pub(super) fn record(record: &Record, tally: Option<Tally>) -> Vec<u8> {
    let change = match record.change {
        Change::State => ChangeText::State,
        Change::Cleared => ChangeText::Cleared,
        Change::Event | Change::Ephemeral => ChangeText::Event,
    };
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
        let change = match change {
            ChangeText::Event => Change::Event,
            ChangeText::State => Change::State,
            ChangeText::Cleared => Change::Cleared,
        };
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
