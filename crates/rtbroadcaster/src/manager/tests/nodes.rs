//! Rooms over several nodes, over a simulated log under a paused clock: what clients of one node see of another.

mod drain;
mod losses;
mod saga;
mod searches;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_client::{Heard, Status, Target, Viewer};
use rtbroadcaster_core::id::{Life, RoomName, Seq};
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::record::Lives;
use rtbroadcaster_core::refusal::PublishError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::*;
use crate::clock::Clock;
use crate::engine::Health;
use crate::engine::shared::SharedEngine;
use crate::engine::shared::sea::Sea;
use crate::os_random::OsRandom;
use crate::rights::Rights;
use crate::server::Server;

/// Returns a node at this log.
fn node(sea: &Arc<Sea>, number: u32, config: &Config) -> Manager {
    node_with_clock(sea, number, config, Clock::of_the_world())
}

fn node_with_clock(sea: &Arc<Sea>, number: u32, config: &Config, clock: Clock) -> Manager {
    let server = Server::new(config.clone(), clock);
    let health = watch::Sender::new(Health::Fine).subscribe();
    let engine = SharedEngine::start(sea.node(number), Arc::new(OsRandom), health);
    let lives = Arc::new(Lives::only(Life::random(&OsRandom)));
    let secret = config.secret.clone().expect("every node has the same");
    server.take_over(Arc::new(engine), Vec::new(), lives, secret);
    Manager(Arc::new(server))
}

/// Returns a log without faults, and nodes at it.
fn nodes<const N: usize>() -> (Arc<Sea>, [Manager; N]) {
    let (sea, config) = (Sea::new(7), config());
    let nodes = std::array::from_fn(|number| node(&sea, u32::try_from(number).unwrap(), &config));
    (sea, nodes)
}

fn config() -> Config {
    Config { secret: Some(Secret::random(&OsRandom)), ..Config::default() }
}

fn target(manager: &Manager) -> Target {
    manager.in_memory(Rights::anything())
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what).await.expect("in time")
}

/// Waits until a viewer has the message `seq`.
async fn has(viewer: &Viewer, seq: Seq) {
    let mut state = viewer.watch_state();
    let outcome = timeout(Duration::from_secs(60), state.wait_for(|state| state.seq() >= seq)).await;
    outcome.unwrap_or_else(|_| panic!("{:?} at {} of {seq}", viewer.status(), viewer.state().seq())).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_room_of_one_node_is_watched_owned_and_ended_on_another() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    assert_eq!(viewer.state().parse::<[u8; 1]>("slide").unwrap().unwrap(), [1]);
    let seq = owner.publish(Message::state("slide", [2]).unwrap()).await.unwrap();
    has(&viewer, seq).await;
    assert_eq!(viewer.status(), Status::Live);

    let newer = there.own(&owner.room(), owner.key()).await.unwrap();
    assert_eq!(newer.term(), 2);
    assert_eq!(owner.publish(Message::event("late", ()).unwrap()).await, Err(PublishError::Fenced));
    let seq = newer.publish(Message::state("slide", [3]).unwrap()).await.unwrap();
    assert_eq!(seq.get(), 3);
    has(&viewer, seq).await;
    let there_again = Viewer::join(target(&here), owner.room()).unwrap();
    soon(there_again.inside()).await.unwrap();
    has(&there_again, seq).await;
    newer.close().await.unwrap();
    for viewer in [viewer, there_again] {
        let mut status = viewer.watch_status();
        let closed = soon(status.wait_for(|status| status.closing().is_some())).await.unwrap().clone();
        assert_eq!(closed.closing().and_then(|closing| closing.why()).map(ToString::to_string), Some("owner".into()));
    }
    assert_eq!((here.rooms().len(), there.rooms().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_away_and_back_on_every_node_and_its_grace_ends_the_room() {
    let (_sea, [here, there]) = nodes();
    let options = RoomOptions::new().with_grace(Duration::from_secs(60));
    let owner = here.create_room_with(options).await.unwrap();
    let (room, key) = (owner.room(), owner.key().clone());
    let viewer = Viewer::join(target(&there), room.clone()).unwrap();
    soon(viewer.inside()).await.unwrap();
    let mut status = viewer.watch_status();
    drop(owner);
    soon(status.wait_for(|status| matches!(status, Status::Away { .. }))).await.unwrap();
    let owner = there.own(&room, &key).await.unwrap();
    soon(status.wait_for(|status| *status == Status::Live)).await.unwrap();
    drop(owner);
    let closed = timeout(Duration::from_secs(90), status.wait_for(|status| status.closing().is_some())).await;
    let closed = closed.unwrap().unwrap().clone();
    assert_eq!(closed.closing().and_then(|closing| closing.why()).map(ToString::to_string), Some("grace".into()));
    assert!(there.own(&room, &key).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn ephemeral_messages_reach_viewers_on_every_node() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    let mut messages = viewer.messages();
    owner.publish(Message::ephemeral("pointer", [1, 2]).unwrap()).await.unwrap();
    let heard = soon(async {
        loop {
            match messages.next().await {
                Some(Heard::Message(message)) => return message.key().to_owned(),
                Some(_) => {}
                None => panic!("over"),
            }
        }
    });
    assert_eq!(heard.await, "pointer");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_given_once_over_all_nodes_and_again_after_the_end() {
    let (_sea, [here, there]) = nodes();
    let named = || RoomOptions::new().with_name("final".parse::<RoomName>().unwrap());
    let owner = here.create_room_with(named()).await.unwrap();
    assert_eq!(there.create_room_with(named()).await.err(), Some(CreateError::Exists));
    // What that node has of this name now is the room of the other one.
    let seq = owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    has(&viewer, seq).await;
    let (room, key) = (owner.room(), owner.key().clone());
    owner.close().await.unwrap();
    assert!(there.own(&room, &key).await.is_err());
    // The log keeps the end for a minute.
    sleep(Duration::from_secs(61)).await;
    let again = there.create_room_with(named()).await.unwrap();
    assert!(here.own(&room, &key).await.is_err(), "it has another key");
    drop(again);
}

#[tokio::test(start_paused = true)]
async fn viewers_come_back_to_another_node_without_a_loss() {
    let (_sea, [first, second, third]) = nodes();
    let owner = first.create_room().await.unwrap();
    // The node that a viewer reaches next.
    let at = Arc::new(std::sync::Mutex::new(second.clone()));
    let viewer = {
        let at = Arc::clone(&at);
        // A connection to one node, then to another.
        let reach = move || Some(at.lock().unwrap().connect(Rights::anything().into()));
        Viewer::join(Target::in_memory(reach), owner.room()).unwrap()
    };
    soon(viewer.inside()).await.unwrap();
    let mut messages = viewer.messages();
    for number in 1..=3 {
        owner.publish(Message::event("n", [number]).unwrap()).await.unwrap();
    }
    *at.lock().unwrap() = third.clone();
    tokio::spawn(async move { second.shutdown().await });
    for number in 4..=6 {
        owner.publish(Message::event("n", [number]).unwrap()).await.unwrap();
        sleep(Duration::from_millis(700)).await;
    }
    let mut heard = Vec::new();
    while heard.len() < 6 {
        match soon(messages.next()).await {
            Some(Heard::Message(message)) => heard.push(message.params().parse::<[u8; 1]>().unwrap()[0]),
            Some(Heard::State { reset, .. }) => assert!(reset.is_none(), "{reset:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_a_node_does_not_need_leaves_it_and_is_found_again() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    viewer.leave().await;
    sleep(Duration::from_secs(130)).await;
    assert_eq!((here.rooms().len(), there.rooms().len()), (1, 0));
    let seq = owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    has(&viewer, seq).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_has_publishes_wait_and_refuses_after_ten_seconds() {
    let (sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    sea.loses_leader(Duration::from_secs(6));
    let waited = owner.publish(Message::state("slide", [1]).unwrap());
    assert_eq!(soon(waited).await.map(Seq::get), Ok(1), "it is written once there is a leader again");
    sea.loses_leader(Duration::from_secs(30));
    let begun = tokio::time::Instant::now();
    assert_eq!(soon(owner.publish(Message::state("slide", [2]).unwrap())).await, Err(PublishError::Unavailable));
    assert!((10..13).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(viewer.status(), Status::Live, "viewers stay");
    let unknown = RoomId::random(&OsRandom);
    assert_eq!(
        there.own(&unknown, owner.key()).await.err(),
        Some(OwnError::Unavailable),
        "whether it exists is not known"
    );
    sleep(Duration::from_secs(40)).await;
    // What was refused was on its way, and is written once.
    let seq = soon(owner.publish(Message::state("slide", [3]).unwrap())).await.unwrap();
    assert_eq!(seq.get(), 3);
    has(&viewer, seq).await;
}

#[tokio::test(start_paused = true)]
async fn a_history_of_thousands_is_short_in_the_log_and_whole_on_a_fresh_node() {
    let (sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    owner.publish(Message::state("title", ["x"]).unwrap().with_id("first").unwrap()).await.unwrap();
    for number in 0..3_000_u32 {
        owner.publish(Message::state("n", [number]).unwrap()).await.unwrap();
    }
    sleep(Duration::from_secs(2)).await;
    let stored = sea.entries(&owner.room()).len();
    assert!(stored < 2_500, "{stored} entries");
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    let state = viewer.state();
    assert_eq!((state.seq().get(), state.len()), (3_001, 2));
    assert_eq!(state.parse::<[u32; 1]>("n").unwrap().unwrap(), [2_999]);
    let newer = there.own(&owner.room(), owner.key()).await.unwrap();
    let again = newer.publish(Message::state("title", ["x"]).unwrap().with_id("first").unwrap()).await.unwrap();
    assert_eq!(again.get(), 1, "its id is known");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_gone_leaves_its_owners_away_on_the_others() {
    let (sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let viewer = Viewer::join(target(&there), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    let mut status = viewer.watch_status();
    sleep(Duration::from_secs(20)).await;
    sea.cut(0, true);
    let begun = tokio::time::Instant::now();
    soon(status.wait_for(|status| matches!(status, Status::Away { .. }))).await.unwrap();
    assert!((4..10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    sea.cut(0, false);
    soon(status.wait_for(|status| *status == Status::Live)).await.unwrap();
    let seq = soon(owner.publish(Message::state("slide", [1]).unwrap())).await.unwrap();
    has(&viewer, seq).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_cut_off_while_its_room_ended_does_not_have_it_any_more() {
    for is_named_again in [false, true] {
        let (sea, [here, there]) = nodes();
        let named = || RoomOptions::new().with_name("final".parse::<RoomName>().unwrap());
        let owner = here.create_room_with(named()).await.unwrap();
        for number in 0..300 {
            owner.publish(Message::state("n", [number]).unwrap()).await.unwrap();
        }
        let (room, key) = (owner.room(), owner.key().clone());
        let viewer = Viewer::join(target(&here), room.clone()).unwrap();
        soon(viewer.inside()).await.unwrap();
        sea.cut(0, true);
        let newer = there.own(&room, &key).await.unwrap();
        newer.close().await.unwrap();
        sleep(Duration::from_secs(300)).await;
        let again = if is_named_again {
            let again = there.create_room_with(named()).await.unwrap();
            again.publish(Message::state("new", [1]).unwrap()).await.unwrap();
            Some(again)
        } else {
            None
        };
        sleep(Duration::from_secs(300)).await;
        sea.cut(0, false);
        sleep(Duration::from_secs(30)).await;
        assert!(owner.publish(Message::event("late", ()).unwrap()).await.is_err());
        match again {
            None => {
                let mut status = viewer.watch_status();
                let closed = soon(status.wait_for(|status| status.closing().is_some())).await.unwrap().clone();
                assert_eq!(closed.closing().unwrap().reason(), "no_room");
                assert!(here.rooms().is_empty() && there.rooms().is_empty());
            }
            Some(again) => {
                // It finds the room that has the name now, with nothing of the one before.
                soon(viewer.watch_state().wait_for(|state| state.seq().get() == 1)).await.unwrap();
                assert!(viewer.state().parse::<[u8; 1]>("new").is_some() && viewer.state().len() == 1);
                assert!(here.own(&room, &key).await.is_err(), "it has another key");
                let mine = here.own(&room, again.key()).await.unwrap();
                assert_eq!(mine.publish(Message::event("mine", ()).unwrap()).await.unwrap().get(), 2);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_week_of_silence_loses_no_room() {
    let (sea, [here, there]) = nodes();
    let mut owners = Vec::new();
    for messages in [0, 1, 5] {
        let owner = here.create_room().await.unwrap();
        for number in 0..messages {
            owner.publish(Message::state(&format!("k{number}"), [number]).unwrap()).await.unwrap();
        }
        owners.push((owner, messages));
    }
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(7 * 24 * 3_600) {
        sleep(Duration::from_secs(3_600)).await;
        sea.forget_older_than(Duration::from_secs(3 * 24 * 3_600));
        for (owner, _) in &owners {
            let age = sea.age_of_last(&owner.room());
            assert!(age < Duration::from_secs(9 * 3_600), "its newest entry is {age:?} old");
        }
    }
    for (owner, messages) in owners {
        let viewer = Viewer::join(target(&there), owner.room()).unwrap();
        soon(viewer.inside()).await.unwrap();
        assert_eq!((viewer.state().seq().get(), viewer.state().len()), (messages, usize::try_from(messages).unwrap()));
        assert_eq!(owner.publish(Message::state("more", [2]).unwrap()).await.unwrap().get(), messages + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_the_grace_ends_no_room_whose_owner_is_there() {
    for all in [false, true] {
        let (sea, [here, there]) = nodes();
        let owner = here.create_room_with(RoomOptions::new().with_grace(Duration::from_secs(60))).await.unwrap();
        let viewer = Viewer::join(target(&there), owner.room()).unwrap();
        soon(viewer.inside()).await.unwrap();
        sleep(Duration::from_secs(20)).await;
        sea.cut(1, true);
        if all {
            sea.cut(0, true);
        }
        sleep(Duration::from_secs(600)).await;
        sea.cut(1, false);
        sea.cut(0, false);
        let seq = soon(owner.publish(Message::state("n", [1]).unwrap())).await.unwrap();
        has(&viewer, seq).await;
        let live = soon(async { viewer.watch_status().wait_for(|status| *status == Status::Live).await.is_ok() }).await;
        assert!(live, "all: {all}, {:?}", viewer.status());
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_room_is_absent_at_once_and_takeovers_that_come_too_late_are_told() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let (room, key) = (owner.room(), owner.key().clone());
    let viewer = Viewer::join(target(&there), room.clone()).unwrap();
    soon(viewer.inside()).await.unwrap();
    let newer = here.own(&room, &key).await.unwrap();
    let (closed, late) = soon(async { tokio::join!(newer.close(), there.own(&room, &key)) }).await;
    assert!(closed.is_ok() || late.is_ok(), "{closed:?}");
    if closed.is_ok() {
        let begun = tokio::time::Instant::now();
        assert_eq!(there.own(&room, &key).await.err(), Some(OwnError::NoRoom));
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_stays_through_a_takeover_is_resumed_after_it() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let cut = watch::Sender::new(0);
    let viewer = {
        let (node, cut) = (here.clone(), cut.subscribe());
        let reach = move || {
            let mut cut = cut.clone();
            let before = *cut.borrow_and_update();
            let (end, mut between) = tokio::io::duplex(16 * 1024);
            let mut server = node.connect(Rights::anything().into());
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut between, &mut server) => {}
                    _ = cut.wait_for(|times| *times > before) => {}
                }
            });
            Some(end)
        };
        Viewer::join(Target::in_memory(reach), owner.room()).unwrap()
    };
    soon(viewer.inside()).await.unwrap();
    let mut messages = viewer.messages();
    owner.publish(Message::event("n", [1]).unwrap()).await.unwrap();
    let newer = there.own(&owner.room(), owner.key()).await.unwrap();
    let seq = newer.publish(Message::event("n", [2]).unwrap()).await.unwrap();
    has(&viewer, seq).await;
    cut.send_modify(|times| *times += 1);
    let seq = newer.publish(Message::event("n", [3]).unwrap()).await.unwrap();
    has(&viewer, seq).await;
    let mut numbers = Vec::new();
    while numbers.len() < 3 {
        match soon(messages.next()).await {
            Some(Heard::Message(message)) => numbers.push(message.params().parse::<[u8; 1]>().unwrap()[0]),
            Some(Heard::State { reset, .. }) => assert!(reset.is_none(), "{reset:?}"),
            Some(_) => {}
            None => panic!("over"),
        }
    }
    assert_eq!(numbers, [1, 2, 3]);
}
