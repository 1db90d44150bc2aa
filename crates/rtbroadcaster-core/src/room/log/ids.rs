//! The publishers' own ids of the last messages, so that a repetition is stored once.
//! Must not know state and history.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::Proposal;
use crate::id::Seq;
use crate::message::Change;

/// How many ids a room remembers.
pub const IDS_MAX: usize = 4_096;

/// The fingerprint of a message that has an id: the first 128 bits of the SHA-256 of its content, the same on every
/// node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Returns the bytes to store.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Returns the fingerprint of stored bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the fingerprint of key, params and kind.
    pub fn of(proposal: &Proposal) -> Self {
        let kind = match proposal.change {
            Change::Event => 0,
            Change::State => 1,
            Change::Cleared => 2,
            Change::Ephemeral => 3,
        };
        let key = proposal.key.as_str().as_bytes();
        let mut hash = Sha256::new();
        hash.update([kind]);
        // The length first, so that no byte of the key can pass for one of the params.
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(key);
        hash.update(proposal.params.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(first)
    }
}

/// The last [`IDS_MAX`] ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    known: HashMap<Box<str>, (Fingerprint, Seq)>,
    /// In the order of publication, the oldest first.
    order: VecDeque<Box<str>>,
}

impl Ids {
    /// Returns the fingerprint and the number of the message `id`, if it is known.
    pub(super) fn get(&self, id: &str) -> Option<(Fingerprint, Seq)> {
        self.known.get(id).copied()
    }

    /// Returns the ids in the order of publication, each with the fingerprint and the number of its message.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&str, (Fingerprint, Seq))> {
        self.order.iter().filter_map(|id| Some((&**id, self.get(id)?)))
    }

    /// Remembers a new `id`. Returns the oldest one if it is over the limit and therefore forgotten, with the
    /// fingerprint and the number of its message.
    pub(super) fn insert(
        &mut self,
        id: Box<str>,
        fingerprint: Fingerprint,
        seq: Seq,
    ) -> Option<(Box<str>, Fingerprint, Seq)> {
        let oldest = if self.order.len() == IDS_MAX { self.order.pop_front() } else { None };
        let forgotten = oldest.and_then(|oldest| self.known.remove_entry(&oldest));
        self.order.push_back(id.clone());
        self.known.insert(id, (fingerprint, seq));
        forgotten.map(|(id, (fingerprint, seq))| (id, fingerprint, seq))
    }
}
