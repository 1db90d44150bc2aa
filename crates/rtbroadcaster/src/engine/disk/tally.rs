//! What a store holds in all, as sums that show when anything of it is missing, and how much was ever written to it.
//! Must not know how anything is written.

use std::collections::HashMap;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::record::{Record, sum};
use serde::{Deserialize, Serialize};

use super::text::halves;

/// How much was ever written to a store, and the sum of what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// How many lives were begun, and how many things that rooms handed over were written.
    pub(super) writes: u64,
    /// How many messages were written.
    pub(super) messages: u64,
    /// How many bytes of key and params these had.
    pub(super) bytes: u64,
    /// The sum of what is there.
    #[serde(with = "halves")]
    pub(super) digest: u128,
}

/// The tally of a store, and what its rooms add to it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    tally: Tally,
    rooms: HashMap<RoomId, OfRoom>,
    /// What the lives add.
    lives: u128,
}

/// What one room adds to the sum.
#[derive(Debug, Default, Clone, Copy)]
struct OfRoom {
    header: u128,
    /// Its messages, ids and past.
    log: u128,
}

impl Ledger {
    /// Returns that of a store of which so much was ever written and whose contents are still to be counted.
    pub(super) fn new(written: Tally) -> Self {
        Self { tally: Tally { digest: 0, ..written }, ..Self::default() }
    }

    /// What there is in all.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The lives are `text` from now on.
    pub(super) fn lives(&mut self, text: &[u8]) {
        let lives = sum::hash(&[b"lives", text]);
        let before = std::mem::replace(&mut self.lives, lives);
        self.change(before, lives);
    }

    /// What is known of `room` is `text` from now on.
    pub(super) fn header(&mut self, room: &RoomId, text: &[u8]) {
        let header = sum::hash(&[b"room", room.encode().as_ref(), text]);
        let of_room = self.rooms.entry(room.clone()).or_default();
        let before = std::mem::replace(&mut of_room.header, header);
        self.change(before, header);
    }

    /// The messages and ids of `room` have the sum `log` from now on.
    pub(super) fn log(&mut self, room: &RoomId, log: u128) {
        let of_room = self.rooms.entry(room.clone()).or_default();
        let before = std::mem::replace(&mut of_room.log, log);
        self.change(before, log);
    }

    /// One more message of `room`.
    pub(super) fn message(&mut self, room: &RoomId, record: &Record) {
        self.log(room, record.sum.digest);
        self.tally.messages += 1;
        self.tally.bytes += (record.key.as_str().len() + record.params.as_bytes().len()) as u64;
    }

    /// `room` has ended.
    pub(super) fn end(&mut self, room: &RoomId) {
        let OfRoom { header, log } = self.rooms.remove(room).unwrap_or_default();
        self.change(header.wrapping_add(log), 0);
    }

    /// One more thing is written.
    pub(super) fn count(&mut self) {
        self.tally.writes += 1;
    }

    fn change(&mut self, before: u128, after: u128) {
        self.tally.digest = self.tally.digest.wrapping_sub(before).wrapping_add(after);
    }
}
