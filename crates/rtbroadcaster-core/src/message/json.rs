//! Scans of JSON text: its depth, before anything parses it, its form without spaces, and its length once written.
//! Must not know envelopes; the text need not be valid.

/// Returns the deepest nesting of arrays and objects in `text`, found by one scan of its bytes.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Returns `text` without the spaces between its tokens (RFC 8259 section 2).
pub(super) fn compact(text: &[u8]) -> Vec<u8> {
    let mut compact = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'"' => {
                let rest = bytes.as_slice();
                skip_string(&mut bytes);
                compact.push(b'"');
                compact.extend_from_slice(&rest[..rest.len() - bytes.len()]);
            }
            byte => compact.push(*byte),
        }
    }
    compact
}

/// Moves behind the closing quote of a string whose opening quote was taken.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'"' => return,
            _ => {}
        }
    }
}

/// Returns how many bytes `text` takes in JSON, without the quotes (RFC 8259 section 7), as `serde_json` writes it.
pub(super) fn written(text: &str) -> usize {
    text.bytes().fold(0, |bytes, byte| bytes + WRITTEN[usize::from(byte)])
}

/// How many bytes each byte takes in JSON. A table, since the keys of all messages are counted.
static WRITTEN: [usize; 256] = {
    let mut written = [1; 256];
    let mut byte = 0;
    while byte < 0x20 {
        written[byte] = if matches!(byte, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d) { 2 } else { 6 };
        byte += 1;
    }
    written[b'"' as usize] = 2;
    written[b'\\' as usize] = 2;
    written
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_nest() {
        let cases: [(&str, usize); 7] = [
            ("", 0),
            ("1", 0),
            (r#"{"a":[1,{"b":2}],"c":[]}"#, 3),
            (r#"["[[[["]"#, 1),
            (r#"["\"[[", [0]]"#, 2),
            (r#"["\\",[0]]"#, 2),
            ("]]][[", 2),
        ];
        for (text, expected) in cases {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn spaces_between_tokens_go_and_those_in_strings_stay() {
        let cases = [
            ("[ 1 ,\t\"a b\" , [ ] ]", "[1,\"a b\",[]]"),
            (r#"["\" ", " \\" , 2]"#, r#"["\" "," \\",2]"#),
            ("[]", "[]"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8(compact(text.as_bytes())).unwrap(), expected);
        }
    }
}
