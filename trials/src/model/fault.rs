//! What went wrong: each kind counted, its first case kept. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// How many bytes of a case are shown.
const CASE_BYTES_MAX: usize = 600;

/// What a server or a connection must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A text that PROTOCOL.md does not allow, or not here.
    Forbidden,
    /// A message came that nobody said, or its number is beyond what was said.
    Unsaid,
    /// A message's bytes are not what its number says.
    OtherBytes,
    /// A message was left out and no hole was announced.
    Gap,
    /// A message came twice.
    Repeated,
    /// A message came after a later one.
    OutOfOrder,
    /// `skipped` was not true, or not where it must be.
    FalseSkipped,
    /// `resumed` was said and what followed was not every message after the cursor.
    FalseResumed,
    /// `reset` was said though the history held everything after the cursor, with a wrong reason, or as `slow` though
    /// not much waited.
    FalseReset,
    /// A replay was not the fold of the messages that it stands for.
    OtherState,
    /// An answer did not know a message that had been acknowledged before the question.
    Forgotten,
    /// An ephemeral message came twice, out of its place, or during a replay.
    OddEphemeral,
    /// A `term`, an `epoch`, an `owner` status or an `aliveMs` that cannot be.
    OddRoom,
    /// What one `alive` told had not come when the next one came, or nothing was heard for two of them.
    NotAlive,
    /// A connection ended in another way than it should.
    OddEnd,
    /// An `ack` that names another number than the message has, or that comes out of turn.
    FalseAck,
    /// A message of an older term behind the `owner` frame of a newer one.
    Stale,
    /// An owner that was replaced was not told so.
    NotFenced,
    /// Someone did not get what was said in the time that it may take.
    Late,
    /// A server did not start, or only with a word, on a directory in which all is that must be.
    NotStarted,
}

/// Every kind that happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(BTreeMap<Fault, (u64, String)>);

impl Faults {
    /// Something of this kind happened; `case` is asked for the first of each kind.
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

    /// How often one kind happened.
    pub(crate) fn count(&self, fault: Fault) -> u64 {
        self.0.get(&fault).map_or(0, |(count, _)| *count)
    }

    /// How often anything happened.
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
