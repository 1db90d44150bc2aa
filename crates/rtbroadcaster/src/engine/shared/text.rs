//! Entries and checkpoints as text. Members that a later version adds are ignored; a later format is not read.
//! Must not know when they are written.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use bytes::Bytes;
use rtbroadcaster_core::chain::{Chain, Lease, Link, Offset, Writer};
use rtbroadcaster_core::id::{Life, Seq, Term};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::record::{Append, Checkpoint, Forgotten, LifeIndex, Lives, Record, Sum};
use rtbroadcaster_core::standing::RoomEnd;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::header_text::{ChangeText, HeaderText, milliseconds};

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

#[derive(Serialize, Deserialize)]
struct ChainText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<(u64, u64, u64)>,
    offset: u64,
}

#[derive(Serialize, Deserialize)]
struct CheckpointText<'a> {
    format: u32,
    /// Where its room stands.
    chain: ChainText,
    /// Where its history begins.
    history: ChainText,
    header: Box<HeaderText>,
    /// The index of the first life, and the lives.
    oldest: u64,
    lives: Vec<String>,
    seq: u64,
    #[serde(borrow)]
    records: Vec<RecordText<'a>>,
    #[serde(borrow)]
    ids: Vec<(u64, IdText<'a>)>,
}

/// An entry before it is stored.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) lease: Lease,
    pub(super) number: u64,
    pub(super) after: Offset,
    pub(super) appends: &'a [Append],
}

/// A checkpoint, and the reader's positions that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlacedCheckpoint {
    pub(super) checkpoint: Checkpoint,
    /// Where the room stands.
    pub(super) chain: Chain,
    /// Where to begin to read, for the whole history.
    pub(super) history: Chain,
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
    let Draft { lease: Lease { term, writer }, number, after, appends } = draft;
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
        appends: appends.collect(),
    };
    serde_json::to_vec(&text).expect("plain data has a text").into()
}

/// Reads the part of an entry by which a reader judges it.
pub(crate) fn read_link(offset: Offset, text: &[u8]) -> Result<Link, Unreadable> {
    #[derive(Deserialize)]
    struct LinkText {
        format: u32,
        term: u64,
        writer: u64,
        number: u64,
        after: u64,
    }
    let LinkText { format, term, writer, number, after } =
        serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
    if format > FORMAT {
        return Err(Unreadable::Newer);
    }
    let term = Term::new(term).ok_or(Unreadable::Damaged)?;
    Ok(Link { offset, after: Offset(after), lease: Lease { term, writer: Writer(writer) }, number })
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

impl From<Chain> for ChainText {
    fn from(chain: Chain) -> Self {
        let newest = chain.newest.map(|(Lease { term, writer }, number)| (term.get(), writer.0, number));
        Self { newest, offset: chain.offset.0 }
    }
}

impl ChainText {
    fn read(self) -> Option<Chain> {
        let newest = match self.newest {
            Some((term, writer, number)) => Some((Lease { term: Term::new(term)?, writer: Writer(writer) }, number)),
            None => None,
        };
        Some(Chain { newest, offset: Offset(self.offset) })
    }
}

/// Writes a checkpoint.
pub(super) fn write_checkpoint(placed: &PlacedCheckpoint) -> Bytes {
    let PlacedCheckpoint { checkpoint, chain, history } = placed;
    let Checkpoint { header, lives, seq, history: _, records, ids } = checkpoint;
    let records = records.iter().filter_map(|record| {
        let said = Some(milliseconds(record.said)).filter(|said| *said > 0);
        Some(RecordText { term: Some(record.term.get()), said, ..RecordText::of(record)? })
    });
    let text = CheckpointText {
        format: FORMAT,
        chain: (*chain).into(),
        history: (*history).into(),
        header: Box::new(HeaderText::of(header)),
        oldest: lives.oldest().0,
        lives: lives.order().iter().map(Life::to_string).collect(),
        seq: seq.get(),
        records: records.collect(),
        ids: ids.iter().map(|(seq, id, print)| (seq.get(), IdText(Cow::from(&**id), BASE64.encode(print)))).collect(),
    };
    serde_json::to_vec(&text).expect("plain data has a text").into()
}

/// Reads a checkpoint.
pub(super) fn read_checkpoint(text: &[u8]) -> Result<PlacedCheckpoint, Unreadable> {
    check(text)?;
    let text: CheckpointText<'_> = serde_json::from_slice(text).map_err(|_| Unreadable::Damaged)?;
    text.read().ok_or(Unreadable::Damaged)
}

impl CheckpointText<'_> {
    fn read(self) -> Option<PlacedCheckpoint> {
        let Self { chain, history, header, oldest, lives, seq, records, ids, .. } = self;
        let header = header.read()?;
        let lives: Option<Vec<Life>> = lives.iter().map(|digits| Life::from_digits(digits)).collect();
        let lives = Lives::from_order(LifeIndex(oldest), lives.filter(|lives| !lives.is_empty())?);
        let records: Option<_> = records.into_iter().map(|record| record.read(header.term)).collect();
        let ids = ids.into_iter().map(|(seq, id)| {
            let (id, fingerprint) = id.read()?;
            Some((Seq::new(seq)?, id, fingerprint))
        });
        let seq = Seq::new(seq)?;
        let checkpoint =
            Checkpoint { header, lives, seq, history: seq.next(), records: records?, ids: ids.collect::<Option<_>>()? };
        Some(PlacedCheckpoint { checkpoint, chain: chain.read()?, history: history.read()? })
    }
}

/// What one node tells the replicas of a room on others, besides its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whisper {
    /// Where the room's last entry is.
    Head(Offset),
    /// An ephemeral message of the owner under this lease.
    Ephemeral { lease: Lease, key: Key, params: Params },
}

#[derive(Serialize, Deserialize)]
struct WhisperText<'a> {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    ephemeral: Option<EphemeralText<'a>>,
}

#[derive(Serialize, Deserialize)]
struct EphemeralText<'a> {
    term: u64,
    writer: u64,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
}

impl Whisper {
    /// Writes it.
    pub(super) fn write(&self) -> Bytes {
        let mut text = WhisperText { format: FORMAT, head: None, ephemeral: None };
        match self {
            Self::Head(Offset(offset)) => text.head = Some(*offset),
            Self::Ephemeral { lease: Lease { term, writer }, key, params } => {
                let params = serde_json::from_str(params.as_str()).expect("parameters are JSON");
                let (term, writer) = (term.get(), writer.0);
                text.ephemeral = Some(EphemeralText { term, writer, key: key.as_str().into(), params });
            }
        }
        serde_json::to_vec(&text).expect("plain data has a text").into()
    }

    /// Reads it; `None` for one of a later version, and for what is none.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let WhisperText { format, head, ephemeral } = serde_json::from_slice(text).ok()?;
        if format > FORMAT {
            return None;
        }
        match (head, ephemeral) {
            (Some(offset), _) => Some(Self::Head(Offset(offset))),
            (None, Some(EphemeralText { term, writer, key, params })) => Some(Self::Ephemeral {
                lease: Lease { term: Term::new(term)?, writer: Writer(writer) },
                key: Key::new(&key)?,
                params: Params::from_json(params.get())?,
            }),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests;
