//! A token bucket: how much of something one address may have in a time.
//! Pure: it takes the time as an argument and must not know what is counted.

use std::time::Duration;

use crate::limit::Limit;

/// How much a second brings, and how many seconds can be saved up.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Infinite if there is no limit.
    per_second: f64,
    most: f64,
}

impl Rate {
    /// `per_second`, of which what `seconds` bring may be had at once.
    pub fn new(per_second: Limit<u32>, seconds: u32) -> Self {
        let per_second = per_second.max().map_or(f64::INFINITY, f64::from);
        Self { per_second, most: per_second * f64::from(seconds) }
    }

    fn is_lifted(self) -> bool {
        self.per_second.is_infinite()
    }
}

/// What is left of a [`Rate`].
#[derive(Debug)]
pub struct Bucket {
    /// Below zero when more was had than there was.
    tokens: f64,
    counted: Duration,
}

impl Bucket {
    /// Returns a bucket from which nothing was taken yet.
    pub fn full(rate: Rate, now: Duration) -> Self {
        Self { tokens: rate.most, counted: now }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, rate: Rate, now: Duration) -> bool {
        let is_there = rate.is_lifted() || self.at(rate, now) >= 1.0;
        if is_there {
            self.charge(1, rate, now);
        }
        is_there
    }

    /// Whether nothing is owed: who asks may have more, however much that will be.
    pub fn is_even(&self, rate: Rate, now: Duration) -> bool {
        rate.is_lifted() || (rate.most > 0.0 && self.at(rate, now) >= 0.0)
    }

    /// So much was had, be it there or not.
    pub fn charge(&mut self, amount: u32, rate: Rate, now: Duration) {
        self.tokens = self.at(rate, now) - f64::from(amount);
        self.counted = now;
    }

    /// Whether it need not be remembered.
    pub fn is_full(&self, rate: Rate, now: Duration) -> bool {
        rate.is_lifted() || self.at(rate, now) >= rate.most
    }

    fn at(&self, rate: Rate, now: Duration) -> f64 {
        let brought = now.saturating_sub(self.counted).as_secs_f64() * rate.per_second;
        (self.tokens + brought).min(rate.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_had_beyond_what_was_there_is_paid_before_more_is_had() {
        let rate = Rate::new(Limit::Max(100), 10);
        let mut bucket = Bucket::full(rate, seconds(50));
        bucket.charge(1_000, rate, seconds(50));
        assert!(bucket.is_even(rate, seconds(50)), "all that ten seconds bring can be had at once");
        bucket.charge(500, rate, seconds(50));
        assert!(!bucket.is_even(rate, seconds(50)));
        assert!(!bucket.is_even(rate, seconds(54)));
        assert!(bucket.is_even(rate, seconds(55)));
        assert!(!bucket.is_full(rate, seconds(64)));
        assert!(bucket.is_full(rate, seconds(65)), "no more than ten seconds are saved up");
        assert!(bucket.is_full(rate, seconds(1_000)));
    }

    #[test]
    fn a_rate_without_a_limit_allows_everything() {
        let rate = Rate::new(Limit::None, 10);
        let mut bucket = Bucket::full(rate, seconds(50));
        bucket.charge(u32::MAX, rate, seconds(50));
        assert!(
            bucket.is_even(rate, seconds(50)) && bucket.take(rate, seconds(50)) && bucket.is_full(rate, seconds(50))
        );
    }
}
