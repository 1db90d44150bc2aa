//! Parses durations as people write them: 250ms, 10s, 1h 30m.
//! Must not know which durations a setting allows.

use std::time::Duration;

/// Returns the duration in `text`. `None` if it is not a duration, or too long for a [`Duration`].
pub(crate) fn parse(text: &str) -> Option<Duration> {
    is_summable(text).then(|| humantime::parse_duration(text).ok()).flatten()
}

/// Returns whether the sum of the numbers in `text` fits into a [`Duration`], even if all of them are years. The parser
/// panics on some sums that do not fit.
fn is_summable(text: &str) -> bool {
    const SECONDS_PER_YEAR: u128 = 31_557_600;
    // For the parser, digits with white space between them are one number.
    let text: String = text.split_whitespace().collect();
    let mut numbers = text.split(|sign: char| !sign.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let sum = numbers.try_fold(0_u128, |sum, digits| Some(sum + u128::from(digits.parse::<u64>().ok()?)));
    sum.is_some_and(|sum| sum * SECONDS_PER_YEAR < u128::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_sum_of_numbers_with_units() {
        for (text, millis) in [("250ms", 250), ("1h 30m", 5_400_000), ("1.5s", 1_500), ("1 0s", 10_000), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "-1s", "1 year-old", "soon", "1e9s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_sum_that_no_duration_holds_is_none_and_no_panic() {
        for text in [
            "18446744073709551615s 1000000000ns",
            "18446744073709551615s 999999999ns 1ns",
            "18446744073709551616s",
            "1 8446744073709551615s 1000000000ns",
            "584542046090years 7months 15days 17h 27m 15s 1000000000ns",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
