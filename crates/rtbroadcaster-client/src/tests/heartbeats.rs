//! Tests of what a viewer learns from heartbeats: that the server is alive, that no message is missing, that it has
//! caught up.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::script::{Server, next, reaches, soon};
use crate::Status;

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_heard_for_two_heartbeats_until_left() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({"aliveMs": 4_000})).await;
    for _ in 0..5 {
        tokio::time::advance(Duration::from_millis(7_900)).await;
        peer.says(json!({"type": "alive", "seq": 0})).await;
        peer.is_heard().await;
    }
    let silent = Instant::now();
    peer.until_left().await;
    assert!((7_990..8_010).contains(&silent.elapsed().as_millis()), "{:?}", silent.elapsed());
    let Status::Resuming { after, .. } = viewer.status() else { panic!("{:?}", viewer.status()) };
    assert_eq!(after.reason(), "silent");
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed"})).await;
    soon(viewer.inside()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_heartbeats_silence_means_nothing() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({"aliveMs": 0})).await;
    soon(viewer.inside()).await.unwrap();
    tokio::time::advance(Duration::from_secs(100_000)).await;
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_until_left() {
    let (viewer, _messages, mut server) = Server::viewer();
    let asked = Instant::now();
    let mut peer = server.accept().await;
    peer.asked().await;
    peer.until_left().await;
    assert_eq!(asked.elapsed().as_secs(), 10);
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_number_that_one_heartbeat_promised_and_the_next_finds_missing_makes_the_viewer_resume() {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    peer.rings(1).await;
    peer.says(json!({"type": "alive", "seq": 2})).await;
    peer.rings(2).await;
    // It came in time; the next promise is broken.
    peer.says(json!({"type": "alive", "seq": 3})).await;
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Live);
    peer.says(json!({"type": "alive", "seq": 3})).await;
    peer.until_left().await;
    let Status::Resuming { after, .. } = viewer.status() else { panic!("{:?}", viewer.status()) };
    assert_eq!((after.reason(), after.comes_back()), ("behind", true));
    let mut peer = server.accept().await;
    let join = peer.joins(json!({"how": "resumed", "seq": 3, "replay": 1})).await;
    assert_eq!(join["cursor"]["seq"], 2);
    peer.rings(3).await;
    for expected in ["state 0 of 0", "1 bell [1]", "2 bell [2]", "3 bell [3]"] {
        assert_eq!(next(&mut messages).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_lags_from_its_first_hole_to_a_heartbeat_behind_the_last_one_however_many_there_are() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    for seq in [5, 7, 9] {
        peer.says(json!({"type": "skipped", "through": seq - 1, "until": seq})).await;
        peer.sets(seq, "a").await;
        peer.is_heard().await;
        assert_eq!(viewer.status(), Status::Lagging);
    }
    peer.says(json!({"type": "alive", "seq": 9})).await;
    reaches(&viewer, |status| *status == Status::Live).await;
}

#[tokio::test(start_paused = true)]
async fn a_viewer_lags_from_a_hole_until_it_has_what_the_next_heartbeat_promises() {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    peer.says(json!({"type": "skipped", "through": 4})).await;
    peer.sets(5, "a").await;
    reaches(&viewer, |status| *status == Status::Lagging).await;
    peer.rings(6).await;
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Lagging);
    peer.says(json!({"type": "alive", "seq": 7})).await;
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Lagging);
    peer.sets(7, "b").await;
    reaches(&viewer, |status| *status == Status::Live).await;
    for expected in ["state 0 of 0", "skipped 4", "5 a [5]", "6 bell [6]", "7 b [7]"] {
        assert_eq!(next(&mut messages).await, expected);
    }
    let reset = json!({"type": "reset", "reason": "slow", "epoch": "e", "term": 1, "seq": 9, "replay": 1,
        "owner": "away"});
    peer.says(reset).await;
    reaches(&viewer, |status| *status == Status::Lagging).await;
    peer.sets(9, "a").await;
    reaches(&viewer, |status| matches!(status, Status::Away { .. })).await;
    assert_eq!(next(&mut messages).await, "Slow 1 of 9");
}
