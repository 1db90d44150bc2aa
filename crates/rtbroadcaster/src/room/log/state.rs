//! The newest value of each key, in the order in which the keys last changed.
//! Must not know limits or history.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::id::Seq;
use crate::message::{Entry, Key};

/// The fold of all state messages so far.
#[derive(Debug, Default)]
pub(super) struct State {
    /// When each key last changed.
    changed: HashMap<Key, Seq>,
    /// The values by the number of their message, which is the order of last change.
    values: BTreeMap<Seq, Arc<Entry>>,
    /// The bytes of key and params in all values.
    bytes: usize,
    /// The values in order as joiners share them, until the next change.
    in_order: Option<Arc<[Arc<Entry>]>>,
}

impl State {
    /// How many keys and bytes there would be if `key` held `bytes` more than nothing.
    pub(super) fn size_with(&self, key: &Key, bytes: usize) -> (usize, usize) {
        match self.changed.get(key) {
            Some(seq) => (self.changed.len(), self.bytes - self.values[seq].bytes() + bytes),
            None => (self.changed.len() + 1, self.bytes + bytes),
        }
    }

    /// `entry.key` holds `entry` from now on.
    pub(super) fn set(&mut self, seq: Seq, entry: &Arc<Entry>) {
        self.clear(&entry.key);
        self.bytes += entry.bytes();
        self.changed.insert(entry.key.clone(), seq);
        self.values.insert(seq, Arc::clone(entry));
    }

    /// `key` holds nothing any more.
    pub(super) fn clear(&mut self, key: &Key) {
        self.in_order = None;
        if let Some(value) = self.changed.remove(key).and_then(|seq| self.values.remove(&seq)) {
            self.bytes -= value.bytes();
        }
    }

    /// The values in the order of last change. Made once per change, however many join.
    pub(super) fn in_order(&mut self) -> Arc<[Arc<Entry>]> {
        let values = &self.values;
        Arc::clone(self.in_order.get_or_insert_with(|| values.values().cloned().collect()))
    }
}
