//! Whether what a follower heard is what was said. Must not know sockets.

use std::collections::HashMap;

use super::{Follower, Heard};
use crate::v2::frame::{How, Joined, Reason};
use crate::v2::ledger::{Change, Ledger};

impl Follower {
    /// For a viewer that may still miss the rest: it got the very bytes of each message, of each state exactly the fold
    /// of everything before it, and in each hole only what newer values of the same keys supersede. That nothing came
    /// twice, out of order, or is missing without a word, it has asserted frame by frame.
    pub(crate) fn check(&self, ledger: &Ledger) {
        self.check_numbered(ledger);
        self.check_passing(ledger);
    }

    /// The same without what is ephemeral.
    pub(crate) fn check_numbered(&self, ledger: &Ledger) {
        for heard in &self.heard {
            match heard {
                Heard::Message { seq, text } => assert_eq!(*text, ledger.line(*seq).text),
                Heard::State { seq, values } => {
                    let values: Vec<_> = values.iter().map(|(seq, text)| (*seq, text.as_str())).collect();
                    assert_eq!(values, ledger.fold(*seq), "not the state at {seq}");
                }
                Heard::Hole { after, through } => {
                    for seq in after + 1..=*through {
                        let line = ledger.line(seq);
                        assert_ne!(line.change, Change::Event, "an event was skipped: {}", line.text);
                        // In the hole itself there may be newer ones, which are superseded in turn.
                        let newer = line.superseded;
                        assert!(newer.is_some(), "nothing supersedes {}", line.text);
                    }
                }
                Heard::Alive { seq } => assert!(*seq <= ledger.seq(), "{seq} was never said"),
                _ => {}
            }
        }
    }

    /// What is ephemeral came at most once, in order, and not behind a later message.
    fn check_passing(&self, ledger: &Ledger) {
        let passing = ledger.passing();
        let places: HashMap<&str, usize> = passing.iter().enumerate().map(|(n, one)| (one.text.as_str(), n)).collect();
        let mut next = 0;
        for heard in &self.heard {
            let Heard::Passing { at, text } = heard else { continue };
            let place = *places.get(text.as_str()).unwrap_or_else(|| panic!("never said: {text}"));
            assert!(place >= next, "twice, or out of order: {text}");
            assert!(*at <= passing[place].after, "said before {at} came what was said after it: {text}");
            next = place + 1;
        }
    }

    /// For a viewer that has heard the last message, too: its state is the owner's.
    pub(crate) fn check_caught_up(&self, ledger: &Ledger) {
        self.check(ledger);
        assert!(!self.is_owed(), "something announced did not come");
        assert_eq!(self.seq, ledger.seq(), "not caught up");
        let mut state: Vec<_> = self.state.values().map(|(seq, text)| (*seq, text.as_str())).collect();
        state.sort_unstable();
        assert_eq!(state, ledger.fold(ledger.seq()), "caught up, but with another state");
    }

    /// For a viewer that never lagged behind what is kept for it: it got every message from the first one on that it
    /// saw, each once.
    pub(crate) fn check_whole(&self, ledger: &Ledger) {
        self.check_caught_up(ledger);
        let states = self.heard.iter().filter(|heard| matches!(heard, Heard::State { .. })).count();
        assert!(states <= 1, "the state followed anew {} times", states - 1);
        assert_eq!(self.resets(), 0, "it was reset");
    }

    /// Every cursor was answered by the rule: `resumed` if every message behind it is among the last `history` ones,
    /// and only then.
    pub(crate) fn check_answers(&self, history: u64) {
        for heard in &self.heard {
            if let Heard::Joined { after: Some(after), joined } = heard {
                check_answer(*after, joined, history);
            }
        }
    }
}

fn check_answer(after: u64, joined: &Joined, history: u64) {
    let expected = if after > joined.seq {
        (How::Reset, Some(Reason::Future))
    } else if joined.seq - after > history {
        (How::Reset, Some(Reason::Retention))
    } else {
        (How::Resumed, None)
    };
    assert_eq!((joined.how, joined.reason), expected, "behind {after}, {history} being held: {joined:?}");
}

#[cfg(test)]
mod tests;
