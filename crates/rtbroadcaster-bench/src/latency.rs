//! Histograms of times, and their percentiles. Must not know what is timed.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The range of recorded times, in nanoseconds: 100 ns to 10 minutes.
const NANOS: std::ops::RangeInclusive<u64> = 100..=600_000_000_000;

/// The significant digits of a recorded time.
const DIGITS: u8 = 3;

/// Returns an empty histogram of nanoseconds. It allocates its memory now: recording allocates nothing.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(*NANOS.start(), *NANOS.end(), DIGITS).expect("the bounds are right")
}

/// The percentiles of many times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    /// Returns the percentiles of these times; `None` if there are none.
    pub(crate) fn of(times: &Histogram<u64>) -> Option<Self> {
        let micros = |nanos: u64| (nanos as f64 / 100.0).round() / 10.0;
        let at = |quantile| micros(times.value_at_quantile(quantile));
        (!times.is_empty()).then(|| Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: micros(times.max()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_told_in_microseconds() {
        let mut times = histogram();
        assert_eq!(Percentiles::of(&times), None);
        times.record_n(10_000, 989).unwrap();
        times.record_n(2_000_000, 10).unwrap();
        times.saturating_record(u64::MAX);
        let found = Percentiles::of(&times).unwrap();
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.002;
        assert!(near(found.p50, 10.0) && near(found.p99, 2_000.0) && near(found.p999, 2_000.0), "{found:?}");
        assert!(found.max > 400_000_000.0, "{found:?}");
    }
}
