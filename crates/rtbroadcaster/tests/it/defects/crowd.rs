//! Viewers that come, stay and go while the owner speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rtbroadcaster::{Config, Kind, Limit, Owner};
use tokio::task::JoinSet;

use crate::classic;
use crate::client::{Came, Client};
use crate::house::{House, in_memory};
use crate::moment::{LONG, until, until_time};
use crate::record::{Record, Said};

/// Joins when `said` has reached `at`, and listens until `last` comes.
async fn join_at(house: Arc<House>, room: String, said: Arc<AtomicUsize>, at: usize, last: String) -> Record {
    let mut viewer = house.client().await;
    while said.load(Ordering::Relaxed) < at {
        tokio::task::yield_now().await;
    }
    viewer.join(&room).await;
    listen(&mut viewer, &last).await
}

/// Everything up to `last`.
async fn listen(viewer: &mut Client, last: &str) -> Record {
    let mut record = Record::default();
    loop {
        let text = viewer.text().await;
        let is_last = text == last;
        record.hear(text);
        if is_last {
            return record;
        }
    }
}

/// Says a state of one of `keys` keys, and an event now and then.
async fn speak(owner: &mut Owner, said: &mut Said, n: usize, keys: usize) {
    let (kind, key) =
        if n % 5 == 4 { (Kind::Event, "bell".to_owned()) } else { (Kind::State, format!("k{}", n * 7 % keys)) };
    owner.publish(said.say(kind, &key, &format!("[{n}]"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_during_state_writes_get_exactly_the_owners_state() {
    const ROUNDS: usize = 12;
    const JOINS: usize = 25;
    const WRITES: usize = 1_000;
    let house = Arc::new(House::open(Config::default()).await);
    for round in 0..ROUNDS {
        let (mut owner, room) = house.rust_owner().await;
        let mut said = Said::new(&room);
        let written = Arc::new(AtomicUsize::new(0));
        let last = classic::message(&room, "last", "[]", false);
        let mut joins = JoinSet::new();
        for join in 0..JOINS {
            // Spread over the writes, other moments in every round.
            let at = (join * WRITES + round * 97) / JOINS % WRITES;
            joins.spawn(join_at(Arc::clone(&house), room.clone(), Arc::clone(&written), at, last.clone()));
        }
        for n in 0..WRITES {
            speak(&mut owner, &mut said, n, 64).await;
            written.store(n + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
        until("everybody has joined", || owner.viewers() == JOINS).await;
        owner.publish(said.say(Kind::Event, "last", "[]")).await.unwrap();
        for record in joins.join_all().await {
            record.check_caught_up(&said);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_during_a_replay_disturbs_nobody() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    for n in 0..60 {
        let params = format!(r#"[{n},"{}"]"#, "x".repeat(10_000));
        owner.publish(said.say(Kind::State, &format!("k{n}"), &params)).await.unwrap();
    }
    let mut staying = Vec::new();
    for round in 0..20 {
        // Before, between and after the viewers that stay; some read a part of the replay, some not even the answer.
        let mut leaving = Vec::new();
        for reads in 0..3 {
            let mut viewer = Client::connect_narrow(house.address).await;
            viewer.send(&classic::join(&room)).await;
            for _ in 0..reads {
                viewer.text().await;
            }
            leaving.push(viewer);
            staying.push(house.viewer(&room).await);
        }
        drop(leaving);
        if round % 4 == 0 {
            owner.publish(said.say(Kind::Event, "bell", &format!("[{round}]"))).await.unwrap();
        }
    }
    until_time(LONG, "only those who stay are left", || owner.viewers() == staying.len()).await;
    owner.publish(said.say(Kind::Event, "last", "[]")).await.unwrap();
    for mut viewer in staying {
        listen(&mut viewer, said.last()).await.check_caught_up(&said);
        viewer.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eviction_during_a_replay_disturbs_nobody() {
    let house = House::open(Config { stall_timeout: Limit::Max(Duration::from_secs(1)), ..Config::default() }).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    for n in 0..100 {
        let params = format!(r#"[{n},"{}"]"#, "x".repeat(9_000));
        owner.publish(said.say(Kind::State, &format!("k{n}"), &params)).await.unwrap();
    }
    let mut stalled = Vec::new();
    for _ in 0..5 {
        let mut viewer = Client::connect_narrow(house.address).await;
        viewer.send(&classic::join(&room)).await;
        stalled.push(viewer);
    }
    let mut witness = house.viewer(&room).await;
    let last = classic::message(&room, "last", "[]", false);
    let listening = tokio::spawn(async move { listen(&mut witness, &last).await });
    until("the stalled ones are out", || owner.viewers() == 1).await;
    owner.publish(said.say(Kind::Event, "last", "[]")).await.unwrap();
    listening.await.unwrap().check_caught_up(&said);
    for mut viewer in stalled {
        let mut record = Record::default();
        let (mut end, mut connected) = (None, false);
        while end.is_none() {
            match viewer.next().await {
                Came::Text(text) if !connected => connected = text == classic::connected(&room),
                Came::Text(text) => record.hear(text),
                other => end = Some(other),
            }
        }
        assert!(matches!(end, Some(Came::Close(4008, _) | Came::End(_))), "{end:?}");
        assert!(record.len() < 100, "it was evicted after its replay");
        record.check(&said);
    }
}

/// The place of a number that only grows, in everything that is said.
fn number(text: &str) -> usize {
    let (_, rest) = text.split_once(r#""funcParams":["#).unwrap();
    rest.split_once(']').unwrap().0.parse().unwrap()
}

/// What `viewers` late viewers get while the owner goes on, the very first answer included.
async fn late_viewers() -> (Said, Vec<Vec<String>>) {
    const VIEWERS: usize = 20;
    const WRITES: usize = 2_000;
    let house = Arc::new(House::open(Config::default()).await);
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut joins = JoinSet::new();
    let written = Arc::new(AtomicUsize::new(0));
    for join in 0..VIEWERS {
        let (house, room, written) = (Arc::clone(&house), room.clone(), Arc::clone(&written));
        joins.spawn(async move {
            let mut viewer = house.client().await;
            until_time(LONG, "it is time to join", || written.load(Ordering::Relaxed) >= join * WRITES / VIEWERS).await;
            viewer.send(&classic::join(&room)).await;
            let mut heard = Vec::new();
            loop {
                match viewer.text().await {
                    text if text.contains(r#""funcKey":"last""#) => return heard,
                    text => heard.push(text),
                }
            }
        });
    }
    for n in 0..WRITES {
        speak(&mut owner, &mut said, n, 30).await;
        written.store(n + 1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    until("everybody has joined", || owner.viewers() == VIEWERS).await;
    owner.publish(said.say(Kind::Event, "last", "[]")).await.unwrap();
    let heard = joins.join_all().await;
    (said, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn late_viewers_see_no_live_message_before_connected_nothing_twice_and_no_time_running_backwards() {
    let (_said, heard) = late_viewers().await;
    for heard in heard {
        let (first, messages) = heard.split_first().unwrap();
        assert!(first.contains(r#""funcKey":"","funcParams":[]"#), "before connected came {first}");
        for pair in messages.windows(2) {
            let (one, next) = (number(&pair[0]), number(&pair[1]));
            assert_ne!(one, next, "twice");
            assert!(one < next, "{next} after {one}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replay_is_in_the_order_of_last_change_and_has_the_bytes_of_the_live_messages() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.owner().await;
    let mut live = house.viewer(&room).await;
    // Keys in no alphabetical order, values whose JSON could be written in other ways.
    let values =
        ["[1.0]", "[1e3]", r#"["\u0041"]"#, "[ ]", r#"[{"b":1,"a":2}]"#, "[10000000000000000000000]", r#"["€"]"#];
    let keys = ["z", "a", "m", "b", "y", "c", "x"];
    let mut heard = Vec::new();
    for (key, value) in keys.iter().zip(values).chain([(&"m", "[0]"), (&"z", "[-0.0]")]) {
        owner.send(&classic::publish_state(key, value)).await;
        // One after the other: a newer value may take the place of one that waits.
        heard.push(live.text().await);
    }
    // The first values of "z" and "m" were changed later.
    let newest: Vec<String> = [1, 3, 4, 5, 6, 7, 8].iter().map(|place| heard[*place].clone()).collect();
    for _ in 0..5 {
        let mut late = house.viewer(&room).await;
        for text in &newest {
            late.expect(text).await;
        }
        late.expect_nothing().await;
    }
    assert_eq!(heard[1], classic::message(&room, "a", "[1e3]", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_joiner_gets_connected_then_the_whole_state_and_only_then_what_is_live() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let padding = "x".repeat(3_000);
    for n in 0..50 {
        owner.publish(said.say(Kind::State, &format!("k{n}"), &format!(r#"[{n},"{padding}"]"#))).await.unwrap();
    }
    // Its connection is full before it joins.
    let mut slow = in_memory(&house.manager, 32).await;
    slow.send_ping(&[7; 125]).await;
    slow.send(&classic::join(&room)).await;
    until("it has joined", || owner.viewers() == 1).await;
    let mut witness = house.viewer(&room).await;
    for n in 0..20 {
        owner.publish(said.say(Kind::State, &format!("k{n}"), &format!("[{}]", 50 + n))).await.unwrap();
    }
    owner.publish(said.say(Kind::Event, "last", "[]")).await.unwrap();
    // A lane serves members in the order in which they came.
    listen(&mut witness, said.last()).await;
    assert_eq!(slow.next().await, Came::Pong(vec![7; 125]));
    slow.expect(&classic::connected(&room)).await;
    for text in said.texts() {
        slow.expect(text).await;
    }
    slow.expect_nothing().await;
}
