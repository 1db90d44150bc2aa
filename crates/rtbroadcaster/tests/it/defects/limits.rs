//! What grows has a limit.

use std::time::Duration;

use rtbroadcaster::{Config, Limit, Message, PublishError};

use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_state_have_a_limit_and_the_old_ones_can_still_change() {
    let house = House::open(Config { state_keys_max: Limit::Max(3), ..Config::default() }).await;
    let (mut owner, room) = house.owner().await;
    for key in ["a", "b", "c"] {
        owner.send(&classic::publish_state(key, "[1]")).await;
    }
    for key in ["d", "e", "f", "g"] {
        owner.send(&classic::publish_state(key, "[1]")).await;
        owner.expect(&classic::refused("", "state full")).await;
    }
    owner.send(&classic::publish_state("a", "[2]")).await;
    owner.expect_nothing().await;
    let mut viewer = house.viewer(&room).await;
    for (key, params) in [("b", "[1]"), ("c", "[1]"), ("a", "[2]")] {
        viewer.expect(&classic::message(&room, key, params, true)).await;
    }
    viewer.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_state_have_a_limit() {
    let house = House::open(Config { state_bytes_max: Limit::Max(10_000), ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let value = |bytes: usize| ["x".repeat(bytes)];
    owner.publish(Message::state("a", value(6_000)).unwrap()).await.unwrap();
    assert_eq!(owner.publish(Message::state("b", value(6_000)).unwrap()).await, Err(PublishError::StateFull));
    assert_eq!(owner.publish(Message::state("a", value(11_000)).unwrap()).await, Err(PublishError::StateFull));
    owner.publish(Message::state("a", value(9_000)).unwrap()).await.unwrap();
    owner.clear("a").await.unwrap();
    owner.publish(Message::state("b", value(6_000)).unwrap()).await.unwrap();
    let mut viewer = house.viewer(&room).await;
    let params = serde_json::to_string(&value(6_000)).unwrap();
    viewer.expect(&classic::message(&room, "b", &params, true)).await;
    viewer.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_1000_messages_reaches_a_reading_viewer_whole_and_each_in_a_frame_of_its_own() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.owner().await;
    // One whose kernel takes all of it, and one whose kernel takes nearly nothing.
    let mut narrow = Client::connect_narrow(house.address).await;
    narrow.join(&room).await;
    let readers = [house.viewer(&room).await, narrow].map(|mut viewer| {
        tokio::spawn(async move {
            let mut heard = Vec::new();
            while heard.len() < 1_000 {
                match viewer.next().await {
                    Came::Text(text) => heard.push(text),
                    other => panic!("after {} messages came {other:?}", heard.len()),
                }
            }
            viewer.expect_nothing().await;
            heard
        })
    });
    owner.send_all((0..1_000).map(|n| classic::publish("n", &format!("[{n}]")))).await;
    for reader in readers {
        for (n, text) in reader.await.unwrap().iter().enumerate() {
            assert_eq!(*text, classic::message(&room, "n", &format!("[{n}]"), false));
        }
    }
    owner.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_delays_there_are_harm_nobody() {
    let config = Config {
        history_age_max: Limit::Max(Duration::MAX),
        stall_timeout: Limit::Max(Duration::MAX),
        ping_interval: Limit::Max(Duration::MAX),
        first_message_timeout: Limit::Max(Duration::MAX),
        join_timeout: Limit::Max(Duration::MAX),
        owner_grace: Limit::Max(Duration::MAX),
        room_idle_timeout: Limit::Max(Duration::MAX),
        ..Config::default()
    };
    let house = House::open(config).await;
    let mut silent = house.client().await;
    silent.expect_nothing().await;
    let (mut owner, room) = house.owner().await;
    let mut viewer = house.viewer(&room).await;
    owner.send(&classic::publish("bell", "[]")).await;
    viewer.expect(&classic::message(&room, "bell", "[]", false)).await;
    owner.expect_nothing().await;
    drop(owner);
    let is_away = || house.manager.rooms().iter().all(|room| room.owner == rtbroadcaster::OwnerStatus::Away);
    crate::moment::until("the owner's loss is noticed", is_away).await;
    viewer.expect_nothing().await;
    silent.expect_nothing().await;
}
