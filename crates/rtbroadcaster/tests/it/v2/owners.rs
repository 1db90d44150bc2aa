//! Owners of version 2 on their connections: what their viewers get, how they are heard, and how they are slowed.

use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Kind, Limit, OwnerStatus, RoomId};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::follower::{Follower, Heard};
use super::frame::{self, Frame, Status};
use super::ledger::{Change, Ledger};
use super::viewer::{Viewer, connect, connect_narrow};
use crate::client::{Came, Client, ClientWriter};
use crate::house::House;
use crate::moment::{LONG, until, until_time, within_time};

/// How soon viewers get that the owner's connection has ended.
const PROMPT: Duration = Duration::from_secs(2);

/// Says a message with an id and reads its number.
pub(super) async fn publish(owner: &mut Client, ledger: &mut Ledger, change: Change, key: &str, params: &str) {
    let seq = ledger.note(change, key, params);
    let id = format!("id-{seq}");
    owner.send(&request(&id, change, key, params)).await;
    assert_eq!(owner.frame().await, Frame::Ack { id, seq });
}

/// What an owner says for this.
pub(super) fn request(id: &str, change: Change, key: &str, params: &str) -> String {
    match change {
        Change::Event => frame::publish(id, Kind::Event, key, params),
        Change::State => frame::publish(id, Kind::State, key, params),
        Change::Cleared => format!(r#"{{"type":"clear","id":"{id}","key":"{key}"}}"#),
    }
}

/// Returns the owner's status, if that was sent last.
fn told(follower: &Follower) -> Option<(Status, u64)> {
    match follower.heard().last() {
        Some(Heard::Owner { status, term }) => Some((*status, *term)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_told_at_once_that_the_owners_connection_has_ended() {
    let house = House::open(Config::default()).await;
    for reset in [false, true] {
        for classic in [false, true] {
            let (owner, room) = if classic {
                house.owner().await
            } else {
                let mut owner = connect(&house).await;
                let room = owner.open_room().await.name;
                (owner, room)
            };
            let mut viewer = Viewer::new(&house, &room).await;
            viewer.until_answered().await;
            let mut stream = owner.into_stream();
            if reset {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            } else {
                stream.shutdown().await.unwrap();
            }
            drop(stream);
            within_time(PROMPT, "the owner's loss", viewer.step()).await;
            assert_eq!(told(&viewer.follower), Some((Status::Away, 1)));
            let late = Viewer::new(&house, &room).await;
            assert_eq!(late.follower.last_joined().owner, Status::Away);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_comes_back_gets_the_state_ends_the_grace_and_speaks_on() {
    let house = House::open(Config { owner_grace: Limit::Max(Duration::from_millis(500)), ..Config::default() }).await;
    let mut owner = connect(&house).await;
    let room = owner.open_room().await;
    let mut ledger = Ledger::default();
    let mut viewer = Viewer::new(&house, &room.name).await;
    for (change, key, params) in [
        (Change::State, "slide", "[1]"),
        (Change::State, "title", r#"["one"]"#),
        (Change::Event, "bell", "[]"),
        (Change::State, "slide", "[2]"),
        (Change::State, "gone", "[1e0]"),
        (Change::Cleared, "gone", "[]"),
    ] {
        publish(&mut owner, &mut ledger, change, key, params).await;
    }
    for term in 2..=4 {
        // Its connection ends; then there is another device, twice.
        let mut older = std::mem::replace(&mut owner, connect(&house).await);
        if term == 2 {
            drop(older);
            viewer.until("the owner's loss", |follower| told(follower) == Some((Status::Away, 1))).await;
            owner.send(&frame::own("own", &room.name, &room.key)).await;
        } else {
            owner.send(&frame::own("own", &room.name, &room.key)).await;
            older.expect_closed(4509, "fenced").await;
        }
        let (owned, state) = owner.owned(&room).await;
        assert_eq!((owned.term, owned.seq, owned.alive_ms), (term, ledger.seq(), 25_000));
        let state: Vec<_> = state.iter().map(|(seq, text)| (*seq, text.as_str())).collect();
        assert_eq!(state, ledger.fold(ledger.seq()));
        viewer.until("the owner's return", |follower| told(follower) == Some((Status::Live, term))).await;
        publish(&mut owner, &mut ledger, Change::State, "slide", &format!("[{term}]")).await;
        viewer.until_seq(ledger.seq()).await;
    }
    // The end that was planned for the first absence passes.
    let mut other = connect(&house).await;
    let other_room: RoomId = other.open_room().await.name.parse().unwrap();
    drop(other);
    until("a room that nobody came back to ends", || house.manager.room(&other_room).is_none()).await;
    publish(&mut owner, &mut ledger, Change::Event, "bell", "[]").await;
    viewer.until_seq(ledger.seq()).await;
    viewer.follower.check_whole(&ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_hears_heartbeats_with_the_rooms_last_number() {
    let config = Config { ping_interval: Limit::Max(Duration::from_millis(300)), ..Config::default() };
    let house = House::open(config).await;
    let mut owner = connect(&house).await;
    owner.open_room().await;
    let mut ledger = Ledger::default();
    for seq in 0..2 {
        assert_eq!(owner.frame().await, Frame::Alive { seq, next_ms: Some(300) });
        publish(&mut owner, &mut ledger, Change::Event, "bell", "[]").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_falls_silent_is_told_away_and_closed() {
    const INTERVAL: Duration = Duration::from_millis(500);
    let house = House::open(Config { ping_interval: Limit::Max(INTERVAL), ..Config::default() }).await;
    let mut owner = connect(&house).await;
    let room = owner.open_room().await;
    let mut viewer = Viewer::new(&house, &room.name).await;
    // The owner's pongs go out when it reads, and it does not.
    let away = |heard: &Heard| matches!(heard, Heard::Owner { status: Status::Away, term: 1 });
    viewer.until("the owner's silence", |follower| follower.heard().iter().any(away)).await;
    let closed = loop {
        match owner.frame().await {
            Frame::Alive { seq: 0, .. } => {}
            other => break other,
        }
    };
    assert_eq!(closed, Frame::Closed { reason: "silent".into(), why: None });
    assert_eq!(owner.next().await, Came::Close(4012, "silent".into()));
    viewer.until_answered().await;
}

/// Publishes `count` events with ids as fast as they are taken.
pub(super) fn pipeline(mut writer: ClientWriter<TcpStream>, count: usize) -> JoinHandle<ClientWriter<TcpStream>> {
    tokio::spawn(async move {
        for n in 1..=count {
            let id = format!("0123456789abcdef-{n}");
            if writer.feed(&frame::publish(&id, Kind::Event, "bell", &format!("[{n}]"))).await.is_err() {
                break;
            }
        }
        // Who is closed meanwhile cannot flush.
        _ = writer.flush().await;
        writer
    })
}

/// Waits until `count` has not changed for a while.
pub(super) async fn comes_to_rest<N: PartialEq>(count: impl Fn() -> N) {
    let (mut last, mut looks) = (count(), 0);
    let rests = || {
        let now = count();
        looks = if last == now { looks + 1 } else { 0 };
        last = now;
        looks > 50
    };
    until_time(LONG, "it comes to rest", rests).await;
}

pub(super) fn ack(n: usize) -> String {
    format!(r#"{{"type":"ack","id":"0123456789abcdef-{n}","seq":{n}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_pipelines_20_000_messages_gets_every_ack_in_order() {
    const MESSAGES: usize = 20_000;
    // Its kernel holds few acks: the server has to slow it.
    let house = House::open(Config { backlog_bytes_max: Limit::Max(64 * 1024), ..Config::default() }).await;
    let mut owner = connect_narrow(&house).await;
    let id: RoomId = owner.open_room().await.name.parse().unwrap();
    let (writer, mut reader) = owner.split();
    let writing = pipeline(writer, MESSAGES);
    // It reads when the server takes no more.
    let applied = || house.manager.room(&id).unwrap().seq.get();
    comes_to_rest(applied).await;
    assert!(applied() < MESSAGES as u64, "it was not slowed");
    let acks = async {
        for n in 1..=MESSAGES {
            let came = loop {
                // While it is slowed it hears each second that the server is there.
                match reader.next_at_any_time().await {
                    Came::Text(text) if text.starts_with(r#"{"type":"alive","#) => {}
                    came => break came,
                }
            };
            assert_eq!(came, Came::Text(ack(n)));
        }
    };
    within_time(LONG, "all acks", acks).await;
    within_time(LONG, "everything is written", writing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_never_reads_its_acks_is_slowed_and_then_closed() {
    const BACKLOG: usize = 64 * 1024;
    const STALL: Duration = Duration::from_millis(500);
    let lifted = Config { history_messages_max: Limit::None, history_bytes_max: Limit::None, ..Config::default() };
    let limits = Config { backlog_bytes_max: Limit::Max(BACKLOG), stall_timeout: Limit::Max(STALL), ..lifted };
    let house = House::open(limits).await;
    let mut owner = connect_narrow(&house).await;
    let room = owner.open_room().await;
    let mut viewer = Viewer::new(&house, &room.name).await;
    let (writer, mut reader) = owner.split();
    let begin = Instant::now();
    let writing = pipeline(writer, 1_000_000);
    let id: RoomId = room.name.parse().unwrap();
    until_time(LONG, "it is away", || house.manager.room(&id).unwrap().owner == OwnerStatus::Away).await;
    assert!(begin.elapsed() >= STALL, "it was not slowed, but closed: {:?}", begin.elapsed());
    let applied = usize::try_from(house.manager.room(&id).unwrap().seq.get()).unwrap();
    // What was acked waits in the kernel's two buffers, in the frames taken for a write and in the backlog.
    let held = applied * ack(10_000).len();
    assert!(held < BACKLOG + 512 * 1024, "{held} bytes of acks were held");
    let mut acks = 0;
    let end = loop {
        match within_time(LONG, "the end", reader.next_at_any_time()).await {
            Came::Text(text) if text == ack(acks + 1) => acks += 1,
            Came::Text(text) => assert_eq!(text, r#"{"type":"closed","reason":"slow"}"#),
            other => break other,
        }
    };
    assert!(acks <= applied, "{acks} acks for {applied} messages");
    assert!(matches!(end, Came::Close(4008, _) | Came::End(_)), "{end:?}");
    within_time(LONG, "the writer is told", writing).await.unwrap();
    // What was applied before is with the viewer, or a reset announced it as lost.
    viewer.until_seq(applied as u64).await;
    let mut ledger = Ledger::default();
    (1..=applied).for_each(|n| _ = ledger.note(Change::Event, "bell", &format!("[{n}]")));
    viewer.follower.check_caught_up(&ledger);
}
