//! Each deadline at its moment, and what moves it.

use super::*;
use crate::limit::Limit;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fresh() -> Deadlines {
    Deadlines::new(&Config::default(), seconds(100), false)
}

#[test]
fn a_connection_has_5_seconds_for_a_valid_message_and_30_for_a_room() {
    let mut deadlines = fresh();
    assert_eq!(deadlines.next(None, None), Some(seconds(105)));
    assert_eq!(deadlines.due(seconds(105), None, None), Some(Due::Close(CloseReason::NothingValid)));
    deadlines.understood();
    assert_eq!(deadlines.next(None, None), Some(seconds(130)));
    deadlines.entered();
    assert_eq!(deadlines.next(None, None), None, "a viewer needs no timer");
}

#[test]
fn an_owner_with_viewers_is_pinged_every_5_seconds_and_given_up_after_10() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    assert_eq!(deadlines.next(Some(0), None), Some(seconds(125)));
    deadlines.promise(1);
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(105)));
    assert_eq!(deadlines.due(seconds(104), Some(1), None), None);
    assert_eq!(deadlines.due(seconds(105), Some(1), None), Some(Due::Ping));
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(110)));
    deadlines.heard(seconds(106));
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(110)), "also when it has just sent something");
    assert_eq!(deadlines.due(seconds(116), Some(1), None), Some(Due::Close(CloseReason::NoPong)));
}

#[test]
fn an_owner_is_asked_before_it_is_given_up_when_the_first_viewer_comes_late() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    for came in [seconds(120), seconds(140)] {
        deadlines.watched(Some(0), came);
        assert_eq!(deadlines.due(came, Some(1), None), Some(Due::Ping));
        assert_eq!(deadlines.due(came + seconds(5), Some(1), None), Some(Due::Ping));
        deadlines.heard(came + seconds(6));
    }
    assert_eq!(deadlines.due(seconds(155), Some(1), None), Some(Due::Ping));
    assert_eq!(deadlines.due(seconds(156), Some(1), None), Some(Due::Close(CloseReason::NoPong)));
}

#[test]
fn an_owner_that_was_slowed_was_not_silent() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    deadlines.watched(Some(1), seconds(100));
    deadlines.paused(seconds(30));
    assert_eq!(deadlines.due(seconds(130), Some(1), None), Some(Due::Ping));
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(135)));
}

#[test]
fn an_owner_that_answered_no_ping_gains_nothing_by_a_viewer() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    assert_eq!(deadlines.due(seconds(125), Some(0), None), Some(Due::Ping));
    assert_eq!(deadlines.due(seconds(149), Some(1), None), Some(Due::Ping));
    assert_eq!(deadlines.due(seconds(150), Some(1), None), Some(Due::Close(CloseReason::NoPong)));
}

#[test]
fn a_message_has_10_seconds_from_its_first_byte_to_its_last() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    deadlines.read(false, true, 0, seconds(100));
    deadlines.read(false, true, 0, seconds(109));
    assert_eq!(deadlines.next(None, None), Some(seconds(110)), "more of the same message gains no time");
    deadlines.read(true, true, 0, seconds(109));
    assert_eq!(deadlines.next(None, None), Some(seconds(119)), "the next one has its own");
    assert_eq!(deadlines.due(seconds(119), None, None), Some(Due::Close(CloseReason::RuleBroken)));
    deadlines.paused(seconds(3));
    assert_eq!(
        deadlines.next(None, None),
        Some(seconds(122)),
        "the time in which the server did not read does not count"
    );
    deadlines.read(true, false, 0, seconds(119));
    assert_eq!(deadlines.next(None, None), None);
}

#[test]
fn a_patient_protocol_gives_a_slow_message_a_second_for_each_2048_bytes() {
    let mut deadlines = Deadlines::new(&Config::default(), seconds(100), true);
    deadlines.understood();
    deadlines.entered();
    deadlines.read(false, true, 2_047, seconds(100));
    assert_eq!(deadlines.next(None, None), Some(seconds(110)));
    deadlines.read(false, true, 61_440, seconds(109));
    assert_eq!(deadlines.next(None, None), Some(seconds(140)), "60 KB over a slow link");
    assert_eq!(deadlines.due(seconds(140), None, None), Some(Due::Close(CloseReason::Slow)));
    deadlines.read(true, true, 1, seconds(140));
    assert_eq!(deadlines.next(None, None), Some(seconds(150)), "the next one has gained nothing");
}

#[test]
fn an_owner_of_whom_nothing_is_read_hears_every_second_that_the_server_is_there() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    deadlines.promise(1);
    deadlines.hold(seconds(103));
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(101)), "the last sign is 3 seconds old");
    for second in 103..150 {
        assert_eq!(deadlines.due(seconds(second), Some(1), None), Some(Due::Ping), "it is not given up");
        assert_eq!(deadlines.next(Some(1), None), Some(seconds(second + 1)));
    }
    deadlines.release(seconds(150));
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(154)));
    assert_eq!(deadlines.due(seconds(156), Some(1), None), Some(Due::Ping), "its silence began at the 103rd second");
}

#[test]
fn a_promised_interval_stands_until_a_longer_one_is_promised() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    assert_eq!(deadlines.promise(0), Some(seconds(25)));
    assert_eq!(deadlines.due(seconds(105), Some(1), None), Some(Due::Ping));
    assert_eq!(deadlines.promise(1), Some(seconds(5)));
    assert_eq!(deadlines.next(Some(0), None), Some(seconds(110)), "the viewers left");
    assert_eq!(deadlines.due(seconds(110), Some(0), None), Some(Due::Ping));
    assert_eq!(deadlines.promise(0), Some(seconds(25)));
    deadlines.heard(seconds(110));
    assert_eq!(deadlines.next(Some(0), None), Some(seconds(135)));
    let lifted = Config { ping_interval: Limit::None, ..Config::default() };
    assert_eq!(Deadlines::new(&lifted, seconds(0), true).promise(3), None);
}

#[test]
fn an_owner_is_promised_a_shorter_interval_as_soon_as_a_viewer_watches() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    deadlines.promise(0);
    assert_eq!(deadlines.due(seconds(101), Some(0), None), None);
    assert!(deadlines.next(Some(1), None).is_some_and(|at| at <= seconds(101)));
    assert_eq!(deadlines.due(seconds(101), Some(1), None), Some(Due::Ping));
    // Viewers that come and leave cause no more pings.
    for (second, viewers) in [(101, 1), (102, 0), (103, 1), (104, 0), (105, 2)] {
        assert_eq!(deadlines.due(seconds(second), Some(viewers), None), None);
        assert_eq!(deadlines.next(Some(viewers), None), Some(seconds(106)));
    }
    // No earlier ping in a protocol without words for intervals, nor where heartbeats come as often in any case.
    let mut classic = fresh();
    classic.understood();
    classic.entered();
    assert_eq!(classic.next(Some(1), None), Some(seconds(105)));
    let often = Config { ping_interval: Limit::Max(seconds(5)), ..Config::default() };
    let mut deadlines = Deadlines::new(&often, seconds(100), true);
    deadlines.understood();
    deadlines.entered();
    deadlines.promise(0);
    assert_eq!(deadlines.next(Some(1), None), Some(seconds(105)));
}

#[test]
fn a_stalled_peer_is_closed_and_then_abandoned() {
    let mut deadlines = fresh();
    deadlines.understood();
    deadlines.entered();
    assert_eq!(deadlines.due(seconds(110), None, Some(seconds(110))), Some(Due::Close(CloseReason::Slow)));
    deadlines.leaving(Ending::Cut, seconds(110));
    assert_eq!(deadlines.next(None, Some(seconds(110))), Some(seconds(111)));
    assert_eq!(deadlines.due(seconds(110), None, Some(seconds(110))), None);
    assert_eq!(deadlines.due(seconds(111), None, Some(seconds(110))), Some(Due::Abandon));
}

#[test]
fn none_lifts_every_deadline() {
    let lifted = Config {
        first_message_timeout: Limit::None,
        join_timeout: Limit::None,
        ping_interval: Limit::None,
        ..Config::default()
    };
    assert_eq!(Deadlines::new(&lifted, seconds(0), true).next(Some(3), None), None);
}
