//! A table of the notices of version 2.

use super::*;

#[test]
fn notices_are_written_as_in_the_protocol() {
    let (two, away) = (Seq::new(2).unwrap(), Duration::from_millis(70));
    let behind = Audience { viewers: 12, lagging: 1, behind_p95: Duration::from_millis(1_250) };
    let params = |text: &str| Params::from_json(text).unwrap();
    let key = |text: &str| Key::new(text).unwrap();
    let single = |dropped| Signal::Single { key: key("\""), params: params("[1.0]"), from: Some(7), dropped };
    let counts = |texts: &[&str], other| {
        let counts = texts.iter().map(|text| (params(text), 3)).collect();
        Signal::Counts { key: key("v"), counts, other }
    };
    let owner = |status| Notice::Owner { status, term: Term::FIRST, away, epoch: None };
    let next = Epoch::from_wire("00000000000000aa00000000000000bb");
    let moved = Notice::Owner { status: OwnerStatus::Live, term: Term::FIRST, away, epoch: next };
    let notices = [
        (Notice::Skipped { through: two, until: two.next() }, r#"{"type":"skipped","through":2,"until":3}"#),
        (owner(OwnerStatus::Live), r#"{"type":"owner","status":"live","term":1}"#),
        (moved, r#"{"type":"owner","status":"live","term":1,"epoch":"00000000000000aa00000000000000bb"}"#),
        (owner(OwnerStatus::Away), r#"{"type":"owner","status":"away","term":1,"awayMs":70}"#),
        (Notice::Alive { seq: two, next: None }, r#"{"type":"alive","seq":2}"#),
        (Notice::Alive { seq: two, next: Some(5 * away) }, r#"{"type":"alive","seq":2,"nextMs":350}"#),
        (Notice::Audience(12), r#"{"type":"audience","viewers":12}"#),
        (Notice::OwnAudience(&behind), r#"{"type":"audience","viewers":12,"lagging":1,"behindP95Ms":1250}"#),
        (Notice::Signal(&single(0)), r#"{"type":"signal","key":"\"","params":[1.0],"from":7}"#),
        (Notice::Signal(&single(9)), r#"{"type":"signal","key":"\"","params":[1.0],"from":7,"dropped":9}"#),
        (Notice::Signal(&counts(&[], 0)), r#"{"type":"signal","key":"v","counts":[]}"#),
        (
            Notice::Signal(&counts(&["[1]", "[]"], 2)),
            r#"{"type":"signal","key":"v","counts":[[[1],3],[[],3]],"other":2}"#,
        ),
        (Notice::Closed { reason: CloseReason::Slow, end: None }, r#"{"type":"closed","reason":"slow"}"#),
        (
            Notice::Closed { reason: CloseReason::RoomClosed, end: Some(RoomEnd::Grace) },
            r#"{"type":"closed","reason":"room_closed","why":"grace"}"#,
        ),
        (Notice::Draining { reconnect: Duration::from_millis(1834) }, r#"{"type":"draining","reconnectInMs":1834}"#),
    ];
    for (notice, expected) in notices {
        assert_eq!(payload(&(DIALECT.write)(&notice).unwrap()), expected);
    }
    assert_eq!((DIALECT.write)(&Notice::Farewell(standing().room)), None, "`closed` says it");
}
