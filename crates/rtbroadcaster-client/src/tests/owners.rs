//! Tests of an owner: how it gets its room, how it loses it, how it ends it.

use std::time::Duration;

use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::options::{Counting, RoomOptions};
use serde_json::json;
use tokio::time::timeout;

use super::script::{Server, bell, key, room, soon};
use crate::owner::Beginning;
use crate::{OpenError, Options, PublishError, Signal, Status};

#[tokio::test(start_paused = true)]
async fn what_is_published_has_the_number_that_the_server_gave_it() {
    let (owner, _server, mut peer) = Server::created(Options::default()).await;
    assert_eq!((owner.room(), owner.key().as_str(), owner.term()), (room(), key().as_str(), 1));
    let said = tokio::spawn(async move {
        let score = soon(owner.publish(Message::state("score", [2, 1]).unwrap())).await;
        let pointer = soon(owner.publish(Message::ephemeral("pointer", [0.5]).unwrap())).await;
        let cleared = soon(owner.clear("score")).await;
        (score, pointer, cleared, owner.state())
    });
    let score = peer.asked().await;
    assert_eq!(score, json!({"type": "publish", "id": score["id"], "key": "score", "params": [2, 1], "state": true}));
    assert!(score["id"].as_str().unwrap().len() > 16, "{score}");
    peer.acks(&score, 7).await;
    let pointer = json!({"type": "publish", "key": "pointer", "params": [0.5], "ephemeral": true});
    assert_eq!(peer.asked().await, pointer);
    let cleared = peer.asked().await;
    assert_eq!((&cleared["type"], &cleared["key"]), (&json!("clear"), &json!("score")));
    peer.acks(&cleared, 8).await;
    let (score, pointer, cleared, state) = soon(said).await.unwrap();
    assert_eq!([score, pointer, cleared].map(|seq| seq.unwrap().get()), [7, 7, 8]);
    assert_eq!((state.seq().get(), state.len()), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_with_a_fault_is_not_sent() {
    let (owner, _server, mut peer) = Server::created(Options { message_bytes_max: 80, ..Options::default() }).await;
    let message = Message::event("k", ["a".repeat(40)]).unwrap();
    assert!(matches!(soon(owner.publish(message)).await, Err(PublishError::BadMessage(_))));
    assert!(matches!(soon(owner.clear("")).await, Err(PublishError::BadMessage(_))));
    soon(owner.publish(Message::ephemeral("k", ()).unwrap())).await.unwrap();
    assert_eq!(peer.asked().await["key"], "k");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_may_not_have_been_created_is_created_again() {
    let (opening, mut server) = Server::owner(Beginning::Create(RoomOptions::default()), Options::default());
    server.lose().await;
    let mut peer = server.accept().await;
    peer.asked().await;
    peer.cuts().await;
    server.accept().await.creates().await;
    assert_eq!(soon(opening).await.unwrap().unwrap().room(), room());
}

#[tokio::test(start_paused = true)]
async fn an_owner_by_a_key_gets_the_state_of_its_room_first() {
    let own = || Beginning::Own(room(), key().parse().unwrap());
    let (opening, mut server) = Server::owner(own(), Options::default());
    for is_cut in [true, false] {
        let mut peer = server.accept().await;
        let asked = peer.asked().await;
        peer.says(json!({"type": "owned", "id": asked["id"], "room": room().to_string(), "epoch": "e", "term": 4,
            "seq": 9, "replay": 2, "aliveMs": 0}))
            .await;
        peer.sets(3, "a").await;
        if is_cut {
            peer.cuts().await;
            assert!(!opening.is_finished());
            continue;
        }
        peer.sets(8, "b").await;
        let owner = soon(opening).await.unwrap().unwrap();
        assert_eq!((owner.state().len(), owner.state().seq().get(), owner.term()), (2, 9, 4));
        break;
    }
    let (opening, mut server) = Server::owner(own(), Options::default());
    let mut peer = server.accept().await;
    let asked = peer.asked().await;
    peer.says(json!({"type": "error", "id": asked["id"], "code": "no_room", "message": "no"})).await;
    assert_eq!(soon(opening).await.unwrap().unwrap_err(), OpenError::NoRoom);
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_fenced_says_so_and_does_not_come_back() {
    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    let waiting = soon(owner.send(bell(1))).await.unwrap();
    peer.asked().await;
    peer.closes(4509, "fenced").await;
    assert_eq!(soon(waiting).await, Err(PublishError::Fenced));
    assert_eq!(soon(owner.publish(bell(2))).await, Err(PublishError::Fenced));
    assert_eq!(soon(owner.clear("bell")).await, Err(PublishError::Fenced));
    let Status::Closed(closing) = owner.status() else { panic!("{:?}", owner.status()) };
    assert!(!closing.comes_back());
    assert!(soon(owner.signals().next()).await.is_none());
    assert_eq!(soon(owner.close()).await, Err(PublishError::Fenced));
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn a_room_is_closed_when_everything_that_was_said_is_safe() {
    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    let waiting = soon(owner.send(bell(1))).await.unwrap();
    let closing = tokio::spawn(owner.close());
    let bell = peer.asked().await;
    assert!(timeout(Duration::from_secs(5), peer.asked()).await.is_err(), "it closes too early");
    // Also when it has to come back for it.
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.owns(2, 0).await;
    assert_eq!(peer.asked().await, bell);
    peer.acks(&bell, 1).await;
    assert_eq!(peer.asked().await, json!({"type": "close"}));
    peer.closes(1000, "room_closed").await;
    assert_eq!(soon(waiting).await.map(|seq| seq.get()), Ok(1));
    assert_eq!(soon(closing).await.unwrap(), Ok(()));
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_dropped_leaves_its_room_open() {
    let (owner, mut server, peer) = Server::created(Options::default()).await;
    drop(owner);
    peer.until_left().await;
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_hears_its_viewers() {
    let counting = Counting { every: Duration::from_millis(500), once_per_viewer: true };
    let options = RoomOptions::new().with_audience().with_counting("vote", counting).unwrap();
    let behavior = Options { messages_max: 1, ..Options::default() };
    let (opening, mut server) = Server::owner(Beginning::Create(options), behavior);
    let mut peer = server.accept().await;
    let create = peer.creates().await;
    assert_eq!(create["signals"], json!({"vote": {"count": true, "everyMs": 500, "oncePerViewer": true}}));
    assert_eq!(create["audience"], true);
    let owner = soon(opening).await.unwrap().unwrap();
    let mut signals = owner.signals();
    peer.says(json!({"type": "signal", "key": "hand", "params": [1], "from": 7})).await;
    let Some(Signal::Single { from, .. }) = soon(signals.next()).await else { panic!() };
    assert_eq!(from, Some(7));
    for number in 0..3 {
        peer.says(json!({"type": "signal", "key": "vote", "counts": [[["a"], number]]})).await;
    }
    peer.is_heard().await;
    let Some(Signal::Counts { counts, .. }) = soon(signals.next()).await else { panic!() };
    assert_eq!((counts[0].0.as_str(), counts[0].1, signals.lost()), (r#"["a"]"#, 0, 2));
    peer.says(json!({"type": "audience", "viewers": 3, "lagging": 1, "behindP95Ms": 40})).await;
    let mut watched = owner.audience();
    let audience = soon(watched.wait_for(|audience| audience.is_some_and(|audience| audience.viewers > 0))).await;
    let audience = audience.unwrap().unwrap();
    assert_eq!((audience.viewers, audience.lagging), (3, 1));
    // Outside of the room, the audience is unknown. After a reconnect, the server sends it if there are viewers.
    peer.cuts().await;
    soon(watched.wait_for(Option::is_none)).await.unwrap();
    let mut peer = server.accept().await;
    peer.owns(2, 0).await;
    let audience = soon(watched.wait_for(Option::is_some)).await.unwrap().unwrap();
    assert_eq!(audience.viewers, 0);
}

#[tokio::test(start_paused = true)]
async fn an_owner_asks_for_a_grace_and_knows_the_one_in_force() {
    let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
    for (asked, told, in_force) in [
        (minutes(10), json!({"graceMs": 600_000}), minutes(10)),
        // The server has a maximum and a least safe one.
        (minutes(9_999), json!({"graceMs": 86_400_000}), minutes(24 * 60)),
        (Some(Duration::from_millis(1)), json!({"graceMs": 60_000}), minutes(1)),
        (None, json!({"graceMs": 300_000}), minutes(5)),
        // An older server, and one whose number means no grace.
        (minutes(10), json!({}), None),
        (None, json!({"graceMs": 0}), None),
    ] {
        let new = RoomOptions::new();
        let options = asked.map_or(new.clone(), |grace| new.with_grace(grace));
        let (opening, mut server) = Server::owner(Beginning::Create(options), Options::default());
        let mut peer = server.accept().await;
        let create = peer.creates_with(told).await;
        let millis = asked.map(|grace| json!(u64::try_from(grace.as_millis()).unwrap()));
        assert_eq!(create.get("graceMs"), millis.as_ref());
        let owner = soon(opening).await.unwrap().unwrap();
        assert_eq!(owner.grace(), in_force);
        // It may be another one after a restart.
        peer.cuts().await;
        let mut peer = server.accept().await;
        let own = peer.owned(json!({"how": "resumed", "graceMs": 45_000})).await;
        assert_eq!(own.get("graceMs"), None, "only a new room has a wish");
        soon(owner.watch_status().wait_for(|status| *status == Status::Live)).await.unwrap();
        assert_eq!(owner.grace(), Some(Duration::from_secs(45)));
    }
}
