//! The steps of owners in the story, and what members have to be sent then.

use std::sync::Arc;

use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::room::core::{Applied, Decided, EndCause, ProposeError, Proposed, Space};
use rtbroadcaster_core::room::log::{Proposal, Rejection};
use rtbroadcaster_core::standing::{OwnerStatus, Start};

use super::lane::Item;
use super::{Saga, Say, What};

impl Saga {
    pub(super) fn say(&mut self, say: Say) {
        let Say { kind, key, size, id, is_stale } = say;
        let change = match kind {
            0..3 => Change::Event,
            3..7 => Change::State,
            7 => Change::Cleared,
            _ => Change::Ephemeral,
        };
        let term = if is_stale { self.older } else { self.owner_is_there.then_some(self.term) };
        let Some(term) = term else { return };
        self.said += 1;
        let params = match change {
            Change::Cleared => "[]".to_owned(),
            _ => format!(r#"[{},{},"{}"]"#, term.get(), self.said, "x".repeat(size)),
        };
        let id = id.filter(|_| change != Change::Ephemeral).map(|id| Box::from(id.to_string()));
        let key = Key::new(&format!("k{key}")).unwrap();
        let params = Params::from_json(&params).unwrap();
        let proposal = Proposal { term, key, params, change, id: id.clone() };
        let known = id.as_ref().and_then(|id| self.ids.get(id)).copied();
        let is_lost = self.keeper.as_ref().is_some_and(|keeper| keeper.has_failed);
        let decided = self.core.open().map_err(ProposeError::from);
        match decided.and_then(|mut room| room.say(proposal, Space::Some, self.now)) {
            Err(ProposeError::Ended | ProposeError::Departing) => assert!(!self.core.life().is_open()),
            Err(ProposeError::Unavailable) => assert!(is_lost, "it can be written"),
            Err(ProposeError::Rejected(Rejection::Fenced)) => assert!(term != self.term, "the owner was refused"),
            Err(ProposeError::Rejected(Rejection::IdReused)) => assert!(known.is_some(), "the id is new"),
            Err(ProposeError::Rejected(Rejection::StateFull)) => assert_eq!(change, Change::State),
            Ok(decided) => {
                assert!(!is_lost, "it cannot be written");
                assert_eq!(term, self.term, "an older owner was heard");
                let what = match known {
                    Some(seq) => What::Repeat(seq),
                    None if change == Change::Ephemeral => What::Say { said: self.now, term, seq: None },
                    None => {
                        self.decided = self.decided.max(self.log.len() as u64) + 1;
                        let seq = rtbroadcaster_core::id::Seq::new(self.decided);
                        self.ids.extend(id.zip(seq));
                        What::Say { said: self.now, term, seq }
                    }
                };
                self.decided(decided, what);
            }
        }
    }

    pub(super) fn take_over(&mut self) {
        let Ok(Ok((term, decided))) = self.core.open().map(|mut room| room.take_over(None)) else { return };
        assert!(term > self.term);
        self.older = Some(self.term);
        self.term = term;
        self.owner_is_there = true;
        self.decided(decided, What::TakeOver);
    }

    pub(super) fn owner_leaves(&mut self) {
        let (term, was_there) = (self.term, std::mem::take(&mut self.owner_is_there));
        let mut leaves = |term| self.core.open().ok().and_then(|mut room| room.owner_left(term, self.now));
        if let Some(older) = self.older {
            assert!(leaves(older).is_none(), "an older owner's end is nobody's loss");
        }
        if was_there && let Some(decided) = leaves(term) {
            let already = self.core.is_away_already();
            if !matches!(already, Applied::Nothing) {
                self.hold(already, What::Other);
            }
            self.decided(decided, What::Other);
        }
    }

    pub(super) fn close(&mut self) {
        if let Ok(room) = self.core.open() {
            let decided = room.end(EndCause::Program);
            self.decided(decided, What::Other);
        }
        assert!(self.core.open().is_err(), "nobody owns or joins a room that has ended");
    }

    fn decided(&mut self, decided: Decided, what: What) {
        match decided {
            Decided::Applied(applied) => self.hold(applied, what),
            Decided::HandedOver(handover) => {
                let keeper = self.keeper.as_mut().expect("only what is kept is handed over");
                keeper.take(handover, what);
                self.most_handed = self.most_handed.max(keeper.handed());
            }
        }
    }

    /// Carries out a decision that holds: all members have to be notified.
    pub(super) fn hold(&mut self, applied: Applied, what: What) {
        match (applied, what) {
            (Applied::Nothing, _) => self.is_begun = true,
            (Applied::Said(Proposed { seq, entry: None }), what) => {
                assert!(matches!(what, What::Repeat(said) if said == seq), "{seq} was not said under this id");
            }
            (Applied::Said(Proposed { entry: Some(entry), .. }), What::Say { said, term, seq, .. }) => {
                assert_eq!((entry.term, entry.seq), (term, seq));
                assert_eq!(term, self.told_term, "another owner is told to speak");
                if let Some(seq) = entry.seq {
                    assert_eq!(seq.get(), self.log.len() as u64 + 1, "a number is missing");
                    self.log.push((said, Arc::clone(&entry)));
                }
                self.lane.push(Item::Message(entry));
            }
            (Applied::Said(said), what) => panic!("{said:?} is not what was meant: {what:?}"),
            (Applied::Owner(status, term), _) => {
                assert!(term >= self.told_term, "an older owner comes");
                if status == OwnerStatus::Live {
                    self.told_term = term;
                }
                self.lane.push(Item::Owner(status, term));
            }
            (Applied::End(_), _) => {
                self.told_end = true;
                let last = Arc::new(self.core.welcome(&Start::Fresh, self.now));
                self.lane.push(Item::End(last));
            }
            (Applied::Departed, _) => panic!("nobody asked it to"),
        }
    }
}
