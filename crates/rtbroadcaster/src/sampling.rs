//! Chooses which of many similar lines are logged: strangers can cause them as fast as they like.
//! Must not know what the lines say. Takes the time as an argument.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::rate::{Meter, Rate};

/// The interval at which a line of one kind is written at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lets a line of each kind through once a second, and counts the others. Kinds are the program's own, never a peer's:
/// each is kept for ever.
///
/// For lines that any client on the network can cause, such as refused requests: a flood of them must not fill a disk.
///
/// ```
/// use std::time::{Duration, Instant};
/// use rtbroadcaster::Sampling;
///
/// let (sampling, now) = (Sampling::default(), Instant::now());
/// assert_eq!(sampling.count("refused", now), Some(0), "the first one is written");
/// assert_eq!(sampling.count("refused", now), None, "the second one is not");
/// assert_eq!(sampling.count("not accepted", now), Some(0), "another kind has its own second");
/// assert_eq!(sampling.count("refused", now + Duration::from_secs(1)), Some(1), "one was not written");
/// ```
#[derive(Debug)]
pub struct Sampling<K> {
    /// The rate of lines of a kind that are written.
    rate: Rate,
    kinds: Mutex<Vec<LineKind<K>>>,
}

/// One kind of line.
#[derive(Debug)]
struct LineKind<K> {
    name: K,
    /// When the first line came.
    began: Instant,
    /// The meter of lines that were written.
    written: Meter,
    /// The number of lines that were not written since the last one that was.
    unsaid: u64,
}

impl<K> Default for Sampling<K> {
    /// Lets one line of each kind through in a second.
    fn default() -> Self {
        Self::bursts_of(1)
    }
}

impl<K> Sampling<K> {
    /// Lets `lines` lines of each kind through at once, and one in a second on average. 0 is taken for 1.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use rtbroadcaster::Sampling;
    ///
    /// let (sampling, now) = (Sampling::bursts_of(2), Instant::now());
    /// let counted: Vec<_> = (0..4).map(|_| sampling.count("opened", now)).collect();
    /// assert_eq!(counted, [Some(0), Some(0), None, None]);
    /// assert_eq!(sampling.count("opened", now + Duration::from_secs(1)), Some(2));
    /// ```
    pub fn bursts_of(lines: u32) -> Self {
        let lines = lines.max(1);
        Self { rate: Rate::new(Limit::Max(lines.into()), INTERVAL * lines), kinds: Mutex::default() }
    }
}

impl<K: PartialEq> Sampling<K> {
    /// Counts a line of this `kind`, at `now`. If it is to be written, returns how many were not since the last one.
    pub fn count(&self, kind: K, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kinds.iter().position(|known| known.name == kind).unwrap_or_else(|| {
            kinds.push(LineKind { name: kind, began: now, written: Meter::default(), unsaid: 0 });
            kinds.len() - 1
        });
        let known = &mut kinds[place];
        if !known.written.admits(self.rate, now.saturating_duration_since(known.began)) {
            known.unsaid += 1;
            return None;
        }
        Some(std::mem::take(&mut known.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_once_a_second_with_the_number_of_those_that_were_not() {
        let (start, sampling) = (Instant::now(), Sampling::default());
        let count = |kind: u8, millis| sampling.count(kind, start + Duration::from_millis(millis));
        assert_eq!(count(1, 0), Some(0));
        assert_eq!(count(1, 50), None);
        assert_eq!(count(2, 60), Some(0));
        assert_eq!(count(1, 999), None);
        assert_eq!(count(1, 1_000), Some(2));
        assert_eq!(count(1, 1_050), None);
        assert_eq!(count(2, 1_059), None);
        assert_eq!(count(1, 9_000), Some(1));
    }

    #[test]
    fn a_burst_is_written_and_then_a_line_a_second() {
        let (start, sampling) = (Instant::now(), Sampling::bursts_of(3));
        let count = |millis| sampling.count("a kind", start + Duration::from_millis(millis));
        assert_eq!([0, 0, 0, 0, 500].map(count), [Some(0), Some(0), Some(0), None, None]);
        assert_eq!([1_000, 1_000].map(count), [Some(2), None], "a second brings one");
        assert_eq!([9_000; 4].map(count), [Some(1), Some(0), Some(0), None], "and a pause no more than a burst");
        assert_eq!(Sampling::bursts_of(0).count("a kind", start), Some(0));
    }
}
