//! The messages: a number, the time, and padding, in the classic protocol. Pure.

/// The text before the number in a viewer's frame.
const BEFORE: &[u8] = br#""funcParams":["#;

/// Returns a message with `bytes` bytes of parameters.
pub(super) fn write(number: u32, nanos: u64, bytes: usize) -> String {
    let mut params = format!(r#"[{number},{nanos},""#);
    let padding = bytes.saturating_sub(params.len() + 2);
    params.extend(std::iter::repeat_n('x', padding));
    format!(r#"{{"status":{{"value":3}},"funcKey":"soak","funcParams":{params}"]}}"#)
}

/// Returns the number and the time of a message, if it is one.
pub(super) fn read(text: &[u8]) -> Option<(u32, u64)> {
    let start = text.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let mut fields = text[start..].split(|&byte| byte == b',');
    let number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let nanos = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    Some((number, nanos))
}

/// Returns the room in the answer to an opening.
pub(super) fn room(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once(r#""uuid":""#)?;
    let (room, rest) = rest.split_once('"')?;
    (is_connected(rest) && !room.is_empty()).then_some(room)
}

/// Returns whether this is the answer to a successful opening or join.
pub(super) fn is_connected(answer: &str) -> bool {
    answer.contains(r#""status":{"value":3,"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_has_its_size() {
        for (number, nanos) in [(0, 0), (123, 4_567_890_123), (u32::MAX, u64::MAX)] {
            let text = write(number, nanos, 512);
            assert_eq!(read(text.as_bytes()), Some((number, nanos)));
            let (_, params) = text.split_once(r#""funcParams":"#).unwrap();
            assert_eq!(params.len() - 1, 512, "{params}");
        }
        assert_eq!(read(br#"{"status":{"value":0},"funcParams":[]}"#), None);
    }

    #[test]
    fn the_room_is_in_the_answer() {
        let answer = |value| format!(r#"{{"uuid":"a-b","status":{{"value":{value},"text":"x"}},"funcKey":""}}"#);
        assert_eq!(room(&answer(3)), Some("a-b"));
        assert_eq!(room(&answer(0)), None);
    }
}
