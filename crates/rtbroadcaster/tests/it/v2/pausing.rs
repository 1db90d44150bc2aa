//! Viewers that pause: a hidden page gets nothing, and goes on exactly where it was.

use std::time::Duration;

use rtbroadcaster::{Config, Limit};

use super::follower::{Follower, Heard};
use super::frame::{self, How, Reason};
use super::ledger::Speaker;
use super::viewer::{Listener, Viewer, connect, connect_narrow};
use crate::house::House;
use crate::moment::until;

/// No history ends, and no viewer is closed for its slowness.
pub(super) fn config() -> Config {
    let lifted = Config { history_messages_max: Limit::None, history_bytes_max: Limit::None, ..Config::default() };
    Config { backlog_bytes_max: Limit::Max(64 * 1024), stall_timeout: Limit::None, ..lifted }
}

pub(super) async fn room(config: Config) -> (House, Speaker, String) {
    let house = House::open(config).await;
    let (owner, room) = house.rust_owner().await;
    (house, Speaker::new(owner), room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_viewer_hears_heartbeats_only_and_then_everything_it_missed() {
    let config = Config { ping_interval: Limit::Max(Duration::from_millis(400)), ..config() };
    let (house, mut speaker, room) = room(config).await;
    speaker.state("before", "[]").await;
    let mut viewer = Viewer::new(&house, &room).await;
    let alive = |seq: u64| move |follower: &Follower| matches!(follower.heard().last(), Some(Heard::Alive { seq: told }) if *told == seq);
    // Also where nothing was said since it came.
    viewer.until("a heartbeat", |follower| matches!(follower.heard().last(), Some(Heard::Alive { .. }))).await;
    assert!(alive(1)(&viewer.follower), "{:?}", viewer.follower.heard().last());
    viewer.pause().await;
    // A second time changes nothing.
    viewer.pause().await;
    for n in 0..30 {
        speaker.mixed(n).await;
    }
    let said = speaker.ledger.seq();
    viewer.until("a heartbeat with the room's last number", alive(said)).await;
    viewer.until_answered().await;
    viewer.unpause("back").await;
    assert_eq!(viewer.follower.answers(How::Resumed, None), 1);
    assert_eq!(viewer.follower.passing(), [""; 0]);
    speaker.last().await;
    viewer.until_last().await;
    viewer.follower.check_whole(&speaker.ledger);
    assert_eq!(viewer.follower.size().0, usize::try_from(speaker.ledger.seq()).unwrap());
}

/// Publishes states that supersede each other and events, few enough to wait for a viewer that does not read.
async fn leave_behind(speaker: &mut Speaker, witness: &Listener) {
    for n in 0..400 {
        let seq = if n % 20 == 19 {
            speaker.event("bell", &format!("[{n}]")).await
        } else {
            speaker.state(&format!("s{}", n * 7 % 16), &format!(r#"[{n},"{}"]"#, "x".repeat(1_500))).await
        };
        witness.is_in_step(seq).await;
    }
    witness.is_at(speaker.ledger.seq()).await;
}

/// Says more events than may wait.
async fn overflow(speaker: &mut Speaker, witness: &Listener) {
    for n in 0..150 {
        let seq = speaker.event("bell", &format!(r#"[{n},"{}"]"#, "x".repeat(4_000))).await;
        witness.is_in_step(seq).await;
    }
    witness.is_at(speaker.ledger.seq()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_pauses_while_it_is_behind_goes_on_where_it_was() {
    let (house, mut speaker, room) = room(config()).await;
    let mut slow = Viewer::narrow(&house, &room).await;
    let witness = Listener::join(&house, &room).await;
    leave_behind(&mut speaker, &witness).await;
    slow.pause().await;
    assert!(slow.follower.seq() < speaker.ledger.seq(), "it was not behind");
    for n in 0..20 {
        speaker.mixed(n).await;
    }
    slow.unpause("back").await;
    slow.follower.check_answers(u64::MAX);
    speaker.last().await;
    slow.until_last().await;
    slow.follower.check_whole(&speaker.ledger);
    witness.follower().await.check_whole(&speaker.ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_behind_an_overflow_goes_on_by_the_history_or_by_the_state() {
    for history in [u64::MAX, 16] {
        let messages = if history == 16 { Limit::Max(16) } else { Limit::None };
        let (house, mut speaker, room) = room(Config { history_messages_max: messages, ..config() }).await;
        let mut slow = Viewer::narrow(&house, &room).await;
        let witness = Listener::join(&house, &room).await;
        overflow(&mut speaker, &witness).await;
        slow.pause().await;
        for n in 0..20 {
            speaker.mixed(n).await;
        }
        witness.is_at(speaker.ledger.seq()).await;
        slow.until_answered().await;
        // The notice of what it missed before the pause comes after the pause.
        assert_eq!(slow.follower.resets(), 0);
        slow.unpause("back").await;
        slow.follower.check_answers(history);
        speaker.last().await;
        slow.until_last().await;
        slow.follower.check_caught_up(&speaker.ledger);
        witness.follower().await.check_whole(&speaker.ledger);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_finished_before_a_pause_begins() {
    let (house, mut speaker, room) = room(config()).await;
    for n in 0..60 {
        speaker.state(&format!("k{n}"), &format!(r#"["{}"]"#, "x".repeat(10_000))).await;
    }
    let witness = Viewer::new(&house, &room).await;
    let epoch = witness.follower.last_joined().epoch.clone();
    let witness = Listener::follow(witness);
    let mut paused = Vec::new();
    for follower in [Follower::default(), Follower::at(&epoch, 0)] {
        let viewers = speaker.owner.viewers();
        let mut viewer = Viewer::asking(connect_narrow(&house).await, &room, follower).await;
        viewer.client.send(frame::PAUSE).await;
        until("it is let in", || speaker.owner.viewers() > viewers).await;
        // A viewer that gets no messages does not overflow.
        overflow(&mut speaker, &witness).await;
        speaker.ephemeral("p", &format!("[{viewers}]")).await;
        viewer.until_answered().await;
        assert_eq!((viewer.follower.seq(), viewer.follower.resets()), (viewer.follower.last_joined().seq, 0));
        viewer.follower.pause_is_taken();
        paused.push(viewer);
    }
    for mut viewer in paused {
        viewer.until_answered().await;
        viewer.unpause("back").await;
        assert_eq!((viewer.follower.last_joined().how, viewer.follower.passing()), (How::Resumed, vec![]));
        speaker.state("more", "[]").await;
        viewer.until_seq(speaker.ledger.seq()).await;
        viewer.follower.check_caught_up(&speaker.ledger);
        assert_eq!(viewer.follower.resets(), 0);
    }
    speaker.last().await;
    witness.follower().await.check_whole(&speaker.ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ephemeral_in_a_pause_is_not_sent_behind_it() {
    let (house, mut speaker, room) = room(config()).await;
    let (mut paused, mut other) = (Viewer::new(&house, &room).await, Viewer::new(&house, &room).await);
    paused.pause().await;
    speaker.ephemeral("p", "[1]").await;
    let seq = speaker.event("bell", "[]").await;
    other.until_seq(seq).await;
    paused.unpause("back").await;
    speaker.ephemeral("p", "[2]").await;
    let seq = speaker.event("bell", "[]").await;
    paused.until_seq(seq).await;
    let said: Vec<_> = speaker.ledger.passing().iter().map(|passing| passing.text.as_str()).collect();
    assert_eq!((paused.follower.passing(), other.follower.passing()), (vec![said[1]], vec![said[0]]));
    paused.follower.check_whole(&speaker.ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_history_in_a_pause_is_told_as_a_reset() {
    let (house, mut speaker, room) = room(Config { history_messages_max: Limit::Max(8), ..config() }).await;
    let mut viewer = Viewer::new(&house, &room).await;
    for (round, messages) in [8, 9, 30].into_iter().enumerate() {
        viewer.pause().await;
        for n in 0..messages {
            speaker.state(&format!("s{}", n % 5), &format!("[{n}]")).await;
        }
        viewer.unpause("back").await;
        viewer.follower.check_caught_up(&speaker.ledger);
        assert_eq!(viewer.follower.answers(How::Reset, Some(Reason::Retention)), round);
    }
    viewer.follower.check_answers(8);
    assert_eq!(viewer.follower.answers(How::Resumed, None), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_viewer_is_told_the_end_of_its_room_and_may_leave() {
    let (house, speaker, room) = room(config()).await;
    let (mut staying, mut leaving) = (Viewer::new(&house, &room).await, Viewer::new(&house, &room).await);
    staying.pause().await;
    leaving.pause().await;
    leaving.client.send(r#"{"type":"leave"}"#).await;
    leaving.client.expect_closed(1000, "left").await;
    until("it has left", || speaker.owner.viewers() <= 1).await;
    speaker.owner.close();
    staying.client.expect_closed(4503, "room_closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_viewer_pauses_and_only_a_paused_one_goes_on() {
    let (house, mut speaker, room) = room(config()).await;
    let mut owner = connect(&house).await;
    owner.open_room().await;
    for mut client in [connect(&house).await, owner] {
        client.send(frame::PAUSE).await;
        client.expect(&frame::bad_message(None)).await;
        client.send(&frame::unpause("u")).await;
        client.expect(&frame::bad_message(Some("u"))).await;
        client.expect_nothing().await;
    }
    let mut viewer = Viewer::new(&house, &room).await;
    viewer.until_answered().await;
    viewer.client.send(&frame::unpause("u")).await;
    viewer.client.expect(&frame::bad_message(Some("u"))).await;
    viewer.pause().await;
    viewer.unpause("v").await;
    viewer.client.send(&frame::unpause("w")).await;
    viewer.client.expect(&frame::bad_message(Some("w"))).await;
    viewer.pause().await;
    speaker.event("bell", "[]").await;
    viewer.client.send(r#"{"type":"unpause"}"#).await;
    viewer.client.expect(&frame::bad_message(None)).await;
    viewer.client.expect_nothing().await;
    viewer.unpause("x").await;
    viewer.follower.check_whole(&speaker.ledger);
    assert_eq!(viewer.follower.seq(), 1);
}
