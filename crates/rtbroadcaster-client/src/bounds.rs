//! Clamps every delay, interval and count that a server sends. No other module reads such a number unclamped.
//! Pure. Must not know frames, nor what a number is for.

use std::time::Duration;

/// The longest time that a server may make a client wait before it reconnects.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// The shortest and the longest time between two heartbeats. With a shorter one, a late packet would count as silence.
/// With a longer one, a timer of a JavaScript client fires at once, so no server that serves both can mean it.
const BEAT_MIN: Duration = Duration::from_millis(100);
const BEAT_MAX: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// The longest time of any other number. A program can add it to any point in time without overflow.
const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The greatest whole number that every reader of JSON holds exactly (RFC 8259 section 6).
const COUNT_MAX: u64 = (1 << 53) - 1;

/// Returns how long a client waits before it reconnects: at most an hour.
pub(super) fn wait(millis: u64) -> Duration {
    Duration::from_millis(millis).min(WAIT_MAX)
}

/// Returns how long a client waits after a `Retry-After` in seconds: at most an hour, for any number of digits.
/// Returns `None` for any other text, also for a date (RFC 9110 section 10.2.3), which needs synchronized clocks.
pub(super) fn retry_after(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(WAIT_MAX))
}

/// Returns the time between two heartbeats; `None` for 0, which means no heartbeats.
pub(super) fn beat(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis).clamp(BEAT_MIN, BEAT_MAX))
}

/// Returns a time that is only shown to the program: at most a year.
pub(super) fn span(millis: u64) -> Duration {
    Duration::from_millis(millis).min(SPAN_MAX)
}

/// Returns the count, at most 2^53 - 1.
pub(super) fn count(number: u64) -> u64 {
    number.min(COUNT_MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn no_number_is_too_big_for_a_clock() {
        for number in [0, 1, 3_600_000, 3_600_001, 1 << 31, 1 << 53, 1 << 63, u64::MAX] {
            let now = Instant::now();
            let times = [wait(number), beat(number).unwrap_or_default() * 2, span(number)];
            assert!(times.iter().all(|time| now.checked_add(*time).is_some()), "{number}");
            assert!(wait(number) <= WAIT_MAX && count(number) < 1 << 53);
        }
        assert_eq!((wait(7_000), span(7_000), count(7)), (Duration::from_secs(7), Duration::from_secs(7), 7));
    }

    #[test]
    fn a_heartbeat_is_neither_so_short_that_all_is_silence_nor_beyond_any_timer() {
        let beats = [0, 1, 25_000, u64::MAX].map(beat);
        let usual = Duration::from_secs(25);
        assert_eq!(beats, [None, Some(BEAT_MIN), Some(usual), Some(Duration::from_millis((1 << 31) - 1))]);
    }

    #[test]
    fn a_retry_after_has_any_number_of_digits_and_an_hour_at_most() {
        let hour = Some(WAIT_MAX);
        for (text, expected) in [
            ("0", Some(Duration::ZERO)),
            ("30", Some(Duration::from_secs(30))),
            ("3601", hour),
            ("18446744073709551615", hour),
            ("99999999999999999999999999", hour),
            ("", None),
            ("-1", None),
            ("1e3", None),
            ("1.5", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(retry_after(text), expected, "{text}");
        }
    }
}
