//! Formats the events of a viewer as text for people. Pure.

use std::fmt::Write as _;

use rtbroadcaster::remote::{Closing, Heard};
use rtbroadcaster::{Kind, OwnerStatus};

use crate::ending::why_ended;
use crate::plain::{name, plain};

/// The width of the column of numbers.
const WIDTH: usize = 6;

/// Adds the lines for an event.
pub(super) fn write(heard: &Heard, out: &mut String) {
    let nothing = "";
    // Writing to a String does not fail.
    let _ = match heard {
        Heard::State { reset, state } => {
            let keys = if state.len() == 1 { "1 key".into() } else { format!("{} keys", state.len()) };
            let why = reset.map_or_else(String::new, |reason| {
                format!(", reset ({}): events before it may be missing", reason.word())
            });
            let _ = writeln!(out, "{:>WIDTH$}  the state: {keys}{why}", number(state.seq().get()));
            state.iter().try_for_each(|(key, params)| {
                writeln!(out, "{nothing:>WIDTH$}    {} = {}", name(key), plain(params.as_str()))
            })
        }
        Heard::Message(message) => {
            let number = message.seq().map_or_else(String::new, |seq| number(seq.get()));
            let holds = if message.kind() == Kind::State { " =" } else { "" };
            writeln!(out, "{number:>WIDTH$}  {}{holds} {}", name(message.key()), plain(message.params().as_str()))
        }
        Heard::Cleared { seq, key } => {
            writeln!(out, "{:>WIDTH$}  {} is cleared", number(seq.get()), name(key.as_str()))
        }
        Heard::Skipped { through } => {
            writeln!(out, "{nothing:>WIDTH$}  up to #{through} newer values replaced older ones: this viewer lags")
        }
        Heard::Owner { status: OwnerStatus::Away, .. } => {
            writeln!(out, "{nothing:>WIDTH$}  the owner is away; the room ends unless it returns")
        }
        Heard::Owner { .. } => writeln!(out, "{nothing:>WIDTH$}  the owner is live"),
        _ => Ok(()),
    };
}

/// Adds the last line if the room has ended. Any other reason is written to stderr.
pub(super) fn end(closing: &Closing, out: &mut String) {
    if closing.code() == super::ROOM_CLOSED {
        let why = if closing.why().is_some() { format!(". {}", why_ended(closing)) } else { String::new() };
        let _ = writeln!(out, "{:>WIDTH$}  the room has ended{why}", "");
    }
}

fn number(seq: u64) -> String {
    format!("#{seq}")
}
