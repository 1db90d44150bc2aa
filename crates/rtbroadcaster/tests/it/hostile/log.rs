//! What reaches the log of all that: nothing of what was sent but the origin of a page that is refused, and not a line for each offence.
//! Must not know what is answered.

use rtbroadcaster::{Config, Limit};

use super::company::Company;
use super::{every_row, handshakes};
use crate::house::House;
use crate::overheard::Overheard;

/// Whether a character would do something to a terminal.
fn is_control(character: char) -> bool {
    character.is_control() && character != '\n'
}

#[test]
fn nothing_of_what_was_sent_but_an_origin_no_room_and_no_key_reaches_the_log_of_every_row() {
    let overheard = Overheard::default();
    let runtime = overheard.runtime();
    // See `content`: a log statement that was met first elsewhere may be taken for one without a listener.
    tracing::callsite::rebuild_interest_cache();
    let story = async {
        let company = Company::open().await;
        every_row(&company).await;
        let names = [company.room.clone(), company.other.clone(), company.key.clone()];
        company.end().await;
        names
    };
    let names = runtime.block_on(async { tokio::spawn(story).await.unwrap() });
    let log = overheard.text();
    for expected in ["bad_message", "no_room", "not_owner", "already_in_room", "a client frame is not masked"] {
        assert!(log.contains(expected), "the log is not about this: {expected}");
    }
    for forbidden in ["SECRET", "utm_source", "xxxxx", "[[[["] {
        assert!(!log.contains(forbidden), "{forbidden:?} is in the log");
    }
    for name in names {
        assert!(!log.contains(&name) && !log.contains(&name[9..]), "a room or a key is in the log");
    }
    assert!(!log.contains(is_control), "a control character is in the log");
}

#[test]
fn an_application_that_gives_no_address_is_warned_once() {
    let overheard = Overheard::default();
    let runtime = overheard.runtime();
    let story = async {
        // On a thread that listens: a log statement that was met elsewhere may be taken for one without a listener.
        tracing::callsite::rebuild_interest_cache();
        let house = House::open(Config::default()).await;
        for _ in 0..3 {
            house.client().await;
        }
        let other = House::open(Config::default()).await;
        other.client().await;
    };
    runtime.block_on(async { tokio::spawn(story).await.unwrap() });
    let log = overheard.text();
    let warned = log.lines().filter(|line| line.contains("limits per address do not apply"));
    assert_eq!(warned.filter(|line| line.starts_with("WARN")).count(), 2, "once for each manager: {log}");
}

#[test]
fn a_flood_of_refusals_writes_a_line_a_second_for_each_kind_and_counts_the_others() {
    const FLOOD: u64 = 200;
    let overheard = Overheard::default();
    let runtime = overheard.runtime();
    let flood = async {
        let begin = tokio::time::Instant::now();
        let house = House::open(Config { connections_max: Limit::Max(1), ..Config::default() }).await;
        let _only = house.client().await;
        let rows = handshakes::rows(&house);
        let (row, foreign, _) = rows.iter().find(|(.., status)| *status == 403).unwrap();
        for _ in 0..FLOOD {
            handshakes::check(&house, row, foreign, 403).await;
            handshakes::check(&house, "one too many", &handshakes::good(&house), 429).await;
        }
        // The next line of each kind, a second after the last one at the earliest, counts those that were not written.
        let over = tokio::time::Instant::now();
        let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
        while over.elapsed().as_secs() < 1 {
            look.tick().await;
        }
        handshakes::check(&house, row, foreign, 403).await;
        begin.elapsed().as_secs()
    };
    tracing::callsite::rebuild_interest_cache();
    let seconds = runtime.block_on(async { tokio::spawn(flood).await.unwrap() });
    let log = overheard.text();
    let lines = log.lines().filter(|line| !line.starts_with("DEBUG") && !line.starts_with("TRACE"));
    let refused: Vec<_> = lines.filter(|line| line.contains("upgrade refused")).collect();
    assert!(!refused.is_empty(), "nothing is said at all");
    assert!(refused.len() as u64 <= 2 * (seconds + 1), "{} lines in {seconds} s", refused.len());
    let unsaid =
        |line: &str| line.split_once("unsaid=").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
    let origins = refused.iter().filter(|line| line.contains("origin")).map(|line| 1 + unsaid(line).unwrap());
    assert_eq!(origins.sum::<u64>(), FLOOD + 1, "{refused:#?}");
}
