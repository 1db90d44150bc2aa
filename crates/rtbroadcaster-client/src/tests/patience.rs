//! Tests of patience, in every state that a client may be in.

use std::time::Duration;

use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::options::RoomOptions;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use super::script::{Server, bell, key, next, reaches, room, soon};
use crate::owner::Beginning;
use crate::{Closing, OpenError, Options, Owner, PublishError, Status, Viewer};

const PATIENCE: Duration = Duration::from_secs(3);

fn options() -> Options {
    Options { patience: Some(PATIENCE), ..Options::default() }
}

/// Checks that a viewer ends for lack of patience, in time.
async fn is_over(viewer: &Viewer, since: Instant) {
    let Status::Closed(closing) = reaches(viewer, |status| status.closing().is_some()).await else { panic!() };
    is_in_time(&closing, since);
}

fn is_in_time(closing: &Closing, since: Instant) {
    assert!(closing.comes_back(), "{closing}");
    assert!(since.elapsed() <= PATIENCE + Duration::from_millis(2), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_nobody_answers_the_handshake() {
    let (viewer, _messages, mut server) = Server::viewer_with(&options());
    let begun = Instant::now();
    let _stream = server.asked().await;
    is_over(&viewer, begun).await;
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_an_answer_trickles() {
    let (viewer, _messages, mut server) = Server::viewer_with(&options());
    let begun = Instant::now();
    let mut stream = server.asked().await;
    for byte in b"HTTP/1.1 101 Switching Protocols\r\n" {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    assert!(viewer.status().closing().is_some());
    is_over(&viewer, begun + Duration::from_millis(4_000)).await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_a_server_lets_nobody_in_and_while_a_replay_trickles() {
    for is_answered in [false, true] {
        let (viewer, _messages, mut server) = Server::viewer_with(&options());
        let begun = Instant::now();
        let mut peer = server.accept().await;
        if is_answered {
            peer.joins(json!({"seq": 1_000, "replay": 1_000})).await;
        }
        for seq in 1..=2 {
            sleep(Duration::from_secs(1)).await;
            if is_answered {
                peer.sets(seq, "a").await;
            } else {
                peer.says(json!({"type": "audience", "viewers": 1})).await;
            }
        }
        is_over(&viewer, begun).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_a_resume_trickles_and_begins_with_the_cut() {
    let (viewer, mut messages, mut server) = Server::viewer_with(&options());
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    sleep(Duration::from_secs(30)).await;
    peer.cuts().await;
    let cut = Instant::now();
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "seq": 1_000, "replay": 1_000})).await;
    for seq in 1..=2 {
        sleep(Duration::from_secs(1)).await;
        peer.rings(seq).await;
    }
    is_over(&viewer, cut).await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_once_where_the_server_says_to_stay_away_for_longer() {
    let (viewer, _messages, mut server) = Server::viewer_with(&options());
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    peer.says(json!({"type": "draining", "reconnectInMs": 60_000})).await;
    peer.is_heard().await;
    let told = Instant::now();
    peer.closes(1012, "restart").await;
    is_over(&viewer, told).await;
    server.is_left_alone().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_where_a_server_lets_in_and_closes_again_and_again() {
    let (viewer, _messages, mut server) = Server::viewer_with(&options());
    let begun = Instant::now();
    let mut connections = 0;
    while viewer.status().closing().is_none() {
        let mut peer = server.accept().await;
        connections += 1;
        peer.joins(json!({})).await;
        peer.closes(1012, "restart").await;
        // It has drawn its next delay, or ended.
        reaches(&viewer, |status| !status.is_inside()).await;
        if viewer.status().closing().is_some() {
            break;
        }
        assert!(connections < 100);
    }
    is_over(&viewer, begun).await;
}

#[tokio::test(start_paused = true)]
async fn the_program_s_own_pauses_cost_none() {
    let (viewer, mut messages, mut server) = Server::viewer_with(&Options { messages_max: 1, ..options() });
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    sleep(Duration::from_secs(30)).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.joins(json!({"how": "resumed", "seq": 9, "replay": 9})).await;
    for seq in 1..=9 {
        peer.rings(seq).await;
    }
    for expected in ["state 0 of 0", "1 bell [1]", "2 bell [2]", "3 bell [3]", "4 bell [4]"] {
        // Longer than patience, and than any answer may take.
        sleep(Duration::from_secs(20)).await;
        assert!(matches!(viewer.status(), Status::Resuming { .. }), "{:?}", viewer.status());
        assert_eq!(next(&mut messages).await, expected);
    }
    for seq in 5..=9 {
        assert_eq!(next(&mut messages).await, format!("{seq} bell [{seq}]"));
    }
    reaches(&viewer, |status| *status == Status::Live).await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_a_room_is_opened() {
    let beginnings = [Beginning::Create(RoomOptions::default()), Beginning::Own(room(), key().parse().unwrap())];
    for beginning in beginnings {
        let begun = Instant::now();
        let (opening, mut server) = Server::owner(beginning, options());
        let mut peer = server.accept().await;
        peer.asked().await;
        let Err(OpenError::Closed(closing)) = soon(opening).await.unwrap() else { panic!() };
        is_in_time(&closing, begun);
    }
}

/// Returns an owner whose server acknowledged one of two messages, a minute after it was sent.
async fn slowly_acked() -> (Owner, Server, super::script::Peer) {
    let (owner, server, mut peer) = Server::created(options()).await;
    let tickets = [soon(owner.send(bell(1))).await.unwrap(), soon(owner.send(bell(2))).await.unwrap()];
    let asked = [peer.asked().await, peer.asked().await];
    for (ticket, (asked, seq)) in tickets.into_iter().zip(asked.iter().zip(1..)) {
        sleep(PATIENCE - Duration::from_millis(10)).await;
        peer.acks(asked, seq).await;
        assert_eq!(soon(ticket).await.unwrap().get(), seq, "each acknowledgement renews it");
    }
    (owner, server, peer)
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_no_publish_is_acknowledged_also_over_connections() {
    for is_cut in [false, true] {
        let (owner, mut server, mut peer) = slowly_acked().await;
        let ticket = soon(owner.send(bell(3))).await.unwrap();
        let said = Instant::now();
        let asked = peer.asked().await;
        // `unavailable` is no answer: the owner is to send the message again.
        peer.says(json!({"type": "error", "id": asked["id"], "code": "unavailable", "message": ""})).await;
        if is_cut {
            peer.cuts().await;
            peer = server.accept().await;
            peer.owns(2, 2).await;
            assert_eq!(peer.asked().await["id"], asked["id"]);
        }
        let Err(PublishError::Closed(closing)) = soon(ticket).await else { panic!() };
        is_in_time(&closing, said);
        peer.until_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_a_server_reads_nothing_of_what_needs_no_acknowledgement() {
    let (owner, _server, mut peer) = Server::created(options()).await;
    let alive = tokio::spawn(async move {
        while peer.may_say(json!({"type": "alive", "seq": 0}).to_string()).await {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut said = Instant::now();
    let closing = loop {
        match soon(owner.publish(Message::ephemeral("pointer", ["x".repeat(60_000)]).unwrap())).await {
            Ok(_) => said = Instant::now(),
            Err(PublishError::Closed(closing)) => break closing,
            Err(other) => panic!("{other}"),
        }
    };
    is_in_time(&closing, said);
    soon(alive).await.unwrap();

    let (viewer, _messages, mut server) = Server::viewer_with(&options());
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
    let mut said = Instant::now();
    while soon(viewer.signal("hand", ["x".repeat(4_000)])).await.is_ok() {
        said = Instant::now();
    }
    is_over(&viewer, said).await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_owes_nothing_waits_for_nothing() {
    let (owner, _server, mut peer) = slowly_acked().await;
    sleep(Duration::from_secs(40)).await;
    peer.is_heard().await;
    assert_eq!(owner.status(), Status::Live);
}

#[tokio::test(start_paused = true)]
async fn it_ends_while_a_room_is_not_ended_and_without_it_the_owner_asks_again() {
    let (owner, _server, mut peer) = slowly_acked().await;
    let closing = tokio::spawn(owner.close());
    assert_eq!(peer.asked().await["type"], "close");
    let asked = Instant::now();
    let Err(PublishError::Closed(closing)) = soon(closing).await.unwrap() else { panic!() };
    is_in_time(&closing, asked);

    let (owner, mut server, mut peer) = Server::created(Options::default()).await;
    let closing = tokio::spawn(owner.close());
    assert_eq!(peer.asked().await["type"], "close");
    let asked = Instant::now();
    // Signs of life are no answer.
    peer.says(json!({"type": "alive", "seq": 0})).await;
    peer.until_left().await;
    assert_eq!(asked.elapsed().as_secs(), 10);
    let mut peer = server.accept().await;
    peer.owns(2, 0).await;
    assert_eq!(peer.asked().await["type"], "close");
    peer.closes(1000, "room_closed").await;
    soon(closing).await.unwrap().unwrap();
}
