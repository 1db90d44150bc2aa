//! The right to speak as it passes from one connection to the next, while both speak as fast as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtbroadcaster::{Config, Kind, Limit, Message, OwnerKey, PublishError, RoomId};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::dice::Dice;
use super::follower::{Follower, Heard};
use super::frame::{self, Frame, Owned, Status};
use super::ledger::{Change, LAST, Ledger};
use super::owners::{ack, comes_to_rest, pipeline};
use super::viewer::{Listener, Viewer, connect, connect_narrow};
use crate::client::{Came, Client, ClientReader, ClientWriter};
use crate::house::House;
use crate::moment::{LONG, until, within, within_time};

/// How many messages of an owner may be on their way without an ack.
const WINDOW: usize = 64;

/// What an owner on a connection heard of its own messages.
#[derive(Debug)]
struct Reign {
    term: u64,
    /// The messages that were acknowledged, in that order, each with its number.
    acks: Vec<(u64, u64)>,
    /// The last words and the end.
    closed: Option<String>,
    end: Came,
}

/// Publishes as the owner of `term` until another owner does: events, states and ephemerals that carry the term and a
/// count. `acked` counts the acks.
fn reign(client: Client, term: u64, acked: Arc<AtomicU64>) -> JoinHandle<Reign> {
    let (writer, reader) = client.split();
    let window = Arc::new(Semaphore::new(WINDOW));
    let speaking = tokio::spawn(speak(writer, term, Arc::clone(&window)));
    tokio::spawn(async move {
        let reign = listen(reader, term, &acked, &window).await;
        speaking.abort();
        reign
    })
}

async fn speak(mut writer: ClientWriter<TcpStream>, term: u64, window: Arc<Semaphore>) {
    for n in 0.. {
        let id = if n % 4 == 3 { String::new() } else { format!("{term}-{n}") };
        // No key of a state is used again, so that nothing with a number is ever superseded.
        let (kind, key) = match n % 4 {
            2 if n % 50 == 2 => (Kind::State, format!("s-{term}-{n}")),
            3 => (Kind::Ephemeral, "pointer".to_owned()),
            _ => (Kind::Event, "bell".to_owned()),
        };
        if n % 4 != 3 {
            window.acquire().await.unwrap().forget();
        }
        let text = frame::publish(&id, kind, &key, &format!("[{term},{n}]"));
        if writer.feed(&text).await.is_err() || writer.flush().await.is_err() {
            // It is fenced, and the connection is gone.
            return;
        }
    }
}

async fn listen(mut reader: ClientReader<TcpStream>, term: u64, acked: &AtomicU64, window: &Semaphore) -> Reign {
    let (mut acks, mut closed) = (Vec::new(), None);
    loop {
        match reader.next_at_any_time().await {
            Came::Text(text) => match frame::read(&text) {
                Frame::Ack { id, seq } => {
                    let (of, n) = id.split_once('-').unwrap();
                    assert_eq!(of.parse(), Ok(term), "an ack of somebody else's");
                    acks.push((n.parse().unwrap(), seq));
                    acked.fetch_add(1, Ordering::Relaxed);
                    window.add_permits(1);
                }
                Frame::Closed { reason, .. } => closed = Some(reason),
                other => panic!("an owner has no use for {other:?}"),
            },
            end => return Reign { term, acks, closed, end },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_older_term_is_applied_or_heard_after_a_takeover() {
    const TAKEOVERS: u64 = 60;
    let house = House::open(Config { backlog_bytes_max: Limit::None, ..Config::default() }).await;
    let mut owner = connect(&house).await;
    let room = owner.open_room().await;
    let witnesses = [Listener::join(&house, &room.name).await, Listener::join(&house, &room.name).await];
    let mut dice = Dice::new();
    let (mut reigns, mut takeovers) = (Vec::new(), Vec::new());
    for term in 1..=TAKEOVERS {
        let mut next = connect(&house).await;
        let acked = Arc::new(AtomicU64::new(0));
        let reigning = reign(owner, term, Arc::clone(&acked));
        // Somewhere in the middle of what it says.
        let middle = dice.below(100);
        until("it speaks", || acked.load(Ordering::Relaxed) >= middle).await;
        takeovers.push(next.take_over(&room).await);
        reigns.push(reigning);
        owner = next;
    }
    owner.send(&frame::publish("", Kind::State, LAST, "[]")).await;
    let mut heard = Vec::new();
    for witness in witnesses {
        heard.push(witness.follower().await);
    }
    let ledger = follow_terms(&heard[0]);
    for witness in &heard {
        follow_terms(witness);
        // Which ephemeral messages a witness missed is its own affair.
        witness.check_numbered(&ledger);
        assert_eq!((witness.seq(), witness.resets()), (ledger.seq(), 0));
    }
    for reign in reigns {
        let reign = within_time(LONG, "the older owner's end", reign).await.unwrap();
        check_reign(&reign, &ledger);
    }
    for ((owned, state), term) in takeovers.iter().zip(2..) {
        check_takeover(owned, state, term, &ledger);
    }
}

/// Between the frames that tell a term nothing of another one was heard, and of each what its owner said, without a
/// hole. Gives everything with a number.
fn follow_terms(follower: &Follower) -> Ledger {
    let (mut ledger, mut told, mut next) = (Ledger::default(), follower.last_joined().term, 0);
    for heard in follower.heard() {
        let text = match heard {
            Heard::Owner { status: Status::Live, term } => {
                (told, next) = (*term, 0);
                continue;
            }
            Heard::Message { text, .. } | Heard::Passing { text, .. } => text,
            Heard::Joined { .. } | Heard::State { .. } => continue,
            other => panic!("a witness heard {other:?}"),
        };
        let Frame::Message(message) = frame::read(text) else { unreachable!() };
        let number = |place: usize| message.params.get(place).and_then(Value::as_u64);
        if message.key != LAST {
            assert_eq!(number(0), Some(told), "behind the frame that told the term {told} came {text}");
            let n = number(1).unwrap();
            assert!(n >= next, "repeated or out of order: {text}");
            next = n + 1;
        }
        if message.seq.is_some() {
            let change = if message.state { Change::State } else { Change::Event };
            ledger.note(change, &message.key, &message.params.to_string());
        }
    }
    ledger
}

/// Checks that all viewers got what was acknowledged under that number, and that the older owner knows why it was
/// closed.
fn check_reign(reign: &Reign, ledger: &Ledger) {
    for (n, seq) in &reign.acks {
        let params = format!(r#""params":[{},{n}]"#, reign.term);
        assert!(ledger.line(*seq).text.contains(&params), "{params} is not {}", ledger.line(*seq).text);
    }
    assert!(reign.acks.is_sorted(), "acks out of order: {:?}", reign.acks);
    assert_eq!(reign.closed.as_deref(), Some("fenced"));
    assert_eq!(reign.end, Came::Close(4509, "fenced".into()));
}

/// The next owner got the next term and exactly the state of that moment.
fn check_takeover(owned: &Owned, state: &[(u64, String)], term: u64, ledger: &Ledger) {
    assert_eq!(owned.term, term);
    let state: Vec<_> = state.iter().map(|(seq, text)| (*seq, text.as_str())).collect();
    assert_eq!(state, ledger.fold(owned.seq));
    // Everything of an older term is before it.
    let older = ledger.lines().filter(|(_, line)| line.text.contains(&format!(r#""params":[{},"#, term - 1)));
    assert!(older.map(|(seq, _)| seq).max() <= Some(owned.seq));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_owner_that_was_slowed_nothing_is_applied_after_a_takeover() {
    let history = Config { history_messages_max: Limit::None, history_bytes_max: Limit::None, ..Config::default() };
    let house = House::open(Config { backlog_bytes_max: Limit::Max(64 * 1024), ..history }).await;
    let mut older = connect_narrow(&house).await;
    let room = older.open_room().await;
    let witness = Listener::join(&house, &room.name).await;
    let (writer, mut reader) = older.split();
    let writing = pipeline(writer, 1_000_000);
    // What it says waits in its kernel, in the server's, and in the server, and it reads no ack.
    let id: RoomId = room.name.parse().unwrap();
    let applied = || house.manager.room(&id).unwrap().seq.get();
    comes_to_rest(applied).await;
    let mut newer = connect(&house).await;
    let (owned, _) = newer.take_over(&room).await;
    assert_eq!((owned.term, owned.seq), (2, applied()));
    newer.send(&frame::publish("", Kind::State, LAST, "[]")).await;
    let witness = witness.follower().await;
    assert_eq!(witness.seq(), owned.seq + 1);
    // It reads on, and gets its acks, but perhaps for that of a message on its way, and why it is closed.
    let mut acks = 0;
    let closed = loop {
        match within("an ack", reader.next_at_any_time()).await {
            Came::Text(text) if text == ack(acks + 1) => acks += 1,
            other => break other,
        }
    };
    assert_eq!(closed, Came::Text(r#"{"type":"closed","reason":"fenced"}"#.into()));
    assert_eq!(reader.next_at_any_time().await, Came::Close(4509, "fenced".into()));
    let applied_before = usize::try_from(owned.seq).unwrap();
    assert!((applied_before - 1..=applied_before).contains(&acks), "{acks} acks for {applied_before} messages");
    writing.abort();
    assert_eq!(applied(), owned.seq + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_and_a_rust_program_take_a_room_over_from_each_other() {
    let house = House::open(Config::default()).await;
    let mut client = connect(&house).await;
    let room = client.open_room().await;
    let (id, key): (RoomId, OwnerKey) = (room.name.parse().unwrap(), room.key.parse().unwrap());
    let mut viewer = Viewer::new(&house, &room.name).await;
    let program = house.manager.own(&id, &key).await.unwrap();
    client.expect_closed(4509, "fenced").await;
    program.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let mut client = connect(&house).await;
    let (owned, state) = client.take_over(&room).await;
    assert_eq!((owned.term, owned.seq, state.len()), (3, 1, 1));
    assert_eq!(program.publish(Message::event("late", [2]).unwrap()).await, Err(PublishError::Fenced));
    drop(program);
    client.send(&frame::publish("", Kind::State, LAST, "[]")).await;
    viewer.until_last().await;
    let terms = viewer.follower.heard().iter().filter_map(|heard| match heard {
        Heard::Owner { status, term } => Some((*status, *term)),
        _ => None,
    });
    assert_eq!(terms.collect::<Vec<_>>(), [(Status::Live, 2), (Status::Live, 3)]);
    assert_eq!(viewer.follower.numbers().collect::<Vec<_>>(), [1, 2]);
}
