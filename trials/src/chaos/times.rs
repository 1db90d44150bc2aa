//! Percentiles of durations, and their notation. Pure.

use std::time::Duration;

/// Returns the smallest value of a sorted list that so many percent of the values do not exceed.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Formats a percentile in seconds.
pub(super) fn seconds(sorted: &[Duration], percent: usize) -> String {
    percentile(sorted, percent).map_or_else(|| "none".into(), |time| format!("{:.2} s", time.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let times: Vec<_> = (1..=200).map(Duration::from_secs).collect();
        let of = |percent| percentile(&times, percent).map(|time| time.as_secs());
        assert_eq!((of(0), of(50), of(99), of(100)), (Some(1), Some(100), Some(198), Some(200)));
        assert_eq!((percentile(&[], 50), seconds(&times, 99)), (None, "198.00 s".into()));
        assert_eq!(seconds(&[], 99), "none");
    }
}
