//! The input of the benches, the same in every run. Must not know what is measured.

use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::id::{Epoch, Term};
use rtbroadcaster_core::message::{Change, Entry, Key, Params};
use rtbroadcaster_core::room::log;

/// The time of every operation.
pub(crate) const NOW: Duration = Duration::from_secs(60);

/// The size of most messages' parameters, in bytes.
pub(crate) const BYTES: usize = 512;

/// Returns the id of one room.
pub(crate) fn room() -> RoomId {
    "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().expect("it is a room's name")
}

/// Returns one life of its numbering.
pub(crate) fn epoch() -> Epoch {
    Epoch::from_wire("0b9e7c1d5a3f4e2f8c6d4b2a19070503").expect("it is short enough")
}

/// Returns one of `keys` keys, in turn.
pub(crate) fn key(number: u64, keys: u64) -> Key {
    Key::new(&format!("key-{:04}", number % keys)).expect("it is short enough")
}

/// Returns the JSON of parameters of `bytes` bytes: texts, numbers and a nested array.
pub(crate) fn params_text(bytes: usize) -> String {
    let (start, end) = (r#"[0.5,true,["b",1e3],""#, r#""]"#);
    let filling = "Ein Wort, γράμματα. ".chars().cycle();
    let mut text = String::from(start);
    for letter in filling {
        if text.len() + letter.len_utf8() + end.len() > bytes {
            break;
        }
        text.push(letter);
    }
    while text.len() + end.len() < bytes {
        text.push('.');
    }
    text + end
}

/// Returns parameters of `bytes` bytes.
pub(crate) fn params(bytes: usize) -> Params {
    Params::from_json(&params_text(bytes)).expect("it is an array")
}

/// Returns a message with this number and without encoded frames.
pub(crate) fn entry(seq: u64, key: Key, params: Params, change: Change) -> Entry {
    Entry::new(room(), Seq::new(seq), Term::FIRST, key, params, change)
}

/// Returns a log with the default limits.
pub(crate) fn log() -> log::Log {
    log::Log::new(room(), epoch(), log::LogLimits::from(&Config::default()))
}
