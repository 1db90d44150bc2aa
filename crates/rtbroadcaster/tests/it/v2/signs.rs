//! Signs of life of the server: within which time the next one comes, also while nothing is read, since when an owner is away,
//! and why a room has ended.

use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Kind, Limit, Manager};

use super::frame::{self, Frame, Status};
use super::viewer::{connect, connect_in_memory};
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, until, within_time};

/// Returns the next frame, but for those of the audience.
async fn next(client: &mut Client) -> Frame {
    loop {
        match within_time(LONG, "the next frame", client.next_of_all_at_any_time()).await {
            Came::Text(text) => match frame::read(&text) {
                Frame::Audience { .. } => {}
                frame => return frame,
            },
            other => panic!("no frame: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_whom_nothing_is_read_hears_each_second_that_the_server_is_there() {
    // What waits for this time uses up what may be on its way to the lanes.
    let config = Config {
        flush_interval: Limit::Max(Duration::from_secs(4)),
        backlog_bytes_max: Limit::None,
        ..Config::default()
    };
    let house = House::open(config).await;
    let (mut owner, mut viewer) = (connect(&house).await, connect(&house).await);
    let room = owner.open_room().await;
    viewer.watch(&room.name).await;
    let params = format!(r#"["{}"]"#, "x".repeat(60_000));
    let said = (0..40).map(|_| frame::publish("", Kind::Event, "k", &params));
    let ping = std::iter::once(r#"{"type":"ping","id":"p"}"#.to_owned());
    let speak = async { owner.send_all(said.chain(ping)).await };
    // The viewer reads, so that only the interval slows the owner.
    let listen = async {
        for _ in 0..40 {
            assert!(matches!(next(&mut viewer).await, Frame::Message(_)));
        }
    };
    let begun = Instant::now();
    tokio::join!(speak, listen);
    let mut alive = 0;
    loop {
        match next(&mut owner).await {
            Frame::Alive { next_ms, .. } => {
                assert_eq!(next_ms, Some(5_000), "what is told stands behind the wait too");
                alive += 1;
            }
            Frame::Pong { id, seq } => {
                assert_eq!((id.as_str(), seq), ("p", 40), "behind what was said before it");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(3), "the owner was not slowed: {:?}", begun.elapsed());
    assert!(alive >= 3, "{alive} signs of life in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_a_shorter_interval_when_somebody_watches_and_a_longer_one_when_nobody_does() {
    let house = House::open(Config { ping_interval: Limit::Max(Duration::from_secs(8)), ..Config::default() }).await;
    let mut owner = connect(&house).await;
    owner.send(&frame::create("c")).await;
    let Frame::Created { room, next_ms, .. } = next(&mut owner).await else { panic!("no room") };
    assert_eq!(next_ms, Some(8_000));
    let mut viewer = connect(&house).await;
    let came = Instant::now();
    viewer.send(&frame::join("j", &room, None)).await;
    let Frame::Joined(joined) = next(&mut viewer).await else { panic!("not in") };
    assert_eq!(joined.next_ms, Some(8_000));
    assert_eq!(next(&mut owner).await, Frame::Alive { seq: 0, next_ms: Some(5_000) });
    assert!(came.elapsed() < Duration::from_secs(3), "it was told when it was due: {:?}", came.elapsed());
    drop(viewer);
    let told = Instant::now();
    assert_eq!(next(&mut owner).await, Frame::Alive { seq: 0, next_ms: Some(8_000) });
    assert!(told.elapsed() < Duration::from_secs(6), "it was told 5 s: {:?}", told.elapsed());

    let lifted = House::open(Config { ping_interval: Limit::None, ..Config::default() }).await;
    let mut owner = connect(&lifted).await;
    owner.send(&frame::create("c")).await;
    let Frame::Created { next_ms, alive_ms, .. } = next(&mut owner).await else { panic!("no room") };
    assert_eq!((next_ms, alive_ms), (None, 0), "no heartbeats, no promise");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_told_for_how_long_the_owner_has_been_away() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut first) = (connect(&house).await, connect(&house).await);
    let room = owner.open_room().await;
    first.watch(&room.name).await;
    drop(owner);
    let Frame::Owner { status: Status::Away, away_ms: Some(at_once), .. } = next(&mut first).await else {
        panic!("it is not away")
    };
    let begun = Instant::now();
    assert!(at_once < 1_000, "{at_once}");
    let mut least = 0;
    // A viewer that joins later is sent a longer time, by as much as has passed.
    until("a second has passed", || begun.elapsed() > Duration::from_millis(100)).await;
    for _ in 0..2 {
        let passed = begun.elapsed();
        let mut late = connect(&house).await;
        late.send(&frame::join("j", &room.name, None)).await;
        let Frame::Joined(joined) = next(&mut late).await else { panic!("not in") };
        let away = joined.away_ms.expect("it is away");
        assert!(u128::from(away) >= passed.as_millis() && away >= least, "{away} of {passed:?}");
        least = away;
    }
    let mut back = connect(&house).await;
    let (_, _) = back.take_over(&room).await;
    assert!(matches!(next(&mut first).await, Frame::Owner { status: Status::Live, away_ms: None, .. }));
}

/// Returns the reason that a viewer gets for the end of its room.
async fn why(viewer: &mut Client<tokio::io::DuplexStream>) -> String {
    loop {
        match viewer.frame().await {
            Frame::Closed { reason, why } => {
                assert_eq!(reason, "room_closed");
                return why.expect("a room that has ended has a cause");
            }
            Frame::Owner { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn those_in_a_room_are_told_why_it_has_ended() {
    let config = Config {
        owner_grace: Limit::Max(Duration::from_millis(100)),
        ping_interval: Limit::None,
        room_idle_timeout: Limit::Max(Duration::from_millis(50)),
        ..Config::default()
    };
    for expected in ["owner", "grace", "admin", "restart"] {
        let manager = Manager::new(config.clone());
        let (mut owner, mut viewer) =
            (connect_in_memory(&manager, 4_096).await, connect_in_memory(&manager, 4_096).await);
        owner.send(&frame::create("c")).await;
        let Frame::Created { room, .. } = owner.frame().await else { panic!("no room") };
        viewer.watch(&room).await;
        match expected {
            "owner" => owner.send(r#"{"type":"close"}"#).await,
            "grace" => drop(owner),
            "admin" => assert!(manager.close_room(&room.parse().unwrap())),
            _ => drop(tokio::spawn({
                let manager = manager.clone();
                async move { manager.shutdown().await }
            })),
        }
        assert_eq!(why(&mut viewer).await, expected);
    }
}
