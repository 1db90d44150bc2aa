//! How often each viewer may send a signal, over all its connections.
//! Pure: it takes the time as an argument.

use std::collections::HashMap;
use std::time::Duration;

use crate::identity::{BuildNumberHasher, ViewerNumber};
use crate::rate::{Meter, Rate};

/// The number of viewers for which there is always space.
const VIEWERS_MIN: usize = 64;

/// The recent signals of each viewer, over all its connections. A viewer that was silent for a second need not be
/// remembered.
#[derive(Debug, Default)]
pub struct Paces(HashMap<ViewerNumber, Meter, BuildNumberHasher>);

impl Paces {
    /// Returns whether the viewer `number` may send one more signal at the moment `now`. So many connections are
    /// `there`: about twice as many viewers are remembered. If more come, send and leave within a second, only the rate
    /// of each connection counts.
    pub fn admits(&mut self, number: ViewerNumber, rate: Rate, now: Duration, there: usize) -> bool {
        if rate.is_lifted() {
            return true;
        }
        if rate.is_nothing() {
            // No meter is kept: there would not be one for every viewer.
            return false;
        }
        if let Some(pace) = self.0.get_mut(&number) {
            return pace.admits(rate, now);
        }
        let most = VIEWERS_MIN + 2 * there;
        if self.0.len() >= most {
            self.0.retain(|_, pace| !pace.is_full(now));
            if self.0.capacity() > VIEWERS_MIN + 4 * self.0.len() {
                self.0.shrink_to(2 * self.0.len());
            }
        }
        self.0.len() >= most || self.0.entry(number).or_default().admits(rate, now)
    }

    /// Notes that the last connection of the viewer `number` is gone: a viewer that was silent is forgotten.
    pub fn left(&mut self, number: ViewerNumber, now: Duration) {
        if self.0.get(&number).is_some_and(|pace| pace.is_full(now)) {
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
    use crate::limit::Limit;

    const RATE: Rate = Rate::per_second(Limit::Max(5));
    const NOTHING: Rate = Rate::per_second(Limit::Max(0));
    const LIFTED: Rate = Rate::per_second(Limit::None);

    fn number(number: u64) -> ViewerNumber {
        ViewerNumber::of(number)
    }

    #[test]
    fn a_rate_of_zero_admits_no_viewer_and_keeps_no_meter() {
        let mut paces = Paces::default();
        let now = Duration::from_secs(9);
        assert!((0..1_000).all(|from| !paces.admits(number(from), NOTHING, now, 0)));
        assert_eq!(paces.0.capacity(), 0);
    }

    #[test]
    fn a_viewer_has_one_pace_over_all_its_connections() {
        let (mut paces, now) = (Paces::default(), Duration::from_secs(9));
        let admitted =
            |paces: &mut Paces, from, now| (0..20).filter(|_| paces.admits(number(from), RATE, now, 2)).count();
        assert_eq!((admitted(&mut paces, 1, now), admitted(&mut paces, 2, now)), (5, 5));
        paces.left(number(1), now);
        assert_eq!(admitted(&mut paces, 1, now), 0, "a viewer that comes back at once has sent all that it may");
        assert_eq!(admitted(&mut paces, 1, now + Duration::from_millis(200)), 1);
        assert_eq!((0..20).filter(|_| paces.admits(number(3), LIFTED, now, 2)).count(), 20, "the limit is lifted");
        for from in [1, 2] {
            paces.left(number(from), now + Duration::from_secs(60));
        }
        assert_eq!(paces.0.capacity(), 0, "of the silent nothing is kept");
    }

    #[test]
    fn a_crowd_that_speaks_and_leaves_is_never_refused_and_what_is_kept_of_it_has_a_limit() {
        let (mut paces, now) = (Paces::default(), Duration::from_secs(9));
        let admitted = |paces: &mut Paces, from: u64, now| {
            (from..from + 10_000).filter(|from| paces.admits(number(*from), RATE, now, 100)).count()
        };
        assert_eq!(admitted(&mut paces, 1, now), 10_000);
        assert_eq!(
            (0..20).filter(|_| paces.admits(number(7), RATE, now, 100)).count(),
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
