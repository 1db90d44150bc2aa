//! Checkpoints as text.
//! Must not know when they are written.

use std::borrow::Cow;

use base64::Engine as _;
use bytes::Bytes;
use rtbroadcaster_core::chain::{Chain, Lease, Offset, Writer};
use rtbroadcaster_core::id::{Life, Seq, Term};
use rtbroadcaster_core::record::{Checkpoint, LifeIndex, Lives};
use serde::{Deserialize, Serialize};

use super::{BASE64, FORMAT, HeaderText, IdText, RecordText, Unreadable, check, milliseconds};

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

/// A checkpoint, and the reader's positions that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedCheckpoint {
    pub(crate) checkpoint: Checkpoint,
    /// Where the room stands.
    pub(crate) chain: Chain,
    /// Where to begin to read, for the whole history.
    pub(crate) history: Chain,
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
pub(crate) fn write_checkpoint(placed: &PlacedCheckpoint) -> Bytes {
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
pub(crate) fn read_checkpoint(text: &[u8]) -> Result<PlacedCheckpoint, Unreadable> {
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
