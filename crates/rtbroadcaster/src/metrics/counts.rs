//! Counters: a number that all threads add to, and one for each of some words.
//! Must not know what is counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number. Relaxed: no part concludes anything from the order in which two of them change.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds `more`.
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Subtracts from a number of what is there now. It was added before.
    pub(super) fn subtract(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    /// Returns the number.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of some words. Looked up one by one: refusals are few, and so are words.
#[derive(Debug)]
pub(super) struct WordCounts(Box<[(&'static str, Count)]>);

impl WordCounts {
    /// Makes counts at zero for `words`; other words are never counted.
    pub(super) fn new(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self(words.into_iter().map(|word| (word, Count::default())).collect())
    }

    /// Counts one more of `word`.
    pub(super) fn count(&self, word: &str) {
        let found = self.0.iter().find(|(known, _)| *known == word);
        debug_assert!(found.is_some(), "`{word}` is not among the words that are counted");
        if let Some((_, count)) = found {
            count.add(1);
        }
    }

    /// Returns the counts of all words, also of those that were never counted, in their order.
    pub(super) fn read(&self) -> Vec<(&'static str, u64)> {
        self.0.iter().map(|(word, count)| (*word, count.get())).collect()
    }
}
