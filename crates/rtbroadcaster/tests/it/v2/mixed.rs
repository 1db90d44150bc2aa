//! Rooms in which both protocols are spoken: each kind of client is held to what its own promises.

use std::sync::Arc;

use rtbroadcaster::{Config, Kind, Limit};
use tokio::task::JoinHandle;

use super::frame::{self, Frame};
use super::ledger::{Change, LAST, Ledger};
use super::viewer::{Listener, Viewer, connect};
use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, until, within_time};
use crate::record::{Record, Said};

/// An owner on a connection, and what it has said, as each kind of viewer has to get it.
struct Speaker {
    client: Client,
    /// Whether it speaks version 2.
    is_new: bool,
    said: Said,
    ledger: Ledger,
}

impl Speaker {
    async fn new(house: &House, is_new: bool) -> (Self, String) {
        let (client, room) = if is_new {
            let mut client = connect(house).await;
            let room = client.open_room().await.name;
            (client, room)
        } else {
            house.owner().await
        };
        (Self { client, is_new, said: Said::new(&room), ledger: Ledger::default() }, room)
    }

    /// What is sent for the next message, which is noted.
    fn says(&mut self, kind: Kind, key: &str, params: &str) -> String {
        _ = self.said.say(kind, key, params);
        match kind {
            Kind::Event => _ = self.ledger.note(Change::Event, key, params),
            Kind::State => _ = self.ledger.note(Change::State, key, params),
            Kind::Ephemeral => self.ledger.note_passing(key, params),
        }
        match (self.is_new, kind) {
            (true, kind) => frame::publish("", kind, key, params),
            (false, Kind::State) => classic::publish_state(key, params),
            (false, _) => classic::publish(key, params),
        }
    }

    /// A mix of what both protocols have words for; what only one has comes from an owner of version 2.
    fn mixed(&mut self, n: usize) -> String {
        let params = format!(r#"[{n}, "{}"]"#, "x".repeat(n * 31 % 200));
        match n % 10 {
            0..=4 => self.says(Kind::State, &format!("s{}", n * 7 % 16), &params),
            5 | 6 if self.is_new => self.says(Kind::Ephemeral, &format!("p{}", n % 4), &params),
            7 if self.is_new => {
                // A key that never holds anything: classic viewers get nothing, so they have nothing to forget.
                self.ledger.note(Change::Cleared, "void", "[]");
                r#"{"type":"clear","key":"void"}"#.to_owned()
            }
            _ => self.says(Kind::Event, "bell", &params),
        }
    }

    /// Says everything of `numbers` with few writes.
    async fn speak(&mut self, numbers: impl Iterator<Item = usize>) {
        let texts: Vec<_> = numbers.map(|n| self.mixed(n)).collect();
        self.client.send_all(texts).await;
    }

    async fn last(&mut self) {
        let last = self.says(Kind::State, LAST, "[]");
        self.client.send(&last).await;
    }
}

/// A classic viewer that reads as fast as it can, up to the last message.
fn listen(mut viewer: Client, room: &str) -> JoinHandle<Record> {
    let last = classic::message(room, LAST, "[]", true);
    tokio::spawn(async move {
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
                other => panic!("a reading viewer was closed: {other:?}"),
            }
        }
    })
}

/// Viewers of both kinds are there from the beginning and come late, while the owner speaks.
async fn check_mixed(is_new: bool) {
    const MESSAGES: usize = 1_500;
    // A busy machine closes no viewer.
    let limits = Config {
        backlog_bytes_max: Limit::Max(4 * 1024 * 1024),
        history_messages_max: Limit::None,
        ..Config::default()
    };
    let house = House::open(limits).await;
    let (mut speaker, room) = Speaker::new(&house, is_new).await;
    let (mut classic, mut new) = (Vec::new(), Vec::new());
    for part in 0..MESSAGES / 100 {
        if part < 2 || part % 2 == 0 {
            classic.push(listen(house.viewer(&room).await, &room));
        }
        if part < 2 || part % 2 == 1 {
            new.push(Listener::join(&house, &room).await);
        }
        speaker.speak(part * 100..part * 100 + 100).await;
    }
    speaker.last().await;
    for (n, record) in classic.into_iter().enumerate() {
        let record = within_time(LONG, "the last message", record).await.unwrap();
        record.check_caught_up(&speaker.said);
        // Values besides the events, of which none is missing. A burst is more than goes out with one call.
        let events = MESSAGES / 10 * if is_new { 2 } else { 5 };
        assert!(n > 0 || record.len() > events, "the first one heard {} messages", record.len());
    }
    for listener in new {
        listener.follower().await.check_whole(&speaker.ledger);
    }
    speaker.client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_owner_speaks_to_viewers_of_both_protocols() {
    check_mixed(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_version_2_speaks_to_viewers_of_both_protocols() {
    check_mixed(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_closes_a_classic_viewer_and_resets_one_of_version_2() {
    let limits =
        Config { backlog_bytes_max: Limit::Max(64 * 1024), history_messages_max: Limit::None, ..Config::default() };
    let house = Arc::new(House::open(Config { history_bytes_max: Limit::None, ..limits }).await);
    for is_new in [false, true] {
        let (mut speaker, room) = Speaker::new(&house, is_new).await;
        let mut classic = Client::connect_narrow(house.address).await;
        classic.join(&room).await;
        let mut new = Viewer::narrow(&house, &room).await;
        let witness = Listener::join(&house, &room).await;
        for n in 0..250 {
            // First what supersedes itself, until both have met a full socket.
            let (kind, key) = if n < 100 { (Kind::State, "fill") } else { (Kind::Event, "bell") };
            let text = speaker.says(kind, key, &format!(r#"[{n},"{}"]"#, "x".repeat(4_000)));
            speaker.client.send(&text).await;
            witness.is_in_step(speaker.ledger.seq()).await;
        }
        until("the classic one is out", || house.viewers(&room) == 2).await;
        let mut record = Record::default();
        let end = loop {
            match classic.next().await {
                Came::Text(text) => record.hear(text),
                other => break other,
            }
        };
        assert_eq!(end, Came::Close(4008, "slow".into()));
        record.check(&speaker.said);
        speaker.last().await;
        new.until_last().await;
        new.follower.check_caught_up(&speaker.ledger);
        assert_eq!(new.follower.resets(), 1);
        witness.follower().await.check_whole(&speaker.ledger);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_viewer_is_told_the_end_of_its_room_in_its_own_words() {
    let house = House::open(Config::default()).await;
    for is_new in [false, true] {
        let (mut speaker, room) = Speaker::new(&house, is_new).await;
        let (mut classic, mut new) = (house.viewer(&room).await, Viewer::new(&house, &room).await);
        new.until_answered().await;
        let close = if is_new { r#"{"type":"close"}"# } else { classic::CLOSE };
        speaker.client.send(close).await;
        classic.expect(&classic::not_connected(&room)).await;
        classic.expect_close(1000).await;
        new.client.expect_closed(4503, "room_closed").await;
        if is_new {
            assert_eq!(
                speaker.client.frame().await,
                Frame::Closed { reason: "room_closed".into(), why: Some("owner".into()) }
            );
            assert_eq!(speaker.client.next().await, Came::Close(1000, "room_closed".into()));
        } else {
            speaker.client.expect(&classic::not_connected(&room)).await;
            speaker.client.expect_close(1000).await;
        }
    }
}
