//! The pure parts know no runtime, no time, no socket; the fan-out knows no JSON. Must not know the floors.

use crate::tokens;
use crate::tree::is_test;

/// Where the pure parts are, below `src/`.
const PURE: [&str; 13] = [
    "wire/",
    "wire.rs",
    "protocol/",
    "protocol.rs",
    "room/core",
    "room/log",
    "room/presence",
    "room/attendance",
    "room/attention",
    "room/votes",
    "room/pace",
    "fanout/backlog",
    "audience",
];

/// What must not be named in a file outside of its tests. `path` is below `src/`.
pub(crate) fn wrong(path: &str, text: &str) -> Vec<String> {
    if is_test(path) {
        return Vec::new();
    }
    let tokens = tokens::without_tests(&tokens::read(text));
    let mut wrong = Vec::new();
    if PURE.iter().any(|pure| path.starts_with(pure)) {
        let runtime = |name: &str| name == "tokio" || name.starts_with("tokio_");
        for token in tokens.iter().filter(|token| runtime(&token.text)) {
            wrong.push(format!("{path}:{}: `{}`: this part is pure and knows no runtime", token.line, token.text));
        }
        for token in tokens.iter().filter(|token| ["Instant", "SystemTime"].contains(&token.text.as_str())) {
            wrong.push(format!(
                "{path}:{}: `{}`: this part is pure and takes time as an argument",
                token.line, token.text
            ));
        }
        for token in tokens::taken_from(&tokens, "std").iter().filter(|token| token.text == "net") {
            wrong.push(format!("{path}:{}: `std::net`: this part is pure and knows no socket", token.line));
        }
    }
    if path.starts_with("fanout/") || path == "fanout.rs" {
        for token in tokens.iter().filter(|token| token.text == "serde_json") {
            wrong.push(format!("{path}:{}: `serde_json`: the fan-out sees frames, not JSON", token.line));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_impurity_is_found() {
        for (path, source) in [
            ("wire/mod.rs", "use tokio::io::AsyncRead;"),
            ("wire.rs", "fn f() { tokio_util::sync::CancellationToken::new(); }"),
            ("protocol/classic.rs", "fn f(now: std::time::Instant) {}"),
            ("room/log.rs", "use std::time::{Duration, SystemTime};"),
            ("room/log/state.rs", "use std::{mem, net::IpAddr};"),
            ("fanout/backlog.rs", "use std::net;"),
            ("fanout/lane.rs", "use serde_json::Value;"),
        ] {
            assert_eq!(wrong(path, source).len(), 1, "{path}: {source}");
        }
    }

    #[test]
    fn tests_comments_and_the_impure_parts_are_let_through() {
        for (path, source) in [
            ("wire/mod.rs", "//! No tokio, no Instant.\n#[cfg(test)] mod tests { use tokio::test; }"),
            ("wire/tests.rs", "use tokio::test;"),
            ("room/owner.rs", "use tokio::time::Instant;"),
            ("fanout/lane.rs", "use std::time::Instant;"),
            ("protocol/v2.rs", "use serde_json::value::RawValue;"),
        ] {
            assert_eq!(wrong(path, source), [""; 0], "{path}");
        }
    }
}
