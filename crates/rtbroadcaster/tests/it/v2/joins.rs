//! Viewers that come while the state is being written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster::Config;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::dice::Dice;
use super::follower::{Follower, Heard};
use super::frame::{self, How, Status, cursor};
use super::ledger::Speaker;
use super::viewer::{Viewer, connect};
use crate::house::House;
use crate::invariant::frame as frame_of;
use crate::moment::{LONG, until, within};
use crate::transcript::without_viewer;

/// The keys of the state, and the one that holds the sum of their values.
const KEYS: usize = 64;
const SUM: &str = "sum";

/// Sets one key and then the sum of all.
async fn write(speaker: &mut Speaker, values: &mut [u64], dice: &mut Dice) {
    let key = usize::try_from(dice.below(KEYS as u64)).unwrap();
    values[key] = dice.below(1_000_000);
    speaker.state(&format!("k{key}"), &format!("[{}]", values[key])).await;
    speaker.state(SUM, &format!("[{}]", values.iter().sum::<u64>())).await;
}

/// Comes at random moments and stays for a few messages.
async fn visit(house: Arc<House>, room: String, joins: usize, mut dice: Dice) -> Vec<Follower> {
    let mut followers = Vec::new();
    for _ in 0..joins {
        let mut viewer = Viewer::new(&house, &room).await;
        let joined = viewer.follower.last_joined().seq;
        viewer.until_seq(joined + 1 + dice.below(6)).await;
        followers.push(viewer.follower);
    }
    followers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_a_viewer_begins_with_is_exactly_what_was_said_before_its_first_live_message() {
    const VISITORS: usize = 6;
    const JOINS: usize = 100;
    let house = Arc::new(House::open(Config::default()).await);
    let (owner, room) = house.rust_owner().await;
    let (mut speaker, mut dice) = (Speaker::new(owner), Dice::new());
    let mut visiting = JoinSet::new();
    for _ in 0..VISITORS {
        visiting.spawn(visit(Arc::clone(&house), room.clone(), JOINS, dice.split()));
    }
    let mut values = [0; KEYS];
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    // A busy machine makes the owner speak less, not later.
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut followers = Vec::new();
    let begin = tokio::time::Instant::now();
    while !visiting.is_empty() {
        assert!(begin.elapsed() < LONG, "the visits do not end");
        tokio::select! {
            visits = visiting.join_next() => followers.extend(visits.unwrap().unwrap()),
            _ = pace.tick() => write(&mut speaker, &mut values, &mut dice).await,
        }
    }
    assert_eq!(followers.len(), VISITORS * JOINS);
    for follower in &followers {
        follower.check(&speaker.ledger);
        check_meeting(follower);
        check_sum(follower);
    }
}

/// It was let in by a snapshot, and the first live message is the one behind it.
fn check_meeting(follower: &Follower) {
    let joined = follower.last_joined();
    assert_eq!((joined.how, joined.owner, joined.term), (How::Snapshot, Status::Live, 1));
    let rest = follower.heard().iter().skip(2);
    let rest: Vec<_> = rest.filter(|heard| matches!(heard, Heard::Message { .. } | Heard::Hole { .. })).collect();
    match rest[0] {
        Heard::Message { seq, .. } => assert_eq!(*seq, joined.seq + 1),
        Heard::Hole { after, .. } => assert_eq!(*after, joined.seq),
        _ => {}
    }
}

/// The owner sets a key and then the sum: a viewer that stands behind a sum holds the values that it is of.
fn check_sum(follower: &Follower) {
    if follower.seq() % 2 == 1 {
        return;
    }
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap()["params"][0].as_u64().unwrap();
    let mut values: HashMap<&str, u64> = follower.values().map(|(key, text)| (key, value(text))).collect();
    let sum = values.remove(SUM).unwrap_or(0);
    assert_eq!(values.values().sum::<u64>(), sum, "at {}", follower.seq());
}

/// A viewer that has asked to join, and reads bytes from there.
async fn raw_viewer(house: &House, room: &str, cursor: Option<&str>) -> TcpStream {
    let mut client = connect(house).await;
    client.send(&frame::join("join", room, cursor)).await;
    client.into_stream()
}

/// The text of the first frame, of 126 bytes or more and less than 64 KiB.
async fn first_text(viewer: &mut TcpStream) -> String {
    let mut head = [0; 4];
    within("a frame", viewer.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[..2], [0x81, 126]);
    let mut text = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    within("its text", viewer.read_exact(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_late_and_resumed_viewers_get_the_same_bytes() {
    let house = House::open(Config::default()).await;
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let first = Viewer::new(&house, &room).await;
    let epoch = first.follower.last_joined().epoch.clone();
    let joined = |seq: u64, how: &str, replay: u64| {
        format!(
            r#"{{"type":"joined","id":"join","room":"{room}","epoch":"{epoch}","term":1,"seq":{seq},"how":"{how}","replay":{replay},"owner":"live","aliveMs":25000,"nextMs":25000,"limits":{{"messageBytes":65536,"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096,"signalsPerSecond":5}}}}"#
        )
    };
    let mut live = raw_viewer(&house, &room, None).await;
    until("it is let in", || speaker.owner.viewers() == 2).await;
    // Every class of length that a frame can have here, up to the longest message.
    let lengths = [0, 1, 40, 60, 61, 62, 63, 64, 65, 4_096, 65_000, 65_400, 65_500];
    for (n, bytes) in lengths.into_iter().enumerate() {
        let params = format!(r#"["{}"]"#, "€".repeat(bytes / 3) + &"x".repeat(bytes % 3));
        speaker.state(&format!("k{n}"), &params).await;
    }
    let said = lengths.len() as u64;
    let mut late = raw_viewer(&house, &room, None).await;
    let mut resumed = raw_viewer(&house, &room, Some(&cursor(&epoch, 0))).await;
    let frames: Vec<u8> = speaker.ledger.lines().flat_map(|(_, line)| frame_of(&line.text)).collect();
    let answers = [joined(0, "snapshot", 0), joined(said, "snapshot", said), joined(said, "resumed", said)];
    for (viewer, answer) in [&mut live, &mut late, &mut resumed].into_iter().zip(answers) {
        assert_eq!(without_viewer(&first_text(viewer).await), Some(answer.clone()), "each viewer is another one");
        let mut came = vec![0; frames.len()];
        within("all bytes", viewer.read_exact(&mut came)).await.unwrap();
        assert!(came == frames, "the bytes behind {answer} differ");
    }
}
