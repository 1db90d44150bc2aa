//! How something is counted: a number that all threads add to, and one for each of some words.
//! Must not know what is counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number. Relaxed: nothing is concluded from the order in which two of them change.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// One more happened, or several.
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// For what is there now. Whoever subtracts has added it before.
    pub(super) fn subtract(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    /// How many there are.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often each of some words was counted. Looked up one by one: refusals are few, and so are words.
#[derive(Debug)]
pub(super) struct Tally(Box<[(&'static str, Count)]>);

impl Tally {
    /// None of `words` was counted yet; others never are.
    pub(super) fn new(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self(words.into_iter().map(|word| (word, Count::default())).collect())
    }

    /// One more of `word`.
    pub(super) fn count(&self, word: &str) {
        let found = self.0.iter().find(|(known, _)| *known == word);
        debug_assert!(found.is_some(), "`{word}` is not among the words that are counted");
        if let Some((_, count)) = found {
            count.add(1);
        }
    }

    /// All words, also those that were never counted, in their order.
    pub(super) fn read(&self) -> Vec<(&'static str, u64)> {
        self.0.iter().map(|(word, count)| (*word, count.get())).collect()
    }
}
