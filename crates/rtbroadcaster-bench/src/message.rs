//! Writes messages, and recognizes them by a marker of fixed width near the end of the parameters: the room and the
//! number. So a viewer parses no JSON per delivery. Pure.

use crate::frame::{self, Opcode};
use crate::message_kind::MessageKind;
use crate::plan::{Protocol, Workload};

/// The byte before the digits, which occurs nowhere else in a message.
const MARK: u8 = b'~';
const ROOM_DIGITS: usize = 5;
const NUMBER_DIGITS: usize = 10;
const DIGITS: usize = ROOM_DIGITS + NUMBER_DIGITS;

/// The fewest bytes of parameters: brackets, quotes, the mark and the digits, and a little padding.
pub(crate) const PARAMS_BYTES_MIN: i64 = 24;

/// The number of bytes at the end of a message that may have the mark. Classic ends with `"],"stateMessage":false}`.
const TAIL_BYTES: usize = 64;

/// The number of a probe, which is sent until every viewer of a relay has received one.
pub(crate) const PROBE: u32 = u32::MAX;

/// The messages of one room.
pub(crate) struct MessageTemplates {
    kind: Workload,
    /// One template for each kind of message in the run.
    templates: Vec<Template>,
}

impl MessageTemplates {
    /// Returns the messages of the room with this number, with parameters of `size` bytes.
    pub(crate) fn new(protocol: Protocol, kind: Workload, size: u32, room: u32) -> Self {
        let templates =
            MessageKind::all(kind).into_iter().map(|message_kind| Template::new(protocol, message_kind, size, room));
        Self { kind, templates: templates.collect() }
    }

    /// Appends the frame of the message with this number to `out`.
    pub(crate) fn write(&self, number: u32, out: &mut Vec<u8>) {
        let place = MessageKind::of(self.kind, number).index(self.templates.len());
        self.templates[place].write(number, out);
    }
}

/// A complete frame of messages that differ in their digits only.
struct Template {
    frame: Vec<u8>,
    /// The position of the number in the frame.
    number_at: usize,
    mask: [u8; 4],
    payload_at: usize,
}

impl Template {
    fn new(protocol: Protocol, message_kind: MessageKind, size: u32, room: u32) -> Self {
        let padding = (size as usize).saturating_sub(DIGITS + "[\"~\"]".len());
        let params = format!("[\"{}~{room:05}{:010}\"]", "x".repeat(padding), 0);
        let key = match message_kind {
            MessageKind::Value(key) => format!("bench{key}"),
            MessageKind::Event | MessageKind::Ephemeral => "bench".into(),
        };
        let text = match protocol {
            Protocol::Relay => params,
            Protocol::Classic => {
                let state = if let MessageKind::Value(_) = message_kind { r#","stateMessage":true"# } else { "" };
                format!(r#"{{"status":{{"value":3}},"funcKey":"{key}","funcParams":{params}{state}}}"#)
            }
            Protocol::V2 => {
                let kind = match message_kind {
                    MessageKind::Event => "",
                    MessageKind::Value(_) => r#","state":true"#,
                    MessageKind::Ephemeral => r#","ephemeral":true"#,
                };
                format!(r#"{{"type":"publish","key":"{key}","params":{params}{kind}}}"#)
            }
        };
        let mark = text.rfind(char::from(MARK)).expect("the parameters have a mark");
        let frame = frame::masked(Opcode::Text, text.as_bytes());
        let payload_at = frame.len() - text.len();
        let mask = *frame[..payload_at].last_chunk().expect("a client's frame has a mask before its payload");
        Self { number_at: payload_at + mark + 1 + ROOM_DIGITS, mask, payload_at, frame }
    }

    fn write(&self, number: u32, out: &mut Vec<u8>) {
        let start = out.len() + self.number_at;
        out.extend_from_slice(&self.frame);
        let mut rest = number;
        for (place, at) in (start..start + NUMBER_DIGITS).enumerate().rev() {
            let digit = b'0' + u8::try_from(rest % 10).expect("it is a digit");
            out[at] = digit ^ self.mask[(self.number_at + place - self.payload_at) % 4];
            rest /= 10;
        }
    }
}

/// Returns the room and the number of a message; `None` if the text has no mark.
pub(crate) fn read(text: &[u8]) -> Option<(u32, u32)> {
    let tail = &text[text.len().saturating_sub(TAIL_BYTES)..];
    let mark = tail.iter().rposition(|&byte| byte == MARK)?;
    let digits: &[u8; DIGITS] = tail[mark + 1..].first_chunk()?;
    let (room, number) = digits.split_at(ROOM_DIGITS);
    let value = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u64, |value, &digit| digit.is_ascii_digit().then(|| value * 10 + u64::from(digit & 15)))
    };
    Some((u32::try_from(value(room)?).ok()?, u32::try_from(value(number)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text of a message, unmasked.
    fn text(messages: &MessageTemplates, number: u32) -> String {
        let mut frame = Vec::new();
        messages.write(number, &mut frame);
        let template = &messages.templates[MessageKind::of(messages.kind, number).index(messages.templates.len())];
        let mask = template.mask.iter().cycle();
        String::from_utf8(frame[template.payload_at..].iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect())
            .unwrap()
    }

    #[test]
    fn a_message_is_recognized_and_has_its_size() {
        for protocol in [Protocol::Classic, Protocol::V2, Protocol::Relay] {
            for size in [24, 25, 26, 27, 512, 70_000] {
                let messages = MessageTemplates::new(protocol, Workload::Event, size, 19_999);
                for number in [0, 7, 1_234_567_890, PROBE] {
                    let text = text(&messages, number);
                    assert_eq!(read(text.as_bytes()), Some((19_999, number)), "{text}");
                    let params = &text[text.find('[').unwrap()..=text.find(']').unwrap()];
                    assert_eq!(params.len(), size as usize);
                }
            }
        }
    }

    #[test]
    fn each_kind_is_what_the_protocol_calls_it() {
        for (protocol, kind, number, key, end) in [
            (Protocol::Classic, Workload::Event, 0, r#""bench""#, r#"00000"]}"#),
            (Protocol::Classic, Workload::State, 17, r#""bench0""#, r#""],"stateMessage":true}"#),
            (Protocol::Classic, Workload::Mixed, 17, r#""bench1""#, r#"17"],"stateMessage":true}"#),
            (Protocol::Classic, Workload::Mixed, 49, r#""bench""#, r#"00049"]}"#),
            (Protocol::V2, Workload::Event, 0, r#""bench""#, r#"00000"]}"#),
            (Protocol::V2, Workload::State, 17, r#""bench0""#, r#""],"state":true}"#),
            (Protocol::V2, Workload::Ephemeral, 17, r#""bench""#, r#""],"ephemeral":true}"#),
            (Protocol::V2, Workload::Mixed, 31, r#""bench15""#, r#"31"],"state":true}"#),
            (Protocol::V2, Workload::Mixed, 99, r#""bench""#, r#"00099"]}"#),
        ] {
            let text = text(&MessageTemplates::new(protocol, kind, 64, 0), number);
            assert!(text.contains(key) && text.ends_with(end), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_viewers_get_is_read_and_other_texts_are_not() {
        for (text, found) in [
            (
                r#"{"uuid":"a","status":{"value":3,"text":"connected"},"funcKey":"bench","funcParams":["x~000020000000003"],"stateMessage":false}"#,
                Some((2, 3)),
            ),
            (r#"{"type":"message","seq":9,"key":"bench","params":["x~000010000000004"],"state":true}"#, Some((1, 4))),
            (r#"{"type":"alive","seq":40}"#, None),
            ("~12345", None),
            ("~00000000000000a", None),
            ("~000009999999999", None),
            ("", None),
        ] {
            assert_eq!(read(text.as_bytes()), found, "{text}");
        }
    }
}
