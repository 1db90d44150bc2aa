//! The findings of a run of takeovers, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::owner_record::OwnerRecord;
use super::witness::{RoomTexts, TermWitness};
use super::{OwnersOutcome, Plan, speech};
use crate::model::fault::{Fault, Faults};
use crate::model::record::Record;
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    plan: Plan,
    faults: Faults,
    owners: u64,
    doubles: u64,
    stopped: u64,
    /// The number of stopped owners with messages that were never applied.
    full: u64,
    /// The number of numbered messages that a socket took, and of those that were applied.
    written: u64,
    applied: u64,
    acks: u64,
    fenced: u64,
    witnesses: u64,
    messages: u64,
    ephemerals: u64,
    superseded: u64,
    resets: u64,
    micros: Vec<u128>,
    time: Duration,
}

impl Findings {
    pub(super) fn new(plan: Plan, past: OwnersOutcome, witnesses: Vec<TermWitness>, chronicle: &RoomTexts) -> Self {
        let OwnersOutcome { mut owners, stopped, doubles, mut micros, time } = past;
        owners.sort_by_key(|owner| owner.term);
        micros.sort_unstable();
        let mut report = Self {
            plan,
            faults: Faults::default(),
            owners: owners.len() as u64,
            doubles,
            stopped: stopped.len() as u64,
            full: 0,
            written: owners.iter().map(|owner| owner.numbered).sum(),
            applied: 0,
            acks: owners.iter().map(|owner| owner.acks.len() as u64).sum(),
            fenced: owners.iter().filter(|owner| is_fenced(owner)).count() as u64,
            witnesses: witnesses.len() as u64,
            messages: witnesses.iter().map(|witness| witness.messages).sum(),
            ephemerals: witnesses.iter().map(|witness| witness.ephemerals).sum(),
            superseded: 0,
            resets: witnesses.iter().map(|witness| witness.resets).sum(),
            micros,
            time,
        };
        let (mut record, mut marks) = (Record::default(), Vec::new());
        for (at, owner) in owners.iter().enumerate() {
            // The next owner found this one's messages; the last owner got all its answers.
            let end = owners.get(at + 1).map_or(owner.seq + owner.numbered, |next| next.seq);
            let count = end.saturating_sub(owner.seq);
            speech::record(owner.term, count, &mut record, &mut marks);
            report.full += u64::from(stopped.contains(&owner.term) && count < owner.numbered);
            if count > owner.numbered {
                let numbered = owner.numbered;
                report.faults.note(Fault::Unsaid, || format!("{count} of {numbered} in term {}", owner.term));
            }
        }
        report.applied = record.last();
        chronicle.compare(&record, &mut report.faults);
        for mut witness in witnesses {
            report.superseded += witness.settle(&record);
            report.faults.add(&witness.faults);
        }
        judge(&owners, &record, &marks, &mut report.faults);
        report
    }
}

fn is_fenced(owner: &OwnerRecord) -> bool {
    (owner.word.as_deref(), owner.code) == (Some("fenced"), Some(4509))
}

/// Checks what every owner received, now that the messages are known: `marks` has the term and the counter of each
/// message of the record.
fn judge(owners: &[OwnerRecord], record: &Record, marks: &[(u64, u64)], faults: &mut Faults) {
    let mark = |seq: u64| seq.checked_sub(1).and_then(|at| marks.get(usize::try_from(at).ok()?)).copied();
    for (owner, term) in owners.iter().zip(1..) {
        if owner.term != term {
            faults.note(Fault::OddRoom, || format!("the owner number {term} has term {}", owner.term));
        }
        let is_last = term == owners.len() as u64;
        let ended = (owner.word.as_deref(), owner.code);
        if !is_last && !is_fenced(owner) {
            faults.note(Fault::NotFenced, || format!("the owner of term {term} ended with {ended:?}"));
        } else if is_last && ended != (Some("room_closed"), Some(1000)) {
            faults.note(Fault::OddEnd, || format!("the last owner ended with {ended:?}"));
        }
        for odd in &owner.odd {
            faults.note(Fault::Forbidden, || format!("to the owner of term {term}: {odd}"));
        }
        for &(counter, seq) in &owner.acks {
            if mark(seq) != Some((owner.term, counter)) {
                let said = record.frame(seq).unwrap_or("nothing");
                faults.note(Fault::FalseAck, || format!("{counter} of term {term} was acknowledged as {seq}: {said}"));
            }
        }
        if !owner.acks.is_sorted() {
            faults.note(Fault::FalseAck, || format!("out of order in term {term}"));
        }
        let before = mark(owner.seq).map_or(0, |(term, _)| term);
        let behind = mark(owner.seq + 1).map_or(u64::MAX, |(term, _)| term);
        if before >= owner.term || behind < owner.term {
            faults.note(Fault::Stale, || format!("term {term} began at {}, between {before} and {behind}", owner.seq));
        }
        let fold = record.fold(owner.seq);
        let is_fold = fold.len() == owner.replay.len()
            && fold.iter().zip(&owner.replay).all(|(&seq, text)| record.frame(seq) == Some(text));
        if !is_fold {
            faults
                .note(Fault::OtherState, || format!("term {term} at {}: {:?}, not {fold:?}", owner.seq, owner.replay));
        }
    }
}

impl Judged for Findings {
    /// Fails if anything stale arrived, an acknowledgement was false, or an owner did not learn that it was replaced.
    fn verdict(&self) -> Result<(), Failure> {
        let all = u64::from(self.plan.takeovers);
        if self.faults.all() > 0 || self.fenced != all || self.owners != all + 1 {
            let (faults, fenced) = (self.faults.all(), self.fenced);
            return Err(Failure::new(format!("{faults} faults; {fenced} of {all} owners got `fenced`")));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doubles, stopped, full, written, applied, acks, fenced, witnesses, messages, .. } = self;
        let Plan { seed, takeovers } = self.plan;
        writeln!(f, "takeovers: seed {seed}, {takeovers} of one room with {witnesses} viewers")?;
        let rate = f64::from(takeovers) / self.time.as_secs_f64();
        let half = self.micros.get(self.micros.len() / 2).copied().unwrap_or(0);
        let most = self.micros.last().copied().unwrap_or(0);
        writeln!(
            f,
            "  takeovers  {rate:.1} a second, answered in {half} us (median), {most} us (longest); {doubles} times two \
             at once; {stopped} from a stopped process, {full} of these with messages on their way that were \
             never applied"
        )?;
        writeln!(
            f,
            "  published  {written} numbered messages written by the owners, {applied} applied, {} dropped at \
             takeovers; {acks} acknowledged",
            written.saturating_sub(*applied)
        )?;
        writeln!(
            f,
            "  received   {messages} numbered and {} ephemeral messages by all viewers; announced: {} superseded, \
             {} reset as slow",
            self.ephemerals, self.superseded, self.resets
        )?;
        writeln!(
            f,
            "  stale      {} messages, {} acks; {} owners missed `fenced` ({fenced} got it)",
            self.faults.count(Fault::Stale),
            self.faults.count(Fault::FalseAck),
            self.faults.count(Fault::NotFenced)
        )?;
        write!(f, "{}", self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::Effect;

    /// Term 1 published messages 1 and 2, term 2 message 3.
    fn check(change: impl FnOnce(&mut Vec<OwnerRecord>), wanted: Option<Fault>) {
        let mut record = Record::default();
        record.say(Effect::State, "a", r#"[1,1,""]"#);
        record.say(Effect::Event, "e", r#"[1,2,""]"#);
        record.say(Effect::Event, "e", r#"[2,1,""]"#);
        let ended = |word: &str, code| (Some(word.to_owned()), Some(code));
        let (word, code) = ended("fenced", 4509);
        let first = OwnerRecord { term: 1, acks: vec![(1, 1), (2, 2)], word, code, ..OwnerRecord::default() };
        let (word, code) = ended("room_closed", 1000);
        let replay = vec![record.frame(1).unwrap().to_owned()];
        let second = OwnerRecord { term: 2, seq: 2, replay, acks: vec![(1, 3)], word, code, ..OwnerRecord::default() };
        let mut owners = vec![first, second];
        change(&mut owners);
        let mut faults = Faults::default();
        judge(&owners, &record, &[(1, 1), (1, 2), (2, 1)], &mut faults);
        let found = wanted.map_or(faults.all() == 0, |fault| faults.count(fault) > 0);
        assert!(found, "{wanted:?}: {faults}");
    }

    #[test]
    fn a_text_that_an_owner_must_not_get_is_found() {
        check(|_| (), None);
        check(|owners| owners[0].acks[1] = (3, 3), Some(Fault::FalseAck));
        check(|owners| owners[0].acks.push((3, 4)), Some(Fault::FalseAck));
        check(|owners| owners[0].acks.reverse(), Some(Fault::FalseAck));
        check(|owners| owners[0].code = None, Some(Fault::NotFenced));
        check(|owners| owners[0].word = None, Some(Fault::NotFenced));
        check(|owners| owners[1].seq = 1, Some(Fault::Stale));
        check(|owners| owners[1].seq = 3, Some(Fault::Stale));
        check(|owners| owners[1].replay.clear(), Some(Fault::OtherState));
        check(|owners| owners[1].term = 3, Some(Fault::OddRoom));
        check(|owners| owners[0].odd.push("x".into()), Some(Fault::Forbidden));
        check(|owners| owners[1].code = Some(4503), Some(Fault::OddEnd));
    }
}
