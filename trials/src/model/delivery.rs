//! The messages that arrive one by one: in order, once, and after the announced holes. Pure.

use super::Model;
use crate::model::answer::Message;
use crate::model::fault::Fault;
use crate::model::ledger::Entered;
use crate::model::record::Record;
use crate::model::state;

impl Model {
    /// Applies one message.
    pub(crate) fn deliver(&mut self, seq: u64, message: &Message<'_>, text: &str, record: &Record) {
        let position = self.position.unwrap_or(0);
        let hole = self.hole.take();
        match self.ledger.enter(seq) {
            Entered::New => {}
            Entered::Repeated => {
                return self.faults.note(Fault::Repeated, || format!("at {position}: {text}"));
            }
            Entered::OutOfOrder => {
                return self.faults.note(Fault::OutOfOrder, || format!("at {position}: {text}"));
            }
        }
        match hole {
            None if seq == position + 1 => {}
            Some(through) if seq == through + 1 && through > position => {
                for missing in position + 1..=through {
                    if let Some(newer) = record.superseded_by(missing, through) {
                        self.ledger.superseded(missing, missing);
                        self.complete_at = self.complete_at.max(newer);
                    } else {
                        let said = record.frame(missing).unwrap_or("nothing");
                        self.faults.note(Fault::FalseSkipped, || format!("through {through} covers {said}"));
                    }
                }
            }
            None => self.faults.note(Fault::Gap, || format!("{position} was followed by {text}")),
            Some(through) => {
                self.faults.note(Fault::FalseSkipped, || format!("through {through} between {position} and {text}"));
            }
        }
        if message.state.is_some() {
            self.state.insert(&message.key, seq, text);
        } else if message.cleared.is_some() {
            self.state.remove(&message.key);
        }
        state::enter(&mut self.digest, text);
        self.position = Some(seq);
        if self.complete_at > 0 && self.is_complete() {
            self.complete_at = 0;
            self.compare_state(seq, record);
        }
    }

    /// Returns whether the newer values of the holes have arrived, so that the state is the fold.
    pub(crate) fn is_complete(&self) -> bool {
        self.position.is_some_and(|position| position >= self.complete_at)
    }

    /// Checks that the state is the fold of the messages up to `seq`.
    fn compare_state(&mut self, seq: u64, record: &Record) {
        let (known, fold): (Vec<u64>, _) = (self.state.seqs().collect(), record.fold(seq));
        if known != fold {
            self.faults.note(Fault::OtherState, || format!("behind holes at {seq}: {known:?}, not {fold:?}"));
        }
    }

    /// Checks an ephemeral message.
    pub(crate) fn ephemeral(&mut self, text: &str, record: &Record) {
        let position = self.position.unwrap_or(0);
        let Some(said) = record.ephemeral(text) else {
            return self.faults.note(Fault::Unsaid, || text.into());
        };
        let is_live = self.is_live();
        if !is_live || said.number <= self.ephemeral || said.after < position {
            let last = self.ephemeral;
            self.faults.note(Fault::OddEphemeral, || {
                let place = if is_live { "" } else { " in a replay" };
                format!("{said:?}, after {position} and after number {last}{place}: {text}")
            });
        }
        self.ephemeral = self.ephemeral.max(said.number);
        self.ephemeral_after = self.ephemeral_after.max(said.after);
    }
}
