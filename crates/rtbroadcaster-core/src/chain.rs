//! The reader rule of a log that several nodes write: which entries of a room count, and whether one is missing.
//! Every node applies it to the same entries, so all nodes agree. Pure: it must not know where the log is, nor what an
//! entry holds.
//!
//! The log stores an entry only if the entry that its writer read last is still the last one of the room. The rule does
//! not rely on that: an entry of a lease that was replaced counts nowhere, even if the log has stored it.

use std::fmt;

use crate::id::Term;
use crate::random::{self, Random};

/// The offset of an entry in the log. Those of one room grow, with gaps: other rooms have entries in the same log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset before all entries.
    pub const START: Self = Self(0);
}

/// A writer of entries: one copy of a room, on one node. Drawn at random when a node loads the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer(pub u64);

impl Writer {
    /// Draws a writer from `source`.
    pub fn random(source: &dyn Random) -> Self {
        Self(u64::from_be_bytes(random::bytes(source)))
    }
}

/// The right of one writer to write a room's entries, until another writer takes the next term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The term: each lease has a greater one than the lease before it.
    pub term: Term,
    /// The writer.
    pub writer: Writer,
}

/// The part of an entry by which readers judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Where the entry is.
    pub offset: Offset,
    /// The offset of the room's entry that its writer had read last.
    pub after: Offset,
    /// The lease under which it was written.
    pub lease: Lease,
    /// Its number within the lease. The entry of number 0 begins the lease.
    pub number: u64,
    /// Whether it continues a copy of the room, since the log has lost entries.
    pub continues_copy: bool,
}

/// A reader's position in the entries of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The lease of the last entry that counts, and that entry's number; `None` before the first one.
    pub newest: Option<(Lease, u64)>,
    /// The offset of the last entry, whether it counts or not.
    pub offset: Offset,
}

/// The verdict on an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It counts, and comes next.
    Counts,
    /// It was read before.
    Known,
    /// It does not count: no reader applies it.
    Ignored(Ignored),
    /// An entry before it is missing. The reader did not move.
    Hole,
    /// It does not continue what the reader knows: it begins another room of this name, or continues a copy of this one.
    /// The reader did not move.
    Anew,
}

/// Why an entry does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// Its writer did not know the room's last entry, and the log has stored it all the same.
    Stale,
    /// Its lease was replaced.
    Fenced,
    /// It is not the next one of its lease.
    OutOfTurn,
}

impl Ignored {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stale, Self::Fenced, Self::OutOfTurn];

    /// Returns the reason as metrics have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Fenced => "fenced",
            Self::OutOfTurn => "out_of_turn",
        }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Chain {
    /// The position before the first entry of a room.
    pub const START: Self = Self { newest: None, offset: Offset::START };

    /// Judges the next entry, and moves behind it unless it is known or another one is missing.
    pub fn read(&mut self, link: &Link) -> Reading {
        if link.offset <= self.offset {
            return Reading::Known;
        }
        if link.continues_copy {
            return Reading::Anew;
        }
        if link.after > self.offset && link.after < link.offset {
            return Reading::Hole;
        }
        if link.after == Offset::START && link.number == 0 && self.newest.is_some() {
            // The log has stored it only because it had no entry of the room any more.
            return Reading::Anew;
        }
        self.pass(link)
    }

    /// Moves behind the entry that continues the copy at this position.
    pub fn continue_copy(&mut self, link: &Link) -> Reading {
        self.pass(&Link { after: self.offset, ..*link })
    }

    fn pass(&mut self, link: &Link) -> Reading {
        let verdict = self.judge(link);
        self.offset = link.offset;
        match verdict {
            Ok(()) => {
                self.newest = Some((link.lease, link.number));
                Reading::Counts
            }
            Err(why) => Reading::Ignored(why),
        }
    }

    fn judge(&self, link: &Link) -> Result<(), Ignored> {
        if link.after != self.offset {
            return Err(Ignored::Stale);
        }
        let begins = link.number == 0;
        match self.newest {
            None if begins => Ok(()),
            None => Err(Ignored::OutOfTurn),
            Some((lease, _)) if begins && link.lease.term > lease.term => Ok(()),
            Some((lease, number)) if !begins && link.lease == lease => {
                if link.number == number + 1 {
                    Ok(())
                } else {
                    Err(Ignored::OutOfTurn)
                }
            }
            Some(_) => Err(Ignored::Fenced),
        }
    }

    /// Returns the term of the present lease; `None` before the first one.
    pub fn term(&self) -> Option<Term> {
        self.newest.map(|(lease, _)| lease.term)
    }

    /// Returns whether `lease` is the present one.
    pub fn is_under(&self, lease: Lease) -> bool {
        self.newest.is_some_and(|(newest, _)| newest == lease)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lease(term: u64, writer: u64) -> Lease {
        Lease { term: Term::new(term).unwrap(), writer: Writer(writer) }
    }

    fn link(offset: u64, after: u64, lease: Lease, number: u64) -> Link {
        Link { offset: Offset(offset), after: Offset(after), lease, number, continues_copy: false }
    }

    /// Reads `links`, and returns the verdict on each.
    fn read(chain: &mut Chain, links: &[Link]) -> Vec<Reading> {
        links.iter().map(|link| chain.read(link)).collect()
    }

    #[test]
    fn entries_of_a_lease_that_was_replaced_count_nowhere() {
        let (first, second) = (lease(1, 7), lease(2, 8));
        let mut chain = Chain::START;
        let told = read(
            &mut chain,
            &[
                link(3, 0, first, 0),
                link(5, 3, first, 1),
                link(6, 5, second, 0),
                // The log has stored these against its own rule.
                link(8, 5, first, 2),
                link(9, 8, first, 2),
                link(11, 9, second, 1),
                link(12, 11, second, 3),
                link(13, 12, lease(2, 9), 0),
                link(14, 13, lease(3, 9), 1),
            ],
        );
        use Reading::{Counts, Ignored as No};
        let expected = [
            Counts,
            Counts,
            Counts,
            No(Ignored::Stale),
            No(Ignored::Fenced),
            Counts,
            No(Ignored::OutOfTurn),
            No(Ignored::Fenced),
            No(Ignored::Fenced),
        ];
        assert_eq!(told, expected);
        assert_eq!((chain.term(), chain.offset), (Some(second.term), Offset(14)));
        assert!(chain.is_under(second) && !chain.is_under(lease(2, 9)));
    }

    #[test]
    fn a_missing_entry_is_a_hole_until_it_is_read() {
        let mut chain = Chain::START;
        let links = [link(3, 0, lease(1, 7), 0), link(5, 3, lease(1, 7), 1), link(9, 5, lease(1, 7), 2)];
        assert_eq!(chain.read(&links[0]), Reading::Counts);
        assert_eq!(chain.read(&links[2]), Reading::Hole);
        assert_eq!(chain.read(&links[0]), Reading::Known);
        assert_eq!(read(&mut chain, &links), [Reading::Known, Reading::Counts, Reading::Counts]);
        let mut fresh = Chain::START;
        assert_eq!(fresh.read(&link(9, 5, lease(1, 7), 2)), Reading::Hole);
    }

    #[test]
    fn an_entry_that_names_a_later_one_as_the_one_before_it_counts_nowhere() {
        // Its writer knows a log that has lost entries since.
        let mut chain = Chain::START;
        chain.read(&link(3, 0, lease(1, 7), 0));
        assert_eq!(chain.read(&link(5, 90, lease(1, 7), 1)), Reading::Ignored(Ignored::Stale));
        assert_eq!(chain.read(&link(6, 5, lease(1, 7), 1)), Reading::Counts);
    }

    #[test]
    fn a_room_that_was_created_again_is_not_the_one_that_is_known() {
        let mut chain = Chain::START;
        chain.read(&link(3, 0, lease(1, 7), 0));
        let known = chain;
        assert_eq!(chain.read(&link(9, 0, lease(1, 8), 0)), Reading::Anew);
        assert_eq!(chain, known);
        let mut fresh = Chain::START;
        assert_eq!(fresh.read(&link(9, 0, lease(1, 8), 0)), Reading::Counts);
    }

    #[test]
    fn an_entry_that_continues_a_copy_continues_nothing_that_a_reader_knows() {
        let mut chain = Chain::START;
        read(&mut chain, &[link(3, 0, lease(1, 7), 0), link(5, 3, lease(1, 7), 1)]);
        let known = chain;
        for offset in [6, 9] {
            let restored = Link { continues_copy: true, ..link(offset, 5, lease(2, 8), 0) };
            assert_eq!(chain.read(&restored), Reading::Anew);
            assert_eq!(chain, known);
        }
        let told_late = Link { continues_copy: true, ..link(4, 3, lease(2, 8), 0) };
        assert_eq!(chain.read(&told_late), Reading::Known);
    }

    /// A writer that may believe an old position.
    #[derive(Debug, Clone)]
    struct Attempt {
        writer: u64,
        begins: bool,
        /// How many entries it has not read.
        behind: usize,
        /// Whether the log stores it although it is not behind the last entry.
        is_stored_anyway: bool,
    }

    fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
        let attempt = (
            0..4_u64,
            prop::bool::weighted(0.2),
            prop_oneof![4 => Just(0), 1 => 1..4_usize],
            prop::bool::weighted(0.1),
        );
        let attempt = attempt.prop_map(|(writer, begins, behind, is_stored_anyway)| Attempt {
            writer,
            begins,
            behind,
            is_stored_anyway,
        });
        prop::collection::vec(attempt, 0..60)
    }

    /// Returns the entries that the log stores of these attempts.
    fn stored(attempts: &[Attempt]) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for Attempt { writer, begins, behind, is_stored_anyway } in attempts {
            // A writer that has read nothing would create the room.
            let known = links.len().saturating_sub(*behind).max(links.len().min(1));
            let mut chain = Chain::START;
            read(&mut chain, &links[..known]);
            let own = chain.newest.filter(|(lease, _)| lease.writer == Writer(*writer));
            let (lease, number) = match own {
                Some((lease, number)) if !begins => (lease, number + 1),
                _ => (lease(chain.term().map_or(1, |term| term.get() + 1), *writer), 0),
            };
            if known == links.len() || *is_stored_anyway {
                let offset = links.last().map_or(0, |last| last.offset.0) + 1 + writer;
                let after = chain.offset;
                links.push(Link { offset: Offset(offset), after, lease, number, continues_copy: false });
            }
        }
        links
    }

    proptest! {
        #[test]
        fn readers_agree_whatever_they_are_told_twice_and_wherever_they_begin(
            attempts in attempts(),
            repeats in prop::collection::vec(0..60_usize, 0..60),
            from in 0..60_usize,
        ) {
            let links = stored(&attempts);
            let mut whole = Chain::START;
            let verdicts = read(&mut whole, &links);
            prop_assert!(verdicts.iter().all(|verdict| matches!(verdict, Reading::Counts | Reading::Ignored(_))));
            // A reader that is told entries again, and some too early.
            let mut other = Chain::START;
            for (index, link) in links.iter().enumerate() {
                for repeat in repeats.iter().filter(|repeat| **repeat % links.len() <= index) {
                    let again = &links[repeat % links.len()];
                    if again.offset <= other.offset {
                        prop_assert_eq!(other.read(again), Reading::Known);
                    }
                }
                prop_assert_eq!(other.read(link), verdicts[index]);
            }
            prop_assert_eq!(other, whole);
            // A reader that begins at a position which another one has reached.
            let begin = from.min(links.len());
            let mut late = Chain::START;
            read(&mut late, &links[..begin]);
            prop_assert_eq!(read(&mut late, &links[begin..]), verdicts[begin..].to_vec());
            prop_assert_eq!(late, whole);
        }

        #[test]
        fn terms_never_fall_and_the_numbers_of_a_lease_have_no_gap(attempts in attempts()) {
            let mut chain = Chain::START;
            let mut newest: Option<(Lease, u64)> = None;
            for link in stored(&attempts) {
                if chain.read(&link) == Reading::Counts {
                    match newest {
                        Some((lease, number)) if lease == link.lease => prop_assert_eq!(link.number, number + 1),
                        Some((lease, _)) => prop_assert!(link.lease.term > lease.term && link.number == 0),
                        None => prop_assert_eq!(link.number, 0),
                    }
                    newest = Some((link.lease, link.number));
                }
            }
        }

        #[test]
        fn a_missing_entry_of_honest_writers_is_always_noticed(attempts in attempts(), missing in 0..60_usize) {
            let honest: Vec<_> = attempts.into_iter().map(|attempt| Attempt { is_stored_anyway: false, ..attempt }).collect();
            let mut links = stored(&honest);
            if links.len() < 2 {
                return Ok(());
            }
            links.remove(missing % (links.len() - 1));
            let mut chain = Chain::START;
            prop_assert!(read(&mut chain, &links).contains(&Reading::Hole));
        }
    }
}
