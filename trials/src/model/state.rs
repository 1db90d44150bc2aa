//! A viewer's state: the newest value of each key. Pure.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

/// The fold of the messages so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The number of each key's value.
    keys: HashMap<String, u64>,
    /// The text of each value, in the order of last change.
    frames: BTreeMap<u64, String>,
}

impl State {
    /// Sets a new value of `key`.
    pub(crate) fn insert(&mut self, key: &str, seq: u64, frame: &str) {
        self.remove(key);
        self.keys.insert(key.into(), seq);
        self.frames.insert(seq, frame.into());
    }

    /// Removes the value of `key`.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(old) = self.keys.remove(key) {
            self.frames.remove(&old);
        }
    }

    /// Returns the numbers of the values.
    pub(crate) fn seqs(&self) -> impl Iterator<Item = u64> {
        self.frames.keys().copied()
    }

    /// Returns the texts of the values.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &str> {
        self.frames.values().map(String::as_str)
    }

    /// Returns a hash of the texts in their order.
    pub(crate) fn hash(&self) -> Hash {
        hash(self.frames())
    }
}

/// A hash of many texts.
pub(crate) type Hash = [u8; 32];

/// Returns the hash of texts, each terminated so that no two series have the same bytes.
pub(crate) fn hash<'a>(texts: impl Iterator<Item = &'a str>) -> Hash {
    let mut digest = Sha256::new();
    texts.for_each(|text| enter(&mut digest, text));
    digest.finalize().into()
}

/// Adds one text to a hash of many.
pub(crate) fn enter(digest: &mut Sha256, text: &str) {
    digest.update(text);
    digest.update(b"\n");
}

/// Returns the beginning of a hash, for people.
pub(crate) fn short(hash: &Hash) -> String {
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_last_change() {
        let mut state = State::default();
        state.insert("a", 1, "A1");
        state.insert("b", 2, "B2");
        state.insert("a", 3, "A3");
        state.insert("c", 4, "C4");
        state.remove("c");
        state.remove("d");
        assert_eq!(state.frames().collect::<Vec<_>>(), ["B2", "A3"]);
        assert_eq!(state.seqs().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(state.hash(), hash(["B2", "A3"].into_iter()));
        assert_ne!(state.hash(), hash(["B2A3"].into_iter()));
        assert_eq!(short(&[0xab; 32]), "abababababababab");
    }
}
