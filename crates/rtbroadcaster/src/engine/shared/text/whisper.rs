//! What nodes tell each other besides entries, as text.
//! Must not know when it is sent.

use std::borrow::Cow;

use bytes::Bytes;
use rtbroadcaster_core::chain::{Lease, Offset, Writer};
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::message::{Key, Params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::FORMAT;

/// What one node tells the replicas of a room on others, besides its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::shared) enum Whisper {
    /// Where the room's last entry is.
    Head(Offset),
    /// Up to which lease and entry a node has read that is about to write the room again, since the log has lost entries.
    Read(Term, Offset),
    /// An ephemeral message of the owner under this lease.
    Ephemeral { lease: Lease, key: Key, params: Params },
}

#[derive(Serialize, Deserialize)]
struct WhisperText<'a> {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<(u64, u64)>,
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
    pub(in crate::engine::shared) fn write(&self) -> Bytes {
        let mut text = WhisperText { format: FORMAT, head: None, read: None, ephemeral: None };
        match self {
            Self::Head(Offset(offset)) => text.head = Some(*offset),
            Self::Read(term, Offset(offset)) => text.read = Some((term.get(), *offset)),
            Self::Ephemeral { lease: Lease { term, writer }, key, params } => {
                let params = serde_json::from_str(params.as_str()).expect("parameters are JSON");
                let (term, writer) = (term.get(), writer.0);
                text.ephemeral = Some(EphemeralText { term, writer, key: key.as_str().into(), params });
            }
        }
        serde_json::to_vec(&text).expect("plain data has a text").into()
    }

    /// Reads it; `None` for one of a later version, and for what is none.
    pub(in crate::engine::shared) fn read(text: &[u8]) -> Option<Self> {
        let WhisperText { format, head, read, ephemeral } = serde_json::from_slice(text).ok()?;
        if format > FORMAT {
            return None;
        }
        match (head, read, ephemeral) {
            (Some(offset), ..) => Some(Self::Head(Offset(offset))),
            (None, Some((term, offset)), _) => Some(Self::Read(Term::new(term)?, Offset(offset))),
            (None, None, Some(EphemeralText { term, writer, key, params })) => Some(Self::Ephemeral {
                lease: Lease { term: Term::new(term)?, writer: Writer(writer) },
                key: Key::new(&key)?,
                params: Params::from_json(params.get())?,
            }),
            (None, None, None) => None,
        }
    }
}
