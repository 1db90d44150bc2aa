//! What every viewer is held to, whether it was there from the beginning, came late, lagged or stopped reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Kind, Limit, Owner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{JoinHandle, JoinSet};

use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, until, within, within_time};
use crate::record::{Record, Said};

/// The key of the last message in every story here.
const LAST: &str = "last";

/// A viewer that reads as fast as it can.
struct Listener {
    /// How many messages it has heard.
    heard: Arc<AtomicUsize>,
    reading: JoinHandle<(Record, Option<Came>)>,
}

impl Listener {
    async fn join(house: &House, room: &str) -> Self {
        let viewer = house.viewer(room).await;
        let heard = Arc::new(AtomicUsize::new(0));
        let last = classic::message(room, LAST, "[]", false);
        Self { heard: Arc::clone(&heard), reading: tokio::spawn(listen(viewer, last, heard)) }
    }

    /// What it heard up to the last message.
    async fn record(self) -> Record {
        let (record, end) = within_time(LONG, "the last message", self.reading).await.unwrap();
        assert_eq!(end, None, "a reading viewer was closed after {} messages", record.len());
        record
    }
}

/// Everything that comes up to the last message, or to the end of the connection.
async fn listen(mut viewer: Client, last: String, heard: Arc<AtomicUsize>) -> (Record, Option<Came>) {
    let mut record = Record::default();
    loop {
        match viewer.next_at_any_time().await {
            Came::Text(text) => {
                let is_last = text == last;
                record.hear(text);
                heard.store(record.len(), Ordering::Relaxed);
                if is_last {
                    return (record, None);
                }
            }
            other => return (record, Some(other)),
        }
    }
}

/// What a viewer finds that has not read for a while.
async fn read_on(viewer: Client, room: &str) -> (Record, Option<Came>) {
    let last = classic::message(room, LAST, "[]", false);
    within("a viewer that reads on", listen(viewer, last, Arc::default())).await
}

/// Waits until every listener is at most a few messages behind `said` of them, so that nothing waits for it anywhere but
/// in the kernel.
async fn in_step(said: usize, listeners: &[Listener]) {
    const BEHIND_MAX: usize = 8;
    for listener in listeners {
        until("a listener is in step", || listener.heard.load(Ordering::Relaxed) + BEHIND_MAX >= said).await;
    }
}

/// A mix of everything: mostly states of a few keys, some ephemeral messages, some events.
async fn speak(owner: &mut Owner, said: &mut Said, n: usize) {
    let (kind, key) = match n % 10 {
        0..=5 => (Kind::State, format!("s{}", n * 7 % 16)),
        6..=8 => (Kind::Ephemeral, format!("p{}", n % 4)),
        _ => (Kind::Event, "bell".to_owned()),
    };
    let padding = "x".repeat(n * 31 % 700);
    owner.publish(said.say(kind, &key, &format!(r#"[{n},"{padding}"]"#))).await.unwrap();
}

async fn speak_last(owner: &mut Owner, said: &mut Said) {
    owner.publish(said.say(Kind::Event, LAST, "[]")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn live_late_and_slow_viewers_hear_what_was_said_in_order_and_end_in_the_owners_state() {
    const MESSAGES: usize = 6_000;
    // Room for all events at once: they are never superseded, no matter which viewer is slow.
    let house = Arc::new(House::open(Config { backlog_bytes_max: Limit::Max(1024 * 1024), ..Config::default() }).await);
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut live = Vec::new();
    for _ in 0..3 {
        live.push(Listener::join(&house, &room).await);
    }
    // They stop reading after the first messages, until most is said.
    let reads_on = Arc::new(AtomicBool::new(false));
    let mut slow = JoinSet::new();
    for stops_after in [0, 100, 500] {
        let mut viewer = Client::connect_narrow(house.address).await;
        viewer.join(&room).await;
        let (reads_on, room) = (Arc::clone(&reads_on), room.clone());
        slow.spawn(async move {
            let mut record = Record::default();
            for _ in 0..stops_after {
                record.hear(viewer.text().await);
            }
            until("it reads on", || reads_on.load(Ordering::Relaxed)).await;
            let (rest, end) = read_on(viewer, &room).await;
            assert_eq!(end, None, "a slow viewer within the limits was closed");
            record.append(rest);
            record
        });
    }
    let mut late = Vec::new();
    for n in 0..MESSAGES {
        speak(&mut owner, &mut said, n).await;
        if n % 500 == 250 {
            late.push(Listener::join(&house, &room).await);
        }
        if n == MESSAGES * 9 / 10 {
            reads_on.store(true, Ordering::Relaxed);
        }
        tokio::task::yield_now().await;
    }
    speak_last(&mut owner, &mut said).await;
    for listener in live.into_iter().chain(late) {
        listener.record().await.check_caught_up(&said);
    }
    for record in within_time(LONG, "the slow viewers", slow.join_all()).await {
        record.check_caught_up(&said);
        assert!(record.len() < said.len() * 3 / 4, "nothing was superseded, so nobody was slow: {}", record.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_viewer_is_closed_in_time_and_the_others_lose_nothing() {
    const STALL: Duration = Duration::from_millis(300);
    // The limits of size lifted: it is the time that counts here.
    let config = Config { stall_timeout: Limit::Max(STALL), backlog_bytes_max: Limit::None, ..Config::default() };
    let house = House::open(config).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut stalled = Client::connect_narrow(house.address).await;
    stalled.join(&room).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Listener::join(&house, &room).await);
    }
    let begin = Instant::now();
    let mut n = 0;
    while owner.viewers() > 3 {
        assert!(begin.elapsed() < STALL + Duration::from_secs(2), "it is still there after {:?}", begin.elapsed());
        speak(&mut owner, &mut said, n).await;
        n += 1;
        in_step(n, &others).await;
    }
    assert!(begin.elapsed() >= STALL, "nobody is closed before the limit: {:?}", begin.elapsed());
    speak_last(&mut owner, &mut said).await;
    for other in others {
        other.record().await.check_caught_up(&said);
    }
    let (record, end) = read_on(stalled, &room).await;
    assert!(matches!(end, Some(Came::Close(4008, _) | Came::End(_))), "{end:?}");
    record.check(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_viewer_that_does_not_read_is_bounded() {
    const BACKLOG: usize = 128 * 1024;
    let house = House::open(Config { backlog_bytes_max: Limit::Max(BACKLOG), ..Config::default() }).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut slow = Client::connect_narrow(house.address).await;
    slow.join(&room).await;
    let padding = "x".repeat(4_000);
    for n in 0..4_000 {
        // 16 MB, of which 16 values of 4 KB matter in the end.
        owner.publish(said.say(Kind::State, &format!("k{}", n % 16), &format!(r#"[{n},"{padding}"]"#))).await.unwrap();
    }
    speak_last(&mut owner, &mut said).await;
    let (record, end) = read_on(slow, &room).await;
    assert_eq!(end, None, "it was closed, though its state fits");
    record.check_caught_up(&said);
    // Whatever waited is what came: the kernel's two buffers, the frames taken for a write, and the backlog.
    let held_max = BACKLOG + 512 * 1024;
    assert!(record.bytes() < held_max, "{} bytes were held", record.bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_backlog_overflows_is_closed_with_4008_after_what_was_said_in_order() {
    let house = House::open(Config { backlog_bytes_max: Limit::Max(64 * 1024), ..Config::default() }).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut slow = Client::connect_narrow(house.address).await;
    slow.join(&room).await;
    let others = [Listener::join(&house, &room).await];
    let padding = "x".repeat(4_000);
    let mut n = 0;
    while owner.viewers() == 2 {
        assert!(n < 4_000, "16 MB wait for it");
        owner.publish(said.say(Kind::Event, "bell", &format!(r#"[{n},"{padding}"]"#))).await.unwrap();
        n += 1;
        in_step(n, &others).await;
    }
    let (record, end) = read_on(slow, &room).await;
    assert_eq!(end, Some(Came::Close(4008, "slow".into())));
    record.check(&said);
    assert!(record.len() < said.len(), "nothing was lost, so nothing overflowed");
    speak_last(&mut owner, &mut said).await;
    for other in others {
        other.record().await.check_whole(&said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_and_late_viewers_get_the_same_bytes() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let mut live = raw_viewer(&house, &room).await;
    // Every class of length that a frame can have here, up to the longest message.
    for (n, bytes) in [0, 1, 125, 126, 127, 4_096, 65_000, 65_400, 65_500].into_iter().enumerate() {
        let params = format!(r#"["{}"]"#, "€".repeat(bytes / 3) + &"x".repeat(bytes % 3));
        owner.publish(said.say(Kind::State, &format!("k{n}"), &params)).await.unwrap();
    }
    let expected: Vec<u8> = said.texts().flat_map(frame).collect();
    let mut late = raw_viewer(&house, &room).await;
    for viewer in [&mut live, &mut late] {
        let mut came = vec![0; expected.len()];
        within("all bytes", viewer.read_exact(&mut came)).await.unwrap();
        assert!(came == expected, "the bytes differ");
    }
}

/// Returns a viewer that has read the answer to its join and reads bytes from there.
async fn raw_viewer(house: &House, room: &str) -> tokio::net::TcpStream {
    let mut stream = house.client().await.into_stream();
    let join = classic::join(room);
    let length = 0x80 | u8::try_from(join.len()).unwrap();
    stream.write_all(&[&[0x81, length, 0, 0, 0, 0], join.as_bytes()].concat()).await.unwrap();
    let mut answer = vec![0; frame(&classic::connected(room)).len()];
    within("the answer", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, frame(&classic::connected(room)));
    stream
}

/// A server's text frame, by RFC 6455 section 5.2.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = match text.len() {
        length @ ..126 => vec![u8::try_from(length).unwrap()],
        length @ 126..65_536 => [&[126], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
        length => [&[127], &u64::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    };
    [&[0x81], &length[..], text.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_come_and_go_at_random_never_hear_anything_out_of_order() {
    const VISITS: usize = 30;
    let house = Arc::new(House::open(Config::default()).await);
    let (mut owner, room) = house.rust_owner().await;
    let mut said = Said::new(&room);
    let left = Arc::new(AtomicUsize::new(0));
    let mut visits = JoinSet::new();
    for visit in 0..4 {
        let (house, room, left) = (Arc::clone(&house), room.clone(), Arc::clone(&left));
        visits.spawn(async move {
            let mut records = Vec::new();
            for stay in 0..VISITS {
                let mut viewer = house.viewer(&room).await;
                let mut record = Record::default();
                for _ in 0..(visit * 31 + stay * 17) % 60 {
                    record.hear(viewer.text().await);
                }
                records.push(record);
            }
            left.fetch_add(1, Ordering::Relaxed);
            records
        });
    }
    let mut n = 0;
    let begin = Instant::now();
    while left.load(Ordering::Relaxed) < 4 {
        assert!(begin.elapsed() < LONG, "the visits do not end");
        speak(&mut owner, &mut said, n).await;
        n += 1;
        tokio::task::yield_now().await;
    }
    for record in visits.join_all().await.into_iter().flatten() {
        record.check(&said);
    }
    until("everybody has left", || owner.viewers() == 0).await;
}
