//! Counts what a store holds in all, as sums that show when anything of it is missing, and how much was ever written to
//! it.
//! Must not know how anything is written.

use std::collections::HashMap;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::record::{Record, sum};
use serde::{Deserialize, Serialize};

use super::text::halves;

/// The amount that was ever written to a store, and the sum of what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// The number of lives that were begun and of steps that were written.
    pub(super) writes: u64,
    /// The number of messages that were written.
    pub(super) messages: u64,
    /// The bytes of key and params that these had.
    pub(super) bytes: u64,
    /// The sum of what is there.
    #[serde(with = "halves")]
    pub(super) digest: u128,
}

/// The tally of a store, and the part of each room in it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    tally: Tally,
    rooms: HashMap<RoomId, OfRoom>,
    /// The part of the lives in the sum.
    lives: u128,
}

/// The part of one room in the sum.
#[derive(Debug, Default, Clone, Copy)]
struct OfRoom {
    header: u128,
    /// Its messages, ids and past.
    log: u128,
}

impl Ledger {
    /// Returns the ledger of a store to which so much was ever written, and whose contents are still to be counted.
    pub(super) fn new(written: Tally) -> Self {
        Self { tally: Tally { digest: 0, ..written }, ..Self::default() }
    }

    /// Returns the tally.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Sets the text of the lives.
    pub(super) fn lives(&mut self, text: &[u8]) {
        let lives = sum::hash(&[b"lives", text]);
        let before = std::mem::replace(&mut self.lives, lives);
        self.change(before, lives);
    }

    /// Sets the text of the header of `room`.
    pub(super) fn header(&mut self, room: &RoomId, text: &[u8]) {
        let header = sum::hash(&[b"room", room.encode().as_ref(), text]);
        let of_room = self.rooms.entry(room.clone()).or_default();
        let before = std::mem::replace(&mut of_room.header, header);
        self.change(before, header);
    }

    /// Sets the sum of the messages and ids of `room`.
    pub(super) fn log(&mut self, room: &RoomId, log: u128) {
        let of_room = self.rooms.entry(room.clone()).or_default();
        let before = std::mem::replace(&mut of_room.log, log);
        self.change(before, log);
    }

    /// Counts one more message of `room`.
    pub(super) fn message(&mut self, room: &RoomId, record: &Record) {
        self.log(room, record.sum.digest);
        self.tally.messages += 1;
        self.tally.bytes += (record.key.as_str().len() + record.params.as_bytes().len()) as u64;
    }

    /// Removes `room`, which has ended.
    pub(super) fn end(&mut self, room: &RoomId) {
        let OfRoom { header, log } = self.rooms.remove(room).unwrap_or_default();
        self.change(header.wrapping_add(log), 0);
    }

    /// Counts one more step.
    pub(super) fn count(&mut self) {
        self.tally.writes += 1;
    }

    fn change(&mut self, before: u128, after: u128) {
        self.tally.digest = self.tally.digest.wrapping_sub(before).wrapping_add(after);
    }
}
