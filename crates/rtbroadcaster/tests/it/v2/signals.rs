//! What viewers say to their owner: how often, how much, and what becomes of it when the owner does not listen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rtbroadcaster::{Config, Counting, Key, Limit, Params, RoomOptions, Signal};
use serde_json::json;
use tokio::task::JoinSet;

use super::frame::{self, Frame};
use super::viewer::{connect, connect_narrow};
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, until, within, within_time};

/// How many were refused for `reason`.
fn refused(house: &House, reason: &str) -> u64 {
    let refused = house.manager.metrics().signals.refused;
    refused.iter().find(|(word, _)| *word == reason).expect("it is a reason").1
}

/// The codes of what is refused, and how often, until the answer to something that is refused behind it.
async fn refusals(client: &mut Client) -> BTreeMap<String, usize> {
    client.send(&frame::join("end", "here", None)).await;
    let mut refusals = BTreeMap::new();
    loop {
        match client.next().await {
            Came::Text(text) => match frame::read(&text) {
                Frame::Error { code, .. } if code == "already_in_room" => return refusals,
                Frame::Error { code, retry_in_ms, .. } => {
                    assert_eq!(retry_in_ms, Some(1_000));
                    *refusals.entry(code).or_default() += 1;
                }
                other => panic!("expected refusals, but came {other:?}"),
            },
            other => panic!("expected refusals, but came {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_viewer_votes_twice_and_the_owner_gets_few_frames_and_the_last_votes() {
    const VOTERS: usize = 400;
    let house = House::open(Config { handshakes_per_address_per_second: Limit::None, ..Config::default() }).await;
    let mut owner = connect(&house).await;
    owner
        .send(r#"{"type":"create","id":"c","signals":{"vote":{"count":true,"everyMs":1000,"oncePerViewer":true}}}"#)
        .await;
    let room = match owner.frame().await {
        Frame::Created { room, .. } => room,
        other => panic!("expected `created`, but came {other:?}"),
    };
    let mut voters = Vec::new();
    for _ in 0..VOTERS {
        let mut voter = connect(&house).await;
        voter.watch(&room).await;
        voters.push(voter);
    }
    let (began, mut voting) = (Instant::now(), JoinSet::new());
    for (number, mut voter) in voters.into_iter().enumerate() {
        voting.spawn(async move {
            let votes = [number % 7, number % 3].map(|choice| frame::signal("", "vote", &format!("[{choice}]")));
            voter.send_all(votes.map(|vote| vote.replace(r#""id":"","#, ""))).await;
            assert_eq!(refusals(&mut voter).await, BTreeMap::new());
            (number, voter)
        });
    }
    let mut voters: BTreeMap<usize, Client> =
        within_time(LONG, "all have voted", voting.join_all()).await.into_iter().collect();
    let mut frames = 0;
    let totals = loop {
        match owner.frame().await {
            Frame::Signal(signal) => {
                frames += 1;
                assert_eq!((signal.key.as_str(), signal.other), ("vote", 0));
                assert!(signal.counts.is_sorted_by(|one, next| one.1 >= next.1), "{signal:?}");
                let most: BTreeMap<u64, u64> =
                    signal.counts.iter().map(|(params, count)| (params[0].as_u64().unwrap(), *count)).collect();
                if most == BTreeMap::from([(0, 134), (1, 133), (2, 133)]) {
                    break signal;
                }
            }
            other => panic!("expected totals, but came {other:?}"),
        }
    };
    let seconds = began.elapsed().as_secs();
    assert!(frames <= seconds + 2, "{frames} frames in {seconds} s");
    assert_eq!(totals.counts[0], (json!([0]), 134));
    assert_eq!(house.manager.metrics().signals.counted, 2 * VOTERS as u64);
    // Again the same: nothing changes, and nothing is told.
    let first = voters.get_mut(&0).unwrap();
    first.send(&frame::signal("again", "vote", "[ 0 ]")).await;
    assert_eq!(refusals(first).await, BTreeMap::new());
    drop(voters);
    until("all are gone", || house.viewers(&room) == 0).await;
    tokio::time::timeout(Duration::from_millis(1_500), owner.frame()).await.expect_err("nothing has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_says_too_much_is_told_to_wait_and_so_is_a_room() {
    let config = Config {
        signals_per_viewer_per_second: Limit::Max(3),
        signals_per_room_per_second: Limit::Max(10),
        ..Config::default()
    };
    let house = House::open(config).await;
    let mut owner = connect(&house).await;
    let room = owner.open_room().await.name;
    let began = Instant::now();
    let mut viewers = Vec::new();
    for _ in 0..5 {
        let mut viewer = connect(&house).await;
        viewer.watch(&room).await;
        viewer.send_all((0..20).map(|number| frame::signal("i", "hand", &format!("[{number}]")))).await;
        let refusals = refusals(&mut viewer).await;
        assert_eq!(refusals.keys().collect::<Vec<_>>(), ["rate"]);
        assert!(refusals["rate"] >= 15 || began.elapsed() > Duration::from_secs(1), "{refusals:?}");
        viewers.push(viewer);
    }
    let told = house.manager.metrics().signals.told;
    let late = u64::try_from(began.elapsed().as_millis() / 100).unwrap();
    assert!((10..=11 + late).contains(&told), "{told} were told within {:?}", began.elapsed());
    assert_eq!(told + refused(&house, "viewer_rate") + refused(&house, "room_rate"), 100);
    assert!(refused(&house, "viewer_rate") >= 80 - late && refused(&house, "room_rate") > 0);
    for _ in 0..told {
        match owner.frame().await {
            Frame::Signal(signal) => assert_eq!((signal.key.as_str(), signal.dropped), ("hand", 0)),
            other => panic!("expected a signal, but came {other:?}"),
        }
    }
    owner.expect_nothing().await;
}

/// Signals without limits of rate, where little may wait for a client.
fn lifted() -> Config {
    Config {
        signals_per_viewer_per_second: Limit::None,
        signals_per_room_per_second: Limit::None,
        backlog_bytes_max: Limit::Max(128 * 1024),
        ping_interval: Limit::None,
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_does_not_read_costs_a_quarter_of_its_backlog_and_learns_how_many_it_missed() {
    let house = House::open(lifted()).await;
    let mut owner = connect_narrow(&house).await;
    let room = owner.open_room().await.name;
    let mut viewer = connect(&house).await;
    viewer.watch(&room).await;
    let params = |number: usize| format!(r#"[{number},"{}"]"#, "x".repeat(2_000));
    let (mut said, mut accepted) = (0, 0);
    let mut say = async |viewer: &mut Client, count: usize| {
        viewer.send_all((said..said + count).map(|number| frame::signal("i", "hand", &params(number)))).await;
        said += count;
        let refused = refusals(viewer).await;
        assert!(refused.keys().all(|code| code == "unavailable"), "{refused:?}");
        let refused = refused.values().sum::<usize>();
        accepted += count - refused;
        refused
    };
    let mut dropped = 0;
    while dropped == 0 {
        dropped += say(&mut viewer, 50).await;
    }
    dropped += say(&mut viewer, 50).await;
    let waits = house.manager.metrics().backlog_bytes;
    // A quarter, and what was taken for a write.
    assert!(waits <= 32 * 1024 + 64 * 1024, "{waits} bytes wait for the owner");
    // It reads: everything that was accepted, and with the next one how many were not.
    let mut heard = Vec::new();
    let reading = async {
        while heard.len() < accepted {
            match owner.frame().await {
                Frame::Signal(signal) => heard.push((signal.params[0].as_u64().unwrap(), signal.dropped)),
                other => panic!("expected a signal, but came {other:?}"),
            }
        }
    };
    within_time(LONG, "the owner catches up", reading).await;
    assert!(heard.is_sorted());
    let told: u64 = heard.iter().map(|(_, dropped)| dropped).sum();
    viewer.send(&frame::signal("last", "hand", "[1000000]")).await;
    match owner.frame().await {
        Frame::Signal(last) => assert_eq!(last.dropped + told, u64::try_from(dropped).unwrap()),
        other => panic!("expected a signal, but came {other:?}"),
    }
    assert_eq!(refused(&house, "owner_behind"), u64::try_from(dropped).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_hears_its_viewers_once_it_listens_and_no_more_than_it_takes() {
    let house = House::open(lifted()).await;
    let counting = Counting { every: Duration::from_millis(100), once_per_viewer: false };
    let options = RoomOptions::new().with_counting("clap", counting).unwrap();
    let owner = house.manager.create_room_with(options).await.unwrap();
    let room = owner.room().to_string();
    let mut viewer = connect(&house).await;
    viewer.watch(&room).await;
    viewer.send_all(["hand", "clap"].map(|key| frame::signal("i", key, "[1]"))).await;
    assert_eq!(refusals(&mut viewer).await, BTreeMap::from([("unavailable".to_owned(), 1)]));
    let mut signals = owner.signals();
    let clapped = |times| Signal::Counts {
        key: Key::new("clap").unwrap(),
        counts: vec![(Params::from_json("[1]").unwrap(), times)],
        other: 0,
    };
    assert_eq!(within("what was counted", signals.next()).await, Some(clapped(1)), "before anybody listened");

    // More than it takes: the rest is refused, and told.
    viewer.send_all((0..300).map(|_| frame::signal("i", "hand", "[ 2 ]"))).await;
    assert_eq!(refusals(&mut viewer).await, BTreeMap::from([("unavailable".to_owned(), 44)]));
    let mut numbers = BTreeSet::new();
    for _ in 0..256 {
        match within("a signal", signals.next()).await {
            Some(Signal::Single { key, params, from, dropped: 0, .. }) => {
                assert_eq!((key.as_str(), params.as_str()), ("hand", "[ 2 ]"));
                numbers.insert(from);
                assert_eq!(numbers.len(), 1, "of one viewer");
            }
            other => panic!("expected a signal, but came {other:?}"),
        }
    }
    viewer.send(&frame::signal("i", "hand", "[]")).await;
    match within("a signal", signals.next()).await {
        Some(Signal::Single { dropped, .. }) => assert_eq!(dropped, 44),
        other => panic!("expected a signal, but came {other:?}"),
    }
    viewer.send(&frame::signal("i", "clap", "[1]")).await;
    assert_eq!(within("totals", signals.next()).await, Some(clapped(2)));

    // Only the newest stream gets signals, and none does when another owner has come.
    let mut newer = owner.signals();
    assert_eq!(within("the end", signals.next()).await, None);
    assert_eq!(within("what was counted", newer.next()).await, Some(clapped(2)));
    let (id, key) = (owner.room(), owner.key().clone());
    let second = house.manager.own(&id, &key).await.unwrap();
    assert_eq!(within("the end", newer.next()).await, None);
    assert_eq!(within("the end", owner.signals().next()).await, None, "it is fenced");
    let mut signals = second.signals();
    assert_eq!(within("what was counted", signals.next()).await, Some(clapped(2)));
    second.close().await.unwrap();
    assert_eq!(within("the end", signals.next()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_totals_that_a_program_does_not_take_few_wait_and_the_newest_come_then() {
    let house = House::open(lifted()).await;
    let counting = Counting { every: Duration::from_millis(100), once_per_viewer: true };
    let keys: Vec<String> = (0..8).map(|key| format!("k{key}")).collect();
    let options = keys.iter().try_fold(RoomOptions::new(), |options, key| options.with_counting(key, counting));
    let owner = house.manager.create_room_with(options.unwrap()).await.unwrap();
    let mut signals = owner.signals();
    let mut viewer = connect(&house).await;
    viewer.watch(&owner.room().to_string()).await;
    let (began, mut turn) = (Instant::now(), 0);
    // What ends each turn is a refusal, and they have a rate.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while began.elapsed() < Duration::from_millis(1_500) {
        pace.tick().await;
        turn += 1;
        viewer.send_all(keys.iter().map(|key| frame::signal("i", key, &format!("[{turn}]")))).await;
        assert_eq!(refusals(&mut viewer).await, BTreeMap::new());
    }
    let (mut waited, mut newest) = (0, BTreeMap::new());
    let is_one = |counts: &[(Params, u64)], text: &str| matches!(counts, [(params, 1)] if params.as_str() == text);
    let mut note = |signal| match signal {
        Some(Signal::Counts { key, counts, .. }) => {
            newest.insert(key, counts);
            let expected = format!("[{turn}]");
            newest.values().filter(|counts: &&Vec<_>| is_one(counts, &expected)).count()
        }
        other => panic!("expected totals, but came {other:?}"),
    };
    let mut up_to_date = 0;
    while let Some(signal) = signals.next().now_or_never() {
        waited += 1;
        up_to_date = note(signal);
    }
    // Eight in each of ten windows would be more.
    assert!((8..=40).contains(&waited), "{waited} totals waited");
    while up_to_date < keys.len() {
        up_to_date = note(within("totals", signals.next()).await);
    }
}
