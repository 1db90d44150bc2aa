//! Protocols: reading what an owner or a viewer asks for, writing the frame of a message. Must not know rooms.

use std::hint::black_box;

use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::protocol::Protocol;

use super::sample;
use rtbroadcaster_parts::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("write_a_message_in_classic", || write(Protocol::Classic)),
    Part::new("write_a_message_in_v2", || write(Protocol::V2)),
    Part::new("parse_a_publish_in_classic", || {
        let params = sample::params_text(sample::BYTES);
        parse(Protocol::Classic, format!(r#"{{"status":{{"value":3}},"funcKey":"slide","funcParams":{params}}}"#))
    }),
    Part::new("parse_a_publish_in_v2", || {
        let params = sample::params_text(sample::BYTES);
        parse(Protocol::V2, format!(r#"{{"type":"publish","key":"slide","params":{params}}}"#))
    }),
    Part::new("parse_a_publish_with_an_id_in_v2", || {
        let params = sample::params_text(sample::BYTES);
        let id = "9f86d081884c7d65-2";
        parse(Protocol::V2, format!(r#"{{"type":"publish","id":"{id}","key":"slide","params":{params},"state":true}}"#))
    }),
    Part::new("parse_a_join_in_classic", || {
        parse(Protocol::Classic, format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, sample::room()))
    }),
    Part::new("parse_a_join_with_a_cursor_in_v2", || {
        let (room, epoch) = (sample::room(), sample::epoch());
        let cursor = format!(r#"{{"epoch":"{}","seq":9}}"#, epoch.as_str());
        parse(Protocol::V2, format!(r#"{{"type":"join","id":"b","room":"{room}","cursor":{cursor}}}"#))
    }),
];

/// The first frame of a new message.
fn write(protocol: Protocol) -> Box<dyn FnMut()> {
    let (key, params): (Key, Params) = (sample::key(0, 1), sample::params(sample::BYTES));
    Box::new(move || {
        let entry = sample::entry(1_234, key.clone(), params.clone(), Change::Event);
        black_box(entry.frame(black_box(protocol.dialect())));
    })
}

fn parse(protocol: Protocol, text: String) -> Box<dyn FnMut()> {
    assert!(protocol.decode(&text).command.is_ok(), "{text}");
    Box::new(move || {
        black_box(protocol.decode(black_box(&text)));
    })
}
