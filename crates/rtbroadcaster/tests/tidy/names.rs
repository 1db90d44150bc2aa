//! Names are nouns of the domain. Must not know what is behind them.

use crate::tokens::{self, follows};

/// Words that no public name may contain: the domain has better ones.
const WORDS: [&str; 6] = ["user", "session", "hub", "channel", "info", "util"];

/// Words that a file or a module may not have in its name besides: they say nothing.
const EMPTY_WORDS: [&str; 6] = ["utils", "helpers", "common", "types", "misc", "data"];

/// What can stand between `pub` and the name of an item.
const BEFORE_NAMES: [&str; 15] = [
    "async", "const", "unsafe", "extern", "\"C\"", "fn", "struct", "enum", "trait", "type", "static", "mut", "union",
    "mod", "macro",
];

/// Every forbidden word in the path, the modules and the public items of a file.
pub(crate) fn wrong(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in path.split('/') {
        let name = name.trim_end_matches(".rs").replace(['-', '.'], "_");
        if let Some(word) = forbidden(&name, &[WORDS, EMPTY_WORDS].concat()) {
            wrong.push(format!("{path}: `{word}` in the name of a file or folder"));
        }
    }
    let tokens = tokens::read(text);
    for at in 0..tokens.len() {
        let (name, words) = match tokens[at].text.as_str() {
            "mod" => (at + 1, [WORDS, EMPTY_WORDS].concat()),
            "pub" => (public_name(&tokens, at), WORDS.to_vec()),
            _ => continue,
        };
        let Some(name) = tokens.get(name) else { continue };
        if let Some(word) = forbidden(&name.text, &words) {
            wrong.push(format!("{path}:{}: `{word}` in the name `{}`", name.line, name.text));
        }
    }
    wrong
}

/// Where the name is that the `pub` at `at` makes public; of a `pub use` it is the keyword, which is never forbidden.
fn public_name(tokens: &[tokens::Token], at: usize) -> usize {
    let mut at = at + 1;
    if follows(tokens, at, &["("]) {
        at = tokens::closing(tokens, at) + 1;
    }
    while tokens.get(at).is_some_and(|token| BEFORE_NAMES.contains(&token.text.as_str())) {
        // A module is looked at on its own, with more forbidden words.
        if tokens[at].text == "mod" {
            return at;
        }
        at += 1;
    }
    at
}

/// The first forbidden word of a name, split at `_` and before capitals.
fn forbidden(name: &str, words: &[&'static str]) -> Option<&'static str> {
    let mut split = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_lower {
            split.push('_');
        }
        after_lower = letter.is_lowercase() || letter.is_ascii_digit();
        split.extend(letter.to_lowercase());
    }
    words.iter().find(|word| split.split('_').any(|part| part == **word)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_name_is_found() {
        for (path, source) in [
            ("src/utils.rs", ""),
            ("src/helpers/room.rs", ""),
            ("src/room_data.rs", ""),
            ("crates/room-common/src/lib.rs", ""),
            ("src/room.rs", "mod misc;"),
            ("src/room.rs", "pub mod session { }"),
            ("src/room.rs", "pub struct UserTable;"),
            ("src/room.rs", "pub(crate) async fn open_channel() {}"),
            ("src/room.rs", "pub struct Room { pub(in crate::room) info: u8 }"),
            ("src/room.rs", "pub const HUB: u8 = 0;"),
            ("src/room.rs", "pub enum RoomInfo {}"),
        ] {
            assert_eq!(wrong(path, source).len(), 1, "{path}: {source}");
        }
    }

    #[test]
    fn words_that_only_contain_a_forbidden_one_and_private_names_are_let_through() {
        for (path, source) in [
            ("src/id.rs", "pub struct Informed; pub fn utilise() {} pub fn prototypes() {}"),
            ("src/id.rs", "use tokio::sync::mpsc::channel; fn f() { let info = channel(); }"),
            ("src/id.rs", "pub struct Frame { pub data: u8 }"),
            ("src/id.rs", "pub use other::UserAgent; // pub struct User;"),
        ] {
            assert_eq!(wrong(path, source), [""; 0], "{source}");
        }
    }
}
