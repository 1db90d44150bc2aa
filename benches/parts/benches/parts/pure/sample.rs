//! What the benches work on: the same in every run. Must not know what is measured.

use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::id::{Epoch, Term};
use rtbroadcaster_core::message::{Change, Entry, Key, Params};
use rtbroadcaster_core::room::log;

/// The moment at which everything happens.
pub(crate) const NOW: Duration = Duration::from_secs(60);

/// The parameters of most messages, in bytes.
pub(crate) const BYTES: usize = 512;

/// One room.
pub(crate) fn room() -> RoomId {
    "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().expect("it is a room's name")
}

/// One life of its numbering.
pub(crate) fn epoch() -> Epoch {
    Epoch::from_wire("0b9e7c1d5a3f4e2f8c6d4b2a19070503").expect("it is short enough")
}

/// A key among `keys`, as they come in turn.
pub(crate) fn key(number: u64, keys: u64) -> Key {
    Key::new(&format!("key-{:04}", number % keys)).expect("it is short enough")
}

/// The text of parameters of so many bytes, with texts, numbers and a nested array in it.
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

/// Parameters of so many bytes.
pub(crate) fn params(bytes: usize) -> Params {
    Params::from_json(&params_text(bytes)).expect("it is an array")
}

/// A message with this number, of which no frame is made yet.
pub(crate) fn entry(seq: u64, key: Key, params: Params, change: Change) -> Entry {
    Entry::new(room(), Seq::new(seq), Term::FIRST, key, params, change)
}

/// A log with the default limits.
pub(crate) fn log() -> log::Log {
    log::Log::new(room(), epoch(), log::LogLimits::from(&Config::default()))
}
