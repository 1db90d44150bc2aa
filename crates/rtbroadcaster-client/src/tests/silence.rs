//! Tests of silent paths, sleeping machines and slow links: when a client probes, what it shows, and when it
//! reconnects.

use std::time::Duration;

use rtbroadcaster_core::message::Message;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::script::{Peer, Server, bell, next, reaches, soon, telling};
use crate::{Options, Owner, Status, Viewer};

/// A client of either role.
struct Client {
    status: watch::Receiver<Status>,
    server: Server,
    peer: Peer,
    _viewer: Option<Viewer>,
    owner: Option<Owner>,
}

/// Returns a client of this role in the room of a server that plans a frame each 5 s.
async fn inside(is_owner: bool) -> Client {
    if is_owner {
        let (opening, mut server) = Server::owner(
            crate::owner::Beginning::Create(rtbroadcaster_core::options::RoomOptions::default()),
            Options::default(),
        );
        let mut peer = server.accept().await;
        peer.creates_with(telling(5_000)).await;
        let owner = soon(opening).await.unwrap().unwrap();
        let status = owner.watch_status();
        soon(status.clone().wait_for(|status| *status == Status::Live)).await.unwrap();
        return Client { status, server, peer, _viewer: None, owner: Some(owner) };
    }
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(telling(5_000)).await;
    soon(viewer.inside()).await.unwrap();
    Client { status: viewer.watch_status(), server, peer, _viewer: Some(viewer), owner: None }
}

impl Client {
    /// Returns after how many milliseconds the status is this.
    async fn until(&mut self, is_it: impl FnMut(&Status) -> bool) -> u128 {
        let begun = Instant::now();
        soon(self.status.wait_for(is_it)).await.unwrap();
        begun.elapsed().as_millis()
    }

    async fn comes_back(&mut self) {
        self.peer = self.server.accept().await;
        let is_owner = self.owner.is_some();
        let answer = self.peer.asked().await;
        let mut members = json!({"type": "owned", "id": answer["id"], "epoch": "e", "term": 2, "seq": 0, "replay": 0,
            "how": "resumed", "aliveMs": 25_000});
        if !is_owner {
            members["type"] = json!("joined");
        }
        members.as_object_mut().unwrap().extend(telling(5_000).as_object().unwrap().clone());
        self.peer.says(members).await;
        self.until(|status| *status == Status::Live).await;
    }
}

fn is_near(found: u128, expected: u128) {
    assert!((expected - 5..expected + 20).contains(&found), "{found} ms and not {expected}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_silent_is_asked_doubted_and_left() {
    for is_owner in [false, true] {
        let mut client = inside(is_owner).await;
        let begun = Instant::now();
        let ping = client.peer.asked().await;
        assert_eq!(ping, json!({"type": "ping", "id": "p1"}));
        is_near(begun.elapsed().as_millis(), 10_000);
        assert_eq!(*client.status.borrow(), Status::Live);
        // Without a slow answer before, the end comes with the doubt.
        let is_out = |status: &Status| matches!(status, Status::Resuming { after, .. } if after.reason() == "silent");
        is_near(client.until(is_out).await, 1_500);
        client.comes_back().await;
        assert!(begun.elapsed() < Duration::from_millis(12_200), "{:?}", begun.elapsed());
        let ping = client.peer.asked().await;
        sleep(Duration::from_millis(2_000)).await;
        client.peer.says(json!({"type": "pong", "id": ping["id"], "seq": 0})).await;
        client.until(|status| *status == Status::Live).await;
        client.peer.asked().await;
        is_near(client.until(|status| *status == Status::Checking).await, 1_500);
        // Twice the slowest answer, doubled since a probe has ended a connection.
        is_near(client.until(is_out).await, 6_500);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_late_is_doubted_and_not_left() {
    for is_owner in [false, true] {
        let mut client = inside(is_owner).await;
        // A fast answer, then one that takes almost twice as long as the slowest before.
        for millis in [0, 1_400, 2_700] {
            let ping = client.peer.asked().await;
            sleep(Duration::from_millis(millis)).await;
            let expected = if millis > 1_500 { Status::Checking } else { Status::Live };
            assert_eq!(*client.status.borrow(), expected, "after {millis} ms");
            client.peer.says(json!({"type": "pong", "id": ping["id"], "seq": 0})).await;
            client.peer.is_heard().await;
            assert_eq!(*client.status.borrow(), Status::Live);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_without_an_answer_has_the_server_asked_and_old_servers_are_asked_nothing() {
    let mut client = inside(true).await;
    let owner = client.owner.take().unwrap();
    let _ticket = soon(owner.send(bell(1))).await.unwrap();
    let said = client.peer.asked().await;
    assert_eq!(said["type"], "publish");
    let begun = Instant::now();
    for second in [2, 4, 6] {
        client.peer.pongs().await;
        is_near(begun.elapsed().as_millis(), second * 1_000);
    }
    client.peer.acks(&said, 1).await;
    client.peer.pongs().await;
    is_near(begun.elapsed().as_millis(), 16_000);

    let (owner, _server, mut peer) = Server::created(Options::default()).await;
    let _ticket = soon(owner.send(bell(1))).await.unwrap();
    peer.asked().await;
    owner.reconnect();
    assert!(timeout(Duration::from_secs(40), peer.asked()).await.is_err(), "an old server does not know pings");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_goes_on_speaking_on_a_dead_path_leaves_it_as_soon_as_another() {
    for next_ms in [5_000, 25_000] {
        let (opening, mut server) = Server::owner(
            crate::owner::Beginning::Create(rtbroadcaster_core::options::RoomOptions::default()),
            Options::default(),
        );
        // The path carries all of the owner's data, and no data comes back.
        let mut peer = server.accept_slow(1 << 20).await;
        peer.creates_with(telling(next_ms)).await;
        let owner = soon(opening).await.unwrap().unwrap();
        let mut status = owner.watch_status();
        soon(status.wait_for(|status| *status == Status::Live)).await.unwrap();
        let begun = Instant::now();
        let mut checked = None;
        let mut tickets = Vec::new();
        // 20 a second, 2 KB together.
        while status.borrow_and_update().is_inside() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is never left");
            if *status.borrow() == Status::Checking {
                checked.get_or_insert_with(|| begun.elapsed().as_millis());
            }
            tickets.push(soon(owner.send(Message::event("bell", ["x".repeat(50)]).unwrap())).await.unwrap());
            sleep(Duration::from_millis(50)).await;
        }
        let left = begun.elapsed().as_millis();
        assert!(checked.is_some_and(|checked| checked < 3_700), "doubted after {checked:?} ms");
        assert!(left < 6_000, "left after {left} ms, where the next frame was due in {next_ms}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_the_server_is_asked_at_once_and_a_wait_is_cut_short() {
    let (viewer, mut server, slept) = Server::viewer_that_sleeps(&Options::default());
    let mut peer = server.accept().await;
    peer.joins(telling(60_000)).await;
    soon(viewer.inside()).await.unwrap();
    let begun = Instant::now();
    slept.send_modify(|times| *times += 1);
    peer.pongs().await;
    assert!(begun.elapsed() < Duration::from_millis(5));
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Live);
    sleep(Duration::from_secs(1)).await;
    slept.send_modify(|times| *times += 1);
    let woke = Instant::now();
    assert_eq!(peer.last_words().await.len(), 1, "one ping");
    is_near(woke.elapsed().as_millis(), 1_500);
    // Outside: many attempts later the next one is far away, unless the machine sleeps meanwhile.
    for _ in 0..12 {
        server.lose().await;
    }
    reaches(&viewer, |status| matches!(status, Status::Resuming { next: Some(_), failed: 12, .. })).await;
    let woke = Instant::now();
    slept.send_modify(|times| *times += 1);
    // An attempt that hangs since before the next sleep is restarted.
    let _hanging = server.asked().await;
    assert!(woke.elapsed() <= Duration::from_secs(1), "{:?}", woke.elapsed());
    let woke = Instant::now();
    slept.send_modify(|times| *times += 1);
    let mut peer = server.accept().await;
    assert!(woke.elapsed() <= Duration::from_secs(1), "{:?}", woke.elapsed());
    peer.joins(json!({"how": "resumed"})).await;
    reaches(&viewer, |status| *status == Status::Live).await;
}

#[tokio::test(start_paused = true)]
async fn a_program_that_knows_more_has_it_tried_at_once_but_not_before_a_told_moment() {
    let (viewer, _, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(telling(5_000)).await;
    soon(viewer.inside()).await.unwrap();
    viewer.reconnect();
    peer.pongs().await;
    peer.closes(4008, "slow").await;
    for _ in 0..12 {
        server.lose().await;
    }
    reaches(&viewer, |status| matches!(status, Status::Resuming { next: Some(_), failed: 12, .. })).await;
    let asked = Instant::now();
    viewer.reconnect();
    server.answer("503 No\r\nretry-after: 30").await;
    assert!(asked.elapsed() <= Duration::from_millis(1_010), "{:?}", asked.elapsed());
    let told = Instant::now();
    reaches(&viewer, |status| matches!(status, Status::Resuming { next: Some(_), failed: 13, .. })).await;
    viewer.reconnect();
    let _peer = server.accept().await;
    assert!((29_990..30_020).contains(&told.elapsed().as_millis()), "{:?}", told.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_shall_not_come_back_does_not() {
    let options = Options { reconnect: false, ..Options::default() };
    let (viewer, _, mut server) = Server::viewer_with(&options);
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
    peer.cuts().await;
    let Status::Closed(closing) = reaches(&viewer, |status| status.closing().is_some()).await else { panic!() };
    assert!(closing.comes_back(), "{closing}");
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn a_state_of_sixty_kilobytes_gets_in_over_four_a_second() {
    for is_owner in [false, true] {
        let begun = Instant::now();
        let own = crate::owner::Beginning::Own(super::script::room(), super::script::key().parse().unwrap());
        let big = json!({"type": "message", "seq": 1, "key": "slide", "params": ["x".repeat(60_000)], "state": true});
        let (viewer, opening, mut server) = if is_owner {
            let (opening, server) = Server::owner(own, Options::default());
            (None, Some(opening), server)
        } else {
            let (viewer, _, server) = Server::viewer();
            (Some(viewer), None, server)
        };
        let mut peer = server.accept_slow(4_000).await;
        if is_owner {
            peer.owned(json!({"seq": 1, "replay": 1})).await
        } else {
            peer.joins(json!({"seq": 1, "replay": 1})).await
        };
        peer.says(big).await;
        match (viewer, opening) {
            (Some(viewer), _) => soon(viewer.inside()).await.unwrap(),
            (_, Some(opening)) => drop(soon(opening).await.unwrap().unwrap()),
            _ => unreachable!(),
        }
        let millis = begun.elapsed().as_millis();
        assert!((15_000..17_000).contains(&millis), "{millis}: on the first connection");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_slowly_is_a_sign_of_life() {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept_slow(4_000).await;
    peer.joins(telling(5_000)).await;
    soon(viewer.inside()).await.unwrap();
    let mut shown = viewer.watch_status();
    peer.says(json!({"type": "message", "seq": 1, "key": "bell", "params": ["x".repeat(60_000)]})).await;
    next(&mut messages).await;
    assert!(next(&mut messages).await.starts_with("1 bell"));
    assert_eq!((viewer.status(), shown.borrow_and_update().clone()), (Status::Live, Status::Live));
    assert!(timeout(Duration::from_secs(9), shown.changed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_time_for_an_answer_grows_with_each_attempt_that_had_none() {
    let (_viewer, _, mut server) = Server::viewer();
    for seconds in [10, 20, 40, 80, 80] {
        let mut peer = server.accept().await;
        let asked = Instant::now();
        peer.asked().await;
        peer.until_left().await;
        assert_eq!(asked.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_is_off_for_two_seconds_in_fifteen_has_what_was_said_meanwhile_soon_after() {
    let mut late = Vec::new();
    for _ in 0..20 {
        let (viewer, mut messages, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        peer.joins(json!({})).await;
        assert_eq!(next(&mut messages).await, "state 0 of 0");
        for seq in 1..=15_u64 {
            sleep(Duration::from_secs(13)).await;
            peer.cuts().await;
            let off = Instant::now();
            // Attempts fail while it is off.
            let on = off + Duration::from_secs(2);
            while let Ok(()) = tokio::time::timeout_at(on, server.lose()).await {}
            let mut again = server.accept().await;
            again.joins(json!({"how": "resumed", "seq": seq, "replay": 1})).await;
            again.rings(seq).await;
            assert_eq!(next(&mut messages).await, format!("{seq} bell [{seq}]"));
            late.push(off.elapsed());
            peer = again;
        }
        drop(viewer);
    }
    late.sort_unstable();
    let (p99, max) = (late[late.len() * 99 / 100], late[late.len() - 1]);
    println!("of {}: p50 {:?}, p99 {p99:?}, max {max:?}", late.len(), late[late.len() / 2]);
    assert!(p99 <= Duration::from_millis(2_600) && max <= Duration::from_secs(4), "p99 {p99:?}, max {max:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bare_end_of_a_proxy_and_its_other_codes_are_a_cut() {
    for code in [1000, 1014, 1015] {
        let (viewer, _, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        peer.joins(json!({})).await;
        soon(viewer.inside()).await.unwrap();
        peer.closes_bare(code).await;
        let mut peer = server.accept().await;
        peer.joins(json!({"how": "resumed"})).await;
        reaches(&viewer, |status| *status == Status::Live).await;
    }
}
