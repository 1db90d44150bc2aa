//! The messages of a room, by number. Must not know members.

use std::collections::BTreeMap;
use std::sync::Arc;

use rtbroadcaster::{RoomId, Seq};
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::message::{Change, Entry, Key};

use super::frame::params;

/// Every message of the room.
pub(super) struct RoomMessages {
    room: RoomId,
    /// The numbered messages, in order.
    entries: Vec<Arc<Entry>>,
    /// For each ephemeral message, the number of numbered messages before it.
    passing: Vec<u64>,
}

impl RoomMessages {
    pub(super) fn new() -> Self {
        let room = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().expect("the name of a room");
        Self { room, entries: Vec::new(), passing: Vec::new() }
    }

    /// Publishes one more message.
    pub(super) fn say(&mut self, change: Change, key: usize, size: usize) -> Arc<Entry> {
        let key = Key::new(&key.to_string()).expect("a key");
        let room = self.room.clone();
        let entry = |seq, number| Arc::new(Entry::new(room, seq, Term::FIRST, key, params(number, size), change));
        if change == Change::Ephemeral {
            self.passing.push(self.seq());
            return entry(None, self.passing.len() as u64);
        }
        let number = self.seq() + 1;
        let entry = entry(Seq::new(number), number);
        self.entries.push(Arc::clone(&entry));
        entry
    }

    /// Returns the number of the last message.
    pub(super) fn seq(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Returns the messages after `after`, up to and including `through`.
    pub(super) fn between(&self, after: u64, through: u64) -> &[Arc<Entry>] {
        let place = |seq| usize::try_from(seq).expect("a course is short");
        &self.entries[place(after)..place(through)]
    }

    /// Returns the message of this number.
    pub(super) fn entry(&self, seq: u64) -> &Arc<Entry> {
        &self.between(seq - 1, seq)[0]
    }

    /// Returns the newest values of all keys at `seq`, in the order in which they last changed.
    pub(super) fn fold(&self, seq: u64) -> Vec<Arc<Entry>> {
        let mut newest: BTreeMap<&Key, &Arc<Entry>> = BTreeMap::new();
        for entry in self.between(0, seq) {
            match entry.change {
                Change::State => _ = newest.insert(&entry.key, entry),
                Change::Cleared => _ = newest.remove(&entry.key),
                Change::Event | Change::Ephemeral => {}
            }
        }
        let mut values: Vec<_> = newest.into_values().cloned().collect();
        values.sort_by_key(|entry| entry.seq);
        values
    }

    /// Returns whether a newer message sets the key of `seq`, so that a member that gets everything since misses
    /// nothing.
    pub(super) fn is_superseded(&self, seq: u64) -> bool {
        let entry = self.entry(seq);
        let newer = self.between(seq, self.seq()).iter();
        entry.change != Change::Event
            && newer.filter(|newer| newer.change != Change::Event).any(|newer| newer.key == entry.key)
    }

    /// Returns the number of numbered messages before the ephemeral one `number`.
    pub(super) fn said_after(&self, number: u64) -> u64 {
        self.passing[usize::try_from(number).expect("a course is short") - 1]
    }
}
