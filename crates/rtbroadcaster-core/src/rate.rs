//! How much of something may be had in a time: the one rate limiter, the generic cell rate algorithm (ITU-T I.371).
//! Pure: it takes the time as an argument and must not know what is counted.

use std::time::Duration;

/// So much in a time, all of which may be had at once. An amount of zero lifts it.
///
/// ```
/// use std::time::Duration;
/// use rtbroadcaster_core::rate::{Meter, Rate};
///
/// let (rate, mut meter, now) = (Rate::per_second(2), Meter::default(), Duration::from_secs(60));
/// assert!(meter.admits(rate, now) && meter.admits(rate, now));
/// assert!(!meter.admits(rate, now), "two are had");
/// assert!(meter.admits(rate, now + Duration::from_millis(500)), "half a second brings one");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    amount: u64,
    time: Duration,
    /// `time` in nanoseconds.
    nanos: u64,
}

impl Rate {
    /// Returns the rate of so much in a time.
    pub const fn new(amount: u64, time: Duration) -> Self {
        Self { amount, time, nanos: time.as_secs() * 1_000_000_000 + time.subsec_nanos() as u64 }
    }

    /// Returns the rate of so much in a second.
    pub const fn per_second(amount: u32) -> Self {
        Self::new(amount as u64, Duration::from_secs(1))
    }

    /// Returns whether there is no limit.
    pub const fn is_lifted(self) -> bool {
        self.amount == 0
    }

    /// Returns the time that brings so much.
    fn time_of(self, amount: u64) -> Duration {
        // Saturates only far beyond every time that is asked for.
        Duration::from_nanos(amount.saturating_mul(self.nanos) / self.amount)
    }
}

/// What was had of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// Until when the time lasts that brings what was had, one after the other.
    until: Duration,
}

impl Meter {
    /// Takes one, if there is one. One that is refused does not count.
    pub fn admits(&mut self, rate: Rate, now: Duration) -> bool {
        if rate.is_lifted() {
            return true;
        }
        let after = Self { until: self.until.max(now).saturating_add(rate.time_of(1)) };
        let admits = after.is_even(rate, now);
        if admits {
            *self = after;
        }
        admits
    }

    /// Counts so much, be it there or not.
    pub fn charge(&mut self, amount: u64, rate: Rate, now: Duration) {
        if !rate.is_lifted() {
            self.until = self.until.max(now).saturating_add(rate.time_of(amount));
        }
    }

    /// Counts so much, be it there or not. Returns whether it was.
    pub fn takes(&mut self, amount: u64, rate: Rate, now: Duration) -> bool {
        self.charge(amount, rate, now);
        self.is_even(rate, now)
    }

    /// Returns whether no more was had than there was.
    pub fn is_even(&self, rate: Rate, now: Duration) -> bool {
        rate.is_lifted() || self.until <= now.saturating_add(rate.time)
    }

    /// Returns how long it takes until there is one.
    pub fn wait(&self, rate: Rate, now: Duration) -> Duration {
        if rate.is_lifted() {
            return Duration::ZERO;
        }
        let until = self.until.max(now).saturating_add(rate.time_of(1));
        until.saturating_sub(now.saturating_add(rate.time))
    }

    /// Returns whether it need not be remembered: everything is there again.
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
    fn check(per_second: u32, moments: &[u64], expected: &[usize]) {
        let (mut meter, rate) = (Meter::default(), Rate::per_second(per_second));
        let admitted = moments.iter().map(|millis| {
            let now = seconds(1_000) + Duration::from_millis(*millis);
            let wait = meter.wait(rate, now);
            let admitted = (0..100).filter(|_| meter.admits(rate, now)).count();
            assert_eq!(wait.is_zero(), admitted > 0, "{wait:?}");
            admitted
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
    fn what_was_had_beyond_what_was_there_is_paid_before_more_is_had() {
        let rate = Rate::new(1_000, seconds(10));
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
        let rate = Rate::new(128, Duration::from_millis(6_400));
        let mut meter = Meter::default();
        let mut passing = |at: u64, count: usize| (0..count).take_while(|_| meter.takes(1, rate, seconds(at))).count();
        assert_eq!(passing(100, 1_000), 128);
        // The one that was too many has its interval too.
        assert_eq!(passing(101, 1_000), 19);
        assert_eq!(passing(200, 1_000), 128, "a long silence brings no more than one burst");
        assert_eq!(passing(300, 20) + passing(301, 20) + passing(302, 20), 60);
    }

    #[test]
    fn a_rate_of_zero_is_lifted() {
        check(0, &[0, 0], &[100, 100]);
        let rate = Rate::new(0, seconds(10));
        let mut meter = Meter::default();
        assert!(meter.takes(u64::MAX, rate, seconds(50)) && meter.is_even(rate, seconds(50)));
        assert!(meter.is_full(seconds(50)));
    }
}
