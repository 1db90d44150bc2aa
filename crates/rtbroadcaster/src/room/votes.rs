//! Counts the signals of some keys by their parameters. Its memory is bounded, whatever is said.
//! Pure: it takes the time as an argument and must not know who is told.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use crate::message::{Key, Params};
use crate::options::{Counting, RoomOptions};
use crate::signal::Signal;

/// How many values of a key are told apart, and how long one may be.
const VALUES_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 128;

/// For how many viewers the table of a key always has space once it had any.
const CHOSEN_MIN: usize = 64;

/// The place of all values that are not told apart.
const OTHER: u8 = u8::MAX;

/// A value is longer than one may be that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// The signals of all keys that a room counts.
#[derive(Debug)]
pub(super) struct Votes(Box<[Poll]>);

/// Those of one key.
#[derive(Debug)]
struct Poll {
    key: Key,
    counting: Counting,
    /// In the order in which they were first said.
    values: Vec<Value>,
    /// How often others were said.
    other: u64,
    /// The same, as it was last told.
    other_told: u64,
    /// Which value a viewer has chosen: its place, or [`OTHER`]. Only where a newer one takes the place of the older.
    chosen: HashMap<u64, u8>,
    /// What was told is not what there is, although no number says so.
    is_stale: bool,
    /// When the owner is told.
    due: Option<Duration>,
}

#[derive(Debug)]
struct Value {
    /// JSON without spaces between tokens.
    text: Box<str>,
    count: u64,
    /// The count that was last told.
    told: u64,
}

impl Votes {
    /// Nothing is counted yet. `None` where nothing will be.
    pub(super) fn of(options: &RoomOptions) -> Option<Box<Self>> {
        let polls = options.counted_keys().iter().map(|(key, counting)| Poll {
            key: key.clone(),
            counting: *counting,
            values: Vec::new(),
            other: 0,
            other_told: 0,
            chosen: HashMap::new(),
            is_stale: false,
            due: None,
        });
        let polls: Box<[Poll]> = polls.collect();
        (!polls.is_empty()).then(|| Box::new(Self(polls)))
    }

    /// Whether `key` is counted.
    pub(super) fn counts(&self, key: &Key) -> bool {
        self.0.iter().any(|poll| poll.key == *key)
    }

    /// The viewer number `from` says `key` with `params`.
    ///
    /// # Errors
    /// [`TooLong`] when that cannot be counted.
    pub(super) fn count(&mut self, key: &Key, params: &Params, from: u64, now: Duration) -> Result<(), TooLong> {
        let value = params.compact();
        if value.len() > VALUE_BYTES_MAX {
            return Err(TooLong);
        }
        if let Some(poll) = self.poll(key) {
            poll.count(&value, from, now);
        }
        Ok(())
    }

    /// The viewer number `from` is gone; what it said stays counted.
    pub(super) fn forget(&mut self, from: u64) {
        for Poll { chosen, .. } in &mut self.0 {
            chosen.remove(&from);
            if chosen.capacity() > CHOSEN_MIN + 4 * chosen.len() {
                // Half of it stays free, so that the next ones to come and go do not move it again.
                chosen.shrink_to(2 * chosen.len());
            }
        }
    }

    /// Counts `key` anew, if it is counted: nothing was said.
    pub(super) fn restart(&mut self, key: &Key, now: Duration) {
        if let Some(poll) = self.poll(key) {
            poll.is_stale |= poll.other_told > 0 || poll.values.iter().any(|value| value.told > 0);
            (poll.values, poll.other, poll.other_told, poll.chosen) = (Vec::new(), 0, 0, HashMap::new());
            poll.due = poll.is_stale.then(|| poll.due.unwrap_or(now + poll.counting.every));
        }
    }

    /// Somebody listens who knows nothing: all that was counted is to be told.
    pub(super) fn tell_all(&mut self, now: Duration) {
        for poll in self.0.iter_mut().filter(|poll| !poll.is_empty()) {
            poll.is_stale = true;
            poll.due = Some(now);
        }
    }

    /// When something is to be told.
    pub(super) fn due(&self) -> Option<Duration> {
        self.0.iter().filter_map(|poll| poll.due).min()
    }

    /// Gives whatever is to be told now and has changed to `give`; what that does not take is told later.
    pub(super) fn tell(&mut self, now: Duration, mut give: impl FnMut(Signal) -> bool) {
        for poll in self.0.iter_mut().filter(|poll| poll.due.is_some_and(|due| due <= now)) {
            poll.due = None;
            if !poll.has_changed() {
                continue;
            }
            if give(poll.totals()) {
                poll.was_told();
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
    fn count(&mut self, value: &str, from: u64, now: Duration) {
        if self.counting.once_per_viewer {
            // First, so that the place of a value that nobody chooses any more can be had.
            if let Some(older) = self.chosen.get(&from).copied() {
                *self.at(older) -= 1;
            }
            let place = self.place(value);
            self.chosen.insert(from, place);
            *self.at(place) += 1;
        } else {
            let place = self.place(value);
            *self.at(place) += 1;
        }
        self.due.get_or_insert(now + self.counting.every);
    }

    /// The place of `value`, which it gets if there is one left.
    fn place(&mut self, value: &str) -> u8 {
        if let Some(known) = self.values.iter().position(|known| *known.text == *value) {
            return number(known);
        }
        let new = Value { text: value.into(), count: 0, told: 0 };
        if self.values.len() < VALUES_MAX {
            self.values.push(new);
            return number(self.values.len() - 1);
        }
        let Some(unused) = self.values.iter().position(|known| known.count == 0) else { return OTHER };
        // Whoever was told of the value that stood here is told that it is gone.
        self.is_stale |= self.values[unused].told > 0;
        self.values[unused] = new;
        number(unused)
    }

    fn at(&mut self, place: u8) -> &mut u64 {
        match self.values.get_mut(usize::from(place)) {
            Some(value) => &mut value.count,
            None => &mut self.other,
        }
    }

    fn is_empty(&self) -> bool {
        self.other == 0 && self.values.iter().all(|value| value.count == 0)
    }

    fn has_changed(&self) -> bool {
        self.is_stale || self.other != self.other_told || self.values.iter().any(|value| value.count != value.told)
    }

    fn totals(&self) -> Signal {
        let mut counts: Vec<(String, u64)> =
            self.values.iter().map(|value| (String::from(&*value.text), value.count)).filter(|(_, n)| *n > 0).collect();
        // Of equal ones the one that was said first stays first.
        counts.sort_by_key(|(_, count)| Reverse(*count));
        Signal::Counts { key: self.key.as_str().to_owned(), counts, other: self.other }
    }

    fn was_told(&mut self) {
        self.values.iter_mut().for_each(|value| value.told = value.count);
        self.other_told = self.other;
        self.is_stale = false;
    }
}

fn number(place: usize) -> u8 {
    u8::try_from(place).expect("there are fewer places than an octet has values")
}

#[cfg(test)]
mod tests;
