//! The promises of a manager to programs that use it from Rust.

mod addresses;
mod faults;
mod names;
#[cfg(all(feature = "nats", feature = "remote"))]
mod nats;
#[cfg(all(feature = "nats", feature = "remote"))]
mod nodes;
mod replays;
#[cfg(all(feature = "nats", feature = "remote"))]
mod resending;
#[cfg(feature = "disk")]
mod restores;
mod turns;

use bytes::Bytes;
use rtbroadcaster_core::backlog::Ending;
use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::options::Counting;
use rtbroadcaster_core::protocol::{classic, v2};
use rtbroadcaster_core::refusal::SignalError;
use rtbroadcaster_core::standing::Start;

use super::*;
use crate::client::Client;
use crate::fanout::Outbox;
use crate::os_random::OsRandom;
use crate::rights::Permit;
use crate::socket::Socket;

/// A text frame of a client, under a mask of zeroes.
fn frame(text: &str) -> Vec<u8> {
    let [high, low] = u16::try_from(text.len()).unwrap().to_be_bytes();
    let head = if text.len() < 126 { vec![0x81, 0x80 | low] } else { vec![0x81, 0x80 | 126, high, low] };
    [&head, [0; 4].as_slice(), text.as_bytes()].concat()
}

#[tokio::test]
async fn a_manager_that_was_shut_down_before_its_first_room_creates_none() {
    let manager = Manager::new(Config::default());
    manager.shutdown().await;
    assert_eq!(manager.create_room().await.err(), Some(CreateError::ShuttingDown));
    assert!(manager.rooms().is_empty());
}

#[tokio::test]
async fn a_client_whose_room_ended_before_it_could_speak_is_told() {
    let manager = Manager::new(Config::default());
    let owner = manager.server().registry().create(None, None, RoomOptions::new()).await.unwrap();
    manager.close_room(&owner.room());
    let dialect = &classic::DIALECT;
    let outbox = Outbox::new(None, dialect, manager.server().clock(), manager.server().counters(), manager.config());
    owner.speaks_through(&outbox);
    assert_eq!(outbox.ending(), Ending::Finishing);
}

#[tokio::test]
async fn a_client_whose_room_was_found_before_it_could_speak_is_told_who_watches() {
    let manager = Manager::new(Config::default());
    let owner =
        manager.server().registry().create(None, Some(OwnerKey::random(&OsRandom)), RoomOptions::new()).await.unwrap();
    let outbox =
        || Outbox::new(None, &v2::DIALECT, manager.server().clock(), manager.server().counters(), manager.config());
    let viewer = manager
        .server()
        .registry()
        .get(&owner.room())
        .unwrap()
        .join(outbox(), &Start::Fresh, None, &|_, _| (Bytes::new(), Hold::default()))
        .unwrap();
    let (waits, speaker) = (manager.metrics().backlog_bytes, outbox());
    owner.speaks_through(&speaker);
    assert!(manager.metrics().backlog_bytes > waits, "how many watch");
    drop(viewer);
}

#[tokio::test]
async fn what_is_said_to_the_owner_of_a_room_that_has_ended_is_refused() {
    let manager = Manager::new(Config::default());
    let options = RoomOptions::new().with_counting("vote", Counting::default()).unwrap();
    let owner = manager.create_room_with(options).await.unwrap();
    let _signals = owner.signals();
    let outbox =
        Outbox::new(None, &v2::DIALECT, manager.server().clock(), manager.server().counters(), manager.config());
    let mut viewer = manager
        .server()
        .registry()
        .get(&owner.room())
        .unwrap()
        .join(outbox, &Start::Fresh, None, &|_, _| (Bytes::new(), Hold::default()))
        .unwrap();
    let (hand, vote) = (Key::new("hand").unwrap(), Key::new("vote").unwrap());
    for key in [&hand, &vote] {
        assert_eq!(viewer.signal(key, &Params::NONE, None).await, Ok(()));
    }
    owner.close().await.unwrap();
    for key in [&hand, &vote] {
        assert_eq!(viewer.signal(key, &Params::NONE, None).await, Err(SignalError::Unavailable));
    }
    let signals = manager.metrics().signals;
    assert_eq!((signals.told, signals.counted), (1, 1));
}
