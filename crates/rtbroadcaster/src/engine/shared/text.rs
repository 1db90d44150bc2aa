//! Entries, checkpoints and whispers as text. Members that a later version adds are ignored; a later format is not read.
//! Must not know when they are written.

mod checkpoint;
mod question;
mod whisper;

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use bytes::Bytes;
use rtbroadcaster_core::chain::{Lease, Link, Offset, Writer};
use rtbroadcaster_core::id::{Seq, Term};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::record::{Append, Forgotten, Record, Sum};
use rtbroadcaster_core::standing::RoomEnd;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::header_text::{ChangeText, HeaderText, milliseconds};
use super::CopyId;
pub(crate) use checkpoint::read_checkpoint;
pub(super) use checkpoint::{PlacedCheckpoint, write_checkpoint};
pub(super) use question::{read_question, read_reply, write_question, write_reply};
pub(super) use whisper::Whisper;

/// The format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// Why a text is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A later version has written it.
    #[error("a later version has written it")]
    Newer,
    /// It is no entry.
    #[error("it is no entry of this program")]
    Damaged,
}

/// The format of a text, whatever else is in it.
#[derive(Deserialize)]
struct FormatText {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct EntryText<'a> {
    format: u32,
    term: u64,
    writer: u64,
    number: u64,
    after: u64,
    /// The copy of the room that it continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy: Option<u64>,
    #[serde(borrow)]
    appends: Vec<AppendText<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AppendText<'a> {
    Header(Box<HeaderText>),
    #[serde(borrow)]
    Message(RecordText<'a>),
    End(Cow<'a, str>),
}

/// A message. Its lease is that of its entry, unless it has its own.
#[derive(Serialize, Deserialize)]
struct RecordText<'a> {
    seq: u64,
    change: ChangeText,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<IdText<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<u64>,
}

/// An id, and the fingerprint of its message.
#[derive(Serialize, Deserialize)]
struct IdText<'a>(#[serde(borrow)] Cow<'a, str>, String);

/// An entry before it is stored.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) lease: Lease,
    pub(super) number: u64,
    pub(super) after: Offset,
    /// The copy of the room that it continues, if the log had lost entries.
    pub(super) copy: Option<CopyId>,
    pub(super) appends: &'a [Append],
}

/// Checks the format of a text.
fn check(text: &[u8]) -> Result<(), Unreadable> {
    match serde_json::from_slice::<FormatText>(text) {
        Ok(FormatText { format }) if format <= FORMAT => Ok(()),
        Ok(_) => Err(Unreadable::Newer),
        Err(_) => Err(Unreadable::Damaged),
    }
}

/// Writes an entry.
pub(super) fn write_entry(draft: &Draft<'_>) -> Bytes {
    let Draft { lease: Lease { term, writer }, number, after, copy, appends } = draft;
    let appends = appends.iter().filter_map(|append| {
        Some(match append {
            Append::Header(header) => AppendText::Header(Box::new(HeaderText::of(header))),
            Append::Message(record, ..) => AppendText::Message(RecordText::of(record)?),
            Append::Turn => return None,
            Append::End(end) => AppendText::End(end.word().into()),
        })
    });
    let text = EntryText {
        format: FORMAT,
        term: term.get(),
        writer: writer.0,
        number: *number,
        after: after.0,
        copy: copy.map(|CopyId(copy)| copy),
        appends: appends.collect(),
    };
    serde_json::to_vec(&text).expect("plain data has a text").into()
}

/// The part of an entry by which a reader judges it.
#[derive(Deserialize)]
struct LinkText {
    format: u32,
    term: u64,
    writer: u64,
    number: u64,
    after: u64,
    #[serde(default)]
    copy: Option<u64>,
}

impl LinkText {
    fn of(text: &[u8]) -> Result<Self, Unreadable> {
        let link: Self = serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
        if link.format > FORMAT { Err(Unreadable::Newer) } else { Ok(link) }
    }
}

/// Reads the part of an entry by which a reader judges it.
pub(crate) fn read_link(offset: Offset, text: &[u8]) -> Result<Link, Unreadable> {
    let LinkText { format: _, term, writer, number, after, copy } = LinkText::of(text)?;
    let term = Term::new(term).ok_or(Unreadable::Damaged)?;
    let lease = Lease { term, writer: Writer(writer) };
    Ok(Link { offset, after: Offset(after), lease, number, continues_copy: copy.is_some() })
}

/// Reads which copy of its room an entry continues, if it does.
pub(crate) fn read_copy_id(text: &[u8]) -> Option<CopyId> {
    LinkText::of(text).ok()?.copy.map(CopyId)
}

/// Reads what an entry changes.
pub(crate) fn read_appends(text: &[u8]) -> Result<Vec<Append>, Unreadable> {
    check(text)?;
    let EntryText { term, appends, .. } = serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
    let term = Term::new(term).ok_or(Unreadable::Damaged)?;
    let appends = appends.into_iter().map(|append| {
        Some(match append {
            AppendText::Header(header) => Append::Header(header.read()?),
            AppendText::Message(record) => Append::Message(record.read(term)?, Forgotten::default(), None),
            AppendText::End(word) => Append::End(RoomEnd::ALL.into_iter().find(|end| end.word() == word)?),
        })
    });
    appends.collect::<Option<_>>().ok_or(Unreadable::Damaged)
}

impl<'a> RecordText<'a> {
    fn of(record: &'a Record) -> Option<Self> {
        let id = record.id.as_ref().map(|(id, fingerprint)| IdText(Cow::from(&**id), BASE64.encode(fingerprint)));
        Some(Self {
            seq: record.seq.get(),
            change: ChangeText::of(record.change),
            key: record.key.as_str().into(),
            params: serde_json::from_str(record.params.as_str()).ok()?,
            id,
            term: None,
            said: None,
        })
    }

    fn read(self, term: Term) -> Option<Record> {
        let Self { seq, change, key, params, id, term: own, said } = self;
        let id = match id {
            Some(id) => Some(id.read()?),
            None => None,
        };
        Some(Record {
            seq: Seq::new(seq)?,
            said: Duration::from_millis(said.unwrap_or_default()),
            term: own.map_or(Some(term), Term::new)?,
            change: Change::from(change),
            key: Key::new(&key)?,
            params: Params::from_json(params.get())?,
            id,
            sum: Sum::default(),
        })
    }
}

impl IdText<'_> {
    fn read(self) -> Option<(Box<str>, [u8; 16])> {
        let Self(id, fingerprint) = self;
        Some((id.into(), BASE64.decode(fingerprint).ok()?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests;
