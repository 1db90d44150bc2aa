//! One limit or optional delay: either the most there may be, or none.
//! Must not know what is limited, nor what enforces it.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

/// The most of something, or no limit at all. Zero is a limit like any other: it allows nothing.
///
/// ```
/// use rtbroadcaster::Limit;
///
/// let rooms: Limit = "3".parse()?;
/// assert_eq!(rooms, Limit::Max(3));
/// assert!(!rooms.is_exceeded_by(3) && rooms.is_exceeded_by(4));
/// assert!(Limit::Max(0_usize).is_reached_by(0), "nothing is allowed");
/// assert_eq!("none".parse(), Ok(Limit::<usize>::None));
/// assert!(!Limit::None.is_exceeded_by(usize::MAX));
/// assert!(rooms < Limit::None, "no limit is above every limit");
/// assert!("-1".parse::<Limit>().is_err());
/// # Ok::<(), rtbroadcaster::InvalidLimit>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit<T = usize> {
    /// So much is allowed and no more.
    Max(T),
    /// There is no limit, or no delay.
    None,
}

/// The text is neither `none` nor a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number, or none")]
pub struct InvalidLimit(#[from] ParseIntError);

impl<T> Limit<T> {
    /// Returns the number or delay, if there is one.
    pub fn max(self) -> Option<T> {
        match self {
            Limit::Max(max) => Some(max),
            Limit::None => None,
        }
    }

    /// Returns whether there is no limit.
    pub fn is_none(&self) -> bool {
        matches!(self, Limit::None)
    }

    /// Returns the same limit of something else, by `convert`.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Limit<U> {
        match self {
            Limit::Max(max) => Limit::Max(convert(max)),
            Limit::None => Limit::None,
        }
    }
}

/// An amount that can be limited.
pub trait Quantity: Copy + Ord {
    /// The greatest amount of its type.
    const MOST: Self;
}

impl<T: Quantity> Limit<T> {
    /// Returns the greatest amount that is allowed; without a limit, the greatest amount of the type. A check against
    /// it costs one comparison.
    pub fn most(self) -> T {
        self.max().unwrap_or(T::MOST)
    }

    /// Returns whether `amount` is more than is allowed.
    pub fn is_exceeded_by(self, amount: T) -> bool {
        amount > self.most()
    }

    /// Returns whether nothing may be added to `amount`.
    pub fn is_reached_by(self, amount: T) -> bool {
        self.max().is_some_and(|max| amount >= max)
    }
}

/// Implements limits of numbers.
macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Quantity for $number {
            const MOST: Self = Self::MAX;
        }

        impl fmt::Display for Limit<$number> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Limit::Max(max) => max.fmt(f),
                    Limit::None => f.write_str("none"),
                }
            }
        }

        impl FromStr for Limit<$number> {
            type Err = InvalidLimit;

            /// Reads `none` or a number.
            fn from_str(text: &str) -> Result<Self, InvalidLimit> {
                if text == "none" { Ok(Limit::None) } else { Ok(Limit::Max(text.parse()?)) }
            }
        }
    )*};
}

numbers!(usize u32 u64);

impl Quantity for Duration {
    const MOST: Self = Self::MAX;
}

impl Limit<Duration> {
    /// Returns when the delay that began at `since` is over, if there is one.
    pub fn after(self, since: Duration) -> Option<Duration> {
        self.max().map(|delay| since.saturating_add(delay))
    }
}

impl fmt::Display for Limit<Duration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Max(max) => fmt::Debug::fmt(max, f),
            Limit::None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_zero_allows_nothing_and_none_allows_everything() {
        for amount in [0_usize, 1, usize::MAX] {
            assert!(Limit::Max(0).is_reached_by(amount));
            assert!(!Limit::None.is_reached_by(amount) && !Limit::None.is_exceeded_by(amount));
            assert_eq!(Limit::Max(0).is_exceeded_by(amount), amount > 0);
        }
        assert!(!Limit::Max(3_u64).is_exceeded_by(3) && Limit::Max(3_u64).is_reached_by(3));
        assert!(Limit::Max(3_u32).is_exceeded_by(4) && !Limit::Max(3_u32).is_reached_by(2));
    }

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        for limit in [Limit::None, Limit::Max(0), Limit::Max(u32::MAX)] {
            assert_eq!(limit.to_string().parse::<Limit<u32>>(), Ok(limit));
        }
        for text in ["", "None", "-1", "1.5", "4294967296", "1s"] {
            assert!(text.parse::<Limit<u32>>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_delay_is_over_at_a_moment_or_never() {
        let second = Duration::from_secs(1);
        assert_eq!(Limit::Max(second).after(second), Some(2 * second));
        assert_eq!(Limit::Max(Duration::MAX).after(second), Some(Duration::MAX));
        assert_eq!(Limit::None.after(second), None);
        assert_eq!((Limit::Max(second).to_string(), Limit::<Duration>::None.to_string()), ("1s".into(), "none".into()));
    }
}
