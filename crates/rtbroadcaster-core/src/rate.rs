//! The rate limiter: the generic cell rate algorithm (ITU-T I.371).
//! Pure: it takes the time as an argument and must not know what is counted.

use std::time::Duration;

use crate::limit::Limit;

/// An amount in a time, all of which may be used at once. An amount of zero admits nothing, ever.
///
/// ```
/// use std::time::Duration;
/// use rtbroadcaster_core::limit::Limit;
/// use rtbroadcaster_core::rate::{Meter, Rate};
///
/// let (rate, mut meter, now) = (Rate::per_second(Limit::Max(2)), Meter::default(), Duration::from_secs(60));
/// assert!(meter.admits(rate, now) && meter.admits(rate, now));
/// assert!(!meter.admits(rate, now), "two are had");
/// assert!(meter.admits(rate, now + Duration::from_millis(500)), "half a second brings one");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    amount: Limit<u64>,
    time: Duration,
    /// `time` in nanoseconds.
    nanos: u64,
}

impl Rate {
    /// Returns the rate of `amount` in `time`.
    pub const fn new(amount: Limit<u64>, time: Duration) -> Self {
        Self { amount, time, nanos: time.as_secs() * 1_000_000_000 + time.subsec_nanos() as u64 }
    }

    /// Returns the rate of `amount` in a second.
    pub const fn per_second(amount: Limit<u32>) -> Self {
        let amount = match amount {
            Limit::Max(amount) => Limit::Max(amount as u64),
            Limit::None => Limit::None,
        };
        Self::new(amount, Duration::from_secs(1))
    }

    /// Returns whether there is no limit.
    pub const fn is_lifted(self) -> bool {
        matches!(self.amount, Limit::None)
    }

    /// Returns whether nothing is ever admitted.
    pub const fn is_nothing(self) -> bool {
        matches!(self.amount, Limit::Max(0))
    }

    /// Returns the time that refills `amount`; `None` if there is no limit, or nothing is ever refilled.
    fn time_of(self, amount: u64) -> Option<Duration> {
        let Limit::Max(most) = self.amount else { return None };
        // Saturates only far beyond every time that is asked for.
        amount.saturating_mul(self.nanos).checked_div(most).map(Duration::from_nanos)
    }
}

/// The use of a [`Rate`] so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// When everything that was used is refilled.
    until: Duration,
}

impl Meter {
    /// Uses one, if there is one. Returns whether there was; one that is refused does not count.
    pub fn admits(&mut self, rate: Rate, now: Duration) -> bool {
        let Some(time) = rate.time_of(1) else { return rate.is_lifted() };
        let after = Self { until: self.until.max(now).saturating_add(time) };
        let admits = after.is_even(rate, now);
        if admits {
            *self = after;
        }
        admits
    }

    /// Uses `amount`, even if there is less.
    pub fn charge(&mut self, amount: u64, rate: Rate, now: Duration) {
        // A rate that refills nothing keeps no debt.
        if let Some(time) = rate.time_of(amount) {
            self.until = self.until.max(now).saturating_add(time);
        }
    }

    /// Uses `amount`, even if there is less. Returns whether there was enough.
    pub fn takes(&mut self, amount: u64, rate: Rate, now: Duration) -> bool {
        self.charge(amount, rate, now);
        self.is_even(rate, now)
    }

    /// Returns whether no debt is left; never with a rate of zero.
    pub fn is_even(&self, rate: Rate, now: Duration) -> bool {
        match rate.amount {
            Limit::None => true,
            Limit::Max(0) => false,
            Limit::Max(_) => self.until <= now.saturating_add(rate.time),
        }
    }

    /// Returns how long it takes until there is one; [`Duration::MAX`] if there never is.
    pub fn wait(&self, rate: Rate, now: Duration) -> Duration {
        let Some(time) = rate.time_of(1) else {
            return if rate.is_lifted() { Duration::ZERO } else { Duration::MAX };
        };
        let until = self.until.max(now).saturating_add(time);
        until.saturating_sub(now.saturating_add(rate.time))
    }

    /// Returns whether everything is refilled, so that the meter need not be remembered.
    pub fn is_full(&self, now: Duration) -> bool {
        self.until <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How many of a hundred are admitted at each of these moments, in milliseconds.
    fn check(per_second: Limit<u32>, moments: &[u64], expected: &[usize]) {
        let (mut meter, rate) = (Meter::default(), Rate::per_second(per_second));
        let admitted = moments.iter().map(|millis| {
            let now = seconds(1_000) + Duration::from_millis(*millis);
            let wait = meter.wait(rate, now);
            let admitted = (0..100).filter(|_| meter.admits(rate, now)).count();
            assert_eq!(wait.is_zero(), admitted > 0, "{wait:?}");
            admitted
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
    fn what_was_had_beyond_what_was_there_is_paid_before_more_is_had() {
        let rate = Rate::new(Limit::Max(1_000), seconds(10));
        let mut meter = Meter::default();
        assert!(meter.takes(1_000, rate, seconds(50)), "all that ten seconds bring can be had at once");
        assert!(!meter.takes(500, rate, seconds(50)));
        assert!(!meter.is_even(rate, seconds(54)));
        assert!(meter.is_even(rate, seconds(55)));
        assert!(!meter.is_full(seconds(64)));
        assert!(meter.is_full(seconds(65)), "no more than ten seconds are saved up");
        assert_eq!(meter.wait(rate, seconds(54)), seconds(1) + Duration::from_millis(10));
        assert!(!meter.takes(u64::MAX, rate, seconds(1_000)));
        assert!(!meter.is_even(rate, seconds(1_000_000)), "an amount beyond all bounds is not forgotten");
    }

    #[test]
    fn what_is_refused_may_count_too() {
        let rate = Rate::new(Limit::Max(128), Duration::from_millis(6_400));
        let mut meter = Meter::default();
        let mut passing = |at: u64, count: usize| (0..count).take_while(|_| meter.takes(1, rate, seconds(at))).count();
        assert_eq!(passing(100, 1_000), 128);
        // The one that was too many has its interval too.
        assert_eq!(passing(101, 1_000), 19);
        assert_eq!(passing(200, 1_000), 128, "a long silence brings no more than one burst");
        assert_eq!(passing(300, 20) + passing(301, 20) + passing(302, 20), 60);
    }

    #[test]
    fn zero_brings_nothing_and_none_lifts_it() {
        check(Limit::Max(0), &[0, 9_000], &[0, 0]);
        let (nothing, mut meter) = (Rate::new(Limit::Max(0), seconds(10)), Meter::default());
        assert!(!meter.is_even(nothing, seconds(50)) && !meter.takes(1, nothing, seconds(50)));
        assert!(meter.is_full(seconds(50)), "nothing is remembered of what never is there");
        check(Limit::None, &[0, 0], &[100, 100]);
        let rate = Rate::new(Limit::None, seconds(10));
        let mut meter = Meter::default();
        assert!(meter.takes(u64::MAX, rate, seconds(50)) && meter.is_even(rate, seconds(50)));
        assert!(meter.is_full(seconds(50)));
    }
}
