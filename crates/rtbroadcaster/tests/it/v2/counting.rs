//! What a manager counts is what its clients saw, to the frame and to the byte.

use std::time::Duration;

use rtbroadcaster::{CloseReason, Config, Kind, Limit, Manager, Message, Metrics, Superseded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frame::{self, Frame};
use super::viewer::{Listener, connect, connect_narrow};
use crate::classic;
use crate::client::{Client, request};
use crate::house::House;
use crate::moment::{until, within};

/// Those of `counts` that happened.
fn happened<T: Copy>(counts: &[(T, u64)]) -> Vec<(T, u64)> {
    counts.iter().copied().filter(|(_, count)| *count > 0).collect()
}

/// Waits until every connection is gone, also in the books.
async fn until_alone(manager: &Manager) -> Metrics {
    until("all connections are gone", || {
        let Metrics { connections, connections_opened, closes, closed_by_clients, connections_lost, .. } =
            manager.metrics();
        let closed: u64 = closes.iter().map(|(_, count)| count).sum();
        connections == 0 && connections_opened == closed + closed_by_clients + connections_lost
    })
    .await;
    manager.metrics()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_counted_once_by_how_it_ended() {
    let house = House::open(Config::default()).await;
    // Its own mistakes, and its own will.
    let mut mistaken = connect(&house).await;
    for id in ["a", "b", "c"] {
        mistaken.send(&frame::join(id, "no-such-room", None)).await;
        assert!(matches!(mistaken.frame().await, Frame::Error { code, .. } if code == "no_room"));
    }
    mistaken.expect_closed(4510, "no_room").await;
    let mut binary = connect(&house).await;
    binary.send_binary(b"0").await;
    binary.expect_closed(1003, "binary").await;
    let mut polite = connect(&house).await;
    polite.send_close().await;
    polite.expect_close(1000).await;
    drop(connect(&house).await);
    // A takeover, a viewer that leaves, and a room's end.
    let mut first = connect(&house).await;
    let room = first.open_room().await;
    let mut second = connect(&house).await;
    second.take_over(&room).await;
    first.expect_closed(4509, "fenced").await;
    let mut leaving = connect(&house).await;
    leaving.send(&frame::join("join", &room.name, None)).await;
    leaving.frame().await;
    leaving.send(r#"{"type":"leave"}"#).await;
    leaving.expect_closed(1000, "left").await;
    let mut classic_viewer = house.viewer(&room.name).await;
    let mut viewer = connect(&house).await;
    viewer.send(&frame::join("join", &room.name, None)).await;
    viewer.frame().await;
    until("the one that left is out", || house.manager.metrics().viewers == 2).await;
    assert_eq!(house.manager.metrics().rooms, 1);
    second.send(r#"{"type":"close"}"#).await;
    second.expect_closed(1000, "room_closed").await;
    viewer.expect_closed(4503, "room_closed").await;
    classic_viewer.expect(&classic::not_connected(&room.name)).await;
    classic_viewer.expect_close(1000).await;

    drop((mistaken, binary, polite, first, second, leaving, classic_viewer, viewer));
    let metrics = until_alone(&house.manager).await;
    let closes = [
        (CloseReason::Done, 1),
        (CloseReason::Left, 1),
        (CloseReason::OwnRoomClosed, 1),
        (CloseReason::Binary, 1),
        (CloseReason::RoomClosed, 1),
        (CloseReason::Fenced, 1),
        (CloseReason::NoRoom, 1),
    ];
    assert_eq!(happened(&metrics.closes), closes);
    assert_eq!((metrics.closed_by_clients, metrics.connections_lost, metrics.connections_opened), (1, 1, 9));
    assert_eq!((metrics.rooms, metrics.viewers, metrics.panics), (0, 0, 0));
    assert_eq!(happened(&metrics.refusals), [("no_room", 3)]);
    assert_eq!(happened(&metrics.upgrade_refusals), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_by_their_code_and_handshakes_by_what_is_wrong() {
    let house =
        House::open(Config { rooms_max: Limit::Max(1), connections_max: Limit::Max(1), ..Config::default() }).await;
    let (mut owner, room) = house.owner().await;
    owner.send("nonsense").await;
    owner.expect(&classic::refused("", "bad message")).await;
    owner.send(classic::CREATE).await;
    owner.expect(&classic::refused("", "already in a room")).await;
    owner.send(&classic::join(&room)).await;
    owner.expect(&classic::refused(&room, "already in a room")).await;
    let refused = happened(&house.manager.metrics().refusals);
    assert_eq!(refused, [("bad_message", 1), ("already_in_room", 2)]);

    let address = house.address.to_string();
    assert!(Client::connect_as(house.address, request(&address, None)).await.is_err(), "one is enough");
    let mut from_a_file = request(&address, None);
    from_a_file.headers_mut().insert("origin", "null".parse().unwrap());
    assert!(Client::connect_as(house.address, from_a_file).await.is_err());
    for _ in 0..2 {
        let mut plain = TcpStream::connect(house.address).await.unwrap();
        plain.write_all(b"GET /broadcasting HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        within("the answer", plain.read_to_end(&mut Vec::new())).await.unwrap();
    }
    let shutdown = house.manager.shutdown();
    assert!(Client::connect_as(house.address, request(&address, None)).await.is_err());
    let refused = happened(&house.manager.metrics().upgrade_refusals);
    assert_eq!(refused, [("handshake", 2), ("origin", 1), ("too_many_connections", 1), ("shutting_down", 1)]);
    drop(owner);
    within("the end", shutdown).await;
}

/// A client's text frame under a mask of zeroes.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

/// How many bytes the server's frame has that carries `payload` bytes.
fn framed(payload: usize) -> usize {
    payload + if payload < 126 { 2 } else { 4 }
}

/// How many frames `bytes` are.
fn frames(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let [_, length, rest @ ..] = bytes {
        let payload = match length {
            126 => 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]])),
            127 => panic!("no frame here is so long"),
            length => usize::from(*length),
        };
        bytes = &rest[payload..];
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_and_bytes_are_those_that_the_clients_read() {
    let house = House::open(Config::default()).await;
    let (owner, room) = house.rust_owner().await;
    let mut viewers = Vec::new();
    for (client, join) in
        [(connect(&house).await, frame::join("a", &room, None)), (house.client().await, classic::join(&room))]
    {
        let mut stream = client.into_stream();
        stream.write_all(&masked(&join)).await.unwrap();
        // A ping, which is answered.
        stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
        viewers.push(stream);
    }
    until("both are in", || owner.viewers() == 2).await;
    owner.publish(Message::event("bell", ["x".repeat(1_000)]).unwrap()).await.unwrap();
    owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    owner.clear("slide").await.unwrap();
    owner.publish(Message::ephemeral("pointer", [1, 2]).unwrap()).await.unwrap();
    owner.close().await.unwrap();
    let (mut read_bytes, mut read_frames) = (0, 0);
    for mut viewer in viewers {
        let mut read = Vec::new();
        within("the end", viewer.read_to_end(&mut read)).await.unwrap();
        read_bytes += read.len() as u64;
        read_frames += frames(&read);
    }
    let metrics = until_alone(&house.manager).await;
    assert_eq!((metrics.bytes_sent, metrics.frames_sent), (read_bytes, read_frames));
    // Of version 2: joined, pong, 4 messages, closed, close. Of classic: connected, pong, 3 messages, farewell, close.
    assert_eq!(read_frames, 8 + 7);
    let said = metrics.messages;
    assert_eq!((said.events, said.states, said.clears, said.ephemerals), (1, 1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_slow_viewer_is_known_to_the_byte_and_goes_with_it() {
    const EVENTS: usize = 200;
    let house =
        House::open(Config { backlog_bytes_max: Limit::None, stall_timeout: Limit::None, ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = connect_narrow(&house).await;
    slow.send(&frame::join("join", &room, None)).await;
    let mut expected = framed(slow.text().await.len());
    let text = "x".repeat(4_000);
    for seq in 1..=EVENTS {
        owner.publish(Message::event("bell", [&text]).unwrap()).await.unwrap();
        expected += framed(format!(r#"{{"type":"message","seq":{seq},"key":"bell","params":["{text}"]}}"#).len());
    }
    let manager = &house.manager;
    let is_whole = || {
        let Metrics { bytes_sent, backlog_bytes, .. } = manager.metrics();
        bytes_sent + backlog_bytes == expected as u64
    };
    until("everything is out or waits", is_whole).await;
    let waits = manager.metrics().backlog_bytes;
    assert!(waits > 100_000, "{waits} bytes wait");
    for _ in 0..EVENTS / 2 {
        slow.text().await;
    }
    until("what it read waits no more, and the rest does", || is_whole() && manager.metrics().backlog_bytes < waits)
        .await;
    for _ in EVENTS / 2..EVENTS {
        slow.text().await;
    }
    until("nothing waits", || is_whole() && manager.metrics().backlog_bytes == 0).await;
    assert_eq!(manager.metrics().frames_sent, 1 + EVENTS as u64);

    for _ in 0..EVENTS {
        owner.publish(Message::event("bell", [&text]).unwrap()).await.unwrap();
    }
    until("it waits again", || manager.metrics().backlog_bytes > 100_000).await;
    drop(slow);
    until("it is gone, and what waited for it", || manager.metrics().backlog_bytes == 0).await;
    assert_eq!(until_alone(manager).await.connections_lost, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_viewer_does_not_get_is_counted_as_superseded() {
    let house = House::open(Config { stall_timeout: Limit::None, ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = connect_narrow(&house).await;
    slow.send(&frame::join("join", &room, None)).await;
    slow.frame().await;
    let text = "x".repeat(4_000);
    for n in 0..2_000 {
        owner.publish(Message::state(&format!("k{}", n % 3), [&text]).unwrap()).await.unwrap();
    }
    owner.publish(Message::event("last", ()).unwrap()).await.unwrap();
    let mut got = 0;
    loop {
        match slow.frame().await {
            Frame::Skipped { .. } => {}
            Frame::Message(message) => {
                got += 1;
                if message.key == "last" {
                    break;
                }
            }
            other => panic!("neither a message nor a hole: {other:?}"),
        }
    }
    let Superseded { in_lanes, in_backlogs, .. } = house.manager.metrics().superseded;
    assert_eq!(got + in_lanes + in_backlogs, 2_001, "{in_lanes} in lanes, {in_backlogs} in the backlog");
    assert!(in_backlogs > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_come_to_where_a_room_stands_is_counted() {
    let house = House::open(Config { history_messages_max: Limit::Max(2), ..Config::default() }).await;
    let mut owner = connect(&house).await;
    let room = owner.open_room().await;
    for id in ["one", "two", "three"] {
        owner.send(&frame::publish(id, Kind::State, "slide", "[1]")).await;
        assert!(matches!(owner.frame().await, Frame::Ack { .. }));
    }
    let cursors = [
        None,
        Some(frame::cursor(&room.epoch, 3)),
        Some(frame::cursor(&room.epoch, 1)),
        Some(frame::cursor(&room.epoch, 0)),
        Some(frame::cursor("another", 1)),
        Some(frame::cursor(&room.epoch, 4)),
        Some("1".to_owned()),
    ];
    let mut viewers = Vec::new();
    for cursor in cursors {
        let mut viewer = connect(&house).await;
        viewer.send(&frame::join("join", &room.name, cursor.as_deref())).await;
        assert!(matches!(viewer.frame().await, Frame::Joined(_)));
        viewers.push(viewer);
    }
    viewers[1].send(frame::PAUSE).await;
    viewers[1].send(&frame::unpause("again")).await;
    assert!(matches!(viewers[1].frame().await, Frame::Joined(_)));
    let resumes = house.manager.metrics().resumes;
    assert_eq!((resumes.snapshot, resumes.resumed), (1, 3));
    let resets = [("retention", 1), ("epoch", 1), ("future", 1), ("malformed", 1)];
    assert_eq!(happened(&resumes.resets), resets);
    assert_eq!(house.manager.metrics().viewers, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_lost_messages_is_reset_as_slow() {
    let config = Config { backlog_bytes_max: Limit::Max(70_000), stall_timeout: Limit::None, ..Config::default() };
    let house = House::open(config).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = connect_narrow(&house).await;
    slow.send(&frame::join("join", &room, None)).await;
    slow.frame().await;
    let text = "x".repeat(4_000);
    let witness = Listener::join(&house, &room).await;
    for n in 1..=400 {
        owner.publish(Message::event("bell", [&text]).unwrap()).await.unwrap();
        // It stands behind the slow one in the lane, so what it has was offered to both.
        witness.is_at(n).await;
    }
    while !matches!(slow.frame().await, Frame::Reset(_)) {}
    assert_eq!(happened(&house.manager.metrics().resumes.resets), [("slow", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pass_tells_how_long_its_oldest_message_took() {
    let house = House::open(Config::default()).await;
    let (owner, room) = house.rust_owner().await;
    owner.publish(Message::event("unheard", ()).unwrap()).await.unwrap();
    let mut viewer = connect(&house).await;
    viewer.send(&frame::join("join", &room, None)).await;
    viewer.frame().await;
    for n in 1..=20 {
        owner.publish(Message::event("bell", [n]).unwrap()).await.unwrap();
        assert!(matches!(viewer.frame().await, Frame::Message(_)));
        until("the pass is over", || house.manager.metrics().apply_to_written.count == n).await;
    }
    let times = house.manager.metrics().apply_to_written;
    assert!(times.sum > Duration::ZERO && times.sum < Duration::from_secs(20), "{times:?}");
    assert_eq!(times.buckets.last().map(|(_, upto)| *upto), Some(20), "none took 10 s");
}
