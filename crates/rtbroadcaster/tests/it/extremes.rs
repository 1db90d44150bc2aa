//! Settings that no documentation asks for: every value of a `Config` is safe.

use std::time::Duration;

use rtbroadcaster::{Config, Limit, Manager, Message, Owner, RoomOptions};
use tokio::io::DuplexStream;

use crate::client::{Came, Client};
use crate::house::in_memory_speaking;
use crate::moment::within;

/// A room under `config`, and a viewer of version 2 that knows the interval of heartbeats.
async fn room(config: Config) -> (Manager, Owner, Client<DuplexStream>, u64) {
    let manager = Manager::new(config);
    let owner = manager.create_room_with(RoomOptions::new().with_grace(Duration::MAX)).await.unwrap();
    let mut viewer = in_memory_speaking(&manager, 64 * 1024, Some("rtbroadcaster.v2")).await;
    viewer.send(&format!(r#"{{"type":"join","id":"1","room":"{}"}}"#, owner.room())).await;
    let joined: serde_json::Value = serde_json::from_str(&viewer.text().await).unwrap();
    assert_eq!(joined["type"], "joined", "{joined}");
    let alive = joined["aliveMs"].as_u64().unwrap_or_else(|| panic!("{joined}"));
    (manager, owner, viewer, alive)
}

/// Everything as long and as much as it can be.
fn greatest() -> Config {
    Config {
        message_bytes_max: Limit::Max(usize::MAX),
        history_messages_max: Limit::Max(usize::MAX),
        history_bytes_max: Limit::Max(usize::MAX),
        history_age_max: Limit::Max(Duration::MAX),
        state_keys_max: Limit::Max(usize::MAX),
        state_bytes_max: Limit::Max(usize::MAX),
        backlog_bytes_max: Limit::Max(usize::MAX),
        stall_timeout: Limit::Max(Duration::MAX),
        flush_interval: Limit::Max(Duration::MAX),
        ping_interval: Limit::Max(Duration::MAX),
        rooms_max: Limit::Max(usize::MAX),
        rooms_per_address_max: Limit::Max(usize::MAX),
        viewers_per_room_max: Limit::Max(usize::MAX),
        voters_max: Limit::Max(usize::MAX),
        connections_max: Limit::Max(usize::MAX),
        connections_per_address_max: Limit::Max(usize::MAX),
        handshakes_per_address_per_second: Limit::Max(u32::MAX),
        replay_bytes_per_address_per_second: Limit::Max(u32::MAX),
        signals_per_viewer_per_second: Limit::Max(u32::MAX),
        signals_per_room_per_second: Limit::Max(u32::MAX),
        first_message_timeout: Limit::Max(Duration::MAX),
        join_timeout: Limit::Max(Duration::MAX),
        owner_grace: Limit::Max(Duration::MAX),
        owner_grace_max: Limit::Max(Duration::MAX),
        room_idle_timeout: Limit::Max(Duration::MAX),
        data_bytes_max: Limit::Max(u64::MAX),
        data_bytes_per_address_max: Limit::Max(u64::MAX),
        ..Config::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_greatest_values_panic_nowhere_and_the_heartbeat_is_one_that_a_page_can_count() {
    let (manager, owner, _viewer, alive) = room(greatest()).await;
    assert_eq!(Some(Duration::from_millis(alive)), manager.config().heartbeat());
    assert!(2 * alive < 1 << 31, "two of them fit into a timer of a page: {alive} ms");
    assert!(owner.grace().is_some_and(|grace| grace.as_millis() < 1 << 53), "a page can count the grace");
    owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    drop(owner);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!((manager.rooms().len(), manager.connections(), manager.metrics().panics), (1, 1, 0));
    within("the end, for which nothing waits", manager.shutdown()).await;
}

#[tokio::test(start_paused = true)]
async fn each_of_the_greatest_values_serves_a_room_beside_the_defaults() {
    let (all, none) = (greatest(), Config::default());
    let configs = [
        Config { stall_timeout: all.stall_timeout, ..none.clone() },
        Config { ping_interval: all.ping_interval, ..none.clone() },
        Config { first_message_timeout: all.first_message_timeout, join_timeout: Limit::None, ..none.clone() },
        Config { history_age_max: all.history_age_max, room_idle_timeout: all.room_idle_timeout, ..none.clone() },
        Config { owner_grace: all.owner_grace, owner_grace_max: Limit::None, ..none.clone() },
        Config {
            signals_per_viewer_per_second: Limit::Max(u32::MAX),
            signals_per_room_per_second: Limit::Max(u32::MAX),
            ..none
        },
    ];
    for config in configs {
        let (manager, owner, mut viewer, _) = room(config.clone()).await;
        owner.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
        assert!(viewer.text().await.contains("slide"), "{config:?}");
        drop(owner);
        assert_eq!(manager.metrics().panics, 0, "{config:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_time_also_when_heartbeats_come_more_often() {
    let ping_interval = Duration::from_secs(1);
    let config = Config {
        flush_interval: Limit::Max(Duration::from_secs(3)),
        ping_interval: Limit::Max(ping_interval),
        ..Config::default()
    };
    let (manager, owner, mut viewer, _) = room(config).await;
    for number in 0..3 {
        owner.publish(Message::event("ring", [number]).unwrap()).await.unwrap();
        let ring = async {
            loop {
                match viewer.next_at_any_time().await {
                    Came::Text(text) if text.contains("ring") => return text,
                    Came::Text(text) if text.contains("alive") => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        let ring =
            tokio::time::timeout(ping_interval + Duration::from_millis(10), ring).await.expect("with a heartbeat");
        assert!(ring.contains(&format!("[{number}]")), "{ring}");
    }
    owner.publish(Message::event("ring", [3]).unwrap()).await.unwrap();
    manager.close_room(&owner.room());
    let closed = tokio::time::Instant::now();
    let mut last = Vec::new();
    while let Came::Text(text) = viewer.next().await {
        last.push(text);
    }
    assert!(last.iter().any(|text| text.contains("ring")), "the end comes at once, and behind what was said: {last:?}");
    assert_eq!(last.pop().unwrap(), r#"{"type":"closed","reason":"room_closed","why":"admin"}"#);
    assert!(closed.elapsed() < Duration::from_millis(100), "{:?}", closed.elapsed());
}
