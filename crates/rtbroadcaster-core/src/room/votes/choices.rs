//! The last choice of each viewer, in one word for each.
//! Pure: it must not know what the choices mean.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Voter;
use crate::identity::{BuildNumberHasher, ViewerNumber};
use crate::room::voters::{Turnout, TurnoutFull, Voters};

/// How many bits of a word are the choice; the 52 of a number stand before them.
const CHOICE_BITS: u32 = 8;

/// The choices of a room's viewers for one key. A choice stays when its viewer leaves.
#[derive(Debug)]
pub(super) struct Choices {
    /// Each once for a number.
    words: HashSet<Word, BuildNumberHasher>,
    turnout: Turnout,
}

/// A viewer's number and its choice. In a set it stands for the number.
#[derive(Debug, Clone, Copy)]
struct Word(u64);

impl Word {
    fn new(number: ViewerNumber, choice: u8) -> Self {
        Self(number.get() << CHOICE_BITS | u64::from(choice))
    }

    const fn number(self) -> u64 {
        self.0 >> CHOICE_BITS
    }

    const fn choice(self) -> u8 {
        self.0.to_le_bytes()[0]
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl Choices {
    /// Returns no choices yet. Each choice counts among `voters`.
    pub(super) fn new(voters: &Arc<Voters>) -> Self {
        Self { words: HashSet::default(), turnout: voters.turnout() }
    }

    /// Returns the choice of the viewer `from`. A viewer without one has a place from now on, to be [set](Self::set).
    ///
    /// # Errors
    /// [`TurnoutFull`] when there is no place for one more.
    pub(super) fn of(&mut self, from: Voter) -> Result<Option<u8>, TurnoutFull> {
        if let Some(word) = self.words.get(&Word::new(from.number, 0)) {
            return Ok(Some(word.choice()));
        }
        self.turnout.admit(from.place)?;
        Ok(None)
    }

    /// Sets the choice of the viewer with this number, which has a place.
    pub(super) fn set(&mut self, number: ViewerNumber, choice: u8) {
        self.words.replace(Word::new(number, choice));
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.words = HashSet::default();
        self.turnout.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::random::SEEDED;

    #[test]
    fn a_word_holds_the_greatest_number_and_every_choice() {
        let numbers = [1, (1 << 52) - 1, 0x000f_0f0f_0f0f_0f0f].map(ViewerNumber::of);
        for number in numbers {
            for choice in [0, 1, 127, u8::MAX] {
                let word = Word::new(number, choice);
                assert_eq!((word.number(), word.choice()), (number.get(), choice));
            }
        }
    }

    #[test]
    fn a_voter_costs_at_most_21_bytes_of_table() {
        let mut choices = Choices::new(&Voters::new(&Config::default()));
        for count in 1..=40_000_usize {
            let number = ViewerNumber::random(&SEEDED);
            choices.of(Voter { number, place: None }).unwrap();
            choices.set(number, 0);
            if count >= 1_000 {
                // What the standard library's table has: a word and a byte for each of its places, of which one in
                // eight is free.
                let bytes = choices.words.capacity() * 8 / 7 * (size_of::<Word>() + 1);
                assert!(bytes <= 21 * count, "{bytes} bytes for {count}");
            }
        }
    }
}
