//! Protocols: reads the requests of owners and viewers, writes the frame of a message. Must not know rooms.

use std::hint::black_box;

use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::protocol::{Dialect, classic, v2};

use super::sample;
use rtbroadcaster_parts::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("write_a_message_in_classic", || write(&classic::DIALECT)),
    Part::new("write_a_message_in_v2", || write(&v2::DIALECT)),
    Part::new("parse_a_publish_in_classic", || {
        let params = sample::params_text(sample::BYTES);
        parse(&classic::DIALECT, format!(r#"{{"status":{{"value":3}},"funcKey":"slide","funcParams":{params}}}"#))
    }),
    Part::new("parse_a_publish_in_v2", || {
        let params = sample::params_text(sample::BYTES);
        parse(&v2::DIALECT, format!(r#"{{"type":"publish","key":"slide","params":{params}}}"#))
    }),
    Part::new("parse_a_publish_with_an_id_in_v2", || {
        let params = sample::params_text(sample::BYTES);
        let id = "9f86d081884c7d65-2";
        parse(&v2::DIALECT, format!(r#"{{"type":"publish","id":"{id}","key":"slide","params":{params},"state":true}}"#))
    }),
    Part::new("parse_a_join_in_classic", || {
        parse(&classic::DIALECT, format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, sample::room()))
    }),
    Part::new("parse_a_join_with_a_cursor_in_v2", || {
        let (room, epoch) = (sample::room(), sample::epoch());
        let cursor = format!(r#"{{"epoch":"{}","seq":9}}"#, epoch.as_str());
        parse(&v2::DIALECT, format!(r#"{{"type":"join","id":"b","room":"{room}","cursor":{cursor}}}"#))
    }),
];

/// Writes the first frame of a new message.
fn write(dialect: &'static Dialect) -> Box<dyn FnMut()> {
    let (key, params): (Key, Params) = (sample::key(0, 1), sample::params(sample::BYTES));
    Box::new(move || {
        let entry = sample::entry(1_234, key.clone(), params.clone(), Change::Event);
        black_box(black_box(dialect).frame(&entry));
    })
}

fn parse(dialect: &'static Dialect, text: String) -> Box<dyn FnMut()> {
    assert!((dialect.decode)(&text).command.is_ok(), "{text}");
    Box::new(move || {
        black_box((dialect.decode)(black_box(&text)));
    })
}
