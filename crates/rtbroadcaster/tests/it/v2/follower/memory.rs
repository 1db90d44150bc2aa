//! What a follower remembers, counted. Must not know what was said.

use super::{Follower, Heard};
use crate::v2::frame::{How, Joined, Reason};

impl Follower {
    /// The last answer to a `join` or an `unpause`.
    pub(crate) fn last_joined(&self) -> &Joined {
        let joined = self.heard.iter().rev().find_map(|heard| match heard {
            Heard::Joined { joined, .. } => Some(&**joined),
            _ => None,
        });
        joined.expect("it has joined")
    }

    /// How often the state followed again because it was slow.
    pub(crate) fn resets(&self) -> usize {
        self.heard.iter().filter(|heard| matches!(heard, Heard::Reset)).count()
    }

    /// How many holes there were.
    pub(crate) fn holes(&self) -> usize {
        self.heard.iter().filter(|heard| matches!(heard, Heard::Hole { .. })).count()
    }

    /// The numbers of the messages that it applied one by one.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.heard.iter().filter_map(|heard| match heard {
            Heard::Message { seq, .. } => Some(*seq),
            _ => None,
        })
    }

    /// The texts of the ephemeral messages.
    pub(crate) fn passing(&self) -> Vec<&str> {
        let passing = self.heard.iter().filter_map(|heard| match heard {
            Heard::Passing { text, .. } => Some(text.as_str()),
            _ => None,
        });
        passing.collect()
    }

    /// How many messages came, and how many bytes they have.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (mut messages, mut bytes) = (0, 0);
        let mut add = |text: &str| {
            messages += 1;
            bytes += text.len();
        };
        for heard in &self.heard {
            match heard {
                Heard::Message { text, .. } | Heard::Passing { text, .. } => add(text),
                Heard::State { values, .. } => values.iter().for_each(|(_, text)| add(text)),
                _ => {}
            }
        }
        (messages, bytes)
    }

    /// How often a cursor was answered in this way.
    pub(crate) fn answers(&self, how: How, reason: Option<Reason>) -> usize {
        let fits = |joined: &Joined| joined.how == how && joined.reason == reason;
        self.heard.iter().filter(|heard| matches!(heard, Heard::Joined { joined, .. } if fits(joined))).count()
    }
}
