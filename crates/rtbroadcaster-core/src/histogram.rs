//! Durations, counted into fixed buckets.
//! Must not know what is measured. Pure: it takes the time as an argument.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, three a decade. A pass takes 5 us for each member (docs/performance.md), so the
/// first bounds tell rooms of a few members apart; at the last ones viewers are closed as slow.
const BOUNDS: [Duration; 16] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// A count of durations, by upper bounds.
///
/// ```
/// use std::time::Duration;
/// use rtbroadcaster::{Config, Manager};
///
/// let histogram = Manager::new(Config::default()).metrics().apply_to_written;
/// assert_eq!(histogram.buckets.first(), Some(&(Duration::from_micros(100), 0)));
/// assert_eq!(histogram.buckets.last(), Some(&(Duration::from_secs(10), 0)));
/// assert_eq!((histogram.count, histogram.sum), (0, Duration::ZERO), "nothing was measured yet");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// Upper bounds, each with the number of durations up to it: the counts are cumulative.
    pub buckets: Vec<(Duration, u64)>,
    /// The number of all durations, also of those above the last bound.
    pub count: u64,
    /// The sum of all durations.
    pub sum: Duration,
}

/// A counter of durations.
#[derive(Debug, Default)]
pub struct Stopwatch {
    /// The number of durations in each bucket alone; the last one has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// The sum of all durations, in nanoseconds; 584 years fit.
    nanos: AtomicU64,
}

impl Stopwatch {
    /// Counts one duration.
    pub fn count(&self, took: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < took);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the counts so far.
    pub fn read(&self) -> Histogram {
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed));
        let mut count = 0;
        let mut upto = |bucket: &AtomicU64| {
            count += bucket.load(Ordering::Relaxed);
            count
        };
        let buckets = BOUNDS.into_iter().zip(&self.buckets).map(|(bound, bucket)| (bound, upto(bucket))).collect();
        let count = upto(&self.buckets[BOUNDS.len()]);
        Histogram { buckets, count, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_exactly_a_bound_is_within_it_and_buckets_hold_those_below() {
        let stopwatch = Stopwatch::default();
        for micros in [0, 100, 101, 9_999_999, 10_000_000, 10_000_001, 60_000_000] {
            stopwatch.count(Duration::from_micros(micros));
        }
        let Histogram { buckets, count, sum } = stopwatch.read();
        assert_eq!(buckets[..2], [(Duration::from_micros(100), 2), (Duration::from_micros(250), 3)]);
        assert_eq!(buckets[14..], [(Duration::from_secs(5), 3), (Duration::from_secs(10), 5)]);
        assert_eq!((count, sum), (7, Duration::from_micros(90_000_201)));
        assert!(buckets.is_sorted(), "bounds and counts grow: {buckets:?}");
    }
}
