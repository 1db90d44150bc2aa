//! The viewers that are there, however many connections each has.
//! Pure: it must not know notices.

use std::collections::{HashMap, HashSet};

use crate::identity::{BuildNumberHasher, ViewerNumber};

/// The number of viewers for which space stays, once there was any.
const PRESENT_MIN: usize = 64;

/// The viewers of one room. Each costs a word and a byte in a table that is at least a quarter full.
#[derive(Debug, Default)]
pub struct Attendance {
    present: HashSet<ViewerNumber, BuildNumberHasher>,
    /// The connections besides the first, for each viewer with several. Few have: a second window, or a connection that
    /// is dead and not yet closed.
    more: HashMap<ViewerNumber, usize, BuildNumberHasher>,
}

impl Attendance {
    /// Notes that a connection of the viewer `number` has come.
    pub fn came(&mut self, number: ViewerNumber) {
        if !self.present.insert(number) {
            *self.more.entry(number).or_default() += 1;
        }
    }

    /// Notes that a connection of the viewer `number`, which had come, is gone.
    pub fn left(&mut self, number: ViewerNumber) {
        match self.more.get_mut(&number) {
            Some(1) => {
                self.more.remove(&number);
                if self.more.is_empty() {
                    self.more = HashMap::default();
                }
            }
            Some(more) => *more -= 1,
            None => {
                self.present.remove(&number);
                if self.present.capacity() > PRESENT_MIN + 4 * self.present.len() {
                    // Half of it stays free, so that the next ones to come and go do not move it again.
                    self.present.shrink_to(2 * self.present.len());
                }
            }
        }
    }

    /// Returns how many viewers are there.
    pub fn viewers(&self) -> usize {
        self.present.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::random::SEEDED;

    proptest! {
        #[test]
        fn a_viewer_is_there_as_long_as_one_of_its_connections(
            steps in prop::collection::vec((1..12_u64, prop::bool::weighted(0.6)), 0..300),
        ) {
            let (mut attendance, mut connections) = (Attendance::default(), BTreeMap::<u64, usize>::new());
            for (number, comes) in steps {
                if comes {
                    attendance.came(ViewerNumber::of(number));
                    *connections.entry(number).or_default() += 1;
                } else if let Some(count) = connections.get_mut(&number) {
                    attendance.left(ViewerNumber::of(number));
                    *count -= 1;
                    if *count == 0 {
                        connections.remove(&number);
                    }
                }
                prop_assert_eq!(attendance.viewers(), connections.len());
                let several = connections.values().filter(|count| **count > 1).count();
                prop_assert_eq!(attendance.more.len(), several);
            }
        }
    }

    #[test]
    fn a_crowd_that_is_gone_leaves_no_table() {
        let mut attendance = Attendance::default();
        let numbers: Vec<_> = (0..10_000).map(|_| ViewerNumber::random(&SEEDED)).collect();
        for _ in 0..2 {
            numbers.iter().for_each(|number| attendance.came(*number));
        }
        assert_eq!(attendance.viewers(), 10_000);
        for _ in 0..2 {
            numbers.iter().for_each(|number| attendance.left(*number));
        }
        assert_eq!((attendance.viewers(), attendance.more.capacity()), (0, 0));
        assert!(attendance.present.capacity() <= PRESENT_MIN, "{}", attendance.present.capacity());
    }
}
