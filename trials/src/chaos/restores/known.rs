//! What is known by construction: the messages of each life of a log, and the lives that a directory has. Pure.

use std::collections::BTreeSet;

/// The number of rooms: one busy, one idle in most lives, and one with ephemeral messages only.
pub(super) const ROOMS: usize = 3;

/// One value for each room.
pub(super) type PerRoom<T> = [T; ROOMS];

/// How far cursors are from the end of a life, before it and after it.
const BEFORE: u64 = 2;
const BEHIND: u64 = 3;

/// One server on one directory.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownLife {
    /// The rooms' epochs.
    pub(super) epochs: PerRoom<String>,
    /// The texts of all messages of each room up to the end of this life, those of earlier lives included.
    pub(super) said: PerRoom<Vec<String>>,
    /// The number of them that were acknowledged.
    pub(super) acked: PerRoom<u64>,
}

/// Every life, on any directory.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownLives {
    pub(super) lives: Vec<KnownLife>,
}

/// A position that a viewer may have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ViewerPosition {
    pub(super) room: usize,
    /// The index of its life among the known ones.
    pub(super) life: usize,
    pub(super) seq: u64,
}

impl KnownLives {
    /// Returns the epoch of a position.
    pub(super) fn epoch(&self, position: ViewerPosition) -> &str {
        &self.lives[position.life].epochs[position.room]
    }

    /// Returns the messages that a viewer at this position had seen; `None` if there cannot be one.
    pub(super) fn seen(&self, position: ViewerPosition) -> Option<&[String]> {
        let said = &self.lives[position.life].said[position.room];
        said.get(..usize::try_from(position.seq).ok()?)
    }

    /// Returns the most messages that a room ever had.
    pub(super) fn longest(&self, room: usize) -> u64 {
        self.lives.iter().map(|life| life.said[room].len() as u64).max().unwrap_or(0)
    }

    /// Returns positions in each life: around the ends of all lives, and at the beginning.
    pub(super) fn positions(&self, marks: &[PerRoom<u64>]) -> Vec<ViewerPosition> {
        let mut positions = BTreeSet::new();
        for room in 0..ROOMS {
            let ends = self.lives.iter().map(|life| life.said[room].len() as u64);
            let acked = self.lives.iter().map(|life| life.acked[room]);
            let marks = marks.iter().map(|mark| mark[room]);
            let around = |end: u64| end.saturating_sub(BEFORE)..=end + BEHIND;
            let seqs: BTreeSet<u64> = ends.chain(acked).chain(marks).flat_map(around).chain([0]).collect();
            let places = (0..self.lives.len()).filter(|&life| !self.lives[life].epochs[room].is_empty());
            positions.extend(places.flat_map(|life| seqs.iter().map(move |&seq| ViewerPosition { room, life, seq })));
        }
        positions.into_iter().collect()
    }
}

/// The lives of a directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Branch {
    /// The newest last.
    pub(super) lives: Vec<usize>,
    /// The number of messages of each room when each of them ended here; that of the last one is not known yet.
    pub(super) ends: Vec<PerRoom<u64>>,
    /// The least number of messages of each room in this directory.
    pub(super) at_least: PerRoom<u64>,
    /// Whether all of this is known: not where files of two times are mixed.
    pub(super) is_certain: bool,
}

impl Branch {
    /// Begins the next life, with so many messages in each room.
    pub(super) fn begin(&mut self, life: usize, lengths: PerRoom<u64>) {
        if !self.lives.is_empty() {
            self.ends.push(lengths);
        }
        self.lives.push(life);
    }

    /// Returns how many messages a room had here when this life ended; `None` for a life that this directory does not
    /// know.
    pub(super) fn end(&self, position: ViewerPosition) -> Option<u64> {
        let at = self.lives.iter().position(|&life| life == position.life).filter(|_| self.is_certain)?;
        self.ends.get(at).map(|ends| ends[position.room])
    }

    /// Returns whether the position is of the present life.
    pub(super) fn is_present(&self, position: ViewerPosition) -> bool {
        self.lives.last() == Some(&position.life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(lengths: &[usize]) -> KnownLives {
        let life = |&length: &usize| {
            let said = [(0..length).map(|number| number.to_string()).collect(), Vec::new(), Vec::new()];
            KnownLife { epochs: ["a".into(), "b".into(), "c".into()], said, acked: [length as u64, 0, 0] }
        };
        KnownLives { lives: lengths.iter().map(life).collect() }
    }

    #[test]
    fn positions_are_around_all_ends_in_every_life() {
        let known = known(&[3, 9]);
        let positions = known.positions(&[[20, 0, 0]]);
        let seqs = |room, life| {
            let ones = positions.iter().filter(|one| (one.room, one.life) == (room, life));
            ones.map(|one| one.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(0, 0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 19, 20, 21, 22, 23]);
        assert_eq!((seqs(0, 1), seqs(2, 1)), (seqs(0, 0), vec![0, 1, 2, 3]));
        let seen = |seq| known.seen(ViewerPosition { room: 0, life: 0, seq }).map(<[_]>::len);
        assert_eq!((seen(0), seen(3), seen(4)), (Some(0), Some(3), None));
        assert_eq!((known.longest(0), known.longest(1)), (9, 0));
    }

    #[test]
    fn a_branch_knows_where_its_lives_ended_and_no_others() {
        let mut branch = Branch { is_certain: true, ..Branch::default() };
        branch.begin(0, [0; ROOMS]);
        branch.begin(2, [5, 1, 0]);
        let end = |branch: &Branch, life| branch.end(ViewerPosition { room: 0, life, seq: 0 });
        assert_eq!([end(&branch, 0), end(&branch, 1), end(&branch, 2)], [Some(5), None, None]);
        assert!(branch.is_present(ViewerPosition { room: 0, life: 2, seq: 0 }));
        branch.is_certain = false;
        assert_eq!(end(&branch, 0), None);
    }
}
