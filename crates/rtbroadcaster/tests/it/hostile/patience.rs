//! Those who do too little, take too long or want too much: the rows that need a limit or a clock.
//! Must not know tables.

use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::company::Company;
use super::framing;
use super::handshakes;
use super::offender::{Speech, Who};
use crate::classic;
use crate::client::{Came, Client, request};
use crate::house::House;
use crate::moment::{LONG, until_time, within_time};
use crate::v2::frame::{self, Frame};
use crate::v2::viewer::{V2, connect};

/// What a silent client may take where the test sets it.
const SHORT: Duration = Duration::from_millis(300);

/// A live room in a house with these limits.
async fn company(config: Config) -> Company {
    Company::open_in(House::open(config).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_valid_or_enters_no_room_in_time_is_closed_with_4502() {
    let bad = framing::text("SECRET");
    let refused = framing::text(r#"{"type":"join","id":"a","room":"SECRET"}"#);
    let half = framing::text("{}")[..3].to_vec();
    let ping = framing::frame(0x89, b"");
    let rows: [(&str, Vec<u8>, &[&str]); 5] = [
        ("nothing", Vec::new(), &["4502"]),
        ("half a frame", half, &["4502"]),
        ("a ping", ping, &["Pong([])", "4502"]),
        ("a bad message", bad, &["bad_message", "4502"]),
        ("a room that is not there", refused, &["no_room", "4502"]),
    ];
    let first = company(Config { first_message_timeout: Limit::Max(SHORT), ..Config::default() }).await;
    for (what, bytes, answers) in &rows[..4] {
        first.check(what, Speech::V2, Who::Nobody, bytes, answers).await;
    }
    first.end().await;
    let join = company(Config { join_timeout: Limit::Max(SHORT), ..Config::default() }).await;
    let (what, bytes, answers) = &rows[4];
    join.check(what, Speech::V2, Who::Nobody, bytes, answers).await;
    join.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_takes_10_seconds_is_closed_with_1008() {
    let company = company(Config::default()).await;
    let mut client = company.house().viewer(&company.room).await;
    let begin = Instant::now();
    client.send_raw(&framing::frame(0x01, b"{")).await;
    let end = async {
        loop {
            match client.next_at_any_time().await {
                Came::Text(_) => {}
                other => return other,
            }
        }
    };
    assert_eq!(within_time(LONG, "the end", end).await, Came::Close(1008, "rule".into()));
    assert!(begin.elapsed() >= Duration::from_secs(10), "{:?}", begin.elapsed());
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_messages_that_are_too_big_16_times_the_limit_is_skipped_in_10_seconds() {
    let company = company(Config { message_bytes_max: Limit::Max(1_000), ..Config::default() }).await;
    for bytes in [1_001, 15_999] {
        let mut client = connect(company.house()).await;
        client.send(&frame::join("join", &company.room, None)).await;
        let too_big = framing::text(&" ".repeat(bytes));
        let allowed = 16_000 / bytes;
        for _ in 0..allowed {
            client.send_raw(&too_big).await;
        }
        for _ in 0..allowed {
            let text = loop {
                match within_time(LONG, "an answer", client.next_at_any_time()).await {
                    Came::Text(text) if text.contains(r#""error""#) => break text,
                    Came::Text(_) => {}
                    other => panic!("{bytes}: {other:?}"),
                }
            };
            assert!(text.contains("too_big"), "{text}");
        }
        client.send_raw(&too_big).await;
        let end = loop {
            match within_time(LONG, "the end", client.next_at_any_time()).await {
                Came::Text(_) => {}
                other => break other,
            }
        };
        assert_eq!(end, Came::Close(1009, "size".into()));
    }
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_version_2_a_message_that_comes_slowly_has_more_time_and_one_that_does_not_is_closed_with_4008() {
    let company = company(Config::default()).await;
    let (mut slow, mut stuck) = (connect(company.house()).await, connect(company.house()).await);
    for client in [&mut slow, &mut stuck] {
        client.send(&frame::join("join", &company.room, None)).await;
        client.send_raw(&framing::frame(0x01, b"{")).await;
    }
    // 4 KiB in each second for 12 s: more than the 10 s that any message has.
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while begin.elapsed() < Duration::from_secs(12) {
        ticks.tick().await;
        slow.send_raw(&framing::frame(0x00, &[b' '; 4_096])).await;
    }
    slow.send_raw(&framing::frame(0x80, b"}")).await;
    let answer = async {
        loop {
            match slow.next_at_any_time().await {
                Came::Text(text) if text.contains(r#""error""#) => return text,
                Came::Text(_) => {}
                other => panic!("the slow one: {other:?}"),
            }
        }
    };
    let answer = within_time(LONG, "its answer", answer).await;
    assert!(answer.contains("bad_message"), "{answer}");
    let end = async {
        loop {
            match stuck.next_at_any_time().await {
                Came::Text(_) => {}
                other => return other,
            }
        }
    };
    assert_eq!(within_time(LONG, "the end", end).await, Came::Close(4008, "slow".into()));
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_no_ping_is_closed_with_4012_and_who_takes_nothing_with_4008() {
    let limits = Config { ping_interval: Limit::Max(SHORT), stall_timeout: Limit::Max(SHORT * 2), ..Config::default() };
    let company = company(limits).await;
    let mut silent = Client::connect_as(company.house().address, request("a.test", Some(V2))).await.unwrap();
    silent.send(&frame::join("join", &company.room, None)).await;
    // From here by hand: the client answers no pings.
    let mut silent = silent.into_stream();
    let mut said = Vec::new();
    within_time(LONG, "the silent one's end", silent.read_to_end(&mut said)).await.unwrap();
    assert!(said.ends_with(b"\x88\x08\x0f\xacsilent"), "{:?}", String::from_utf8_lossy(&said));

    let mut stalled = Client::connect_narrow(company.house().address).await;
    stalled.send(&classic::join(&company.room)).await;
    until_time(LONG, "it is in", || company.house().viewers(&company.room) == 7).await;
    until_time(LONG, "it is out", || company.house().viewers(&company.room) == 6).await;
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_there_may_be_are_429_and_a_server_that_goes_away_is_503() {
    // Two owners speak from Rust, so the viewers are all.
    let full = company(Config { connections_max: Limit::Max(6), ..Config::default() }).await;
    let request = handshakes::good(full.house());
    handshakes::check(full.house(), "one too many", &request, 429).await;
    assert!(handshakes::answer(full.house(), &request).await.to_lowercase().contains("retry-after: 1"));
    full.end().await;

    let leaving = House::open(Config::default()).await;
    leaving.manager.shutdown().await;
    let request = handshakes::good(&leaving);
    handshakes::check(&leaving, "a server that goes away", &request, 503).await;
    assert!(handshakes::answer(&leaving, &request).await.to_lowercase().contains("retry-after: 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_want_of_place_closes_nobody() {
    // Two rooms and six viewers are there.
    let limits = Config {
        rooms_max: Limit::Max(3),
        viewers_per_room_max: Limit::Max(6),
        state_bytes_max: Limit::Max(1_000),
        ..Config::default()
    };
    let company = company(limits).await;
    let join = framing::text(&frame::join("a", &company.room, None));
    company.check("viewers", Speech::V2, Who::Nobody, &join.repeat(4), &["room_full"; 4]).await;
    let big =
        company.fill(r#"{"type":"publish","id":"a","key":"k","params":["<x257><x257><x257><x257>"],"state":true}"#);
    company.check("state", Speech::V2, Who::Owner, &framing::text(&big).repeat(4), &["state_full"; 4]).await;
    // The owner of that third room has left it, and it waits for its owner.
    let create = framing::text(r#"{"type":"create","id":"a"}"#);
    company.check("rooms", Speech::V2, Who::Nobody, &create.repeat(4), &["room_limit"; 4]).await;
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_named_another_message_is_refused_however_often() {
    let company = company(Config::default()).await;
    let mut owner = connect(company.house()).await;
    owner.open_room().await;
    let says = |params: &str| frame::publish("a", rtbroadcaster::Kind::Event, "k", params);
    owner.send(&says("[1]")).await;
    assert_eq!(owner.frame().await, Frame::Ack { id: "a".into(), seq: 1 });
    for _ in 0..4 {
        owner.send(&says("[2]")).await;
        assert!(matches!(owner.frame().await, Frame::Error { code, .. } if code == "id_reused"));
    }
    owner.expect_nothing().await;
    company.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_alone_takes_no_memory() {
    // Without a limit a length is only believed as far as it has come.
    let company = company(Config { message_bytes_max: Limit::None, ..Config::default() }).await;
    let before = resident_bytes();
    let mut waiting = Vec::new();
    for n in 0..64 {
        let mut client = if n % 2 == 0 { company.house().client().await } else { connect(company.house()).await };
        client.send_raw(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0{").await;
        waiting.push(client);
    }
    company.check("a room that is not there", Speech::V2, Who::Nobody, &framing::text("{"), &["bad_message"]).await;
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes for {} lengths", waiting.len());
    company.end().await;
}

/// What this process holds (`proc(5)`), other tests included.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}
