//! Tests of servers that begin another life of a room's numbering: which epoch a viewer takes, and when.

use serde_json::{Value, json};

use super::cursors::{at_three, event, shown, state};
use super::script::{Server, next, reaches, soon};
use crate::Status;

fn owner(epoch: &str) -> Value {
    json!({"type": "owner", "status": "live", "term": 2, "epoch": epoch})
}

/// The frames of a server on one connection to a viewer at 3 of epoch `e`, and the cursor of its next join after a cut.
struct Case {
    name: &'static str,
    /// The members of `joined`.
    joined: Value,
    then: Vec<Value>,
    cursor: (&'static str, u64),
    shown: &'static str,
}

fn cases() -> Vec<Case> {
    let resumed = || json!({"how": "resumed", "epoch": "f", "seq": 5, "replay": 2});
    let present = || json!({"how": "resumed", "seq": 3, "replay": 0});
    let reset = || json!({"how": "reset", "reason": "epoch", "epoch": "f", "seq": 7, "replay": 2});
    let slow =
        || json!({"type": "reset", "reason": "slow", "epoch": "e", "term": 1, "seq": 9, "replay": 2, "owner": "live"});
    let old = "3 a[1] b[2]";
    let case = |name, joined, then, cursor, shown| Case { name, joined, then, cursor, shown };
    vec![
        case("resumed in another life, before the first message", resumed(), vec![], ("f", 3), old),
        case("resumed in another life, in the middle", resumed(), vec![event(4)], ("f", 4), "4 a[1] b[2]"),
        case(
            "resumed in another life, whole",
            resumed(),
            vec![event(4), state(5, "a"), event(6)],
            ("f", 6),
            "6 b[2] a[5]",
        ),
        case("a lease between messages", present(), vec![event(4), owner("g")], ("g", 4), "4 a[1] b[2]"),
        case("a lease before its first message", present(), vec![owner("g"), event(4)], ("g", 4), "4 a[1] b[2]"),
        case("the second lease of two", present(), vec![owner("g"), owner("h")], ("h", 3), old),
        case("a lease while messages are missing", resumed(), vec![event(4), owner("g")], ("g", 4), "4 a[1] b[2]"),
        case(
            "a lease before the message behind a hole",
            present(),
            vec![json!({"type": "skipped", "through": 8}), owner("g")],
            ("g", 3),
            old,
        ),
        case(
            "an owner without another lease",
            present(),
            vec![json!({"type": "owner", "status": "away", "term": 1})],
            ("e", 3),
            old,
        ),
        case("a lease in the middle of a reset", reset(), vec![state(5, "x"), owner("g")], ("e", 3), old),
        case(
            "a lease in the middle of a reset that became whole",
            reset(),
            vec![state(5, "x"), owner("g"), state(7, "y")],
            ("g", 7),
            "7 x[5] y[7]",
        ),
        case(
            "a lease in the middle of a reset on the way",
            present(),
            vec![slow(), owner("g"), state(8, "a")],
            ("e", 3),
            old,
        ),
        case(
            "a lease in the middle of a reset on the way that became whole",
            present(),
            vec![slow(), owner("g"), state(8, "a"), state(9, "b")],
            ("g", 9),
            "9 a[8] b[9]",
        ),
        case("a lease at the beginning of a reset", reset(), vec![owner("g")], ("e", 3), old),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_epoch_of_another_life_is_taken_with_the_number_that_belongs_to_it() {
    for case in cases() {
        let (viewer, _messages, mut server, peer) = at_three().await;
        peer.cuts().await;
        let mut peer = server.accept().await;
        let join = peer.joins(case.joined).await;
        assert_eq!(
            (&join["cursor"], &join["lives"]),
            (&json!({"epoch": "e", "seq": 3}), &json!(true)),
            "{}",
            case.name
        );
        for text in case.then {
            peer.says(text).await;
        }
        peer.cuts().await;
        let (epoch, seq) = case.cursor;
        let join =
            server.accept().await.joins(json!({"how": "resumed", "epoch": epoch, "seq": seq, "replay": 0})).await;
        assert_eq!(join["cursor"], json!({"epoch": epoch, "seq": seq}), "{}", case.name);
        assert_eq!(shown(&viewer), case.shown, "{}", case.name);
    }
}

#[tokio::test(start_paused = true)]
async fn three_restarts_in_a_row_cost_a_viewer_one_connection_each_and_no_message() {
    let (viewer, mut messages, mut server, mut peer) = at_three().await;
    let mut known = "e";
    for (epoch, seq) in [("f", 4), ("g", 5), ("h", 6)] {
        peer.closes(1012, "restart").await;
        peer = server.accept().await;
        let join = peer.joins(json!({"how": "resumed", "epoch": epoch, "seq": seq, "replay": 1})).await;
        assert_eq!(join["cursor"], json!({"epoch": known, "seq": seq - 1}));
        peer.rings(seq).await;
        assert_eq!(next(&mut messages).await, format!("{seq} bell [{seq}]"));
        reaches(&viewer, |status| *status == Status::Live).await;
        known = epoch;
    }
    // Nothing that came made it leave.
    peer.rings(7).await;
    assert_eq!(next(&mut messages).await, "7 bell [7]");
    peer.is_heard().await;
    // Three more, of which none lasts until the first message.
    for epoch in ["i", "j", "k"] {
        peer.cuts().await;
        peer = server.accept().await;
        let join = peer.joins(json!({"how": "resumed", "epoch": epoch, "seq": 8, "replay": 1})).await;
        assert_eq!(join["cursor"], json!({"epoch": known, "seq": 7}));
        known = epoch;
    }
    peer.rings(8).await;
    assert_eq!(next(&mut messages).await, "8 bell [8]");
}

#[tokio::test(start_paused = true)]
async fn a_first_state_takes_the_epoch_of_a_lease_that_came_in_the_middle_of_it() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"seq": 2, "replay": 2})).await;
    assert_eq!((join.get("cursor"), &join["lives"]), (None, &json!(true)));
    peer.sets(1, "a").await;
    peer.says(owner("g")).await;
    peer.cuts().await;
    // Cut there it has nothing yet.
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"seq": 2, "replay": 2})).await;
    assert_eq!(join.get("cursor"), None);
    peer.sets(1, "a").await;
    peer.says(owner("g")).await;
    peer.sets(2, "b").await;
    soon(viewer.inside()).await.unwrap();
    peer.cuts().await;
    let join = server.accept().await.joins(json!({"how": "resumed", "epoch": "g", "seq": 2, "replay": 0})).await;
    assert_eq!(join["cursor"], json!({"epoch": "g", "seq": 2}));
}

#[tokio::test(start_paused = true)]
async fn a_resume_without_a_cursor_is_not_believed() {
    let (_viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "epoch": "f"})).await;
    peer.until_left().await;
    let join = server.accept().await.joins(json!({})).await;
    assert_eq!(join.get("cursor"), None);
}

#[tokio::test(start_paused = true)]
async fn a_lease_before_the_answer_belongs_to_nothing() {
    let (_viewer, _messages, mut server, peer) = at_three().await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.asked().await;
    peer.says(owner("g")).await;
    peer.cuts().await;
    let join = server.accept().await.joins(json!({"how": "resumed", "seq": 3, "replay": 0})).await;
    assert_eq!(join["cursor"], json!({"epoch": "e", "seq": 3}));
}
