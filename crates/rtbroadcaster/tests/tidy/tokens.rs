//! Rust source as a flat list of tokens with their lines: no comments, strings never equal to a name.
//! Must not know any rule of the house.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token: a name, a literal, a sign or a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it is written.
    pub(crate) text: String,
    /// Where it begins, from 1.
    pub(crate) line: usize,
}

/// The tokens of a file; empty if it is not Rust, which the compiler says better.
pub(crate) fn read(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(text.parse().unwrap_or_default(), &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let TokenTree::Group(group) = tree else {
            tokens.push(Token { text: tree.to_string(), line });
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        tokens.push(Token { text: open.into(), line });
        flatten(group.stream(), tokens);
        tokens.push(Token { text: close.into(), line: group.span_close().end().line });
    }
}

/// Whether the tokens from `at` on are these.
pub(crate) fn follows(tokens: &[Token], at: usize, expected: &[&str]) -> bool {
    tokens
        .get(at..at + expected.len())
        .is_some_and(|found| found.iter().zip(expected).all(|(one, two)| one.text == *two))
}

/// Where the bracket that opens at `open` closes.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// The blocks `#[cfg(test)] mod name { .. }`, each from its `#` to its last bracket.
pub(crate) fn test_blocks(tokens: &[Token]) -> Vec<(usize, usize)> {
    const HEAD: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    (0..tokens.len())
        .filter(|&at| follows(tokens, at, &HEAD) && follows(tokens, at + HEAD.len() + 1, &["{"]))
        .map(|at| (at, closing(tokens, at + HEAD.len() + 1)))
        .collect()
}

/// The tokens outside of test blocks.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let blocks = test_blocks(tokens);
    let in_tests = |at: usize| blocks.iter().any(|&(from, to)| (from..=to).contains(&at));
    tokens.iter().enumerate().filter(|&(at, _)| !in_tests(at)).map(|(_, token)| token.clone()).collect()
}

/// The names that come directly after a `::` whose right side begins at `at`: one, or each of a `{ .. }` group.
pub(crate) fn segments(tokens: &[Token], at: usize) -> Vec<Token> {
    match tokens.get(at) {
        Some(token) if token.text == "{" => {
            let end = closing(tokens, at);
            let (mut names, mut here, mut begins) = (Vec::new(), at + 1, true);
            while here < end {
                match tokens[here].text.as_str() {
                    "{" => here = closing(tokens, here),
                    "," => begins = true,
                    _ if begins => {
                        names.push(tokens[here].clone());
                        begins = false;
                    }
                    _ => {}
                }
                here += 1;
            }
            names
        }
        Some(token) => vec![token.clone()],
        None => Vec::new(),
    }
}

/// What is taken directly from `root`, as in `root::name` or `root::{name, other::deeper}`.
pub(crate) fn taken_from(tokens: &[Token], root: &str) -> Vec<Token> {
    (0..tokens.len())
        .filter(|&at| follows(tokens, at, &[root, ":", ":"]))
        .flat_map(|at| segments(tokens, at + 3))
        .filter(|token| token.text != "self")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tokens: &[Token]) -> Vec<&str> {
        tokens.iter().map(|token| token.text.as_str()).collect()
    }

    #[test]
    fn every_name_taken_from_a_root_is_found_with_its_line_and_comments_are_not() {
        let source = "//! crate::zero\nuse crate::{self, one::A, two::{B, C},\n  three};\n// crate::four\nfn f() { crate::five::g(\"crate::six\") }";
        let taken = taken_from(&read(source), "crate");
        assert_eq!(texts(&taken), ["one", "two", "three", "five"]);
        assert_eq!(taken.iter().map(|token| token.line).collect::<Vec<_>>(), [2, 2, 3, 5]);
    }

    #[test]
    fn test_blocks_are_cut_out_whole() {
        let tokens = read("fn a() {} #[cfg(test)] mod tests { fn b() { c() } } fn d() {}");
        assert_eq!(texts(&without_tests(&tokens)), texts(&read("fn a() {} fn d() {}")));
    }
}
