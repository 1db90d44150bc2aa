//! Who must not name whom, where no manifest can say it: the fan-out no JSON and no frames of a transport, and who judges bytes not those who make them.
//! Must not know the floors.

use crate::tokens;
use crate::tree::is_test;

/// Where a name must not stand, by the beginning of the file's path, and why.
struct Rule {
    /// The folder.
    below: &'static str,
    /// The crate, or a module of one.
    root: &'static str,
    /// What in it; nothing for all of it.
    parts: &'static [&'static str],
    /// Whether tests may.
    tests_may: bool,
    why: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        below: "crates/rtbroadcaster/src/fanout",
        root: "serde_json",
        parts: &[],
        tests_may: true,
        why: "the fan-out sees frames, not JSON",
    },
    Rule {
        below: "crates/rtbroadcaster/src/fanout",
        root: "wire",
        parts: &["encode"],
        tests_may: true,
        why: "pings, pongs and closes are the dialect's words, since not every transport has the frames of a WebSocket",
    },
    Rule {
        below: "crates/rtbroadcaster-client/",
        root: "rtbroadcaster_core",
        parts: &["wire", "protocol"],
        tests_may: false,
        why: "the other end reads and writes with words of its own, so that no fault of the server hides in it",
    },
    Rule {
        below: "fuzz/",
        root: "wire",
        parts: &["encode"],
        tests_may: false,
        why: "who judges frames does not make them with the encoder that is judged",
    },
    Rule {
        below: "trials/",
        root: "rtbroadcaster_core",
        parts: &[],
        tests_may: false,
        why: "trials see a server from outside",
    },
];

/// What must not be named in a file. `path` is below the root of the workspace.
pub(crate) fn wrong(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for Rule { below, root, parts, tests_may, why } in RULES {
        if !path.starts_with(below) || tests_may && is_test(path) {
            continue;
        }
        let tokens = tokens::read(text);
        let tokens = if tests_may { tokens::without_tests(&tokens) } else { tokens };
        let named = if parts.is_empty() {
            tokens.into_iter().filter(|token| token.text == root).collect()
        } else {
            let taken = tokens::taken_from(&tokens, root).into_iter();
            taken.filter(|token| parts.contains(&token.text.as_str())).collect::<Vec<_>>()
        };
        wrong.extend(named.iter().map(|token| format!("{path}:{}: `{}`: {why}", token.line, token.text)));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_wrong_place_is_found() {
        for (path, source) in [
            ("crates/rtbroadcaster/src/fanout/lane.rs", "use serde_json::Value;"),
            ("crates/rtbroadcaster/src/fanout/lane.rs", "use rtbroadcaster_core::wire::{Control, encode};"),
            ("crates/rtbroadcaster-client/src/line.rs", "use rtbroadcaster_core::wire::Decoder;"),
            ("crates/rtbroadcaster-client/src/tests.rs", "use rtbroadcaster_core::{id::Seq, protocol::Dialect};"),
            ("fuzz/properties/src/decoder/oracle.rs", "use rtbroadcaster_core::wire::encode;"),
            ("trials/src/model.rs", "fn f(_: rtbroadcaster_core::id::Seq) {}"),
        ] {
            assert_eq!(wrong(path, source).len(), 1, "{path}: {source}");
        }
    }

    #[test]
    fn other_names_and_other_places_are_let_through() {
        for (path, source) in [
            ("crates/rtbroadcaster/src/fanout/lane.rs", "#[cfg(test)] mod tests { use serde_json::Value; }"),
            ("crates/rtbroadcaster/src/fanout/outbox.rs", "use rtbroadcaster_core::wire::Control;"),
            ("crates/rtbroadcaster/src/room/owner.rs", "use serde_json::Value;"),
            ("crates/rtbroadcaster-client/src/line.rs", "use rtbroadcaster_core::id::Seq; use futures::protocols;"),
            ("fuzz/properties/src/v2.rs", "use rtbroadcaster_core::protocol::Dialect;"),
            ("trials/src/chaos.rs", "use rtbroadcaster::remote::Viewer;"),
        ] {
            assert_eq!(wrong(path, source), [""; 0], "{path}");
        }
    }
}
