//! Tests of numbers and floods of a hostile server, on tokio's paused clock. The tests that need sockets are in
//! tests/hostile_servers.

use std::time::Duration;

use rtbroadcaster_core::id::Seq;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

use super::script::{Server, bell, next, reaches, soon};
use crate::random::Rng;
use crate::{Options, Owner, Status, Viewer};

const HOUR: Duration = Duration::from_secs(3_600);

/// The behaviour of a server on one connection.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// It answers the handshake with this head.
    Answer(&'static str),
    /// It refuses the request, with so many milliseconds to wait.
    Refuse(u64),
    /// It lets the client in, and sends `draining` with so many milliseconds.
    Drain(u64),
    /// It lets the client in, and closes with this code.
    Close(u16),
}

async fn plays(server: &mut Server, way: Way) {
    if let Way::Answer(head) = way {
        return server.answer(head).await;
    }
    let mut peer = server.accept().await;
    if let Way::Refuse(millis) = way {
        let join = peer.asked().await;
        peer.says(json!({"type": "error", "id": join["id"], "code": "rate", "message": "", "retryInMs": millis})).await;
        return peer.until_left().await;
    }
    peer.joins(json!({})).await;
    match way {
        Way::Drain(millis) => {
            peer.says(json!({"type": "draining", "reconnectInMs": millis})).await;
            peer.until_left().await;
        }
        Way::Close(code) => peer.closes(code, "bare").await,
        Way::Answer(_) | Way::Refuse(_) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_keeps_a_client_away_for_an_hour_at_most() {
    for way in [
        Way::Answer("503 No\r\nretry-after: 18446744073709551615"),
        Way::Answer("429 No\r\nretry-after: 99999999999999999999"),
        Way::Refuse(u64::MAX),
        Way::Drain(1 << 63),
    ] {
        let (viewer, _messages, mut server) = Server::viewer();
        // A drain is waited for on the connection.
        let begun = Instant::now();
        plays(&mut server, way).await;
        let mut peer = server.accept().await;
        let waited = begun.elapsed();
        assert!(waited >= HOUR && waited < HOUR + Duration::from_secs(1), "{way:?}: {waited:?}");
        peer.joins(json!({})).await;
        soon(viewer.inside()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_server_has_a_client_connect_again_and_again() {
    for way in [
        Way::Answer("503 No\r\nretry-after: 0"),
        Way::Answer("503 No\r\nretry-after: -1"),
        Way::Refuse(0),
        Way::Refuse(1),
        Way::Drain(0),
        Way::Close(1012),
        Way::Close(4029),
    ] {
        let (_viewer, _messages, mut server) = Server::viewer();
        let (begun, mut connections) = (Instant::now(), 0);
        while begun.elapsed() < HOUR {
            plays(&mut server, way).await;
            connections += 1;
        }
        // An hour has 480 mean delays of half of 15 s.
        assert!((400..600).contains(&connections), "{way:?}: {connections}");
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_of_any_length_are_no_silence_that_was_not_one() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({"aliveMs": u64::MAX})).await;
    soon(viewer.inside()).await.unwrap();
    sleep(24 * HOUR).await;
    peer.is_heard().await;
    assert_eq!(viewer.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_bigger_than_it_may_be_ends_a_viewer_for_good() {
    // Each key takes 256 bytes, 1 for itself and 3 for its parameters.
    let options = Options { state_bytes_max: 2 * 260, ..Options::default() };
    for is_replay in [false, true] {
        let (viewer, mut messages, mut server) = Server::viewer_with(&options);
        let mut peer = server.accept().await;
        peer.joins(if is_replay { json!({"seq": 3, "replay": 3}) } else { json!({}) }).await;
        for (seq, key) in [(1, "a"), (2, "b"), (3, "c")] {
            peer.sets(seq, key).await;
        }
        peer.until_left().await;
        let Status::Closed(closing) = reaches(&viewer, |status| status.closing().is_some()).await else { panic!() };
        assert_eq!((closing.code(), closing.reason(), closing.comes_back()), (1006, "limit", false));
        let expected: &[_] = if is_replay { &[] } else { &["state 0 of 0", "1 a [1]", "2 b [2]"] };
        for expected in expected {
            assert_eq!(next(&mut messages).await, *expected);
        }
        assert!(soon(messages.next()).await.is_none());
        server.is_left_alone().await;
    }
    let (viewer, _messages, mut server) = Server::viewer_with(&options);
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    for seq in 1..=100 {
        peer.sets(seq, if seq % 2 == 0 { "a" } else { "b" }).await;
        if seq > 9 {
            peer.says(json!({"type": "message", "seq": seq, "key": "a", "params": [], "cleared": true})).await;
            break;
        }
    }
    peer.until_left().await;
    assert_eq!(viewer.state().len(), 2, "old values take nothing");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_takes_holds_so_many_bytes_and_the_connection_back() {
    let options = Options { messages_bytes_max: 10_000, ..Options::default() };
    let (viewer, mut messages, mut server) = Server::viewer_with(&options);
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    let said = "x".repeat(1_000);
    for seq in 1..=50 {
        peer.says(json!({"type": "message", "seq": seq, "key": "bell", "params": [said]})).await;
    }
    sleep(Duration::from_secs(100)).await;
    assert_eq!(viewer.status(), Status::Live);
    let seen = viewer.state().seq().get();
    assert!((7..=10).contains(&seen), "{seen}");
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    for seq in 1..=50 {
        assert!(next(&mut messages).await.starts_with(&format!("{seq} bell")));
    }
}

#[tokio::test(start_paused = true)]
async fn signals_that_nobody_takes_are_lost_by_their_bytes_and_counted() {
    let (owner, _server, mut peer) =
        Server::created(Options { messages_bytes_max: 10_000, ..Options::default() }).await;
    let mut signals = owner.signals();
    for _ in 0..20 {
        peer.says(json!({"type": "signal", "key": "hand", "params": ["x".repeat(1_000)]})).await;
    }
    peer.is_heard().await;
    assert!((10..=13).contains(&signals.lost()), "{}", signals.lost());
    assert!(soon(signals.next()).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn of_the_pings_of_a_server_that_does_not_read_the_newest_is_answered_and_nothing_else_is_lost() {
    const PINGS: usize = 5_000;
    let (owner, _server, mut peer) = Server::created(Options::default()).await;
    for number in 0..PINGS {
        peer.pings(format!("{number:0>125}")).await;
    }
    // The biggest allowed message waits behind pongs that the server does not read.
    let said = owner.send(rtbroadcaster_core::message::Message::event("bell", ["x".repeat(65_000)]).unwrap());
    let ticket = soon(said).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let (mut pongs, mut newest) = (0, String::new());
    let mut publish = None;
    while publish.is_none() || !newest.ends_with(&(PINGS - 1).to_string()) {
        match peer.next().await.expect("the client is there") {
            Message::Pong(payload) => (pongs, newest) = (pongs + 1, String::from_utf8(payload.to_vec()).unwrap()),
            Message::Text(text) => publish = serde_json::from_str::<Value>(&text).ok(),
            other => panic!("{other:?}"),
        }
    }
    assert!((500..2_000).contains(&pongs), "{pongs} of {PINGS}");
    peer.acks(&publish.unwrap(), 1).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 1);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_of_what_was_never_said_change_nothing() {
    let (owner, _server, mut peer) = Server::created(Options::default()).await;
    let ticket = soon(owner.send(bell(1))).await.unwrap();
    let asked = peer.asked().await;
    peer.acks(&json!({"id": "never"}), Seq::MAX.get()).await;
    peer.acks(&asked, 1).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 1);
    // Nor does a second one.
    peer.acks(&asked, Seq::MAX.get()).await;
    peer.is_heard().await;
    assert_eq!((owner.cursor().seq.get(), owner.state().seq().get()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_asked_for_is_nonsense() {
    for answer in [
        json!({"type": "owned", "epoch": "e", "term": 9, "seq": 0, "replay": 0}),
        json!({"type": "created", "room": super::script::ROOM, "ownerKey": "f".repeat(64), "epoch": "e", "term": 9, "seq": 0}),
    ] {
        for is_owned in [false, true] {
            let (owner, mut server, mut peer) = Server::created(Options::default()).await;
            let mut entered = json!({"id": "x"});
            if is_owned {
                peer.cuts().await;
                peer = server.accept().await;
                entered = peer.owned(json!({})).await;
                soon(owner.watch_status().wait_for(|status| *status == Status::Live)).await.unwrap();
            }
            let mut again = answer.clone();
            again["id"] = entered["id"].clone();
            peer.says(again).await;
            peer.until_left().await;
            let Status::Resuming { after, .. } = owner.status() else { panic!("{:?}", owner.status()) };
            assert_eq!(after.reason(), "protocol");
            assert_eq!(owner.key().as_str(), super::script::key());
        }
    }
}

/// A frame of any name with any members, most of them such as it may have.
fn any_frame(random: &mut Rng, entering: &Value, asked: &Value) -> String {
    const NAMES: [&str; 14] = [
        "created", "owned", "joined", "message", "skipped", "reset", "owner", "ack", "error", "alive", "audience",
        "signal", "closed", "message",
    ];
    const NUMBERS: [&str; 14] = [
        "0",
        "1",
        "1",
        "2",
        "3",
        "4",
        "5",
        "9007199254740991",
        "9007199254740992",
        "18446744073709551615",
        "-1",
        "1e999",
        "0.5",
        "\"1\"",
    ];
    const TEXTS: [&str; 12] = [
        "live",
        "away",
        "snapshot",
        "resumed",
        "reset",
        "rate",
        "unavailable",
        "e",
        "f",
        "k",
        "\u{1b}[2J",
        "0123456789abcdef0123456789abcdef0",
    ];
    let mut pick = |most: usize| usize::try_from(random.number() % u64::try_from(most).unwrap()).unwrap();
    let mut text = format!(r#"{{"type":"{}""#, NAMES[pick(NAMES.len())]);
    let ids = [entering["id"].to_string(), asked["id"].to_string(), json!("x").to_string()];
    text.push_str(&format!(r#","id":{}"#, ids[pick(3)]));
    for name in ["seq", "through", "until", "replay", "term", "aliveMs", "graceMs", "retryInMs", "viewers", "dropped"] {
        if pick(4) > 0 {
            // Big numbers are rare, or nothing would ever fit.
            let number = if pick(8) > 0 { NUMBERS[pick(7)] } else { NUMBERS[pick(NUMBERS.len())] };
            text.push_str(&format!(r#","{name}":{number}"#));
        }
    }
    for name in ["how", "reason", "owner", "status", "code", "key", "epoch"] {
        if pick(5) > 0 {
            text.push_str(&format!(r#","{name}":{}"#, json!(TEXTS[pick(TEXTS.len())])));
        }
    }
    for member in [r#","params":[1]"#, r#","state":true"#, r#","cleared":true"#, r#","counts":[[["a"],1]]"#] {
        if pick(3) > 0 {
            text.push_str(member);
        }
    }
    format!(r#"{text},"room":"{}","ownerKey":"{}"}}"#, super::script::ROOM, super::script::key())
}

#[tokio::test(start_paused = true)]
async fn no_frames_in_any_order_make_a_client_panic_or_hang() {
    let begun = std::time::Instant::now();
    for seed in 0..300 {
        let mut random = Rng::of(seed);
        let options = Options { patience: Some(Duration::from_secs(60)), ..Options::default() };
        let (mut viewer, mut owner) = (None, None);
        let mut server = if seed % 2 == 0 {
            let (watcher, _messages, server) = Server::viewer_with(&options);
            viewer = Some(watcher);
            server
        } else {
            let (opened, server, peer) = Server::created(options).await;
            owner = Some(opened);
            peer.cuts().await;
            server
        };
        let mut peer = server.accept().await;
        let entering = match viewer {
            Some(_) => peer.joins(json!({"seq": 1, "replay": random.number() % 2})).await,
            None => peer.owned(json!({"seq": 1, "replay": random.number() % 2})).await,
        };
        let mut asked = Value::Null;
        if let Some(owner) = &owner {
            drop(soon(owner.send(bell(1))).await.unwrap());
            if entering["replay"] == 0 {
                asked = peer.asked().await;
            }
        }
        for _ in 0..20 {
            if !peer.may_say(any_frame(&mut random, &entering, &asked)).await {
                break;
            }
        }
        drop(peer);
        let status = viewer.as_ref().map(Viewer::watch_status).or(owner.as_ref().map(Owner::watch_status)).unwrap();
        // The server is gone: the client keeps trying until its patience ends.
        drop(server);
        let over = tokio::time::timeout(HOUR, super::super::over(status.clone())).await;
        assert!(over.is_ok() && status.borrow().closing().is_some(), "seed {seed}: {:?}", status.borrow());
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
