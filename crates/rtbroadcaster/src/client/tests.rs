//! What one client costs, and when it is gone.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::protocol::{classic, v2};
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::wire::encode;

use super::*;
use crate::clock::Clock;
use crate::os_random::OsRandom;
use crate::socket::pairs;

fn server(config: Config) -> Arc<Server> {
    Arc::new(Server::new(config, Clock::start()))
}

#[tokio::test]
async fn a_viewers_task_is_small() {
    let (stream, _peer) = tokio::io::duplex(16);
    let server = server(Config::default());
    let socket = Socket::Stream(Box::new(stream));
    let ticket = server.admit(None).unwrap();
    let mut client =
        Client::new(socket, &classic::DIALECT, Arc::clone(&server), Permit::anything(), Duration::ZERO, None);
    let (run, parts) = (std::mem::size_of_val(&client.run()), std::mem::size_of::<Client>());
    let bytes = std::mem::size_of_val(&client.see_through(Ok(()), ticket));
    assert!(bytes <= 832, "{bytes} bytes for each idle viewer: {parts} of the client and {run} to run it");
    assert!(std::mem::size_of::<Outbox>() <= 128);
}

/// A text frame of a client, under a mask of zeroes.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[tokio::test]
async fn a_viewer_that_is_closed_leaves_its_room_at_once() {
    let server = server(Config::default());
    let owner = server.registry().create(None, Some(OwnerKey::random(&OsRandom)), RoomOptions::new()).await.unwrap();
    let (stream, mut peer) = tokio::io::duplex(1_024);
    let socket = Socket::Stream(Box::new(stream));
    let mut client = Client::new(socket, &classic::DIALECT, server, Permit::anything(), Duration::ZERO, None);
    let outbox = Arc::clone(&client.outbox);
    client.begin(&frame(&format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, owner.room())));
    let client = tokio::spawn(async move { client.run().await });
    let mut connected = [0; 16];
    tokio::io::AsyncReadExt::read_exact(&mut peer, &mut connected).await.unwrap();
    assert_eq!(owner.viewers(), 1);
    // As a lane does, for a viewer that is silent.
    outbox.cut(CloseReason::NoPong);
    let left = async {
        while owner.viewers() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LINGER / 2, left).await.expect("the room waits for a peer that does not end its side");
    assert!(!client.is_finished(), "the peer has time to end its side");
}

#[tokio::test]
async fn a_client_that_never_stops_pinging_has_no_more_time_for_its_first_message() {
    let timeout = Duration::from_millis(50);
    let server = server(Config { first_message_timeout: Limit::Max(timeout), ..Config::default() });
    // A ping under a mask, whose every byte is the same.
    let pings = tokio::io::join(tokio::io::repeat(0x89), tokio::io::sink());
    let socket = Socket::Stream(Box::new(pings));
    let mut client = Client::new(socket, &classic::DIALECT, server, Permit::anything(), Duration::ZERO, None);
    let ended = tokio::time::timeout(LINGER + Duration::from_secs(5), client.run()).await;
    assert!(ended.is_ok(), "the client is still there");
}

#[tokio::test]
async fn an_address_that_only_the_web_server_knows_counts_for_its_rooms() {
    let server = server(Config { rooms_per_address_max: Limit::Max(1), ..Config::default() });
    let first_place = Some(AddressBlock::from(std::net::IpAddr::from([192, 0, 2, 1])));
    let other_place = Some(AddressBlock::from(std::net::IpAddr::from([192, 0, 2, 2])));
    let mut peers = Vec::new();
    for (place, rooms) in [(first_place, 1), (first_place, 1), (other_place, 2), (None, 3), (None, 4)] {
        let (stream, mut peer) = tokio::io::duplex(1_024);
        let socket = Socket::Stream(Box::new(stream));
        let mut client =
            Client::new(socket, &classic::DIALECT, Arc::clone(&server), Permit::anything(), Duration::ZERO, place);
        client.begin(&frame(r#"{"status":{"value":1}}"#));
        tokio::spawn(async move { client.run().await });
        tokio::io::AsyncReadExt::read_exact(&mut peer, &mut [0; 16]).await.unwrap();
        assert_eq!(server.registry().len(), rooms, "{place:?}");
        peers.push(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_end_is_closed_with_1008_after_10_seconds() {
    let server = server(Config::default());
    let owner = server.registry().create(None, Some(OwnerKey::random(&OsRandom)), RoomOptions::new()).await.unwrap();
    let (stream, mut peer) = tokio::io::duplex(1_024);
    let socket = Socket::Stream(Box::new(stream));
    let mut client = Client::new(socket, &classic::DIALECT, server, Permit::anything(), Duration::ZERO, None);
    // A viewer, then the first byte of its next message.
    client.begin(&frame(&format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, owner.room())));
    client.begin(&[0x81]);
    let begun = tokio::time::Instant::now();
    let client = tokio::spawn(async move { client.run().await });
    let mut said = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut peer, &mut said).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(said.ends_with(&encode::close(CloseReason::RuleBroken)), "{said:?}");
    drop(peer);
    client.await.unwrap();
}

#[tokio::test]
async fn a_room_that_is_asked_for_while_the_manager_shuts_down_is_unavailable() {
    let server = server(Config::default());
    // The moment of a shutdown before this client is notified.
    server.registry().shut();
    let (stream, mut peer) = tokio::io::duplex(1_024);
    let socket = Socket::Stream(Box::new(stream));
    let mut client = Client::new(socket, &classic::DIALECT, server, Permit::anything(), Duration::ZERO, None);
    client.begin(&frame(r#"{"uuid":"u","status":{"value":1}}"#));
    tokio::spawn(async move { client.run().await });
    let expected = (classic::DIALECT.refused)("u", Refusal::Unavailable);
    let mut said = vec![0; expected.len()];
    tokio::io::AsyncReadExt::read_exact(&mut peer, &mut said).await.unwrap();
    assert_eq!(said, expected);
}

#[tokio::test]
async fn an_owner_is_slowed_by_the_lanes_and_by_nothing_else() {
    let server = server(Config::default());
    let owner = server.registry().create(None, Some(OwnerKey::random(&OsRandom)), RoomOptions::new()).await.unwrap();
    let (stream, mut peer) = tokio::io::duplex(1_024);
    let socket = Socket::Stream(Box::new(stream));
    let mut client = Client::new(socket, &v2::DIALECT, server, Permit::anything(), Duration::ZERO, None);
    client.begin(&frame(&format!(r#"{{"type":"join","id":"a","room":"{}"}}"#, owner.room())));
    let client = tokio::spawn(async move { client.run().await });
    tokio::io::AsyncReadExt::read_exact(&mut peer, &mut [0; 16]).await.unwrap();

    // Nothing else runs while this task does not wait, so no lane takes anything.
    const BYTES: usize = 10_000;
    let text = "x".repeat(BYTES);
    let event = || rtbroadcaster_core::message::Message::event("k", [&text]).unwrap();
    let mut waiting = 0;
    while owner.publish(event()).now_or_never().is_some() {
        waiting += 1;
        assert!(waiting < 1_000, "the owner is never slowed");
    }
    assert!((90..110).contains(&waiting), "{waiting} messages of {BYTES} bytes wait, where 1 MiB may");

    // The lane takes them, whether the viewer reads or not.
    tokio::task::yield_now().await;
    let more = tokio::time::timeout(Duration::from_secs(5), owner.publish(event())).await;
    more.expect("the lanes have taken what waited").unwrap();
    assert_eq!(owner.viewers(), 1);
    assert!(!client.is_finished());
}

#[tokio::test]
async fn a_message_is_written_by_its_lane_and_wakes_no_client_task() {
    for kind in pairs::KINDS {
        let server = server(Config::default());
        let owner =
            server.registry().create(None, Some(OwnerKey::random(&OsRandom)), RoomOptions::new()).await.unwrap();
        let (socket, mut peer) = pairs::pair(*kind).await;
        let mut client =
            Client::new(Socket::direct(socket), &classic::DIALECT, server, Permit::anything(), Duration::ZERO, None);
        client.begin(&frame(&format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, owner.room())));
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&polls);
        tokio::spawn(async move {
            let mut run = pin!(client.run());
            poll_fn(|cx| {
                counted.fetch_add(1, Ordering::Relaxed);
                run.as_mut().poll(cx)
            })
            .await;
        });
        let mut hear = async || {
            let mut head = [0; 2];
            tokio::io::AsyncReadExt::read_exact(&mut peer, &mut head).await.unwrap();
            let mut length = [0, head[1]];
            if head[1] == 126 {
                tokio::io::AsyncReadExt::read_exact(&mut peer, &mut length).await.unwrap();
            }
            let mut text = vec![0; u16::from_be_bytes(length).into()];
            assert!(head[0] == 0x81 && text.len() < 1_000, "a text: {head:x?}");
            tokio::io::AsyncReadExt::read_exact(&mut peer, &mut text).await.unwrap();
            text.len()
        };
        hear().await;
        let before = polls.load(Ordering::Relaxed);
        for _ in 0..100 {
            owner.publish(rtbroadcaster_core::message::Message::event("k", [1]).unwrap()).await.unwrap();
            assert!(tokio::time::timeout(Duration::from_secs(5), hear()).await.unwrap() > 0);
        }
        // The task may have seen that its answer was taken, and a session over TLS sends its tickets once.
        let more = polls.load(Ordering::Relaxed) - before;
        assert!(more <= 3, "{kind:?}: {more} wake-ups for 100 messages");
    }
}
