//! What classic clients may not say (PROTOCOL.md section 1), each with the refusal that it earns.
//! Must not know how it is sent.

use super::offender::Who::{self, Nobody, Owner, Viewer};

pub(super) const ROWS: &[(Who, &str, &str)] = &[
    // No object.
    (Nobody, "", "bad_message"),
    (Nobody, "SECRET\u{1b}[31m\u{7}", "bad_message"),
    (Nobody, "\u{feff}{\"status\":{\"value\":1}}", "bad_message"),
    (Nobody, "null", "bad_message"),
    (Nobody, "1", "bad_message"),
    (Nobody, "[1]", "bad_message"),
    (Nobody, r#"["",{"value":1},"",[],false]"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1}} {}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1},}"#, "bad_message"),
    (Nobody, r#"{'status':{'value':1}}"#, "bad_message"),
    (Nobody, "{\"uuid\":\"\u{7}\",\"status\":{\"value\":1}}", "bad_message"),
    (Nobody, r#"{"uuid":"\ud800","status":{"value":1}}"#, "bad_message"),
    // Too deep.
    (Nobody, r#"{"status":{"value":1},"more":<deep32>}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":<deep32>}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":[],"more":<deep33>}"#, "bad_message"),
    // Members twice.
    (Nobody, r#"{"status":{"value":1},"status":{"value":1}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1,"value":1}}"#, "bad_message"),
    (Nobody, r#"{"uuid":"<room>","uuid":"<room>","status":{"value":2}}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"SECRET","funcKey":"k","funcParams":[]}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":["SECRET"],"funcParams":[]}"#, "bad_message"),
    (
        Owner,
        r#"{"status":{"value":3},"funcKey":"k","funcParams":[],"stateMessage":true,"stateMessage":true}"#,
        "bad_message",
    ),
    // Numbers out of range, and what is none.
    (Nobody, "{}", "bad_message"),
    (Nobody, r#"{"status":{}}"#, "bad_message"),
    (Nobody, r#"{"status":null}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":0}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":5}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":-1}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":257}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1.0}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1e0}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1e400}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":99999999999999999999}}"#, "bad_message"),
    // Members of other types.
    (Nobody, r#"{"status":1}"#, "bad_message"),
    (Nobody, r#"{"status":[1,""]}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":"1"}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":true}}"#, "bad_message"),
    (Nobody, r#"{"status":{"value":1,"text":1}}"#, "bad_message"),
    (Nobody, r#"{"uuid":1,"status":{"value":2}}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":1,"funcParams":[]}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":{}}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":"SECRET"}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":1}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"k","funcParams":[],"stateMessage":1}"#, "bad_message"),
    // Keys too short and too long.
    (Owner, r#"{"status":{"value":3},"funcParams":[]}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"","funcParams":[]}"#, "bad_message"),
    (Owner, r#"{"status":{"value":3},"funcKey":"<x257>","funcParams":[]}"#, "bad_message"),
    // Rooms that are not there.
    (Nobody, r#"{"status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"SECRET","status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"SECRET\u001b[31m","status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"00000000-0000-4000-8000-000000000000","status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"<room>&utm_source=x","status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"<room> ","status":{"value":2}}"#, "no_room"),
    (Nobody, r#"{"uuid":"{<room>}","status":{"value":2}}"#, "no_room"),
    // What only an owner may do, and only in its own room.
    (Nobody, r#"{"uuid":"<room>","status":{"value":3},"funcKey":"SECRET","funcParams":[]}"#, "not_owner"),
    (Viewer, r#"{"uuid":"<room>","status":{"value":3},"funcKey":"SECRET","funcParams":["SECRET"]}"#, "not_owner"),
    (Viewer, r#"{"status":{"value":3},"funcKey":"SECRET","funcParams":[],"stateMessage":true}"#, "not_owner"),
    (Owner, r#"{"uuid":"<room>","status":{"value":3},"funcKey":"SECRET","funcParams":[]}"#, "not_owner"),
    (Owner, r#"{"uuid":"SECRET","status":{"value":3},"funcKey":"k","funcParams":[]}"#, "not_owner"),
    (Owner, r#"{"uuid":"<room>","status":{"value":4}}"#, "not_owner"),
    // One room at a time.
    (Viewer, r#"{"uuid":"<room>","status":{"value":2}}"#, "already_in_room"),
    (Viewer, r#"{"uuid":"<other>","status":{"value":2}}"#, "already_in_room"),
    (Viewer, r#"{"uuid":"SECRET","status":{"value":2}}"#, "already_in_room"),
    (Viewer, r#"{"status":{"value":1}}"#, "already_in_room"),
    (Owner, r#"{"status":{"value":1}}"#, "already_in_room"),
    (Owner, r#"{"uuid":"<room>","status":{"value":2}}"#, "already_in_room"),
];
