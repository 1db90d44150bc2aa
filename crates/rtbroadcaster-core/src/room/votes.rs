//! Counts the signals of some keys by their parameters, in bounded memory.
//! Pure: it takes the time as an argument and must not know the owner.

mod choices;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::voters::{TurnoutFull, Voters};
use crate::address_block::AddressBlock;
use crate::identity::ViewerNumber;
use crate::message::{Key, Params};
use crate::options::{Counting, RoomOptions};
use crate::signal::Signal;
use choices::Choices;

/// The most values of a key that are counted apart, and the most bytes of one.
const VALUES_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 128;

/// The index of all values that are not counted apart.
const OTHER: u8 = u8::MAX;

/// Why a signal is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountError {
    /// Its value is longer than one may be.
    TooLong,
    /// Its viewer has no choice yet, and no more choices can be remembered until the key is cleared.
    Full,
}

impl From<TurnoutFull> for CountError {
    fn from(TurnoutFull: TurnoutFull) -> Self {
        Self::Full
    }
}

/// A viewer that sent a signal, and its address, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Voter {
    /// The viewer.
    pub number: ViewerNumber,
    /// The address block that it comes from.
    pub place: Option<AddressBlock>,
}

/// The signals of all keys that a room counts.
#[derive(Debug)]
pub struct Votes(Box<[Poll]>);

/// The signals of one key.
#[derive(Debug)]
struct Poll {
    key: Key,
    counting: Counting,
    /// The values, in the order in which they were first sent.
    values: Vec<Value>,
    /// How often other values were sent.
    other: u64,
    /// The same, as the owner last got it.
    other_sent: u64,
    /// The index of each viewer's choice among the values, or [`OTHER`]. Empty where each signal counts.
    chosen: Choices,
    /// Whether the owner's totals are outdated although no number says so.
    is_stale: bool,
    /// When the owner gets the totals.
    due: Option<Duration>,
}

#[derive(Debug)]
struct Value {
    /// JSON without spaces between tokens.
    text: Box<str>,
    count: u64,
    /// The count that the owner last got.
    sent: u64,
}

impl Votes {
    /// Returns votes without signals; `None` if `options` count no key. Choices count among those of `voters`.
    pub fn of(options: &RoomOptions, voters: &Arc<Voters>) -> Option<Box<Self>> {
        let polls = options.counted_keys().iter().map(|(key, counting)| Poll {
            key: key.clone(),
            counting: *counting,
            values: Vec::new(),
            other: 0,
            other_sent: 0,
            chosen: Choices::new(voters),
            is_stale: false,
            due: None,
        });
        let polls: Box<[Poll]> = polls.collect();
        (!polls.is_empty()).then(|| Box::new(Self(polls)))
    }

    /// Returns whether `key` is counted.
    pub fn counts(&self, key: &Key) -> bool {
        self.0.iter().any(|poll| poll.key == *key)
    }

    /// Counts the signal `key` with `params` of the viewer `from`. Its choice stays when it leaves, and is its own when
    /// it comes back.
    ///
    /// # Errors
    /// [`CountError`] when that cannot be counted; nothing has changed then.
    pub fn count(&mut self, key: &Key, params: &Params, from: Voter, now: Duration) -> Result<(), CountError> {
        let value = params.compact();
        if value.len() > VALUE_BYTES_MAX {
            return Err(CountError::TooLong);
        }
        self.poll(key).map_or(Ok(()), |poll| poll.count(&value, from, now))
    }

    /// Forgets all signals of `key`, if it is counted.
    pub fn restart(&mut self, key: &Key, now: Duration) {
        if let Some(poll) = self.poll(key) {
            poll.is_stale |= poll.other_sent > 0 || poll.values.iter().any(|value| value.sent > 0);
            (poll.values, poll.other, poll.other_sent) = (Vec::new(), 0, 0);
            poll.chosen.clear();
            poll.due = poll.is_stale.then(|| poll.due.unwrap_or(now + poll.counting.every));
        }
    }

    /// Makes all totals due: a new listener knows none.
    pub fn tell_all(&mut self, now: Duration) {
        for poll in self.0.iter_mut().filter(|poll| !poll.is_empty()) {
            poll.is_stale = true;
            poll.due = Some(now);
        }
    }

    /// Returns when the next totals are due.
    pub fn due(&self) -> Option<Duration> {
        self.0.iter().filter_map(|poll| poll.due).min()
    }

    /// Passes the totals that are due and have changed to `give`; those that it does not take are due again later.
    pub fn tell(&mut self, now: Duration, mut give: impl FnMut(Signal) -> bool) {
        for poll in self.0.iter_mut().filter(|poll| poll.due.is_some_and(|due| due <= now)) {
            poll.due = None;
            if !poll.has_changed() {
                continue;
            }
            if give(poll.totals()) {
                poll.mark_sent();
            } else {
                poll.due = Some(now + poll.counting.every);
            }
        }
    }

    fn poll(&mut self, key: &Key) -> Option<&mut Poll> {
        self.0.iter_mut().find(|poll| poll.key == *key)
    }
}

impl Poll {
    fn count(&mut self, value: &str, from: Voter, now: Duration) -> Result<(), CountError> {
        let index = if self.counting.once_per_viewer {
            let older = self.chosen.of(from)?;
            // First, so that the index of a value without a choice can be used again.
            if let Some(older) = older {
                *self.at(older) -= 1;
            }
            let index = self.index_of(value);
            self.chosen.set(from.number, index);
            index
        } else {
            self.index_of(value)
        };
        *self.at(index) += 1;
        self.due.get_or_insert(now + self.counting.every);
        Ok(())
    }

    /// Returns the index of `value`, which it gets if there is one left.
    fn index_of(&mut self, value: &str) -> u8 {
        if let Some(known) = self.values.iter().position(|known| *known.text == *value) {
            return number(known);
        }
        let new = Value { text: value.into(), count: 0, sent: 0 };
        if self.values.len() < VALUES_MAX {
            self.values.push(new);
            return number(self.values.len() - 1);
        }
        let Some(unused) = self.values.iter().position(|known| known.count == 0) else { return OTHER };
        // If the owner got a count of the value that stood here, it has to get one without it.
        self.is_stale |= self.values[unused].sent > 0;
        self.values[unused] = new;
        number(unused)
    }

    fn at(&mut self, index: u8) -> &mut u64 {
        match self.values.get_mut(usize::from(index)) {
            Some(value) => &mut value.count,
            None => &mut self.other,
        }
    }

    fn is_empty(&self) -> bool {
        self.other == 0 && self.values.iter().all(|value| value.count == 0)
    }

    fn has_changed(&self) -> bool {
        self.is_stale || self.other != self.other_sent || self.values.iter().any(|value| value.count != value.sent)
    }

    fn totals(&self) -> Signal {
        let counted = self.values.iter().filter(|value| value.count > 0);
        let mut counts: Vec<_> = counted.map(|value| (Params::from_compact(&value.text), value.count)).collect();
        // Of equal ones the one that was sent first stays first.
        counts.sort_by_key(|(_, count)| Reverse(*count));
        Signal::Counts { key: self.key.clone(), counts, other: self.other }
    }

    fn mark_sent(&mut self) {
        self.values.iter_mut().for_each(|value| value.sent = value.count);
        self.other_sent = self.other;
        self.is_stale = false;
    }
}

fn number(index: usize) -> u8 {
    u8::try_from(index).expect("there are fewer indexes than an octet has values")
}

#[cfg(test)]
mod tests;
