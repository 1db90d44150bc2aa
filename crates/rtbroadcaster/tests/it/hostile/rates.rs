//! Clients that ask more often than they may for what is refused or changes nothing.
//! Must not know tables.

use rtbroadcaster::{Config, Kind, Limit, RoomOptions};

use super::framing;
use crate::client::{Came, Client};
use crate::house::House;
use crate::v2::frame::{self, Frame};
use crate::v2::viewer::connect;

/// More than may come at once, and than time lets through besides.
const FLOOD: usize = 600;

/// Sends `requests` `FLOOD` times in one piece, and returns the codes of the refusals and of the end.
async fn flood(mut client: Client, requests: &[u8]) -> Vec<String> {
    client.send_raw(&requests.repeat(FLOOD)).await;
    let mut words = Vec::new();
    loop {
        match client.next().await {
            Came::Text(text) => {
                if let Frame::Error { code, .. } = frame::read(&text) {
                    words.push(code);
                }
            }
            Came::Close(code, _) => {
                words.push(code.to_string());
                return words;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A viewer of the room.
async fn viewer(house: &House, room: &str) -> Client {
    let mut viewer = connect(house).await;
    viewer.watch(room).await;
    viewer
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_refused_or_change_nothing_have_one_rate() {
    let house = House::open(Config::default()).await;
    let (_owner, room) = house.rust_owner().await;
    let text = framing::text;
    let rows = [
        ("already in a room", text(&frame::join("a", &room, None)), "already_in_room"),
        ("signals over their rate", text(&frame::signal("a", "k", &format!("[\"{}\"]", "x".repeat(4_000)))), "rate"),
        ("pausing and going on", [text(r#"{"type":"pause"}"#), text(&frame::unpause("a"))].concat(), ""),
    ];
    for (what, requests, refusal) in rows {
        let mut words = flood(viewer(&house, &room).await, &requests).await;
        assert_eq!(words.pop().as_deref(), Some("4029"), "{what}");
        assert_eq!(words.pop().as_deref(), Some("rate"), "{what}");
        // A signal without a listener counts only beyond the viewer's own rate.
        words.retain(|word| word != "unavailable");
        assert!(words.iter().all(|word| word == refusal), "{what}: {words:?}");
        assert!(refusal.is_empty() || (128..FLOOD).contains(&words.len()), "{what}: {}", words.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fault_of_a_client_does_not_count() {
    let limits = Config {
        signals_per_viewer_per_second: Limit::None,
        signals_per_room_per_second: Limit::Max(1),
        ..Config::default()
    };
    let house = House::open(limits).await;
    let owner = house.manager.create_room_with(RoomOptions::new()).await.unwrap();
    let room = owner.room().to_string();
    let _signals = owner.signals();
    let mut one = viewer(&house, &room).await;
    for _ in 0..FLOOD {
        one.send(&frame::signal("a", "k", "[]")).await;
    }
    let mut refused = 0;
    while refused < FLOOD - 10 {
        assert!(matches!(one.frame().await, Frame::Error { code, .. } if code == "rate"));
        refused += 1;
    }

    let mut speaker = connect(&house).await;
    speaker.open_room().await;
    for _ in 0..2 {
        for id in 0..1_024 {
            speaker.send(&frame::publish(&id.to_string(), Kind::Event, "k", "[]")).await;
            assert_eq!(speaker.frame().await, Frame::Ack { id: id.to_string(), seq: id + 1 });
        }
    }
}
