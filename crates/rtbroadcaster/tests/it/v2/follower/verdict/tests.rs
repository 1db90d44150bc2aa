//! A follower finds every way to be wrong, and nothing wrong in what is right.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

/// An owner that said the states a and b, the event c, the ephemeral d, the state a again, and cleared b.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.note(Change::State, "a", "[1]");
    ledger.note(Change::State, "b", "[2]");
    ledger.note(Change::Event, "c", "[3]");
    ledger.note_passing("d", "[]");
    ledger.note(Change::State, "a", "[4]");
    ledger.note(Change::Cleared, "b", "[]");
    ledger
}

/// A word of a test: a number is that message, the rest is written out.
fn text(ledger: &Ledger, word: &str) -> String {
    let announced = r#""epoch":"e","term":1,"seq""#;
    let (name, rest) = word.split_once(' ').unwrap_or((word, ""));
    let numbers: Vec<u64> = rest.split(' ').filter_map(|number| number.parse().ok()).collect();
    match name {
        "snapshot" | "resumed" => format!(
            r#"{{"type":"joined","id":"1","room":"r",{announced}:{},"how":"{name}","replay":{},"owner":"live","aliveMs":0,"limits":{{"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096}},"viewer":{{"number":1,"key":"k"}}}}"#,
            numbers[0], numbers[1]
        ),
        "reset" => format!(
            r#"{{"type":"reset","reason":"slow",{announced}:{},"replay":{},"owner":"live"}}"#,
            numbers[0], numbers[1]
        ),
        "skipped" => format!(r#"{{"type":"skipped","through":{},"until":{}}}"#, numbers[0], numbers[0] + 1),
        "away" => r#"{"type":"owner","status":"away","term":1,"awayMs":0}"#.into(),
        "live" => format!(r#"{{"type":"owner","status":"live","term":{}}}"#, numbers[0]),
        "passing" => ledger.passing()[0].text.clone(),
        "wrong" => ledger.line(numbers[0]).text.replace('[', "[0"),
        number => ledger.line(number.parse().unwrap()).text.clone(),
    }
}

/// Takes everything that came on one connection; after `cut` on the next one.
fn follow(came: &str) {
    let ledger = ledger();
    let mut follower = Follower::default();
    follower.ask();
    for word in came.split(", ") {
        if word == "cut" {
            follower.cut();
            follower.ask();
        } else {
            follower.take(&text(&ledger, word));
        }
    }
    follower.check_caught_up(&ledger);
}

#[test]
fn every_way_to_be_right_is_let_through() {
    for right in [
        "snapshot 0 0, 1, 2, 3, passing, 4, 5",
        "snapshot 3 2, 1, 2, passing, away, live 2, 4, 5",
        "snapshot 5 1, 4",
        "snapshot 0 0, 1, 2, cut, resumed 5 3, 3, 4, 5",
        "snapshot 3 2, 1, cut, snapshot 5 1, 4",
        "snapshot 0 0, skipped 2, 3, 4, 5",
        "snapshot 2 2, 1, 2, reset 5 1, 4",
        "snapshot 0 0, 1, skipped 2, cut, resumed 5 4, 2, 3, 4, 5",
    ] {
        follow(right);
    }
}

#[test]
fn every_way_to_be_wrong_is_found() {
    for wrong in [
        "1",
        "snapshot 0 0, 1, 2, 3, 4",
        "snapshot 0 0, 1, 3, 4, 5",
        "snapshot 0 0, 1, 2, 2, 3, 4, 5",
        "snapshot 0 0, 1, 2, wrong 3, 4, 5",
        "snapshot 3 2, 2, 1, 4, 5",
        "snapshot 3 1, 1, 4, 5",
        "snapshot 3 2, 1, passing, 2, 4, 5",
        "snapshot 3 2, 1, 3, 4, 5",
        "snapshot 3 2, 1, away, 2, 4, 5",
        "snapshot 5 2, 2, 4",
        "snapshot 0 0, 1, 2, cut, resumed 5 2, 4, 5",
        "snapshot 0 0, 1, 2, cut, snapshot 5 1, 4",
        "resumed 5 0",
        "snapshot 0 0, skipped 3, 4, 5",
        "snapshot 0 0, 1, 2, 3, skipped 4, 5",
        "snapshot 0 0, skipped 2, away, 3, 4, 5",
        "snapshot 0 0, 1, skipped 2, 2, 3, 4, 5",
        "snapshot 0 0, 1, 2, 3, 4, passing, 5",
        "snapshot 0 0, 1, 2, 3, passing, passing, 4, 5",
        "snapshot 0 0, 1, 2, 3, live 1, 4, 5",
        "snapshot 0 0, 1, 2, 3, live 3, 4, 5",
        "snapshot 0 0, 1, 2, 3, away, away, 4, 5",
        "snapshot 2 2, 1, 2, reset 5 1, skipped 3, 4",
    ] {
        let found = catch_unwind(AssertUnwindSafe(|| follow(wrong)));
        assert!(found.is_err(), "it was let through: {wrong}");
    }
}
