//! The copies of a room's log that this one continues: the room's numbering, the lives of the log, and where each
//! began.
//! Pure: it must not know messages.

use std::sync::Arc;

use crate::id::{Cursor, Epoch, Life, Numbering, RoomId, Seq};
use crate::record::{LifeIndex, Lives, Sum};
use crate::standing::{CursorScope, ResetReason};

/// The most leases that a room remembers as lives.
const LEASES_MAX: usize = 256;

/// The past of one room's numbers.
#[derive(Debug)]
pub struct Lineage {
    numbering: Numbering,
    lives: Arc<Lives>,
    /// The name that clients get: the numbering and the present life.
    epoch: Epoch,
    /// The first number in each life in which the room was created or got a message, the oldest life first. Empty where
    /// the log is kept nowhere but in memory, which has one life.
    starts: Vec<(LifeIndex, Seq)>,
}

impl Lineage {
    /// Returns the lineage of a room that is created in the present one of `lives`.
    pub fn new(numbering: Numbering, lives: Arc<Lives>) -> Self {
        Self::recalled(numbering, lives, Vec::new())
    }

    /// Returns the lineage of a room that got messages in earlier lives, with the first number in each of these.
    pub fn recalled(numbering: Numbering, lives: Arc<Lives>, starts: Vec<(LifeIndex, Seq)>) -> Self {
        let epoch = Epoch::of(numbering, lives.present());
        Self { numbering, lives, epoch, starts }
    }

    /// Returns the lineage of a log of its own, named `epoch`.
    pub(super) fn alone(epoch: Epoch) -> Self {
        let (numbering, life) = epoch.parts().unwrap_or((Numbering::ZERO, Life::ZERO));
        Self { epoch, ..Self::new(numbering, Arc::new(Lives::only(life))) }
    }

    /// Begins another life, in a log of which each lease is one.
    pub(super) fn continue_in(&mut self, life: Life) {
        let lives = Lives::clone(&self.lives).followed_by(life);
        let surplus = lives.order().len().saturating_sub(LEASES_MAX);
        let oldest = LifeIndex(lives.oldest().0 + surplus as u64);
        self.lives = Arc::new(lives.without_those_before(oldest));
        let needed = self.starts.iter().rposition(|(life, _)| *life <= oldest).unwrap_or(0);
        self.starts.drain(..needed);
        self.epoch = Epoch::of(self.numbering, life);
    }

    /// Returns the lives.
    pub(super) fn lives(&self) -> &Arc<Lives> {
        &self.lives
    }

    /// Returns the name that clients get.
    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Returns the numbering, and where each life began.
    pub fn past(&self) -> (Numbering, &[(LifeIndex, Seq)]) {
        (self.numbering, &self.starts)
    }

    /// Returns the sum of where each life began, for the log of `room`.
    pub(super) fn sum(&self, room: &RoomId) -> Sum {
        Sum::of_past(room, self.numbering, &self.starts)
    }

    /// Notes that the next message is `seq`. Returns whether it is the room's first in the present life.
    pub fn begin_with(&mut self, seq: Seq) -> bool {
        let present = self.lives.present_index();
        let is_first = self.starts.last().is_none_or(|(life, _)| *life != present);
        if is_first {
            self.starts.push((present, seq));
        }
        is_first
    }

    /// Checks that this log holds what was seen up to `cursor`, where `last` is its last number.
    ///
    /// # Errors
    /// The reason why it may not.
    pub fn check(&self, cursor: &Cursor, scope: CursorScope, last: Seq) -> Result<(), ResetReason> {
        if cursor.epoch == self.epoch {
            return if cursor.seq > last { Err(ResetReason::Future) } else { Ok(()) };
        }
        let numbering_and_life = cursor.epoch.parts().filter(|(numbering, _)| *numbering == self.numbering);
        let life = numbering_and_life.and_then(|(_, life)| self.lives.index_of(life));
        match life.and_then(|life| self.end_of(life, last)) {
            Some(end) if cursor.seq <= end && scope == CursorScope::AllLives => Ok(()),
            _ => Err(ResetReason::Epoch),
        }
    }

    /// Returns the last number that the room had when `life` ended, or `None` if the room did not exist in it.
    fn end_of(&self, life: LifeIndex, last: Seq) -> Option<Seq> {
        let (created, _) = self.starts.first()?;
        let next = self.starts.iter().find(|(start, _)| *start > life);
        (life >= *created).then(|| next.map_or(last, |(_, first)| first.previous()))
    }

    /// Returns the oldest remembered life from which some cursor may still be resumed. `resumes` says whether a cursor
    /// is that saw everything up to a number.
    pub fn oldest_needed(&self, last: Seq, resumes: impl Fn(Seq) -> bool) -> LifeIndex {
        let present = self.lives.present_index();
        let remembered = (self.lives.oldest().0..present.0).map(LifeIndex);
        let mut ends = remembered.filter_map(|life| Some((life, self.end_of(life, last)?)));
        ends.find(|(_, end)| resumes(*end)).map_or(present, |(life, _)| life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SEEDED;

    const fn seq(seq: u64) -> Seq {
        Seq::new(seq).unwrap()
    }

    /// A room that was created in the life of index 1, got no message in that of index 2, and is in that of index 4,
    /// which began behind its message 9. Before it was created there was one life more.
    fn lineage() -> (Lineage, Vec<Life>) {
        let lives: Vec<Life> = (0..5).map(|_| Life::random(&SEEDED)).collect();
        let all = Arc::new(Lives::from_order(LifeIndex(0), lives.clone()));
        let starts = vec![(LifeIndex(1), seq(1)), (LifeIndex(3), seq(6))];
        (Lineage::recalled(Numbering::random(&SEEDED), all, starts), lives)
    }

    #[test]
    fn a_cursor_is_good_up_to_the_end_of_its_life() {
        let (mut lineage, lives) = lineage();
        // The life, and the last number that a cursor of it may name.
        let ends = [(0, None), (1, Some(5)), (2, Some(5)), (3, Some(9)), (4, Some(9))];
        let check = |lineage: &Lineage, life: Life, number, scope| {
            let epoch = Epoch::of(lineage.numbering, life);
            lineage.check(&Cursor { epoch, seq: seq(number) }, scope, seq(9))
        };
        for begins in [false, true] {
            if begins {
                assert!(lineage.begin_with(seq(10)), "the first message of the present life is decided");
                assert!(!lineage.begin_with(seq(11)));
            }
            for ((place, end), number) in ends.iter().flat_map(|end| (0..12).map(move |number| (end, number))) {
                let beyond = if *place == 4 { ResetReason::Future } else { ResetReason::Epoch };
                let expected = if end.is_some_and(|end| number <= end) { Ok(()) } else { Err(beyond) };
                assert_eq!(
                    check(&lineage, lives[*place], number, CursorScope::AllLives),
                    expected,
                    "{place}, {number}"
                );
                let expected = if *place == 4 { expected } else { Err(ResetReason::Epoch) };
                assert_eq!(check(&lineage, lives[*place], number, CursorScope::OneLife), expected, "{place}, {number}");
            }
        }
        assert_eq!(
            check(&lineage, Life::random(&SEEDED), 0, CursorScope::AllLives),
            Err(ResetReason::Epoch),
            "an unknown life"
        );
        let other = Cursor { epoch: Epoch::of(Numbering::random(&SEEDED), lives[4]), seq: Seq::ZERO };
        assert_eq!(lineage.check(&other, CursorScope::AllLives, seq(9)), Err(ResetReason::Epoch), "another numbering");
    }

    #[test]
    fn each_lease_is_a_life_and_a_room_remembers_the_newest_256() {
        let lives: Vec<Life> = (0..300).map(|_| Life::random(&SEEDED)).collect();
        let numbering = Numbering::random(&SEEDED);
        let mut lineage = Lineage::new(numbering, Arc::new(Lives::only(lives[0])));
        // Each odd lease numbers one message, and no other one does.
        for (place, life) in (0_u64..).zip(&lives).skip(1) {
            lineage.continue_in(*life);
            if place % 2 == 1 {
                assert!(lineage.begin_with(seq(place / 2 + 1)));
            }
        }
        let last = seq(150);
        let check = |place: usize, number| {
            let cursor = Cursor { epoch: Epoch::of(numbering, lives[place]), seq: seq(number) };
            lineage.check(&cursor, CursorScope::AllLives, last)
        };
        assert_eq!(check(299, 150), Ok(()));
        assert_eq!((check(297, 149), check(297, 150)), (Ok(()), Err(ResetReason::Epoch)));
        assert_eq!((check(298, 149), check(298, 150)), (Ok(()), Err(ResetReason::Epoch)), "it numbered nothing");
        assert_eq!((check(45, 23), check(43, 1)), (Ok(()), Err(ResetReason::Epoch)), "forgotten");
        assert!(lineage.starts.len() <= LEASES_MAX);
    }

    #[test]
    fn a_life_is_needed_while_a_cursor_at_its_end_is_resumed() {
        let (lineage, _) = lineage();
        let oldest = |first: u64| lineage.oldest_needed(seq(9), |end| end.get() >= first).0;
        assert_eq!([oldest(0), oldest(5), oldest(6), oldest(9), oldest(10)], [1, 1, 3, 3, 4]);
    }
}
