//! Viewers for which too much waits: what waited is dropped, and the state follows with a notice.

use tokio::io::{AsyncRead, AsyncWrite};

use super::follower::Heard;
use super::frame::How;
use super::lagging::{Scene, config, in_memory, scene, unread_replay};
use super::ledger::Speaker;
use super::viewer::Viewer;
use crate::house::House;

/// More events than may wait for `slow` are one reset for each time that it stops reading.
async fn check_overflows<S: AsyncRead + AsyncWrite + Unpin>(mut slow: Viewer<S>, mut scene: Scene) {
    for round in 1..=2 {
        scene.fill().await;
        let filled = scene.speaker.ledger.seq();
        let seq = scene.overflow().await;
        slow.until_seq(seq).await;
        assert_eq!(slow.follower.resets(), round);
        assert!(slow.follower.numbers().all(|number| number <= filled), "what waited did not go");
        let live = scene.event(0, 10).await;
        slow.until_seq(live).await;
        assert_eq!(slow.follower.numbers().last(), Some(live), "live does not go on behind the reset");
        assert_eq!(slow.follower.resets(), round);
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    assert_eq!(slow.follower.resets(), 2);
    assert_eq!(slow.follower.answers(How::Snapshot, None), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_backlog_overflows_is_reset_once_each_time_and_goes_on_live() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = Viewer::narrow(&house, &room).await;
    check_overflows(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_tcp_socket_is_reset_in_the_same_way() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = in_memory(&house.manager, &room).await;
    check_overflows(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_during_a_replay_is_told_when_the_replay_is_out() {
    let house = House::open(config()).await;
    for how in [How::Snapshot, How::Resumed] {
        let (mut slow, mut scene) = unread_replay(&house, how).await;
        let seq = scene.overflow().await;
        slow.until_seq(seq).await;
        let ledger = scene.end().await;
        slow.until_last().await;
        slow.follower.check_caught_up(&ledger);
        assert_eq!((slow.follower.resets(), slow.follower.answers(how, None)), (1, 1));
        let reset = slow.follower.heard().iter().position(|heard| matches!(heard, Heard::Reset)).unwrap();
        let whole = |heard: &Heard| matches!(heard, Heard::State { seq: 60, .. } | Heard::Message { seq: 60, .. });
        assert!(slow.follower.heard()[..reset].iter().any(whole), "the replay is not out before the reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_backlog_has_overflowed_is_brought_to_where_its_room_ended() {
    let house = House::open(config()).await;
    for how in [How::Snapshot, How::Resumed] {
        // In the middle of a replay, too.
        let (mut slow, mut scene) = unread_replay(&house, how).await;
        let seq = scene.overflow().await;
        let ledger = scene.end_room();
        slow.until_seq(seq).await;
        slow.follower.check(&ledger);
        assert_eq!((slow.follower.resets(), slow.follower.seq()), (1, seq));
        slow.client.expect_closed(4503, "room_closed").await;
    }
}
