//! How often something may be said: so much in a second, all of which may come at once.
//! Pure: it takes the time as an argument.

use std::collections::HashMap;
use std::time::Duration;

use crate::identity::{ByNumber, ViewerNumber};
use crate::limit::Limit;

/// What one second brings may be had at once.
const SECOND: Duration = Duration::from_secs(1);

/// What was said of late.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Until when the share of each thing that was said lasts, one after the other.
    until: Duration,
}

impl Pace {
    /// Whether one more may be said at the moment `now`, where so many may be in a second. What may not does not count.
    pub fn admits(&mut self, per_second: Limit<u32>, now: Duration) -> bool {
        let Limit::Max(per_second) = per_second else { return true };
        let Some(share) = SECOND.checked_div(per_second) else { return false };
        let until = self.until.max(now) + share;
        let admits = until <= now + SECOND;
        if admits {
            self.until = until;
        }
        admits
    }
}

/// For how many viewers there is always space.
const VIEWERS_MIN: usize = 64;

/// What each viewer said of late, over all its connections. Of those who were silent for a second nothing is kept.
#[derive(Debug, Default)]
pub struct Paces(HashMap<ViewerNumber, Pace, ByNumber>);

impl Paces {
    /// Whether the viewer `number` may say one more at the moment `now`. So many connections are there: paces of about twice as
    /// many viewers are kept. Where more come, speak and leave within a second, only the pace of each connection counts.
    pub fn admits(&mut self, number: ViewerNumber, per_second: Limit<u32>, now: Duration, there: usize) -> bool {
        match per_second {
            Limit::None => return true,
            // Without a pace for each, of which there would not be one for all.
            Limit::Max(0) => return false,
            Limit::Max(_) => {}
        }
        if let Some(pace) = self.0.get_mut(&number) {
            return pace.admits(per_second, now);
        }
        let most = VIEWERS_MIN + 2 * there;
        if self.0.len() >= most {
            self.0.retain(|_, pace| pace.until > now);
            if self.0.capacity() > VIEWERS_MIN + 4 * self.0.len() {
                self.0.shrink_to(2 * self.0.len());
            }
        }
        self.0.len() >= most || self.0.entry(number).or_default().admits(per_second, now)
    }

    /// The last connection of the viewer `number` is gone: if it was silent nothing of it is kept.
    pub fn left(&mut self, number: ViewerNumber, now: Duration) {
        if self.0.get(&number).is_some_and(|pace| pace.until <= now) {
            self.0.remove(&number);
        }
        if self.0.is_empty() {
            self.0 = HashMap::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a hundred are admitted at each of these moments, in milliseconds.
    fn check(per_second: Limit<u32>, moments: &[u64], expected: &[usize]) {
        let mut pace = Pace::default();
        let admitted = moments.iter().map(|millis| {
            let now = Duration::from_secs(1_000) + Duration::from_millis(*millis);
            (0..100).filter(|_| pace.admits(per_second, now)).count()
        });
        assert_eq!(admitted.collect::<Vec<_>>(), expected, "{per_second:?} a second at {moments:?}");
    }

    #[test]
    fn a_second_brings_so_many_and_a_long_silence_no_more() {
        check(Limit::Max(5), &[0, 199, 200, 400, 1_400, 9_000], &[5, 0, 1, 1, 5, 5]);
        check(Limit::Max(1), &[0, 999, 1_000, 1_999, 60_000], &[1, 0, 1, 0, 1]);
        check(Limit::Max(3), &[0, 333, 334, 1_334], &[3, 0, 1, 3]);
    }

    #[test]
    fn zero_allows_nothing_and_none_lifts_it() {
        check(Limit::Max(0), &[0, 9_000], &[0, 0]);
        check(Limit::None, &[0, 0], &[100, 100]);
        let mut paces = Paces::default();
        assert!((0..1_000).all(|from| !paces.admits(number(from), Limit::Max(0), SECOND, 0)));
    }

    fn number(number: u64) -> ViewerNumber {
        ViewerNumber::of(number)
    }

    #[test]
    fn a_viewer_has_one_pace_over_all_its_connections() {
        let (mut paces, now) = (Paces::default(), Duration::from_secs(9));
        let admitted = |paces: &mut Paces, from, now| {
            (0..20).filter(|_| paces.admits(number(from), Limit::Max(5), now, 2)).count()
        };
        assert_eq!((admitted(&mut paces, 1, now), admitted(&mut paces, 2, now)), (5, 5));
        paces.left(number(1), now);
        assert_eq!(admitted(&mut paces, 1, now), 0, "who comes back at once has said what it may");
        assert_eq!(admitted(&mut paces, 1, now + Duration::from_millis(200)), 1);
        assert_eq!((0..20).filter(|_| paces.admits(number(3), Limit::None, now, 2)).count(), 20, "the limit is lifted");
        for from in [1, 2] {
            paces.left(number(from), now + Duration::from_secs(60));
        }
        assert_eq!(paces.0.capacity(), 0, "of the silent nothing is kept");
    }

    #[test]
    fn a_crowd_that_speaks_and_leaves_is_never_refused_and_what_is_kept_of_it_has_a_limit() {
        let (mut paces, now) = (Paces::default(), Duration::from_secs(9));
        let admitted = |paces: &mut Paces, from: u64, now| {
            (from..from + 10_000).filter(|from| paces.admits(number(*from), Limit::Max(5), now, 100)).count()
        };
        assert_eq!(admitted(&mut paces, 1, now), 10_000);
        assert_eq!(
            (0..20).filter(|_| paces.admits(number(7), Limit::Max(5), now, 100)).count(),
            4,
            "of those it knows it counts all"
        );
        assert_eq!(paces.0.len(), 264);
        let later = now + Duration::from_secs(2);
        assert_eq!(admitted(&mut paces, 20_000, later), 10_000);
        assert!(!paces.0.contains_key(&number(7)), "the silent have made room");
        assert!(paces.0.capacity() < 1_000);
    }
}
