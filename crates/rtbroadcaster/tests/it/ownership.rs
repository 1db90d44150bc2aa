//! The right to speak as it passes from one program to the next.

use std::time::Duration;

use rtbroadcaster::{Config, Limit, Message, OsRandom, OwnError, OwnerKey, OwnerStatus, PublishError, RoomId};

use crate::classic;
use crate::client::Client;
use crate::house::House;
use crate::moment::{LONG, until, within_time};

#[tokio::test]
async fn an_owner_that_comes_back_ends_the_grace_and_its_viewers_stay() {
    let house = House::open(Config { owner_grace: Limit::Max(Duration::from_millis(200)), ..Config::default() }).await;
    let (owner, name) = house.rust_owner().await;
    let (room, key) = (owner.room(), owner.key().clone());
    let mut viewer = house.viewer(&name).await;
    drop(owner);
    assert_eq!(house.manager.room(&room).unwrap().owner, OwnerStatus::Away);

    let owner = house.manager.own(&room, &key).await.unwrap();
    assert_eq!(house.manager.room(&room).unwrap().owner, OwnerStatus::Live);
    // The end that was planned for the first absence passes.
    let (other, _) = house.rust_owner().await;
    let other_room = other.room();
    drop(other);
    until("a room that nobody came back to ends", || house.manager.room(&other_room).is_none()).await;
    owner.publish(Message::event("back", [1]).unwrap()).await.unwrap();
    viewer.expect(&classic::message(&name, "back", "[1]", false)).await;
}

#[tokio::test]
async fn a_wrong_key_looks_like_a_room_that_does_not_exist() {
    let house = House::open(Config::default()).await;
    let (owner, _) = house.rust_owner().await;
    let (other, _) = house.rust_owner().await;
    let wrong = other.key();
    assert_eq!(house.manager.own(&owner.room(), wrong).await.err(), Some(OwnError::NoRoom));
    assert_eq!(house.manager.own(&RoomId::random(&OsRandom), wrong).await.err(), Some(OwnError::NoRoom));
    let (_client, classic_room) = house.owner().await;
    let key: OwnerKey = "0".repeat(64).parse().unwrap();
    assert_eq!(
        house.manager.own(&classic_room.parse().unwrap(), &key).await.err(),
        Some(OwnError::NoRoom),
        "it has no key"
    );
    let (room, key) = (owner.room(), owner.key().clone());
    owner.close().await.unwrap();
    assert_eq!(house.manager.own(&room, &key).await.err(), Some(OwnError::NoRoom), "it has ended");
}

#[tokio::test]
async fn a_message_published_again_by_the_next_owner_is_stored_once() {
    let house = House::open(Config::default()).await;
    let (first, name) = house.rust_owner().await;
    let key = first.key().clone();
    let mut viewer = house.viewer(&name).await;
    let message = || Message::event("goal", [1]).unwrap().with_id("a-1").unwrap();
    let seq = first.publish(message()).await.unwrap();
    let second = house.manager.own(&first.room(), &key).await.unwrap();
    assert_eq!(second.publish(message()).await, Ok(seq));
    assert_eq!(
        second.publish(Message::event("goal", [2]).unwrap().with_id("a-1").unwrap()).await,
        Err(PublishError::IdReused)
    );
    viewer.expect(&classic::message(&name, "goal", "[1]", false)).await;
    viewer.expect_nothing().await;
}

/// How often the room is taken over while the owner before is still speaking.
const TAKEOVERS: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_owner_is_heard_after_its_successor_came() {
    let house = House::open(Config::default()).await;
    let (owner, name) = house.rust_owner().await;
    let (room, key) = (owner.room(), owner.key().clone());
    let viewer = house.viewer(&name).await;
    let last = classic::message(&name, "last", "[]", false);
    let hearing = tokio::spawn(hear(viewer, last));
    let mut owner = owner;
    for term in 0..TAKEOVERS {
        // Speaks until it is fenced, while the next one comes.
        let speaking = tokio::spawn(async move {
            while owner.publish(Message::event("term", [term]).unwrap()).await != Err(PublishError::Fenced) {
                tokio::task::yield_now().await;
            }
        });
        let next = house.manager.own(&room, &key).await.unwrap();
        next.publish(Message::event("term", [term + 1]).unwrap()).await.unwrap();
        within_time(LONG, "the fence", speaking).await.unwrap();
        owner = next;
    }
    owner.publish(Message::event("last", ()).unwrap()).await.unwrap();
    let heard = within_time(LONG, "the last message", hearing).await.unwrap();
    assert!(heard.is_sorted(), "an owner was heard after its successor");
    assert_eq!(heard.last(), Some(&TAKEOVERS));
}

/// The numbers of the terms in the order in which they were heard, up to the `last` message.
async fn hear(mut viewer: Client, last: String) -> Vec<u32> {
    let mut heard = Vec::new();
    loop {
        let text = viewer.text().await;
        if text == last {
            return heard;
        }
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        heard.push(message["funcParams"][0].as_u64().unwrap().try_into().unwrap());
    }
}
