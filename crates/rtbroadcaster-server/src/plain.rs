//! Escapes text from the network for terminals and the log. Pure.

/// The most characters of a short text.
const SHORT_LETTERS: usize = 128;

/// Returns `text` with all characters escaped that control a terminal or change the direction of text.
pub(crate) fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, letter| {
        if is_plain(letter) {
            plain.push(letter)
        } else {
            plain.extend(letter.escape_unicode())
        }
        plain
    })
}

/// Returns the beginning of `text`, escaped, with a mark if the rest was cut off: a peer must not fill the log.
pub(crate) fn short(text: &str) -> String {
    let (beginning, mark) = match text.char_indices().nth(SHORT_LETTERS) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    plain(beginning) + mark
}

/// Returns a key, in quotes if it contains spaces, quotes or characters that have to be escaped.
pub(crate) fn name(key: &str) -> String {
    if key.chars().all(|letter| is_plain(letter) && !letter.is_whitespace() && letter != '"') {
        key.to_owned()
    } else {
        plain(&serde_json::to_string(key).expect("text is JSON"))
    }
}

fn is_plain(letter: char) -> bool {
    // The direction marks of Unicode: in their scope characters are shown in another order.
    let turns =
        matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}1m\u{202e}ä"), "a\\u{1b}[2J\\u{9b}1m\\u{202e}ä");
        assert_eq!(short("a\u{1b}"), "a\\u{1b}");
        assert_eq!(short(&"ä".repeat(SHORT_LETTERS)), "ä".repeat(SHORT_LETTERS));
        assert_eq!(short(&"ä".repeat(SHORT_LETTERS + 1)), "ä".repeat(SHORT_LETTERS) + "…");
        assert_eq!(name("score"), "score");
        assert_eq!(name("two words"), r#""two words""#);
        assert_eq!(name("a\nb\u{7f}\""), r#""a\nb\u{7f}\"""#);
    }
}
