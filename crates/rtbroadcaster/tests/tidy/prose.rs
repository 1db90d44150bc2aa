//! Comments name their actors. Must not know what they say.

/// Words for persons that stand for a part of the program or a message, and phrases with no one meaning.
const BANNED: [&str; 8] = ["whoever", "somebody", "nobody", "anybody", "everybody", "anew", "comes on", "parts from"];

/// Returns every banned word in the comments of a file.
pub(crate) fn wrong(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let Some((_, comment)) = line.trim_start().split_once("//").filter(|(code, _)| code.is_empty()) else {
            continue;
        };
        let comment = comment.to_lowercase();
        let found = BANNED.iter().filter(|banned| has(&comment, banned));
        wrong.extend(found.map(|banned| format!("{path}:{number}: `{banned}` in a comment: name the part that acts")));
    }
    wrong
}

/// Returns whether `phrase` stands in `text` as whole words.
fn has(text: &str, phrase: &str) -> bool {
    let is_inside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + phrase.len()..]);
        !is_inside(before.chars().next_back()) && !is_inside(behind.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_banned_word_of_a_comment_is_found_with_its_line() {
        for banned in BANNED {
            let text = format!("//! Sends frames.\n\nfn f() {{}} // {banned}\n    /// Drops what {banned} sent.\n");
            assert_eq!(wrong("a.rs", &text).len(), 1, "{banned}");
            assert!(wrong("a.rs", &text)[0].starts_with("a.rs:4: "));
        }
        assert_eq!(wrong("a.rs", "// Whoever comes.\n").len(), 1);
    }

    #[test]
    fn words_that_only_contain_a_banned_one_and_code_are_let_through() {
        assert_eq!(wrong("a.rs", "/// A nobodyish canewood.\nlet s = \"whoever\";\n"), Vec::<String>::new());
    }
}
