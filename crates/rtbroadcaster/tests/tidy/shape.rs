//! Files are short and begin by saying what they do. Must not know what they are called.

use crate::tokens;
use crate::tree::is_test;

/// The most lines a file may have, its tests not counted.
const LINES_MAX: usize = 400;

/// Whether a file has too many lines outside of a test block at its end.
pub(crate) fn too_long(path: &str, text: &str) -> Vec<String> {
    if is_test(path) {
        return Vec::new();
    }
    let tokens = tokens::read(text);
    let tests = match tokens::test_blocks(&tokens).last() {
        Some(&(from, to)) if to + 1 == tokens.len() => tokens[to].line - tokens[from].line + 1,
        _ => 0,
    };
    let lines = text.lines().count() - tests;
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{path}: {lines} lines without its tests, at most {LINES_MAX} are allowed")]
}

/// Whether a file begins with something else than `//!`.
pub(crate) fn headless(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("{path}:1: begin the file with `//!`: what it does and what it must not know")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_401_lines_is_too_long_and_its_tests_do_not_count() {
        let code = |lines: usize| "const A: u8 = 0;\n".repeat(lines);
        let block = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", code(500));
        assert_eq!(too_long("src/a.rs", &code(401)).len(), 1);
        assert_eq!(too_long("src/a.rs", &code(400)), [""; 0]);
        assert_eq!(too_long("src/a.rs", &(code(400) + &block)), [""; 0]);
        assert_eq!(too_long("src/a.rs", &(code(401) + &block)).len(), 1);
        assert_eq!(too_long("src/a.rs", &(block + &code(1))).len(), 1, "tests come last");
        assert_eq!(too_long("src/a/tests.rs", &code(900)), [""; 0]);
        assert_eq!(too_long("tests/it/a.rs", &code(900)), [""; 0]);
    }

    #[test]
    fn a_file_without_a_head_comment_is_found() {
        for text in ["", "use a;\n//! Late.", "// Not a head.", "//!\n"] {
            assert_eq!(headless("src/a.rs", text).len(), 1, "{text:?}");
        }
        assert_eq!(headless("src/a.rs", "//! The head."), [""; 0]);
    }
}
