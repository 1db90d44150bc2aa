//! Directories that are copied, restored, killed and damaged in all ways, against a model of what the holder of every
//! cursor has seen: a cursor is `resumed` exactly if its holder has seen nothing else.

mod directory;
mod faults;
mod story;

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::id::{Cursor, Epoch, Seq};
use rtbroadcaster_core::identity::ViewerKey;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::room::core::Welcome;
use rtbroadcaster_core::standing::{CursorScope, How};

use super::*;
use crate::engine::disk::Disk;
use crate::engine::simulated::Dice;
use directory::{Directory, End, Over};
use story::Story;

/// How often something is tried; more where the variable says so.
fn times(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|times| times.parse().ok()).unwrap_or(default)
}

/// The history holds everything, so that `resumed` is never a question of retention.
fn config() -> Config {
    Config {
        history_messages_max: Limit::None,
        history_bytes_max: Limit::None,
        history_age_max: Limit::None,
        owner_grace: Limit::None,
        ..Config::default()
    }
}

/// Returns what a viewer gets that comes to `room` of `manager` with `start`.
fn welcome(manager: &Manager, room: &RoomId, start: &Start) -> Option<Welcome> {
    let outbox =
        Outbox::new(None, &v2::DIALECT, manager.server().clock(), manager.server().counters(), manager.config());
    let found = std::cell::Cell::new(None);
    let announce = |welcome: &Welcome, _: &ViewerKey| {
        let Welcome { standing, how, entries } = welcome;
        found.set(Some(Welcome { standing: standing.clone(), how: *how, entries: Arc::clone(entries) }));
        (Bytes::new(), Hold::default())
    };
    let membership = manager.server().registry().get(room)?.join(outbox, start, None, &announce);
    drop(membership);
    found.take()
}

/// A message as it can be compared.
fn text(entry: &rtbroadcaster_core::message::Entry) -> String {
    format!("{:?} {} {:?}", entry.change, entry.key.as_str(), entry.params())
}

#[tokio::test]
async fn whatever_is_done_to_a_directory_nobody_is_resumed_who_saw_something_else() {
    let first = times("RTB_RESTORES_FROM", 0);
    for seed in first..first + times("RTB_RESTORES", 12) {
        println!("seed {seed}");
        Story::tell(seed).await;
    }
}

#[tokio::test]
async fn a_life_is_forgotten_when_no_room_could_resume_a_cursor_of_it() {
    let directory = Directory::new();
    let disk = Disk::at(&directory.0);
    let config = Config { history_messages_max: Limit::Max(1), ..config() };
    let manager = Manager::open(config.clone(), &disk).await.unwrap();
    let owner = manager.create_room().await.unwrap();
    let (room, key) = (owner.room(), owner.key().clone());
    drop(owner);
    manager.shutdown().await;
    let mut cursors: Vec<Cursor> = Vec::new();
    // In each life: how cursors of the end of each older one are answered, the oldest first.
    for expected in [&[][..], &["resumed"], &["retention", "resumed"], &["epoch", "resumed", "resumed"]] {
        let manager = Manager::open(config.clone(), &disk).await.unwrap();
        let answers = cursors.iter().map(|cursor| {
            match welcome(&manager, &room, &Start::After(cursor.clone(), CursorScope::AllLives)).unwrap().how {
                How::Resumed => "resumed",
                How::Reset(reason) => reason.word(),
                How::Snapshot => "snapshot",
            }
        });
        assert_eq!(answers.collect::<Vec<_>>(), expected);
        let owner = manager.own(&room, &key).await.unwrap();
        for number in 0..if cursors.len() < 2 { 3 } else { 0 } {
            owner.publish(Message::event("event", [number]).unwrap()).await.unwrap();
        }
        let standing = welcome(&manager, &room, &Start::Fresh).unwrap().standing;
        cursors.push(Cursor { epoch: standing.epoch, seq: standing.seq });
        drop(owner);
        manager.shutdown().await;
    }
}

#[tokio::test]
async fn no_damage_is_silent_and_none_makes_a_false_resumed() {
    let first = times("RTB_FAULTS_FROM", 0);
    faults::tell(first, times("RTB_FAULTS", 60)).await;
}
