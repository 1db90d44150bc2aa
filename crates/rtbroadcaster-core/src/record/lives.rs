//! The lives of a log, in order: each opening of the log for writing begins one.
//! Must not know rooms, nor where the order is kept.

use std::collections::HashMap;

use crate::id::Life;

/// The most lives that a log remembers.
const LIVES_MAX: usize = 65_536;

/// The index of a life of a log, in their order: the first is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LifeIndex(pub u64);

/// The lives that a log remembers; the last one is the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lives {
    /// The index of the first life in `order`.
    oldest: LifeIndex,
    order: Vec<Life>,
    indexes: HashMap<Life, LifeIndex>,
}

impl Lives {
    /// Returns the lives of a log that begins in `life` and remembers no older one.
    pub fn only(life: Life) -> Self {
        Self::from_order(LifeIndex(0), Vec::new()).followed_by(life)
    }

    /// Returns lives as they were kept: those in `order`, of which the first has the index `oldest`.
    pub fn from_order(oldest: LifeIndex, order: Vec<Life>) -> Self {
        let indexes = order.iter().zip(oldest.0..).map(|(life, index)| (*life, LifeIndex(index))).collect();
        Self { oldest, order, indexes }
    }

    /// Begins another life. Beyond `LIVES_MAX` the oldest life is forgotten.
    pub fn followed_by(mut self, life: Life) -> Self {
        self.indexes.insert(life, LifeIndex(self.oldest.0 + self.order.len() as u64));
        self.order.push(life);
        let surplus = self.order.len().saturating_sub(LIVES_MAX);
        let first = LifeIndex(self.oldest.0 + surplus as u64);
        self.without_those_before(first)
    }

    /// Forgets the lives before `index`, but never the present one.
    pub fn without_those_before(mut self, index: LifeIndex) -> Self {
        let count = index.min(self.present_index()).0.saturating_sub(self.oldest.0);
        let forgotten = self.order.drain(..usize::try_from(count).unwrap_or(usize::MAX));
        forgotten.for_each(|life| _ = self.indexes.remove(&life));
        self.oldest.0 += count;
        self
    }

    /// Returns the index of the oldest life that is remembered.
    pub fn oldest(&self) -> LifeIndex {
        self.oldest
    }

    /// Returns the lives in their order.
    pub fn order(&self) -> &[Life] {
        &self.order
    }

    /// Returns the index of `life`, or `None` if it is not remembered.
    pub fn index_of(&self, life: Life) -> Option<LifeIndex> {
        self.indexes.get(&life).copied()
    }

    /// Returns the life in which messages are numbered now.
    pub fn present(&self) -> Life {
        *self.order.last().expect("a log that is open has a life")
    }

    /// Returns the index of the life in which messages are numbered now.
    pub fn present_index(&self) -> LifeIndex {
        LifeIndex(self.oldest.0 + self.order.len() as u64 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SEEDED;

    #[test]
    fn lives_keep_their_indexes_while_older_ones_are_forgotten() {
        let lives: Vec<Life> = (0..4).map(|_| Life::random(&SEEDED)).collect();
        let all = lives[1..].iter().fold(Lives::only(lives[0]), |all, life| all.followed_by(*life));
        assert_eq!((all.present(), all.present_index()), (lives[3], LifeIndex(3)));
        let few = all.clone().without_those_before(LifeIndex(2));
        assert_eq!(few.order(), &lives[2..]);
        assert_eq!((few.index_of(lives[1]), few.index_of(lives[2])), (None, Some(LifeIndex(2))));
        assert_eq!(Lives::from_order(few.oldest(), few.order().to_vec()), few);
        assert_eq!(all.without_those_before(LifeIndex(9)).order(), &lives[3..], "the present one stays");
    }

    #[test]
    fn beyond_the_limit_the_oldest_life_is_forgotten() {
        let first = Life::random(&SEEDED);
        let mut lives = Lives::from_order(LifeIndex(7), vec![first; 1]);
        lives.order.extend((1..LIVES_MAX).map(|_| Life::random(&SEEDED)));
        let lives = lives.followed_by(Life::random(&SEEDED));
        assert_eq!((lives.order().len(), lives.oldest(), lives.index_of(first)), (LIVES_MAX, LifeIndex(8), None));
    }
}
