//! Tests of the cursor with which a viewer resumes, and of the state that it shows, after a cut at any moment.

use serde_json::{Value, json};

use super::script::{Peer, Server, next, reaches, soon};
use crate::{Status, Viewer};

pub(super) fn shown(viewer: &Viewer) -> String {
    let state = viewer.state();
    let values: Vec<_> = state.iter().map(|(key, params)| format!("{key}{}", params.as_str())).collect();
    format!("{} {}", state.seq(), values.join(" "))
}

/// Returns a viewer that has received a=1, b=2 and the event 3.
pub(super) async fn at_three() -> (Viewer, crate::Messages, Server, Peer) {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"seq": 2, "replay": 2})).await;
    assert_eq!(join.get("cursor"), None, "{join}");
    peer.sets(1, "a").await;
    peer.sets(2, "b").await;
    peer.rings(3).await;
    assert_eq!(next(&mut messages).await, "state 2 of 2");
    assert_eq!(next(&mut messages).await, "3 bell [3]");
    (viewer, messages, server, peer)
}

/// The frames of a server on one connection, and the expected viewer after a cut behind them.
struct Case {
    name: &'static str,
    /// The members of `joined`; none where the viewer is cut without an answer.
    joined: Option<Value>,
    then: Vec<Value>,
    /// The number of the cursor of the next join.
    seq: u64,
    /// The epoch of it.
    epoch: &'static str,
    shown: &'static str,
}

pub(super) fn state(seq: u64, key: &str) -> Value {
    json!({"type": "message", "seq": seq, "key": key, "params": [seq], "state": true})
}

pub(super) fn event(seq: u64) -> Value {
    json!({"type": "message", "seq": seq, "key": "bell", "params": [seq]})
}

fn cases() -> Vec<Case> {
    let reset = |replay: u64| json!({"how": "reset", "reason": "epoch", "epoch": "f", "seq": 7, "replay": replay});
    let resumed = json!({"how": "resumed", "seq": 6, "replay": 3});
    let slow = json!({"type": "reset", "reason": "slow", "epoch": "e", "term": 1, "seq": 9, "replay": 2,
        "owner": "live"});
    let old = "3 a[1] b[2]";
    let case = |name, joined, then, seq, epoch, shown| Case { name, joined, then, seq, epoch, shown };
    vec![
        case("without an answer", None, vec![], 3, "e", old),
        case("resumed, before the first message", Some(resumed.clone()), vec![], 3, "e", old),
        case(
            "resumed, in the middle",
            Some(resumed.clone()),
            vec![state(4, "c"), event(5)],
            5,
            "e",
            "5 a[1] b[2] c[4]",
        ),
        case("resumed, whole", Some(resumed), vec![event(4), event(5), state(6, "a")], 6, "e", "6 b[2] a[6]"),
        case("reset, before the first value", Some(reset(2)), vec![], 3, "e", old),
        case("reset, in the middle", Some(reset(2)), vec![state(5, "x")], 3, "e", old),
        case("reset, whole", Some(reset(2)), vec![state(5, "x"), state(7, "y")], 7, "f", "7 x[5] y[7]"),
        case("reset to nothing", Some(reset(0)), vec![], 7, "f", "7 "),
        case(
            "in the middle of a reset on the way",
            Some(json!({"how": "resumed", "seq": 3, "replay": 0})),
            vec![slow.clone(), state(8, "a")],
            3,
            "e",
            old,
        ),
        case(
            "after a reset on the way",
            Some(json!({"how": "resumed", "seq": 3, "replay": 0})),
            vec![slow, state(8, "a"), state(9, "b"), event(10)],
            10,
            "e",
            "10 a[8] b[9]",
        ),
        case(
            "before the message behind a hole",
            Some(json!({"how": "resumed", "seq": 3, "replay": 0})),
            vec![event(4), json!({"type": "skipped", "through": 8})],
            4,
            "e",
            "4 a[1] b[2]",
        ),
        case(
            "behind a hole",
            Some(json!({"how": "resumed", "seq": 3, "replay": 0})),
            vec![json!({"type": "skipped", "through": 8}), state(9, "a")],
            9,
            "e",
            "9 b[2] a[9]",
        ),
        case(
            "behind a cleared key",
            Some(json!({"how": "resumed", "seq": 4, "replay": 1})),
            vec![json!({"type": "message", "seq": 4, "key": "a", "params": [], "cleared": true})],
            4,
            "e",
            "4 b[2]",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_any_moment_keeps_what_is_whole_and_the_next_join_says_so() {
    for case in cases() {
        let (viewer, _messages, mut server, peer) = at_three().await;
        peer.cuts().await;
        let mut peer = server.accept().await;
        if let Some(joined) = case.joined {
            let join = peer.joins(joined).await;
            assert_eq!(join["cursor"], json!({"epoch": "e", "seq": 3}), "{}", case.name);
        }
        for text in case.then {
            peer.says(text).await;
        }
        peer.cuts().await;
        let mut peer = server.accept().await;
        let join = peer.joins(json!({"how": "resumed", "epoch": case.epoch, "seq": case.seq, "replay": 0})).await;
        assert_eq!(join["cursor"], json!({"epoch": case.epoch, "seq": case.seq}), "{}", case.name);
        assert_eq!(shown(&viewer), case.shown, "{}", case.name);
        soon(viewer.inside()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_is_shown_whole_or_not_at_all() {
    let (viewer, mut messages, mut server, peer) = at_three().await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "reset", "reason": "retention", "seq": 9, "replay": 3})).await;
    let mut states = viewer.watch_state();
    states.borrow_and_update();
    for seq in [6, 8] {
        peer.sets(seq, &format!("k{seq}")).await;
        peer.is_heard().await;
        assert_eq!(shown(&viewer), "3 a[1] b[2]");
        assert!(!states.has_changed().unwrap());
        assert!(matches!(viewer.status(), Status::Resuming { .. }), "{:?}", viewer.status());
    }
    peer.sets(9, "k9").await;
    assert_eq!(next(&mut messages).await, "Retention 3 of 9");
    assert_eq!(shown(&viewer), "9 k6[6] k8[8] k9[9]");
    soon(states.changed()).await.unwrap();
    reaches(&viewer, |status| *status == Status::Live).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_once_and_in_order_between_what_was_heard() {
    let (_viewer, mut messages, mut server, peer) = at_three().await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "seq": 5, "replay": 2})).await;
    peer.rings(4).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "seq": 6, "replay": 2})).await;
    for seq in 5..=8 {
        peer.rings(seq).await;
    }
    for seq in 4..=8 {
        assert_eq!(next(&mut messages).await, format!("{seq} bell [{seq}]"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_the_next_message_makes_the_viewer_resume() {
    for (name, wrong) in [
        ("a gap", event(5)),
        ("a repetition", event(3)),
        ("a hole that goes back", json!({"type": "skipped", "through": 2})),
        ("no frame", json!({"type": "message"})),
        ("no object", json!([1])),
    ] {
        let (viewer, mut messages, mut server, mut peer) = at_three().await;
        peer.says(wrong).await;
        peer.until_left().await;
        let mut peer = server.accept().await;
        let join = peer.joins(json!({"how": "resumed", "seq": 4, "replay": 1})).await;
        assert_eq!(join["cursor"], json!({"epoch": "e", "seq": 3}), "{name}");
        let Status::Resuming { after, .. } = viewer.status() else { panic!("{name}: {:?}", viewer.status()) };
        assert_eq!((after.code(), after.reason()), (1006, "protocol"), "{name}");
        peer.rings(4).await;
        assert_eq!(next(&mut messages).await, "4 bell [4]", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_is_not_what_was_asked_for_is_not_believed() {
    for joined in [
        json!({"how": "resumed", "epoch": "f", "seq": 5, "replay": 1}),
        json!({"how": "resumed", "seq": 5, "replay": 1}),
        json!({"how": "resumed", "seq": 2, "replay": 0}),
    ] {
        let (_viewer, _messages, mut server, peer) = at_three().await;
        peer.cuts().await;
        let mut peer = server.accept().await;
        peer.joins(joined).await;
        peer.until_left().await;
        let join = server.accept().await.joins(json!({"how": "resumed", "seq": 3, "replay": 0})).await;
        assert_eq!(join["cursor"], json!({"epoch": "e", "seq": 3}));
    }
}
