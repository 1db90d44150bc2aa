//! Tests that an owner sends unacknowledged messages again, under the same ids.

use std::time::Duration;

use rtbroadcaster_core::message::Message;
use serde_json::json;
use tokio::time::timeout;

use super::script::{Server, bell, soon};
use crate::{Options, PublishError, Status};

#[tokio::test(start_paused = true)]
async fn what_was_not_acknowledged_before_a_cut_is_said_again_in_order_under_its_id() {
    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    let mut tickets = Vec::new();
    for number in 1..=3 {
        tickets.push(soon(owner.send(bell(number))).await.unwrap());
    }
    tickets.push(soon(owner.send(Message::state("own", [4]).unwrap().with_id("mine").unwrap())).await.unwrap());
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(peer.asked().await);
    }
    assert_eq!(asked[3]["id"], "mine");
    peer.acks(&asked[0], 1).await;
    // Everything was stored, and one acknowledgement came.
    peer.cuts().await;
    let mut peer = server.accept().await;
    // Without a connection, a message waits and an ephemeral one fails.
    tickets.push(soon(owner.send(bell(5))).await.unwrap());
    assert_eq!(soon(owner.publish(Message::ephemeral("pointer", ()).unwrap())).await, Err(PublishError::Offline));
    peer.owns(2, 4).await;
    for said in &asked[1..] {
        assert_eq!(peer.asked().await, *said);
    }
    let fifth = peer.asked().await;
    assert_eq!(fifth["params"], json!([5]));
    for (said, seq) in asked[1..].iter().chain([&fifth]).zip(2..) {
        peer.acks(said, seq).await;
    }
    for (ticket, seq) in tickets.into_iter().zip(1..) {
        assert_eq!(soon(ticket).await.unwrap().get(), seq);
    }
    assert_eq!(owner.term(), 2);
    assert_eq!(owner.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_messages_are_on_their_way() {
    let (owner, _server, mut peer) = Server::created(Options { unacked_max: 2, ..Options::default() }).await;
    let tickets = [soon(owner.send(bell(1))).await.unwrap(), soon(owner.send(bell(2))).await.unwrap()];
    let first = peer.asked().await;
    peer.asked().await;
    // One more waits between the program and its broadcaster.
    let _third = soon(owner.send(bell(3))).await.unwrap();
    assert!(timeout(Duration::from_secs(5), owner.send(bell(4))).await.is_err());
    assert!(timeout(Duration::from_secs(1), peer.asked()).await.is_err());
    peer.acks(&first, 1).await;
    assert_eq!(peer.asked().await["params"], json!([3]));
    let [one, _] = tickets;
    assert_eq!(soon(one).await.unwrap().get(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_log_could_not_take_is_said_again_when_it_can() {
    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    let ticket = soon(owner.send(bell(1))).await.unwrap();
    let asked = peer.asked().await;
    peer.says(json!({"type": "error", "id": asked["id"], "code": "unavailable", "message": "no"})).await;
    peer.closes(4013, "unavailable").await;
    let mut peer = server.accept().await;
    let own = peer.asked().await;
    peer.says(json!({"type": "error", "id": own["id"], "code": "unavailable", "message": "no", "retryInMs": 1_000}))
        .await;
    peer.until_left().await;
    let mut peer = server.accept().await;
    peer.owns(3, 0).await;
    assert_eq!(peer.asked().await, asked);
    peer.acks(&asked, 1).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_fails_its_publish_and_is_not_sent_again() {
    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    for (code, expected) in
        [("state_full", Some(PublishError::StateFull)), ("id_reused", Some(PublishError::IdReused)), ("news", None)]
    {
        let ticket = soon(owner.send(bell(1))).await.unwrap();
        let asked = peer.asked().await;
        peer.says(json!({"type": "error", "id": asked["id"], "code": code, "message": "no"})).await;
        let error = soon(ticket).await.unwrap_err();
        match expected {
            Some(expected) => assert_eq!(error, expected),
            None => assert!(matches!(error, PublishError::Refused(_)), "{error:?}"),
        }
    }
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.owns(2, 0).await;
    assert!(timeout(Duration::from_secs(5), peer.asked()).await.is_err());
}
