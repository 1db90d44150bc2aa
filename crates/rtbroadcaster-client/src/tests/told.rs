//! Tests of the limits that a client enforces, and of what it shows of the owner, the room's end and its viewer's
//! identity.

use std::time::Duration;

use rtbroadcaster_core::message::{Message, MessageError};
use rtbroadcaster_core::options::RoomOptions;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::script::{Peer, Server, bell, next, reaches, soon, telling};
use crate::owner::Beginning;
use crate::{Options, Owner, PublishError, SignalError, Status, Viewer};

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |inner, _| json!([inner]))
}

/// Returns an owner whose server has these limits.
async fn owner(limits: Value) -> (Owner, Server, Peer) {
    let (opening, mut server) = Server::owner(Beginning::Create(RoomOptions::default()), Options::default());
    let mut peer = server.accept().await;
    peer.creates_with(json!({"limits": limits})).await;
    (soon(opening).await.unwrap().unwrap(), server, peer)
}

#[tokio::test(start_paused = true)]
async fn no_bad_call_of_an_owner_reaches_the_server() {
    let limits = json!({"messageBytes": 200, "keyBytes": 8, "idBytes": 40, "depth": 5});
    let (owner, _server, mut peer) = owner(limits).await;
    let calls = [
        Message::event("", ()),
        Message::event("123456789", ()),
        Message::state(&"k".repeat(257), ()),
        Message::event("k", 1),
        Message::event("k", json!({"a": 1})),
        Message::event("k", std::collections::BTreeMap::from([((1, 2), 3)])),
        Message::event("k", nested(5)),
        Message::ephemeral("k", nested(40)),
        Message::state("k", ["x".repeat(130)]),
        Message::ephemeral("k", ["x".repeat(170)]),
        // Each takes six bytes.
        Message::event("\u{1}\u{1}", ["x".repeat(105)]),
        Message::event("k", ()).unwrap().with_id(""),
        Message::event("k", ()).unwrap().with_id(&"i".repeat(41)),
        Message::event("k", ()).unwrap().with_id(&"i".repeat(65)),
        Message::ephemeral("k", ()).unwrap().with_id("i"),
    ];
    // The others have a fault that is known where they are made.
    let calls: Vec<_> = calls.into_iter().filter_map(Result::ok).collect();
    assert_eq!(calls.len(), 6);
    for message in &calls {
        for _ in 0..3 {
            let refused = soon(owner.publish(message.clone())).await;
            assert!(matches!(refused, Err(PublishError::BadMessage(_))), "{message:?}: {refused:?}");
            assert!(matches!(soon(owner.send(message.clone())).await, Err(PublishError::BadMessage(_))));
        }
    }
    for key in ["", "123456789", &"k".repeat(257)] {
        assert!(matches!(soon(owner.clear(key)).await, Err(PublishError::BadMessage(MessageError::Key { .. }))));
    }
    // Calls that just fit reach the server.
    let ticket = soon(owner.send(Message::state("12345678", nested(4)).unwrap().with_id(&"i".repeat(40)).unwrap()))
        .await
        .unwrap();
    let asked = peer.asked().await;
    assert_eq!(asked["key"], "12345678", "nothing else came");
    peer.acks(&asked, 1).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 1);
    assert_eq!(owner.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn no_bad_call_of_a_viewer_reaches_the_server() {
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(
        json!({"limits": {"messageBytes": 100, "keyBytes": 8, "depth": 5, "signalBytes": 20, "signalsPerSecond": 2}}),
    )
    .await;
    soon(viewer.inside()).await.unwrap();
    let long = "k".repeat(257);
    let calls = [
        ("", json!([])),
        ("123456789", json!([])),
        (&long, json!([])),
        ("k", json!(1)),
        ("k", json!({})),
        ("k", nested(5)),
        ("k", json!(["x".repeat(17)])),
    ];
    for (key, params) in &calls {
        for _ in 0..3 {
            let refused = soon(viewer.signal(key, params)).await;
            assert!(matches!(refused, Err(SignalError::BadSignal(_))), "{key} {params}: {refused:?}");
        }
    }
    for round in 0..3 {
        for _ in 0..2 {
            soon(viewer.signal("hand", [round])).await.unwrap();
        }
        let Err(SignalError::TooOften { wait }) = soon(viewer.signal("hand", ())).await else { panic!() };
        assert!(wait <= Duration::from_millis(500), "{wait:?}");
        sleep(Duration::from_secs(1)).await;
    }
    for round in [0, 0, 1, 1, 2, 2] {
        assert_eq!(peer.asked().await["params"], json!([round]), "nothing else came");
    }
    assert_eq!(viewer.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn what_a_new_server_does_not_take_is_refused_and_the_rest_is_said() {
    let (owner, mut server, mut peer) = owner(json!({"messageBytes": 65_536})).await;
    let big = soon(owner.send(Message::event("bell", ["x".repeat(1_000)]).unwrap())).await.unwrap();
    let small = soon(owner.send(bell(2))).await.unwrap();
    for _ in 0..2 {
        peer.asked().await;
    }
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.owned(json!({"limits": {"messageBytes": 500}})).await;
    let Err(PublishError::BadMessage(MessageError::TooBig { bytes, limit: 500 })) = soon(big).await else { panic!() };
    assert!(bytes > 1_000);
    let asked = peer.asked().await;
    assert_eq!(asked["params"], json!([2]));
    peer.acks(&asked, 1).await;
    assert_eq!(soon(small).await.unwrap().get(), 1);
    let again = soon(owner.publish(Message::event("bell", ["x".repeat(1_000)]).unwrap())).await;
    assert!(matches!(again, Err(PublishError::BadMessage(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_an_id_is_that_of_the_biggest_message() {
    let (owner, _server, mut peer) = Server::created(Options::default()).await;
    let tickets = [
        soon(owner.send(bell(1))).await.unwrap(),
        soon(owner.send(Message::event("bell", ["x".repeat(1_000)]).unwrap())).await.unwrap(),
        soon(owner.send(bell(3))).await.unwrap(),
    ];
    let asked = [peer.asked().await, peer.asked().await, peer.asked().await];
    peer.says(json!({"type": "error", "code": "too_big", "message": "no"})).await;
    peer.acks(&asked[0], 1).await;
    peer.acks(&asked[2], 2).await;
    let [first, big, last] = tickets;
    assert_eq!((soon(first).await.unwrap().get(), soon(last).await.unwrap().get()), (1, 2));
    let Err(PublishError::Refused(refused)) = soon(big).await else { panic!() };
    assert_eq!(refused.code(), "too_big");
    // Ignored: no message can be meant.
    peer.says(json!({"type": "error", "code": "too_big", "message": "no"})).await;
    peer.is_heard().await;
    assert_eq!(owner.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_is_too_big_to_be_counted_is_refused_alone() {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(telling(5_000)).await;
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    for _ in 0..3 {
        soon(viewer.signal("vote", ["x".repeat(200)])).await.unwrap();
        peer.asked().await;
        peer.says(json!({"type": "error", "code": "too_big", "message": "the message is over the size limit"})).await;
        assert_eq!(next(&mut messages).await, "refused too_big");
    }
    assert_eq!(viewer.status(), Status::Live);
}

/// Returns how many milliseconds ago that was.
fn ago(since: std::time::Instant) -> u128 {
    Instant::now().into_std().saturating_duration_since(since).as_millis()
}

async fn away(viewer: &Viewer) -> u128 {
    let Status::Away { since } = reaches(viewer, |status| matches!(status, Status::Away { .. })).await else {
        panic!()
    };
    ago(since)
}

#[tokio::test(start_paused = true)]
async fn a_viewer_knows_since_when_its_owner_is_away() {
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({"owner": "away", "awayMs": 4_000})).await;
    assert_eq!(away(&viewer).await, 4_000);
    peer.says(json!({"type": "owner", "status": "live", "term": 2})).await;
    reaches(&viewer, |status| *status == Status::Live).await;
    peer.says(json!({"type": "owner", "status": "away", "term": 2, "awayMs": 9_000})).await;
    assert_eq!(away(&viewer).await, 9_000);
    sleep(Duration::from_secs(5)).await;
    peer.is_heard().await;
    assert_eq!(away(&viewer).await, 14_000);
    peer.cuts().await;
    let mut peer = server.accept().await;
    reaches(&viewer, |status| !status.is_inside()).await;
    peer.joins(json!({"how": "resumed", "owner": "away"})).await;
    assert_eq!(away(&viewer).await, 0, "an older server does not tell it");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_room_says_why_and_the_next_attempt_when() {
    for why in ["owner", "grace", "idle", "admin", "fault", "restart"] {
        let (viewer, _, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        peer.joins(json!({})).await;
        soon(viewer.inside()).await.unwrap();
        peer.says(json!({"type": "closed", "reason": "room_closed", "why": why})).await;
        peer.closes_bare(4503).await;
        let Status::Closed(closing) = reaches(&viewer, |status| status.closing().is_some()).await else { panic!() };
        assert_eq!((closing.code(), closing.why()), (4503, Some(why)));
    }
    let (viewer, _, mut server) = Server::viewer();
    server.answer("503 No\r\nretry-after: 30").await;
    let told = reaches(&viewer, |status| matches!(status, Status::Connecting { failed: 1, .. })).await;
    let Status::Connecting { next: Some(next), .. } = told else { panic!("{told:?}") };
    let left = next.saturating_duration_since(Instant::now().into_std());
    assert!((Duration::from_secs(30)..Duration::from_millis(30_500)).contains(&left), "{left:?}");
    let _peer = server.accept().await;
    assert_eq!(viewer.status(), Status::Connecting { failed: 1, next: None });
}

#[tokio::test(start_paused = true)]
async fn a_viewer_stays_who_it_is_over_connections() {
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"viewer": {"number": 3_141_592_653_589_793_u64, "key": "key-1"}})).await;
    assert_eq!((join.get("viewer"), viewer.identity().is_some()), (None, false));
    soon(viewer.inside()).await.unwrap();
    let identity = viewer.identity().unwrap();
    assert_eq!((identity.number(), identity.to_string()), (Some(3_141_592_653_589_793), "key-1".into()));
    peer.cuts().await;
    let mut peer = server.accept().await;
    // A server that does not know the key gives another one.
    let join = peer.joins(json!({"how": "resumed", "viewer": {"number": 2, "key": "key-2"}})).await;
    assert_eq!(join["viewer"], "key-1");
    peer.cuts().await;
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "viewer": {"number": "no"}})).await;
    assert_eq!(join["viewer"], "key-2");
    reaches(&viewer, |status| *status == Status::Live).await;
    assert_eq!(viewer.identity().unwrap().number(), Some(2), "what is none changes nothing");
}

#[tokio::test(start_paused = true)]
async fn pings_of_a_viewer_that_signals_are_their_own_kind() {
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(telling(5_000)).await;
    soon(viewer.inside()).await.unwrap();
    soon(viewer.signal("hand", [1])).await.unwrap();
    assert_eq!(peer.asked().await["type"], "signal");
    peer.pongs().await;
    peer.pongs().await;
    assert_eq!(viewer.status(), Status::Live);
}
