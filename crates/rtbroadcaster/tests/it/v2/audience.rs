//! How many watch, how many of them lag and how far they are behind, as owners and viewers are told.

use std::time::{Duration, Instant};

use rtbroadcaster::{Audience, Config, Limit, Message, Owner, RoomOptions};
use tokio::sync::watch;

use super::dice::Dice;
use super::frame::{self, Frame};
use super::viewer::{connect, connect_narrow};
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, within, within_time};

/// Waits until `told` is as wanted.
async fn until(
    told: &mut watch::Receiver<Option<Audience>>,
    what: &str,
    wanted: impl Fn(&Audience) -> bool,
) -> Audience {
    let wanted = |audience: &Option<Audience>| audience.as_ref().is_some_and(&wanted);
    within_time(LONG, what, told.wait_for(wanted)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_of_the_first_and_the_last_at_once_and_of_all_others_within_a_second() {
    let house = House::open(Config::default()).await;
    let (owner, room) = house.rust_owner().await;
    let mut told = owner.audience();
    assert_eq!(*told.borrow_and_update(), Some(Audience::default()));
    let mut first = connect(&house).await;
    first.watch(&room).await;
    within("the first", told.changed()).await.unwrap();
    let at = Instant::now();
    assert_eq!(told.borrow_and_update().unwrap().viewers, 1);
    let mut others = Vec::new();
    for _ in 0..5 {
        let mut other = connect(&house).await;
        other.watch(&room).await;
        others.push(other);
    }
    within("the others", told.changed()).await.unwrap();
    // Notified less than a second after that only if another listener was notified before.
    assert!(at.elapsed() > Duration::from_millis(900), "{:?}", at.elapsed());
    until(&mut told, "all six", |audience| audience.viewers == 6).await;
    assert_eq!(owner.audience().borrow().unwrap().viewers, 6, "also for whoever asks later");
    drop((first, others));
    until(&mut told, "none", |audience| audience.viewers == 0).await;
    owner.close().await.unwrap();
    within("the end", told.changed()).await.unwrap_err();
}

/// Speaks until `told` is as wanted, so that something waits for those who do not read.
async fn speak_until(
    owner: &mut Owner,
    told: &mut watch::Receiver<Option<Audience>>,
    wanted: impl Fn(&Audience) -> bool,
) {
    let text = "x".repeat(20_000);
    let speaking = async {
        while !wanted(&told.borrow_and_update().unwrap()) {
            owner.publish(Message::event("k", [&text])).await.unwrap();
            // The others read meanwhile.
            let _ = tokio::time::timeout(Duration::from_millis(20), told.changed()).await;
        }
    };
    within_time(LONG, "they lag", speaking).await;
}

/// Reads everything on a task of its own until it is closed.
fn read(mut client: Client) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move { while matches!(client.next_at_any_time().await, Came::Text(_)) {} })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_lags_until_it_reads_or_goes() {
    let house = House::open(Config { backlog_bytes_max: Limit::None, ..Config::default() }).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut told = owner.audience();
    let mut quick = connect(&house).await;
    quick.watch(&room).await;
    let quick = read(quick);
    let (mut one, mut two) = (connect_narrow(&house).await, connect_narrow(&house).await);
    one.watch(&room).await;
    two.watch(&room).await;
    speak_until(&mut owner, &mut told, |audience| (audience.viewers, audience.lagging) == (3, 2)).await;
    let behind =
        until(&mut told, "they fall behind", |audience| audience.behind_p95 > Duration::from_millis(500)).await;
    assert!(behind.behind_p95 < LONG, "{behind:?}");
    // One of them catches up, and the other goes.
    let one = read(one);
    let left = until(&mut told, "one has caught up", |audience| audience.lagging == 1).await;
    assert_eq!(left.viewers, 3);
    drop(two);
    let rest = until(&mut told, "nobody lags", |audience| audience.viewers == 2).await;
    let rest =
        if rest.lagging == 0 { rest } else { until(&mut told, "nobody lags", |audience| audience.lagging == 0).await };
    assert_eq!((rest.lagging, rest.behind_p95), (0, Duration::ZERO));
    quick.abort();
    one.abort();
}

/// What an owner or viewer is told next of the audience.
async fn audience(client: &mut Client) -> (usize, Option<usize>) {
    match client.next_of_all().await {
        Came::Text(text) => match frame::read(&text) {
            Frame::Audience { viewers, lagging, .. } => (viewers, lagging),
            other => panic!("expected how many watch, but came {other:?}"),
        },
        other => panic!("expected how many watch, but came {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_comes_is_told_once_a_second_and_when_it_is_there_nothing_more() {
    const CROWD: usize = 300;
    // However long a busy machine takes to let them in, no heartbeat is heard meanwhile.
    let quiet = Config { ping_interval: Limit::None, ..Config::default() };
    let house = House::open(Config { handshakes_per_address_per_second: Limit::None, ..quiet }).await;
    let owner = house.manager.create_room_with(RoomOptions::new().with_audience()).await.unwrap();
    let (room, key) = (owner.room().to_string(), owner.key().as_str().to_owned());
    let mut speaker = connect(&house).await;
    speaker.send(&frame::own("own", &room, &key)).await;
    assert!(matches!(speaker.frame().await, Frame::Owned(_)));
    let mut first = connect(&house).await;
    first.watch(&room).await;
    let began = Instant::now();
    let mut crowd = Vec::new();
    for _ in 1..CROWD {
        let mut viewer = connect(&house).await;
        viewer.watch(&room).await;
        crowd.push(viewer);
    }
    let (mut to_owner, mut to_first) = (Vec::new(), Vec::new());
    while to_owner.last() != Some(&CROWD) {
        let (viewers, lagging) = audience(&mut speaker).await;
        assert!(lagging.is_some());
        to_owner.push(viewers);
    }
    while to_first.last() != Some(&CROWD) {
        let (viewers, lagging) = audience(&mut first).await;
        assert_eq!(lagging, None, "that is for the owner");
        to_first.push(viewers);
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    for told in [&to_owner, &to_first] {
        assert!(told.is_sorted() && told.len() <= seconds + 3, "in {seconds} s came {told:?}");
    }
    assert_eq!((to_owner[0], to_first[0]), (1, 1));
    let more = async {
        tokio::select! {
            more = speaker.next_of_all() => more,
            more = first.next_of_all() => more,
        }
    };
    tokio::time::timeout(Duration::from_millis(2_200), more).await.expect_err("nothing has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_and_goes_at_random_when_all_is_quiet_the_number_is_exact() {
    let house = House::open(Config { handshakes_per_address_per_second: Limit::None, ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut told = owner.audience();
    let mut dice = Dice::new();
    let mut there: Vec<Client> = Vec::new();
    for _ in 0..3 {
        for _ in 0..40 {
            if dice.below(3) == 0 && !there.is_empty() {
                let place = usize::try_from(dice.below(there.len() as u64)).unwrap();
                drop(there.swap_remove(place));
            } else {
                let mut viewer = if dice.below(2) == 0 { connect(&house).await } else { house.client().await };
                if viewer.subprotocol.is_some() {
                    viewer.watch(&room).await
                } else {
                    viewer.join(&room).await
                }
                there.push(viewer);
            }
        }
        until(&mut told, "the right number", |audience| audience.viewers == there.len()).await;
    }
    there.clear();
    until(&mut told, "nobody", |audience| audience.viewers == 0).await;
}

/// Reads, whatever else comes, until it is told that so many watch.
async fn until_told(client: &mut Client, wanted: usize) {
    let reading = async {
        loop {
            match client.next_of_all().await {
                Came::Text(text) if matches!(frame::read(&text), Frame::Audience { viewers, .. } if viewers == wanted) =>
                {
                    break;
                }
                Came::Text(_) => {}
                other => panic!("expected how many watch, but came {other:?}"),
            }
        }
    };
    within_time(LONG, "the right number", reading).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_while_the_number_was_another_is_told_when_it_is_as_before() {
    let house = House::open(Config::default()).await;
    let owner = house.manager.create_room_with(RoomOptions::new().with_audience()).await.unwrap();
    let (room, key) = (owner.room().to_string(), owner.key().as_str().to_owned());
    let (mut one, mut two, mut three) = (connect(&house).await, connect(&house).await, connect(&house).await);
    let mut speaker = connect(&house).await;
    one.watch(&room).await;
    two.watch(&room).await;
    until_told(&mut one, 2).await;
    // Within a second of that, so that only the two who come are notified of the third.
    three.watch(&room).await;
    speaker.send(&frame::own("own", &room, &key)).await;
    until_told(&mut three, 3).await;
    until_told(&mut speaker, 3).await;
    drop(two);
    until_told(&mut three, 2).await;
    until_told(&mut speaker, 2).await;
}
