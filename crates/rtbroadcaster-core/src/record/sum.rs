//! A sum over a room's log, which shows when a part of the log is missing or changed.
//! Must not know where the log is kept.
//!
//! The sum does not depend on the order of its parts. A message that is added or dropped costs one addition or
//! subtraction, and the messages that stay are never read.

use std::io::Write;

use super::LifeIndex;
use crate::id::{Numbering, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};

/// How many parts there are, how many bytes they take, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many messages and ids there are.
    pub count: u64,
    /// How many bytes they take where they are kept, about.
    pub bytes: u64,
    /// The sum of their hashes.
    pub digest: u128,
}

/// The bytes that a message takes besides its key and params where it is kept: its place and its metadata.
const MESSAGE_BYTES: u64 = 192;
/// The bytes that an id takes besides itself.
const ID_BYTES: u64 = 96;

impl Sum {
    /// Returns the sum of one message.
    pub fn of_message(room: &RoomId, seq: Seq, term: Term, change: Change, key: &Key, params: &Params) -> Self {
        let kind = match change {
            Change::Event | Change::Ephemeral => 0,
            Change::State => 1,
            Change::Cleared => 2,
        };
        let bytes = Self::message_bytes(key, params);
        let (key, params) = (key.as_str().as_bytes(), params.as_bytes());
        let numbers = [kind, seq.get(), term.get(), key.len() as u64].map(u64::to_be_bytes);
        Self {
            count: 1,
            bytes,
            digest: hash(&[b"message", room.encode().as_ref(), numbers.as_flattened(), key, params]),
        }
    }

    /// Returns the sum of the id of one message.
    pub fn of_id(room: &RoomId, seq: Seq, id: &str, fingerprint: [u8; 16]) -> Self {
        let digest = hash(&[b"id", room.encode().as_ref(), &seq.get().to_be_bytes(), &fingerprint, id.as_bytes()]);
        Self { count: 1, bytes: Self::id_bytes(id), digest }
    }

    /// Returns the sum of where each life of a room's log began.
    pub fn of_past(room: &RoomId, numbering: Numbering, starts: &[(LifeIndex, Seq)]) -> Self {
        let numbering = numbering.to_string();
        let starts = starts.iter().flat_map(|(LifeIndex(life), seq)| [*life, seq.get()]).flat_map(u64::to_be_bytes);
        let starts: Vec<u8> = starts.collect();
        Self { count: 0, bytes: 0, digest: hash(&[b"past", room.encode().as_ref(), numbering.as_bytes(), &starts]) }
    }

    /// Returns how many bytes a message takes where it is kept, about.
    pub fn message_bytes(key: &Key, params: &Params) -> u64 {
        MESSAGE_BYTES + key.as_str().len() as u64 + params.as_bytes().len() as u64
    }

    /// Returns how many bytes the id of a message takes where it is kept, about.
    pub fn id_bytes(id: &str) -> u64 {
        ID_BYTES + id.len() as u64
    }

    /// Returns the sum of this and `other`.
    pub fn with(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_add(other.count),
            bytes: self.bytes.wrapping_add(other.bytes),
            digest: self.digest.wrapping_add(other.digest),
        }
    }

    /// Returns what is left of this when `other`, which is in it, is gone.
    pub fn without(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_sub(other.count),
            bytes: self.bytes.wrapping_sub(other.bytes),
            digest: self.digest.wrapping_sub(other.digest),
        }
    }
}

/// How many bytes are hashed as one piece.
const SHORT: usize = 512;

/// Returns the 128 bits of XXH3 over `parts`. It has to find damage, which does not choose its bits; an attacker who
/// could choose them would gain nothing by it.
pub fn hash(parts: &[&[u8]]) -> u128 {
    // The state of a hash that is fed part by part is larger than most messages. The hash is the same.
    let mut short = [0; SHORT];
    let mut free = &mut short[..];
    if parts.iter().all(|part| free.write_all(part).is_ok()) {
        let length = SHORT - free.len();
        return xxhash_rust::xxh3::xxh3_128(&short[..length]);
    }
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SEEDED;

    #[test]
    fn a_sum_shows_every_part_and_forgets_what_is_taken_out() {
        let (room, other) = (RoomId::random(&SEEDED), RoomId::random(&SEEDED));
        let (key, params) = (Key::new("key").unwrap(), Params::from_json("[1]").unwrap());
        let seq = |seq| Seq::new(seq).unwrap();
        let message = |room, number, change| Sum::of_message(room, seq(number), Term::FIRST, change, &key, &params);
        let numbering = Numbering::random(&SEEDED);
        let past = |numbering, life, first| Sum::of_past(&room, numbering, &[(LifeIndex(life), seq(first))]);
        let parts = [
            message(&room, 1, Change::Event),
            message(&room, 1, Change::State),
            message(&room, 2, Change::Event),
            message(&other, 1, Change::Event),
            Sum::of_message(&room, seq(1), Term::FIRST, Change::Event, &Key::new("ke").unwrap(), &params),
            Sum::of_id(&room, seq(1), "a", [0; 16]),
            Sum::of_id(&room, seq(1), "a", [1; 16]),
            Sum::of_id(&room, seq(2), "a", [0; 16]),
            past(numbering, 0, 1),
            past(numbering, 1, 1),
            past(numbering, 0, 2),
            past(Numbering::random(&SEEDED), 0, 1),
        ];
        for (place, part) in parts.iter().enumerate() {
            assert!(parts[place + 1..].iter().all(|other| other.digest != part.digest), "{place} is like another one");
        }
        let all = parts.iter().fold(Sum::default(), |all, part| all.with(*part));
        assert_eq!(all.count, 8);
        let left = parts.iter().rev().take(parts.len() - 1).fold(all, |all, part| all.without(*part));
        assert_eq!(left, parts[0]);
    }

    #[test]
    fn a_hash_is_the_same_in_one_piece_and_part_by_part() {
        let bytes = [7; SHORT + 2];
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, SHORT + 2] {
            let all = &bytes[..length];
            let (start, end) = all.split_at(length / 2);
            assert_eq!(hash(&[start, end]), xxhash_rust::xxh3::xxh3_128(all), "{length}");
        }
    }
}
