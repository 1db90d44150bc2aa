//! The ages of messages of one room before, while and after all viewers came back, and while the other room ended.
//! Pure.

use std::time::Duration;

/// The numbers of the messages at the changes between windows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Windows {
    /// The last message acknowledged when the server was asked to end.
    pub(super) asked: u64,
    /// The last message when all viewers of this room were back.
    pub(super) witnesses_back: u64,
    /// The last message when all viewers were back.
    pub(super) all_back: u64,
    /// The last message before the room of the many began to end.
    pub(super) end: u64,
    /// The last message when it had ended.
    pub(super) ended: u64,
}

/// The ages of the messages of each window, sorted.
#[derive(Debug, Default)]
pub(super) struct WindowAges {
    pub(super) before: Vec<Duration>,
    /// While all other viewers came back.
    pub(super) during: Vec<Duration>,
    pub(super) after: Vec<Duration>,
    /// While the other room ended.
    pub(super) ending: Vec<Duration>,
}

impl Windows {
    pub(super) fn sort(&self, ages: &[(u64, Duration)]) -> WindowAges {
        let mut sorted = WindowAges::default();
        for &(seq, age) in ages {
            if seq <= self.asked {
                sorted.before.push(age);
            } else if seq > self.witnesses_back && seq <= self.all_back {
                sorted.during.push(age);
            } else if seq > self.all_back && seq <= self.end {
                sorted.after.push(age);
            } else if seq > self.end && seq <= self.ended {
                sorted.ending.push(age);
            }
        }
        let WindowAges { before, during, after, ending } = &mut sorted;
        [before, during, after, ending].into_iter().for_each(|ages| ages.sort_unstable());
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_in_its_window_and_those_of_the_absence_and_the_end_are_in_none() {
        let windows = Windows { asked: 2, witnesses_back: 4, all_back: 6, end: 8, ended: 10 };
        let ages: Vec<_> = (1..=11).map(|seq| (seq, Duration::from_millis(12 - seq))).collect();
        let WindowAges { before, during, after, ending } = windows.sort(&ages);
        let millis = |ages: &[Duration]| ages.iter().map(Duration::as_millis).collect::<Vec<_>>();
        let all = [millis(&before), millis(&during), millis(&after), millis(&ending)];
        assert_eq!(all, [[10, 11], [6, 7], [4, 5], [2, 3]]);
    }
}
