//! The newest value of each key, in the order in which the keys last changed.
//! Must not know limits or history.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::id::Seq;
use crate::message::{Entry, Key};

/// The size of a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateSize {
    /// The number of keys.
    pub keys: usize,
    /// The bytes of key and params of all values.
    pub bytes: usize,
}

impl StateSize {
    /// Returns the size if a key held `bytes` instead of what it `held`.
    pub fn with(self, held: Option<usize>, bytes: usize) -> Self {
        Self { keys: self.keys + usize::from(held.is_none()), bytes: self.bytes - held.unwrap_or(0) + bytes }
    }

    /// Returns the size without a key that `held` so many bytes.
    pub fn without(self, held: Option<usize>) -> Self {
        Self { keys: self.keys - usize::from(held.is_some()), bytes: self.bytes - held.unwrap_or(0) }
    }
}

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
    /// Returns its size.
    pub(super) fn size(&self) -> StateSize {
        StateSize { keys: self.changed.len(), bytes: self.bytes }
    }

    /// Returns how many bytes it holds under `key`, if any.
    pub(super) fn bytes_of(&self, key: &Key) -> Option<usize> {
        self.changed.get(key).map(|seq| self.values[seq].bytes())
    }

    /// Returns whether it holds the message `seq` under `key`.
    pub(super) fn holds(&self, key: &Key, seq: Seq) -> bool {
        self.changed.get(key) == Some(&seq)
    }

    /// Sets `entry.key` to `entry`. Returns the message that it held.
    pub(super) fn set(&mut self, seq: Seq, entry: &Arc<Entry>) -> Option<Arc<Entry>> {
        let replaced = self.clear(&entry.key);
        self.bytes += entry.bytes();
        self.changed.insert(entry.key.clone(), seq);
        self.values.insert(seq, Arc::clone(entry));
        replaced
    }

    /// Clears `key`. Returns the message that it held.
    pub(super) fn clear(&mut self, key: &Key) -> Option<Arc<Entry>> {
        self.in_order = None;
        let seq = self.changed.remove(key)?;
        let value = self.values.remove(&seq)?;
        self.bytes -= value.bytes();
        Some(value)
    }

    /// Returns the values in the order of last change. Made once per change, however many join.
    pub(super) fn in_order(&mut self) -> Arc<[Arc<Entry>]> {
        let values = &self.values;
        Arc::clone(self.in_order.get_or_insert_with(|| values.values().cloned().collect()))
    }
}
