//! An owner that publishes more than its lane can send, or more than the operator wants to be sent: all viewers get the
//! newest values and all events, and the notice of every hole.

use std::time::Duration;

use rtbroadcaster::{Config, Limit};

use super::follower::{Follower, Heard};
use super::ledger::{Ledger, Speaker};
use super::viewer::Viewer;
use crate::client::{Came, Client};
use crate::house::House;

/// Publishes these rounds of ten states of four keys, an ephemeral message and, each second time, an event. The owner
/// does not wait for the lanes, so none of them runs where there is one thread only.
async fn hurry(speaker: &mut Speaker, rounds: std::ops::Range<usize>) {
    for round in rounds {
        for n in 0..10 {
            speaker.state(&format!("k{}", n % 4), &format!("[{round},{n}]")).await;
        }
        speaker.ephemeral("pointer", &format!("[1,{round}]")).await;
        if round % 2 == 1 {
            speaker.event("bell", &format!("[{round}]")).await;
        }
    }
}

fn holes(follower: &Follower) -> usize {
    follower.heard().iter().filter(|heard| matches!(heard, Heard::Hole { .. })).count()
}

/// What `viewers` heard is right, and not more than `messages_max`; a classic one ends in the same state.
async fn check(viewers: Vec<Viewer>, mut classic: Client, ledger: &Ledger, messages_max: usize) {
    for mut viewer in viewers {
        viewer.until_last().await;
        viewer.follower.check_caught_up(ledger);
        assert_eq!(viewer.follower.resets(), 0);
        assert!(holes(&viewer.follower) > 0, "nothing was superseded");
        let heard = viewer.follower.numbers().count();
        assert!(heard <= messages_max, "{heard} messages came, though nobody needs more than {messages_max}");
    }
    let mut last = std::collections::BTreeMap::new();
    while !last.contains_key("last") {
        let Came::Text(text) = classic.next().await else { panic!("the classic viewer was closed") };
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        if message["stateMessage"] == true {
            last.insert(message["funcKey"].as_str().unwrap().to_owned(), message["funcParams"].clone());
        }
    }
    let state: Vec<_> = ledger.fold(ledger.seq()).into_iter().map(|(_, text)| text).collect();
    for text in state {
        let message: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(last.get(message["key"].as_str().unwrap()), Some(&message["params"]));
    }
}

/// Where `speaker`'s room has a classic viewer and some of version 2, and more come while nothing is sent.
async fn check_hurry(house: &House, messages_max: usize) {
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let mut viewers = Vec::new();
    for _ in 0..3 {
        viewers.push(Viewer::new(house, &room).await);
    }
    let classic: Client = house.viewer(&room).await;
    // One thread, and no step here waits: the lanes do not run before the end.
    tokio::task::unconstrained(hurry(&mut speaker, 0..40)).await;
    speaker.last().await;
    check(viewers, classic, &speaker.ledger, messages_max).await;
}

#[tokio::test]
async fn a_lane_that_is_behind_sends_the_newest_values_and_all_events() {
    let house = House::open(Config::default()).await;
    check_hurry(&house, 20 + 5).await;
}

/// So few messages are all sent if they are sent at once, however busy the machine is.
#[tokio::test]
async fn messages_that_wait_for_the_flush_interval_are_sent_as_their_newest_values() {
    let house = House::open(Config { flush_interval: Limit::Max(Duration::from_secs(2)), ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let viewers = vec![Viewer::new(&house, &room).await];
    let classic: Client = house.viewer(&room).await;
    for round in 0..4 {
        hurry(&mut speaker, round..round + 1).await;
        // The lane could send it now.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    speaker.last().await;
    assert_eq!(speaker.ledger.seq(), 4 * 10 + 2 + 1);
    // The interval may pass once meanwhile.
    check(viewers, classic, &speaker.ledger, 2 * (2 + 5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_come_while_a_lane_is_behind_are_told_of_no_hole_that_they_do_not_have() {
    let house =
        House::open(Config { flush_interval: Limit::Max(Duration::from_millis(20)), ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let mut viewers = vec![Viewer::new(&house, &room).await];
    for part in 0..60 {
        hurry(&mut speaker, part * 5..part * 5 + 5).await;
        // Its state is newer than what waits for the others.
        viewers.push(Viewer::new(&house, &room).await);
    }
    speaker.last().await;
    let mut told = 0;
    for mut viewer in viewers {
        viewer.until_last().await;
        viewer.follower.check_caught_up(&speaker.ledger);
        told += holes(&viewer.follower);
    }
    assert!(told > 0, "nothing was superseded");
}
