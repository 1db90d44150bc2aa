//! The faults: each kind counted, its first case kept. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// The number of bytes shown of a case.
const CASE_BYTES_MAX: usize = 600;

/// An act that a server or a connection must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A text that PROTOCOL.md does not allow, or not here.
    Forbidden,
    /// A message arrived that was not published, or its number is beyond the last one.
    Unsaid,
    /// A message's bytes are not those of its number.
    OtherBytes,
    /// A message is missing without an announced hole.
    Gap,
    /// A message arrived twice.
    Repeated,
    /// A message arrived after a later one.
    OutOfOrder,
    /// `skipped` was not true, or in a wrong place.
    FalseSkipped,
    /// The answer was `resumed`, and the replay was not every message after the cursor.
    FalseResumed,
    /// The answer was `reset` though the history held everything after the cursor, or the reason was wrong, or it was
    /// `slow` though not much waited.
    FalseReset,
    /// A replay was not the fold of its messages.
    OtherState,
    /// An answer did not know a message that had been acknowledged before the request.
    Forgotten,
    /// An ephemeral message arrived twice, out of order, or during a replay.
    OddEphemeral,
    /// A `term`, an `epoch`, an `owner` status or an `aliveMs` that cannot be.
    OddRoom,
    /// The `seq` of one `alive` was not reached when the next one came, or nothing arrived for two of them.
    NotAlive,
    /// A connection ended in another way than it should.
    OddEnd,
    /// An `ack` with another number than the message has, or out of order.
    FalseAck,
    /// A message of an older term after the `owner` frame of a newer one.
    Stale,
    /// An owner that was replaced did not learn it.
    NotFenced,
    /// A client did not get its messages in time.
    Late,
    /// A server did not start, or only with a word, on a complete directory.
    NotStarted,
}

/// The faults so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(BTreeMap<Fault, (u64, String)>);

impl Faults {
    /// Counts a fault of this kind; `case` is called for the first of each kind.
    pub(crate) fn note(&mut self, fault: Fault, case: impl FnOnce() -> String) {
        let (count, _) = self.0.entry(fault).or_insert_with(|| {
            let mut case = case();
            let end = (0..=CASE_BYTES_MAX).rev().find(|&end| case.is_char_boundary(end)).unwrap_or(0);
            if case.len() > end {
                case.truncate(end);
                case.push('…');
            }
            (0, case)
        });
        *count += 1;
    }

    /// Adds those of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        for (&fault, (count, case)) in &other.0 {
            self.0.entry(fault).or_insert_with(|| (0, case.clone())).0 += count;
        }
    }

    /// Returns the number of faults of one kind.
    pub(crate) fn count(&self, fault: Fault) -> u64 {
        self.0.get(&fault).map_or(0, |(count, _)| *count)
    }

    /// Returns the number of all faults.
    pub(crate) fn all(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "  faults     none");
        }
        write!(f, "  faults     {}", self.all())?;
        for (fault, (count, case)) in &self.0 {
            write!(f, "\n    {count} x {fault:?}, the first: {case}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_counted_and_the_first_one_shown() {
        let (mut one, mut other) = (Faults::default(), Faults::default());
        assert_eq!(one.to_string(), "  faults     none");
        one.note(Fault::Gap, || "a".into());
        one.note(Fault::Gap, || "b".into());
        other.note(Fault::Gap, || "c".into());
        other.note(Fault::Stale, || "ü".repeat(CASE_BYTES_MAX));
        one.add(&other);
        assert_eq!((one.count(Fault::Gap), one.count(Fault::Stale), one.count(Fault::Late), one.all()), (3, 1, 0, 4));
        assert!(one.to_string().contains("3 x Gap, the first: a\n"), "{one}");
    }
}
