//! Imports go down the floors only. Must not know what the modules do.

use crate::tokens::{self, Token, follows};

/// The floors, top to bottom. A module that is on none of them has no place in the house.
const FLOORS: [&[&str]; 10] = [
    &["axum", "in_memory"],
    &["upgrade"],
    &["manager"],
    &["client"],
    &["server"],
    &["rights", "room"],
    &["engine"],
    &["fanout"],
    &["socket"],
    &["clock", "fault", "lock_order", "metrics", "os_random", "sampling"],
];

/// The floors on which modules may import each other; on all others neighbours are strangers.
const OPEN_FLOORS: [&str; 1] = ["metrics"];

/// Every import of a file that goes up, sideways or nowhere. `path` is below `src/`; `lib.rs` may import all.
pub(crate) fn wrong(path: &str, text: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
    if module == "lib" {
        return Vec::new();
    }
    if floor(module).is_none() {
        return vec![format!("{path}:1: the module `{module}` is on no floor")];
    }
    let tokens = tokens::read(text);
    let mut imports = tokens::taken_from(&tokens, "crate");
    imports.extend(taken_by_super(&tokens, depth(path)));
    imports
        .iter()
        .filter_map(|import| refusal(module, &import.text).map(|why| format!("{path}:{}: {why}", import.line)))
        .collect()
}

/// Why `from` must not import `to`, if so.
fn refusal(from: &str, to: &str) -> Option<String> {
    let from_floor = floor(from)?;
    let Some(to_floor) = floor(to) else {
        return Some(format!("`crate::{to}` is on no floor: name the module of what is imported"));
    };
    let floors = format!("`{from}` (floor {})", FLOORS[from_floor].join(" "));
    let floors = format!("{floors} imports `{to}` (floor {})", FLOORS[to_floor].join(" "));
    if from == to {
        return None;
    }
    let open = || OPEN_FLOORS.iter().any(|open| floor(open) == Some(from_floor));
    match from_floor.cmp(&to_floor) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal if open() => None,
        std::cmp::Ordering::Equal => Some(format!("{floors}: these neighbours do not know each other")),
        std::cmp::Ordering::Greater => Some(format!("{floors}: imports go down only")),
    }
}

/// How far from the top a module lives.
fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// How many modules deep a file is: 1 for `wire.rs` and `wire/mod.rs`, 2 for `wire/frame.rs`.
fn depth(path: &str) -> usize {
    path.split('/').filter(|name| *name != "mod.rs").count()
}

/// What is taken from the crate's root by as many `super::` as the place is deep.
fn taken_by_super(tokens: &[Token], file_depth: usize) -> Vec<Token> {
    let (mut taken, mut open_modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        open_modules.retain(|&end| end > at);
        if tokens[at].text == "mod" && follows(tokens, at + 2, &["{"]) {
            open_modules.push(tokens::closing(tokens, at + 2));
        }
        let begin = at;
        while follows(tokens, at, &["super", ":", ":"]) {
            at += 3;
        }
        let supers = (at - begin) / 3;
        if supers > 0 && supers == file_depth + open_modules.len() {
            taken.extend(tokens::segments(tokens, at));
        }
        if supers == 0 {
            at += 1;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upward_import_is_told_with_its_file_its_line_and_both_floors() {
        let found = wrong("fanout/lane.rs", "//! Lane.\nuse crate::{clock::Clock, room::Room};\n");
        assert_eq!(
            found,
            ["fanout/lane.rs:2: `fanout` (floor fanout) imports `room` (floor rights room): imports go down only"]
        );
    }

    #[test]
    fn every_bad_import_is_found() {
        for (path, source) in [
            ("socket.rs", "fn f() { crate::fanout::write() }"),
            ("clock.rs", "use crate::room::Room;"),
            ("room/turns.rs", "#[cfg(test)] mod tests { use crate::manager::Manager; }"),
            ("room/turns.rs", "use super::super::client;"),
            ("room.rs", "use super::client;"),
            ("room.rs", "mod tests { use super::super::client; }"),
            ("room/mod.rs", "use crate::CloseReason;"),
            ("room/mod.rs", "use crate::*;"),
            ("client.rs", "use crate::manager::Manager;"),
            ("attic.rs", ""),
        ] {
            assert_eq!(wrong(path, source).len(), 1, "{path}: {source}");
        }
    }

    #[test]
    fn every_good_import_is_let_through() {
        for (path, source) in [
            ("lib.rs", "use crate::{axum, clock};"),
            ("axum.rs", "use crate::upgrade::Upgrade; use axum::extract::State;"),
            ("manager.rs", "use crate::server::Server;"),
            ("fanout/mod.rs", "use crate::socket::LaneSocket;"),
            ("client.rs", "use crate::{server::Server, fanout, room::{Room, signals}};"),
            ("metrics.rs", "use crate::clock::Clock; pub(crate) fn f() {}"),
            (
                "room/turns.rs",
                "use super::snapshot; // crate::axum\nmod tests { use super::*; use super::super::snapshot; }",
            ),
        ] {
            assert_eq!(wrong(path, source), [""; 0], "{path}");
        }
    }
}
