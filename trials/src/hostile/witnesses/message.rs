//! The witnesses' messages: a number, the time, and padding, as both protocols show them. Pure.

/// The text before the number: `"params":[` or `"funcParams":[`.
const BEFORE: &[u8] = br#"arams":["#;

/// Some text, so that a message is not tiny.
const PADDING: &str =
    "a message of some hundred bytes, as a slide or a line of a caption would be; its text is not read";

/// Returns a message of an owner of version 2.
pub(super) fn write(number: u32, micros: u64) -> String {
    format!(r#"{{"type":"publish","key":"tick","params":[{number},{micros},"{PADDING}"]}}"#)
}

/// Returns the number and the time of a message, if it is one.
pub(super) fn read(text: &[u8]) -> Option<(u32, u64)> {
    let start = text.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let mut fields = text[start..].split(|&byte| byte == b',');
    let number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let micros = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    Some((number, micros))
}

/// Returns the room in the answer to a create.
pub(super) fn room(answer: &str) -> Option<&str> {
    answer.split_once(r#""room":""#)?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_in_both_protocols() {
        let said = write(7, 123_456);
        assert_eq!(read(said.as_bytes()), Some((7, 123_456)));
        let classic = said.replace("params", "funcParams");
        assert_eq!(read(classic.as_bytes()), Some((7, 123_456)));
        assert_eq!(read(br#"{"type":"alive","seq":1}"#), None);
        assert_eq!(room(r#"{"type":"created","id":"a","room":"r-1","epoch":"e"}"#), Some("r-1"));
    }
}
