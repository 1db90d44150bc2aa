//! A live room: an owner that never stops speaking, and viewers of both protocols that must not lose a message.
//! Must not know what is done to them.

use std::time::Duration;

use rtbroadcaster::{Config, Kind, Limit, Owner};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;
use crate::record::{Record, Said};
use crate::v2::ledger::{Change, LAST, Ledger};
use crate::v2::viewer::Listener;

/// How often the owner speaks.
const BEAT: Duration = Duration::from_millis(5);

/// How many viewers there are of each kind.
const VIEWERS: usize = 3;

/// The house, the live room in it, and another room for those who meddle.
#[derive(Debug)]
pub(super) struct Company {
    house: House,
    /// The live room's name, and its owner's key.
    pub(super) room: String,
    pub(super) key: String,
    /// The other room, and the client that keeps it open.
    pub(super) other: String,
    _other_owner: Owner,
    speaking: JoinHandle<(Said, Ledger)>,
    enough: oneshot::Sender<()>,
    classic: Vec<JoinHandle<Record>>,
    new: Vec<Listener>,
}

impl Company {
    pub(super) async fn open() -> Self {
        // A busy machine closes no client.
        Self::open_in(House::open(Config { backlog_bytes_max: Limit::Max(4 * 1024 * 1024), ..Config::default() }).await)
            .await
    }

    /// The same in a house of the caller's.
    pub(super) async fn open_in(house: House) -> Self {
        let (owner, room) = house.rust_owner().await;
        let (other_owner, other) = house.rust_owner().await;
        let key = owner.key().unwrap().as_str().to_owned();
        let (mut classic, mut new) = (Vec::new(), Vec::new());
        for _ in 0..VIEWERS {
            classic.push(tokio::spawn(listen(house.viewer(&room).await, classic::message(&room, LAST, "[]", true))));
            new.push(Listener::join(&house, &room).await);
        }
        let (enough, stop) = oneshot::channel();
        let speaking = tokio::spawn(speak(owner, room.clone(), stop));
        Self { house, room, key, other, _other_owner: other_owner, speaking, enough, classic, new }
    }

    pub(super) fn house(&self) -> &House {
        &self.house
    }

    /// Stops the owner, and checks that all viewers got all its messages, once and in order. Returns how many.
    pub(super) async fn end(self) -> usize {
        self.enough.send(()).unwrap();
        let (said, ledger) = self.speaking.await.unwrap();
        for viewer in self.classic {
            viewer.await.unwrap().check_whole(&said);
        }
        for viewer in self.new {
            viewer.follower().await.check_whole(&ledger);
        }
        said.len()
    }
}

/// Says one thing after the other until it is enough, and then the last.
async fn speak(mut owner: Owner, room: String, mut stop: oneshot::Receiver<()>) -> (Said, Ledger) {
    let (mut said, mut ledger) = (Said::new(&room), Ledger::default());
    let mut beat = tokio::time::interval(BEAT);
    for n in 0.. {
        let kind = if n % 4 == 0 { Kind::State } else { Kind::Event };
        say(&mut owner, &mut said, &mut ledger, kind, &format!("k{}", n % 3), &format!("[{n}]")).await;
        tokio::select! {
            _ = beat.tick() => {}
            _ = &mut stop => break,
        }
    }
    say(&mut owner, &mut said, &mut ledger, Kind::State, LAST, "[]").await;
    (said, ledger)
}

async fn say(owner: &mut Owner, said: &mut Said, ledger: &mut Ledger, kind: Kind, key: &str, params: &str) {
    let change = if kind == Kind::State { Change::State } else { Change::Event };
    ledger.note(change, key, params);
    owner.publish(said.say(kind, key, params)).await.unwrap();
}

/// A classic viewer up to the last message.
async fn listen(mut viewer: Client, last: String) -> Record {
    let mut record = Record::default();
    loop {
        match viewer.next_at_any_time().await {
            Came::Text(text) => {
                let is_last = text == last;
                record.hear(text);
                if is_last {
                    return record;
                }
            }
            other => panic!("a good viewer was closed: {other:?}"),
        }
    }
}
