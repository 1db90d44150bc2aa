//! Tests of a viewer with a torn state: it has a hole and lacks newer values. It lets no other life continue its
//! cursor.

use serde_json::{Value, json};

use super::cursors::{at_three, event, shown, state};
use super::script::{next, reaches};
use crate::Status;

/// Returns the frame of a server that knows lives.
fn skipped_until(through: u64, until: u64) -> Value {
    json!({"type": "skipped", "through": through, "until": until})
}

fn skipped(through: u64) -> Value {
    json!({"type": "skipped", "through": through})
}

fn alive(seq: u64) -> Value {
    json!({"type": "alive", "seq": seq})
}

fn slow() -> Value {
    json!({"type": "reset", "reason": "slow", "epoch": "e", "term": 1, "seq": 12, "replay": 2, "owner": "live"})
}

/// Returns the cursor of a join, and its member `lives`.
fn asked(join: &Value) -> (&str, u64, Option<&Value>) {
    (join["cursor"]["epoch"].as_str().unwrap(), join["cursor"]["seq"].as_u64().unwrap(), join.get("lives"))
}

/// Returns the frames to a viewer at 3, the number at which it is cut, and whether its next join has `lives`.
fn cases() -> Vec<(&'static str, Vec<Value>, u64, bool)> {
    let torn = |then: &[Value]| [&[skipped(8), state(9, "a")], then].concat();
    vec![
        ("before any hole", vec![event(4), alive(9)], 4, true),
        ("behind a hole", torn(&[]), 9, false),
        ("at a hole", vec![skipped(8)], 3, false),
        ("before the newer values", vec![skipped_until(8, 11), state(9, "a"), event(10), alive(10)], 10, false),
        ("with the newer values", vec![skipped_until(8, 11), state(9, "a"), event(10), state(11, "b")], 11, true),
        ("with the newer value at once", vec![skipped_until(8, 9), state(9, "a")], 9, true),
        ("behind two holes", vec![skipped_until(8, 11), state(9, "a"), skipped_until(10, 10), event(11)], 11, true),
        ("without a heartbeat", torn(&[event(10), event(11)]), 11, false),
        ("a heartbeat before the hole", [vec![alive(9)], torn(&[event(10)])].concat(), 10, false),
        ("a heartbeat that is not reached", torn(&[alive(11), event(10)]), 10, false),
        ("a heartbeat that is reached", torn(&[alive(11), event(10), state(11, "b")]), 11, true),
        ("a heartbeat that is reached already", torn(&[alive(9)]), 9, true),
        ("the first of two heartbeats", torn(&[alive(10), event(10), alive(12)]), 10, true),
        ("another hole", torn(&[alive(9), skipped(11), state(12, "a")]), 12, false),
        ("another hole before the heartbeat is reached", torn(&[alive(11), skipped(11), state(12, "a")]), 12, false),
        ("another hole and its heartbeat", torn(&[alive(9), skipped(11), state(12, "a"), alive(12)]), 12, true),
        ("a reset that is cut", torn(&[slow(), state(11, "a")]), 9, false),
        ("a heartbeat in a reset that is cut", torn(&[slow(), alive(9), state(11, "a")]), 9, false),
        ("a reset", torn(&[slow(), state(11, "a"), state(12, "b")]), 12, true),
        ("a hole behind a reset", torn(&[slow(), state(11, "a"), state(12, "b"), skipped(14)]), 12, false),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_torn_viewer_joins_without_lives_until_the_newer_values_have_come() {
    for (name, then, seq, has_lives) in cases() {
        let (_viewer, _messages, mut server, mut peer) = at_three().await;
        for text in then {
            peer.says(text).await;
        }
        peer.cuts().await;
        let join = server.accept().await.joins(json!({"how": "resumed", "seq": seq, "replay": 0})).await;
        assert_eq!(asked(&join), ("e", seq, has_lives.then_some(&json!(true))), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tear_lasts_over_connections_until_what_a_heartbeat_promised_has_come() {
    let (viewer, mut messages, mut server, mut peer) = at_three().await;
    peer.says(skipped(8)).await;
    peer.says(state(9, "a")).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "seq": 9, "replay": 0})).await;
    assert_eq!(asked(&join), ("e", 9, None));
    // On this connection nothing was superseded.
    reaches(&viewer, |status| *status == Status::Live).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "seq": 11, "replay": 2})).await;
    assert_eq!(asked(&join), ("e", 9, None), "nothing has come");
    peer.says(alive(11)).await;
    peer.rings(10).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "seq": 11, "replay": 1})).await;
    assert_eq!(asked(&join), ("e", 10, None), "one more was promised");
    peer.rings(11).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "epoch": "f", "seq": 12, "replay": 1})).await;
    assert_eq!(asked(&join), ("e", 11, Some(&json!(true))));
    peer.rings(12).await;
    for expected in ["skipped 8", "9 a [9]", "10 bell [10]", "11 bell [11]", "12 bell [12]"] {
        assert_eq!(next(&mut messages).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_viewer_goes_on_in_another_life_by_a_whole_state_only() {
    let (viewer, _messages, mut server, mut peer) = at_three().await;
    peer.says(skipped(8)).await;
    peer.says(state(9, "a")).await;
    peer.cuts().await;
    // Such a server does not know what it is asked.
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "epoch": "f", "seq": 9, "replay": 0})).await;
    peer.until_left().await;
    let reset = || json!({"how": "reset", "reason": "epoch", "epoch": "f", "seq": 7, "replay": 2});
    for is_cut in [true, false] {
        let mut peer = server.accept().await;
        let join = peer.joins(reset()).await;
        assert_eq!(asked(&join), ("e", 9, None));
        peer.says(state(6, "a")).await;
        // A number of another numbering.
        peer.says(alive(7)).await;
        if !is_cut {
            peer.says(state(7, "b")).await;
        }
        peer.cuts().await;
    }
    let join = server.accept().await.joins(json!({"how": "resumed", "epoch": "f", "seq": 7, "replay": 0})).await;
    assert_eq!(asked(&join), ("f", 7, Some(&json!(true))));
    assert_eq!(shown(&viewer), "7 a[6] b[7]");
}
