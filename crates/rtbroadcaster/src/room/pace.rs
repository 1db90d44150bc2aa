//! How often something may be said: so much in a second, all of which may come at once.
//! Pure: it takes the time as an argument.

use std::time::Duration;

/// What one second brings may be had at once.
const SECOND: Duration = Duration::from_secs(1);

/// What was said of late.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Until when the share of each thing that was said lasts, one after the other.
    until: Duration,
}

impl Pace {
    /// Whether one more may be said at the moment `now`, where so many may be in a second and 0 lifts that. What may not
    /// does not count.
    pub(super) fn admits(&mut self, per_second: u32, now: Duration) -> bool {
        let Some(share) = SECOND.checked_div(per_second) else { return true };
        let until = self.until.max(now) + share;
        let admits = until <= now + SECOND;
        if admits {
            self.until = until;
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a hundred are admitted at each of these moments, in milliseconds.
    fn check(per_second: u32, moments: &[u64], expected: &[usize]) {
        let mut pace = Pace::default();
        let admitted = moments.iter().map(|millis| {
            let now = Duration::from_secs(1_000) + Duration::from_millis(*millis);
            (0..100).filter(|_| pace.admits(per_second, now)).count()
        });
        assert_eq!(admitted.collect::<Vec<_>>(), expected, "{per_second} a second at {moments:?}");
    }

    #[test]
    fn a_second_brings_so_many_and_a_long_silence_no_more() {
        check(5, &[0, 199, 200, 400, 1_400, 9_000], &[5, 0, 1, 1, 5, 5]);
        check(1, &[0, 999, 1_000, 1_999, 60_000], &[1, 0, 1, 0, 1]);
        check(3, &[0, 333, 334, 1_334], &[3, 0, 1, 3]);
    }

    #[test]
    fn zero_lifts_it() {
        check(0, &[0, 0], &[100, 100]);
    }
}
