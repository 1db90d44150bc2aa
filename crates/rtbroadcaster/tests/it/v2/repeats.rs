//! What an owner says again, because it does not know whether it was heard.

use std::collections::HashMap;

use rtbroadcaster::{Config, Kind, Limit};

use super::frame::{self, Frame};
use super::ledger::{Change, LAST, Ledger};
use super::owners::request;
use super::viewer::{Room, Viewer, connect};
use crate::client::Client;
use crate::house::House;

/// Everything that an owner says here: with ids, of every kind.
fn unacked() -> Vec<(Change, String, String)> {
    let kinds = [Change::State, Change::Event, Change::Cleared, Change::Event, Change::State];
    (0..500).map(|n| (kinds[n % 5], format!("k{}", n % 7), format!("[{n}]"))).collect()
}

/// Reads `count` acks.
async fn acks(owner: &mut Client, count: usize) -> Vec<(String, u64)> {
    let mut acks = Vec::new();
    for _ in 0..count {
        match owner.frame().await {
            Frame::Ack { id, seq } => acks.push((id, seq)),
            other => panic!("expected an ack, but came {other:?}"),
        }
    }
    acks
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_owner_says_again_is_stored_once_whatever_came_of_it() {
    let house = House::open(Config { history_messages_max: Limit::None, ..Config::default() }).await;
    for round in 0..4 {
        let mut first = connect(&house).await;
        let room = first.open_room().await;
        let mut viewer = Viewer::new(&house, &room.name).await;
        let unacked = unacked();
        let says = |(n, (change, key, params)): (usize, &(Change, String, String))| {
            request(&format!("a1b2-{n}"), *change, key, params)
        };
        let all: Vec<String> = unacked.iter().enumerate().map(says).collect();
        let mut second = connect(&house).await;
        // Its connection ends with all, a part, or nothing of this applied, and no ack is read.
        first.send_all(all.iter().take(500 - round * 150).cloned()).await;
        if round % 2 == 0 {
            drop(first);
        }
        let mut known = HashMap::new();
        for again in 0..2 {
            // The acks come behind the answer and the state, however early they were asked for.
            let own = (again == 0).then(|| frame::own("own", &room.name, &room.key));
            second.send_all(own.into_iter().chain(all.iter().cloned())).await;
            if again == 0 {
                second.owned(&room).await;
            }
            for (n, (id, seq)) in acks(&mut second, all.len()).await.into_iter().enumerate() {
                assert_eq!((id.as_str(), seq), (format!("a1b2-{n}").as_str(), n as u64 + 1));
                assert!(again == 0 || known[&id] == seq, "{id} has another number");
                known.insert(id, seq);
            }
        }
        // Another content, another kind.
        for other in [request("a1b2-1", Change::Event, "k1", "[2]"), request("a1b2-1", Change::State, "k1", "[1]")] {
            second.send(&other).await;
            match second.frame().await {
                Frame::Error { id: Some(id), code, .. } if id == "a1b2-1" && code == "id_reused" => {}
                other => panic!("expected `id_reused`, but came {other:?}"),
            }
        }
        check_stored_once(&mut second, &room, &mut viewer, &unacked).await;
    }
}

/// The viewer has each message once and in order.
async fn check_stored_once(owner: &mut Client, room: &Room, viewer: &mut Viewer, said: &[(Change, String, String)]) {
    let mut ledger = Ledger::default();
    for (change, key, params) in said {
        let params = if *change == Change::Cleared { "[]" } else { params };
        ledger.note(*change, key, params);
    }
    ledger.note(Change::State, LAST, "[]");
    owner.send(&frame::publish("", Kind::State, LAST, "[]")).await;
    viewer.until_last().await;
    viewer.follower.check_whole(&ledger);
    assert_eq!(viewer.follower.epoch(), Some(room.epoch.as_str()));
}
