//! Formats the events of a viewer as lines of JSON. The names are those of PROTOCOL.md; parameters stay as the owner
//! wrote them. Pure.

use std::fmt::Write as _;

use rtbroadcaster::remote::{Closing, Delivery, Heard, ResetReason, State};
use rtbroadcaster::{Kind, OwnerStatus};

/// Adds the line for an event.
pub(super) fn write(heard: &Heard, out: &mut String) {
    // Writing to a String does not fail.
    let _ = match heard {
        Heard::State { reset, state } => write_state(*reset, state, out),
        Heard::Message(message) => write_message(message, out),
        Heard::Cleared { seq, key } => writeln!(
            out,
            r#"{{"type":"message","seq":{seq},"key":{},"params":[],"cleared":true}}"#,
            quoted(key.as_str())
        ),
        Heard::Skipped { through } => writeln!(out, r#"{{"type":"skipped","through":{through}}}"#),
        Heard::Owner { status, term } => {
            let status = if *status == OwnerStatus::Away { "away" } else { "live" };
            writeln!(out, r#"{{"type":"owner","status":"{status}","term":{term}}}"#)
        }
        // This viewer sends no signals. Events of later versions have no format here.
        _ => Ok(()),
    };
}

/// Adds the last line.
pub(super) fn end(closing: &Closing, out: &mut String) {
    let why = closing.why().map_or_else(String::new, |why| format!(r#","why":"{why}""#));
    let _ = writeln!(out, r#"{{"type":"closed","code":{},"reason":"{}"{why}}}"#, closing.code(), closing.reason());
}

fn write_state(reset: Option<ResetReason>, state: &State, out: &mut String) -> std::fmt::Result {
    out.push_str(r#"{"type":"state""#);
    if let Some(reason) = reset {
        write!(out, r#","reset":"{}""#, reason.word())?;
    }
    write!(out, r#","seq":{},"state":{{"#, state.seq())?;
    for (place, (key, params)) in state.iter().enumerate() {
        let before = if place == 0 { "" } else { "," };
        write!(out, "{before}{}:{}", quoted(key), params.as_str())?;
    }
    out.push_str("}}\n");
    Ok(())
}

fn write_message(message: &Delivery, out: &mut String) -> std::fmt::Result {
    out.push_str(r#"{"type":"message""#);
    if let Some(seq) = message.seq() {
        write!(out, r#","seq":{seq}"#)?;
    }
    write!(out, r#","key":{},"params":{}"#, quoted(message.key()), message.params().as_str())?;
    out.push_str(match message.kind() {
        Kind::State => ",\"state\":true}\n",
        Kind::Ephemeral => ",\"ephemeral\":true}\n",
        Kind::Event => "}\n",
    });
    Ok(())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}
