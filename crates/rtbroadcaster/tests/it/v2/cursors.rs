//! Where a viewer goes on: every kind of cursor has exactly one right answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::dice::Dice;
use super::follower::{Follower, Heard};
use super::frame::{self, How, Joined, Limits, Reason, Status};
use super::ledger::{Ledger, Speaker};
use super::viewer::{Listener, Viewer, connect};
use crate::house::House;
use crate::moment::{LONG, within_time};

/// How many messages are held in the idle room, and how many were said: the oldest one held is 13.
const HELD: u64 = 8;
const SAID: u64 = 20;

/// What a cursor is answered.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Snapshot,
    /// What comes behind this message.
    Resumed(u64),
    Reset(Reason),
}

use Answer::{Reset, Resumed, Snapshot};
use Reason::{Epoch, Future, Malformed, Retention};

/// Each cursor as it is sent; `MINE` stands for the room's epoch, `OTHER` for that of another room.
const CURSORS: [(&str, &str, Answer); 42] = [
    ("none", "", Snapshot),
    ("null", "null", Reset(Malformed)),
    ("the current one", r#"{"epoch":"MINE","seq":20}"#, Resumed(20)),
    ("one behind", r#"{"epoch":"MINE","seq":19}"#, Resumed(19)),
    ("at the oldest held", r#"{"epoch":"MINE","seq":13}"#, Resumed(13)),
    ("directly before the oldest held", r#"{"epoch":"MINE","seq":12}"#, Resumed(12)),
    ("one before that", r#"{"epoch":"MINE","seq":11}"#, Reset(Retention)),
    ("the first message", r#"{"epoch":"MINE","seq":1}"#, Reset(Retention)),
    ("before the first message", r#"{"epoch":"MINE","seq":0}"#, Reset(Retention)),
    ("one ahead", r#"{"epoch":"MINE","seq":21}"#, Reset(Future)),
    ("far ahead", r#"{"epoch":"MINE","seq":9007199254740991}"#, Reset(Future)),
    ("the other order", r#"{"seq":15,"epoch":"MINE"}"#, Resumed(15)),
    ("with spaces", "{ \"epoch\" : \"MINE\" ,\n\t\"seq\" : 15 }", Resumed(15)),
    ("with an escaped name", r#"{"\u0065poch":"MINE","s\u0065q":15}"#, Resumed(15)),
    ("another room's", r#"{"epoch":"OTHER","seq":1}"#, Reset(Epoch)),
    ("another room's, at a number that is held", r#"{"epoch":"OTHER","seq":15}"#, Reset(Epoch)),
    ("another room's, ahead", r#"{"epoch":"OTHER","seq":21}"#, Reset(Epoch)),
    ("an epoch that never was", r#"{"epoch":"00000000000000000000000000000000","seq":20}"#, Reset(Epoch)),
    ("an empty epoch", r#"{"epoch":"","seq":20}"#, Reset(Epoch)),
    ("a short epoch", r#"{"epoch":"e","seq":0}"#, Reset(Epoch)),
    ("an epoch with something behind it", r#"{"epoch":"MINE ","seq":20}"#, Reset(Malformed)),
    ("an epoch of 33 bytes", r#"{"epoch":"000000000000000000000000000000000","seq":20}"#, Reset(Malformed)),
    (
        "an epoch of 32 letters, but 33 bytes",
        r#"{"epoch":"é0000000000000000000000000000000","seq":20}"#,
        Reset(Malformed),
    ),
    ("an epoch that is a number", r#"{"epoch":1,"seq":20}"#, Reset(Malformed)),
    ("no epoch", r#"{"seq":20}"#, Reset(Malformed)),
    ("an epoch that is null", r#"{"epoch":null,"seq":20}"#, Reset(Malformed)),
    ("a negative number", r#"{"epoch":"MINE","seq":-1}"#, Reset(Malformed)),
    ("a fraction", r#"{"epoch":"MINE","seq":19.5}"#, Reset(Malformed)),
    ("a whole number written as a fraction", r#"{"epoch":"MINE","seq":20.0}"#, Reset(Malformed)),
    ("a whole number with an exponent", r#"{"epoch":"MINE","seq":2e1}"#, Reset(Malformed)),
    ("2^53, which is no seq", r#"{"epoch":"MINE","seq":9007199254740992}"#, Reset(Malformed)),
    ("2^53 and one", r#"{"epoch":"MINE","seq":9007199254740993}"#, Reset(Malformed)),
    ("2^64 and 20", r#"{"epoch":"MINE","seq":18446744073709551636}"#, Reset(Malformed)),
    ("a number in quotes", r#"{"epoch":"MINE","seq":"20"}"#, Reset(Malformed)),
    ("a number that is null", r#"{"epoch":"MINE","seq":null}"#, Reset(Malformed)),
    ("no number", r#"{"epoch":"MINE"}"#, Reset(Malformed)),
    ("one member more", r#"{"epoch":"MINE","seq":20,"term":1}"#, Reset(Malformed)),
    ("a member twice", r#"{"epoch":"MINE","seq":20,"seq":20}"#, Reset(Malformed)),
    ("nothing in it", "{}", Reset(Malformed)),
    ("a list", r#"["MINE",20]"#, Reset(Malformed)),
    ("a number", "20", Reset(Malformed)),
    ("a text", r#""MINE:20""#, Reset(Malformed)),
];

/// A room in which `said` messages were said.
async fn room(house: &House, said: u64) -> (Speaker, String) {
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    for n in 0..said {
        match n % 4 {
            0 | 1 => _ = speaker.state(&format!("s{}", n % 7), &format!("[{n}]")).await,
            2 => _ = speaker.event("bell", &format!("[{n}]")).await,
            _ => _ = speaker.clear(&format!("s{}", n % 5)).await,
        }
    }
    (speaker, room)
}

async fn epoch(house: &House, room: &str) -> String {
    Viewer::new(house, room).await.follower.last_joined().epoch.clone()
}

/// Joins with `cursor` and checks the answer and what follows it.
async fn check(house: &House, room: &str, epoch: &str, ledger: &Ledger, row: (&str, &str, Answer)) -> Viewer {
    let (name, cursor, answer) = row;
    let mut follower = match answer {
        Snapshot => Follower::default(),
        Resumed(after) => Follower::at(epoch, after),
        Reset(_) => Follower::at(epoch, 0),
    };
    follower.ask();
    let mut viewer = Viewer { client: connect(house).await, follower };
    viewer.client.send(&frame::join("join", room, Some(cursor).filter(|cursor| !cursor.is_empty()))).await;
    viewer.step().await;
    let state = ledger.fold(ledger.seq()).len() as u64;
    let (how, reason, replay) = match answer {
        Snapshot => (How::Snapshot, None, state),
        Resumed(after) => (How::Resumed, None, ledger.seq() - after),
        Reset(reason) => (How::Reset, Some(reason), state),
    };
    let joined = viewer.follower.last_joined();
    assert!((1..1 << 52).contains(&joined.viewer.number) && joined.viewer.key.len() <= 64, "{joined:?}");
    let expected = Joined {
        viewer: joined.viewer.clone(),
        id: "join".into(),
        room: room.to_owned(),
        epoch: epoch.to_owned(),
        term: 1,
        seq: ledger.seq(),
        how,
        reason,
        replay,
        owner: Status::Live,
        away_ms: None,
        alive_ms: 25_000,
        next_ms: Some(25_000),
        limits: Limits::default(),
    };
    assert_eq!(*joined, expected, "{name}: {cursor}");
    viewer.until_answered().await;
    viewer.follower.check(ledger);
    assert_eq!(viewer.follower.seq(), ledger.seq(), "{name}: {cursor}");
    viewer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_cursor_has_one_answer_and_live_goes_on_behind_it() {
    let config = Config { history_messages_max: Limit::Max(usize::try_from(HELD).unwrap()), ..Config::default() };
    let house = House::open(config).await;
    let ((mut speaker, room), (_other, other)) = (room(&house, SAID).await, room(&house, SAID).await);
    let (mine, other) = (epoch(&house, &room).await, epoch(&house, &other).await);
    assert_ne!(mine, other);
    let mut viewers = Vec::new();
    for (name, cursor, answer) in CURSORS {
        let cursor = cursor.replace("MINE", &mine).replace("OTHER", &other);
        viewers.push(check(&house, &room, &mine, &speaker.ledger, (name, &cursor, answer)).await);
    }
    speaker.event("bell", "[]").await;
    for mut viewer in viewers {
        viewer.until_seq(SAID + 1).await;
        viewer.follower.check(&speaker.ledger);
        viewer.client.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_before_the_first_message_is_resumed_while_that_message_is_held() {
    let house = House::open(Config::default()).await;
    for said in [0, 1, 3] {
        let (mut speaker, room) = room(&house, said).await;
        let epoch = epoch(&house, &room).await;
        let (zero, ahead) = (frame::cursor(&epoch, 0), frame::cursor(&epoch, said + 1));
        let rows = [("before the first", zero.as_str(), Resumed(0)), ("one ahead", &ahead, Reset(Future))];
        let mut viewers = Vec::new();
        for row in rows {
            viewers.push(check(&house, &room, &epoch, &speaker.ledger, row).await);
        }
        let seq = speaker.state("s", "[]").await;
        for mut viewer in viewers {
            viewer.until_seq(seq).await;
            viewer.follower.check(&speaker.ledger);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_history_by_its_size_or_its_age_is_not_resumed() {
    // The key has 4 bytes, the parameters have 6: the last two fit.
    let sized = Config { history_bytes_max: Limit::Max(29), ..Config::default() };
    // It leaves at once; the current cursor needs none of it.
    let aged = Config { history_age_max: Limit::Max(Duration::from_millis(1)), ..Config::default() };
    for (config, held) in [(sized, 2), (aged, 0)] {
        let house = House::open(config).await;
        let (owner, room) = house.rust_owner().await;
        let mut speaker = Speaker::new(owner);
        for n in 0..5 {
            speaker.state("four", &format!("[1{n}00]")).await;
        }
        let epoch = epoch(&house, &room).await;
        let begin = tokio::time::Instant::now();
        crate::moment::until("they are old", || begin.elapsed() > Duration::from_millis(2)).await;
        for after in 0..=5 {
            let answer = if after + held >= 5 { Resumed(after) } else { Reset(Retention) };
            let cursor = frame::cursor(&epoch, after);
            check(&house, &room, &epoch, &speaker.ledger, ("by size or age", &cursor, answer)).await;
        }
    }
}

/// Joins again and again with cursors around what is held and around the newest message.
async fn join_at_random(
    house: Arc<House>,
    room: String,
    epoch: String,
    said: Arc<AtomicU64>,
    mut dice: Dice,
) -> Vec<Follower> {
    const JOINS: usize = 80;
    let mut followers = Vec::new();
    for _ in 0..JOINS {
        let now = said.load(Ordering::Relaxed);
        let after = match dice.below(8) {
            0..=3 => now.saturating_sub(BUSY_HELD - 8 + dice.below(16)),
            4 | 5 => now.saturating_sub(dice.below(BUSY_HELD)),
            6 => now + dice.below(12),
            _ => dice.below(now + 400),
        };
        let mut viewer = Viewer::again(&house, &room, Follower::at(&epoch, after)).await;
        let joined = viewer.follower.last_joined().seq;
        viewer.until_seq(joined + 2).await;
        followers.push(viewer.follower);
    }
    followers
}

/// How many messages are held in the busy room.
const BUSY_HELD: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn while_the_owner_speaks_no_cursor_is_resumed_falsely_and_each_that_can_be_is() {
    let config = Config { history_messages_max: Limit::Max(usize::try_from(BUSY_HELD).unwrap()), ..Config::default() };
    let house = Arc::new(House::open(config).await);
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let live = Viewer::new(&house, &room).await;
    let epoch = live.follower.last_joined().epoch.clone();
    let live = Listener::follow(live);
    let (said, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let speaking = {
        let (said, is_over) = (Arc::clone(&said), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(1));
            // A busy machine makes the owner speak less, not later.
            pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
            while !is_over.load(Ordering::Relaxed) {
                pace.tick().await;
                speaker.mixed(usize::try_from(speaker.ledger.seq()).unwrap() + speaker.ledger.passing().len()).await;
                said.store(speaker.ledger.seq(), Ordering::Relaxed);
            }
            speaker.last().await;
            speaker
        })
    };
    let mut dice = Dice::new();
    let mut joining = JoinSet::new();
    for _ in 0..4 {
        let (house, said) = (Arc::clone(&house), Arc::clone(&said));
        joining.spawn(join_at_random(house, room.clone(), epoch.clone(), said, dice.split()));
    }
    let followers: Vec<_> = within_time(LONG, "all joins", joining.join_all()).await.into_iter().flatten().collect();
    is_over.store(true, Ordering::Relaxed);
    let ledger = speaking.await.unwrap().ledger;
    live.follower().await.check_whole(&ledger);
    let count = |how, reason| followers.iter().map(|follower| follower.answers(how, reason)).sum::<usize>();
    for follower in &followers {
        follower.check(&ledger);
        follower.check_answers(BUSY_HELD);
        check_meeting(follower);
    }
    for (how, reason) in [(How::Resumed, None), (How::Reset, Some(Retention)), (How::Reset, Some(Future))] {
        assert!(count(how, reason) > 0, "{how:?} for {reason:?} was never the answer");
    }
}

/// What was replayed ends at the number that was announced, and the first live message is the next one.
fn check_meeting(follower: &Follower) {
    let Some(Heard::Joined { after: Some(after), joined }) = follower.heard().first() else { panic!("it is let in") };
    let replayed = if joined.how == How::Resumed { joined.seq - after } else { 0 };
    let mut live = follower.numbers().skip(usize::try_from(replayed).unwrap());
    let hole = follower.heard().iter().any(|heard| matches!(heard, Heard::Hole { .. }));
    assert!(hole || live.next() == Some(joined.seq + 1), "live does not go on at {}", joined.seq + 1);
}
