//! The checks of a viewer of a room with many owners: numbers without a gap, and nothing of an older term behind the
//! `owner` frame of a newer one. Pure.

use crate::model::Meaning;
use crate::model::answer::{Answer, Message};
use crate::model::fault::{Fault, Faults};
use crate::model::record::Record;

/// The texts that the viewers of one room received, by their numbers.
#[derive(Debug, Default)]
pub(super) struct RoomTexts(Vec<Option<Box<str>>>);

/// One viewer.
#[derive(Debug, Default)]
pub(super) struct TermWitness {
    has_joined: bool,
    position: u64,
    /// The newest term that it knows.
    term: u64,
    /// The number of terms so far.
    pub(super) terms: u64,
    /// Term and counter of the last ephemeral message.
    ephemeral: (u64, u64),
    hole: Option<u64>,
    /// The announced holes, to be checked when all is known.
    holes: Vec<(u64, u64)>,
    /// The number of frames that are left of a state's replay.
    replay: u64,
    pub(super) messages: u64,
    pub(super) ephemerals: u64,
    pub(super) resets: u64,
    pub(super) faults: Faults,
}

impl RoomTexts {
    /// Records a text. Returns false if another one has this number.
    fn enter(&mut self, seq: u64, text: &str) -> bool {
        let Some(at) = seq.checked_sub(1).and_then(|at| usize::try_from(at).ok()) else { return false };
        if at >= self.0.len() {
            self.0.resize(at + 1, None);
        }
        match &self.0[at] {
            Some(known) => **known == *text,
            None => {
                self.0[at] = Some(text.into());
                true
            }
        }
    }

    /// Compares the received texts with the published ones.
    pub(super) fn compare(&self, record: &Record, faults: &mut Faults) {
        for (text, seq) in self.0.iter().zip(1..) {
            if let Some(text) = text.as_deref()
                && record.frame(seq) != Some(text)
            {
                faults.note(Fault::Unsaid, || format!("{text} instead of {:?}", record.frame(seq)));
            }
        }
    }
}

/// Returns the term and the counter of a message.
fn mark(message: &Message<'_>) -> Result<(u64, u64), String> {
    let (term, counter, _): (u64, u64, &str) =
        serde_json::from_str(message.params.get()).map_err(|error| error.to_string())?;
    Ok((term, counter))
}

impl TermWitness {
    /// Checks one text.
    pub(super) fn hear(&mut self, text: &[u8], chronicle: &mut RoomTexts) -> Meaning {
        let read = std::str::from_utf8(text).map_err(|error| error.to_string());
        let (text, answer) = match read.and_then(|text| Ok((text, Answer::read(text)?))) {
            Ok(read) => read,
            Err(why) => {
                self.faults.note(Fault::Forbidden, || format!("{why}: {}", String::from_utf8_lossy(text)));
                return Meaning::Other;
            }
        };
        match answer {
            Answer::Joined(joined) if !self.has_joined => {
                (self.has_joined, self.position, self.replay) = (true, joined.seq, joined.replay);
                (self.term, self.terms) = (joined.term, 1);
            }
            Answer::Message(message) if self.has_joined => {
                if let Err(why) = self.message(&message, text, chronicle) {
                    self.faults.note(Fault::Unsaid, || format!("{why}: {text}"));
                }
                return Meaning::Message;
            }
            Answer::Owner(owner) if owner.term < self.term => {
                let term = self.term;
                self.faults.note(Fault::Stale, || format!("{text} after term {term}"));
            }
            Answer::Owner(owner) => {
                self.terms += u64::from(owner.term > self.term);
                self.term = owner.term;
            }
            Answer::Skipped(skipped) => self.hole = Some(skipped.through),
            Answer::Reset(reset) if reset.seq >= self.position && reset.term >= self.term => {
                self.resets += 1;
                (self.position, self.replay, self.term) = (reset.seq, reset.replay, reset.term);
            }
            Answer::Alive(_) => {}
            Answer::Closed(closed) => return Meaning::Closed(closed.reason.into_owned()),
            _ => self.faults.note(Fault::Forbidden, || format!("not here: {text}")),
        }
        Meaning::Other
    }

    fn message(&mut self, message: &Message<'_>, text: &str, chronicle: &mut RoomTexts) -> Result<(), String> {
        let (term, counter) = mark(message)?;
        if let Some(seq) = message.seq
            && !chronicle.enter(seq, text)
        {
            self.faults.note(Fault::OtherBytes, || text.into());
        }
        if self.replay > 0 {
            // A state may be of any term.
            self.replay -= 1;
            return Ok(());
        }
        let told = self.term;
        if term < told {
            self.faults.note(Fault::Stale, || format!("{text} after term {told}"));
        } else if term > told {
            self.faults.note(Fault::OddRoom, || format!("{text} before its term, in {told}"));
        }
        let Some(seq) = message.seq else {
            self.ephemerals += 1;
            let last = std::mem::replace(&mut self.ephemeral, (term, counter));
            if last >= (term, counter) {
                self.faults.note(Fault::OddEphemeral, || format!("{text} after {last:?}"));
            }
            return Ok(());
        };
        self.messages += 1;
        let position = self.position;
        self.position = position.max(seq);
        match self.hole.take() {
            None if seq == position + 1 => {}
            Some(through) if seq == through + 1 && through > position => self.holes.push((position + 1, through)),
            Some(through) => {
                self.faults.note(Fault::FalseSkipped, || format!("through {through} between {position} and {text}"));
            }
            None if seq <= position => self.faults.note(Fault::Repeated, || format!("at {position}: {text}")),
            None => self.faults.note(Fault::Gap, || format!("{position} was followed by {text}")),
        }
        Ok(())
    }

    /// Checks the holes, now that the messages are known. Returns how many messages were superseded.
    pub(super) fn settle(&mut self, record: &Record) -> u64 {
        let mut superseded = 0;
        for (from, through) in std::mem::take(&mut self.holes) {
            for seq in from..=through {
                superseded += 1;
                if record.superseded_by(seq, through).is_none() {
                    let said = record.frame(seq).unwrap_or("nothing");
                    self.faults.note(Fault::FalseSkipped, || format!("through {through} covers {said}"));
                }
            }
        }
        superseded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::Effect;

    fn event(seq: u64, term: u64, counter: u64) -> String {
        format!(r#"{{"type":"message","seq":{seq},"key":"e","params":[{term},{counter},""]}}"#)
    }

    fn check(texts: &[String], wanted: Option<Fault>) -> TermWitness {
        let (mut witness, mut chronicle) = (TermWitness::default(), RoomTexts::default());
        let joined = r#"{"type":"joined","id":"a","room":"r","epoch":"e","term":1,"seq":0,"how":"snapshot","replay":0,"owner":"live","aliveMs":0,"limits":{"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096}}"#;
        witness.hear(joined.as_bytes(), &mut chronicle);
        for text in texts {
            witness.hear(text.as_bytes(), &mut chronicle);
        }
        let expected = wanted.map_or(0, |fault| witness.faults.count(fault).max(1));
        assert_eq!(witness.faults.all(), expected, "{texts:?}: {}", witness.faults);
        witness
    }

    #[test]
    fn a_message_of_an_older_term_is_found() {
        let owner = |term: u64| format!(r#"{{"type":"owner","status":"live","term":{term}}}"#);
        let ephemeral =
            |term: u64, counter: u64| format!(r#"{{"type":"message","key":"p","params":[{term},{counter},""]}}"#);
        let course = [event(1, 1, 1), ephemeral(1, 2), owner(2), event(2, 2, 1), ephemeral(2, 2)];
        assert_eq!(check(&course, None).terms, 2);
        check(&[owner(2), event(1, 1, 1)], Some(Fault::Stale));
        check(&[owner(2), ephemeral(1, 1)], Some(Fault::Stale));
        check(&[owner(2), owner(1)], Some(Fault::Stale));
        check(&[event(1, 2, 1)], Some(Fault::OddRoom));
        check(&[ephemeral(1, 2), ephemeral(1, 2)], Some(Fault::OddEphemeral));
    }

    #[test]
    fn a_gap_a_repetition_and_a_false_hole_are_found() {
        check(&[event(1, 1, 1), event(3, 1, 3)], Some(Fault::Gap));
        check(&[event(1, 1, 1), event(1, 1, 1)], Some(Fault::Repeated));
        check(&[r#"{"type":"skipped","through":2,"until":3}"#.into(), event(2, 1, 2)], Some(Fault::FalseSkipped));
        check(&[event(1, 1, 1), r#"{"type":"ack","id":"a","seq":1}"#.into()], Some(Fault::Forbidden));
    }

    #[test]
    fn the_received_messages_are_the_published_ones() {
        let mut record = Record::default();
        record.say(Effect::Event, "e", r#"[1,1,""]"#);
        record.say(Effect::Event, "e", r#"[1,2,""]"#);
        let (mut chronicle, mut faults) = (RoomTexts::default(), Faults::default());
        assert!(chronicle.enter(2, &event(2, 1, 2)));
        chronicle.compare(&record, &mut faults);
        assert_eq!(faults.all(), 0);
        assert!(chronicle.enter(1, &event(1, 1, 3)) && !chronicle.enter(1, &event(1, 1, 1)));
        assert!(chronicle.enter(3, &event(3, 1, 3)));
        chronicle.compare(&record, &mut faults);
        assert_eq!(faults.count(Fault::Unsaid), 2);
        let mut witness = TermWitness { holes: vec![(1, 1)], ..TermWitness::default() };
        assert_eq!(witness.settle(&record), 1);
        assert_eq!(witness.faults.count(Fault::FalseSkipped), 1);
    }
}
