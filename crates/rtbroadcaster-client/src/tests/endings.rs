//! Tests of which client reconnects, and when.

use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use serde_json::json;
use tokio::time::Instant;

use super::script::{Server, next, reaches, room, soon};
use crate::{Options, Status, Viewer};

#[tokio::test(start_paused = true)]
async fn every_close_code_decides_alone_whether_a_viewer_comes_back() {
    let known = CloseReason::ALL.map(|reason| (reason.code(), reason.word(), reason.comes_back()));
    for (code, word, comes_back) in known.into_iter().chain([(4499, "new", true), (4999, "newer", false)]) {
        let (viewer, mut messages, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        peer.joins(json!({"seq": 1, "replay": 1})).await;
        peer.sets(1, "a").await;
        peer.closes(code, word).await;
        assert_eq!(next(&mut messages).await, "state 1 of 1");
        if comes_back {
            let mut peer = server.accept().await;
            let join = peer.joins(json!({"how": "resumed", "seq": 1, "replay": 0})).await;
            assert_eq!(join["cursor"]["seq"], 1, "{code} {word}");
            reaches(&viewer, |status| *status == Status::Live).await;
            continue;
        }
        let Status::Closed(closing) = reaches(&viewer, |status| status.closing().is_some()).await else { panic!() };
        assert_eq!((closing.code(), closing.reason(), closing.comes_back()), (code, word, false));
        assert!(soon(messages.next()).await.is_none());
        assert_eq!(viewer.state().len(), 1, "what was known is still there");
        server.is_left_alone().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_is_lost_comes_back_after_a_random_part_of_a_delay_that_doubles() {
    let (viewer, _messages, mut server) = Server::viewer();
    let (mut last, mut delays) = (Instant::now(), Vec::new());
    for _ in 0..8 {
        server.lose().await;
        delays.push(last.elapsed());
        last = Instant::now();
    }
    let mut bound = Duration::from_millis(500);
    for delay in &delays[1..] {
        // A millisecond is what the runtime's timer may be late.
        assert!(*delay <= bound + Duration::from_millis(1), "{delays:?}");
        bound = (bound * 2).min(Duration::from_secs(15));
    }
    assert!(matches!(viewer.status(), Status::Connecting { failed: 7 | 8, .. }), "{:?}", viewer.status());
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_is_met_again_at_the_moment_that_it_chose() {
    for is_closed in [true, false] {
        let (viewer, _messages, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        peer.joins(json!({})).await;
        peer.says(json!({"type": "draining", "reconnectInMs": 7_000})).await;
        peer.is_heard().await;
        let told = Instant::now();
        if is_closed {
            peer.closes(1012, "restart").await;
        } else {
            // The server forgot to close: the moment counts.
            peer.until_left().await;
        }
        let mut peer = server.accept().await;
        peer.joins(json!({"how": "resumed"})).await;
        let waited = told.elapsed();
        assert!((6_990..7_020).contains(&waited.as_millis()), "{waited:?}");
        soon(viewer.inside()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_http_is_final_unless_it_may_pass() {
    for status in [400, 401, 403, 404, 426, 431] {
        let (viewer, _messages, mut server) = Server::viewer();
        server.answer(&format!("{status} No")).await;
        let closing = soon(viewer.inside()).await.unwrap_err();
        assert_eq!((closing.reason(), closing.comes_back()), (format!("http_{status}").as_str(), false));
        server.is_left_alone().await;
    }
    for head in ["429 Busy", "502 Bad Gateway", "503 Draining\r\nretry-after: 30"] {
        let (viewer, _messages, mut server) = Server::viewer();
        server.answer(head).await;
        let refused = Instant::now();
        let mut peer = server.accept().await;
        peer.joins(json!({})).await;
        assert_eq!(refused.elapsed() >= Duration::from_secs(30), head.contains("retry-after"), "{head}");
        soon(viewer.inside()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_something_else_is_no_server() {
    let (viewer, _messages, mut server) = Server::viewer();
    server.answer("200 OK").await;
    assert!(!soon(viewer.inside()).await.unwrap_err().comes_back());
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_is_final_or_tried_again_soon_after_the_time_that_was_told() {
    for (code, comes_back) in [
        ("no_room", false),
        ("bad_message", false),
        ("unauthorized", false),
        ("news", false),
        ("room_full", true),
        ("rate", true),
        ("unavailable", true),
    ] {
        let (viewer, _messages, mut server) = Server::viewer();
        let mut peer = server.accept().await;
        let join = peer.asked().await;
        let mut error = json!({"type": "error", "id": join["id"], "code": code, "message": "no"});
        if comes_back {
            error["retryInMs"] = json!(3_000);
        }
        peer.says(error).await;
        peer.until_left().await;
        if comes_back {
            let refused = Instant::now();
            let mut peer = server.accept().await;
            peer.joins(json!({})).await;
            assert!((3_000..3_502).contains(&refused.elapsed().as_millis()), "{:?}", refused.elapsed());
            soon(viewer.inside()).await.unwrap();
        } else {
            let closing = soon(viewer.inside()).await.unwrap_err();
            assert_eq!((closing.reason(), closing.comes_back()), (code, false));
            server.is_left_alone().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let patience = Duration::from_secs(60);
    let (viewer, mut messages, mut server) =
        Server::viewer_with(&Options { patience: Some(patience), ..Options::default() });
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    drop((server, peer));
    let lost = Instant::now();
    let Status::Closed(closing) = reaches(&viewer, |status| status.closing().is_some()).await else { panic!() };
    assert!(closing.comes_back(), "{closing:?}");
    assert!(lost.elapsed() <= patience && lost.elapsed() > patience / 2, "{:?}", lost.elapsed());
}

#[tokio::test(start_paused = true)]
async fn leaving_is_said_and_dropping_too() {
    let (viewer, _messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
    let leaving = tokio::spawn(viewer.leave());
    assert_eq!(peer.asked().await, json!({"type": "leave"}));
    peer.closes(1000, "left").await;
    assert_eq!(soon(leaving).await.unwrap().reason(), "left");

    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
    drop(viewer);
    assert_eq!(peer.asked().await, json!({"type": "leave"}));
    // It does not wait for a server that does not answer.
    peer.until_left().await;
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    assert!(soon(messages.next()).await.is_none());
    server.is_left_alone().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_told_at_once() {
    assert!(Viewer::join("http://127.0.0.1/", room()).is_err());
}
