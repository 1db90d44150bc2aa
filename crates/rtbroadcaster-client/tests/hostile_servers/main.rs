//! Tests `remote` against hostile servers: each row of the tables runs against a viewer and an owner, over real
//! sockets. None may make a client panic, run beyond its patience, reconnect too often, or fill its memory.

#![allow(clippy::unwrap_used, reason = "a step that fails ends its test, and clippy allows it in test functions only")]

mod answers;
mod floods;
mod framing;
mod inside;
mod memory;
mod peer;
mod program;
mod row;
mod speech;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use program::{Outcome, Role};
use row::{Ends, Row};

/// How many panics there were in this process.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Held by the running test: the tests share the process's memory, which they measure.
static TURN: Semaphore = Semaphore::const_new(1);

/// How often a client may connect until its patience ends.
const CONNECTIONS_MAX: usize = 40;

/// How much memory all clients of a table may take together, with their servers. They have 1 MiB each for a state, a
/// frame and a stream, and 128 KiB to read.
const TABLE_BYTES_MAX: u64 = 128 << 20;

/// Counts the panics, since a panic of a client's task is not visible otherwise.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            before(panic);
        }));
    });
}

/// Returns what is wrong with the outcome of a client.
fn fault(row: &Row, role: Role, outcome: &Outcome) -> Option<String> {
    let Outcome { closing, connections } = outcome;
    let ended = closing.as_ref().map(|closing| (closing.reason(), closing.comes_back()));
    let is_right = match (row.ends, ended) {
        (Ends::Final(expected), Some((reason, false))) => reason == expected && *connections == 1,
        (Ends::GivesUp, Some((_, true))) => *connections <= CONNECTIONS_MAX,
        (Ends::GivesUpAtOnce, Some((_, true))) => *connections == 1,
        (Ends::Stays, None) => *connections == 1,
        _ => false,
    };
    (!is_right).then(|| format!("{role:?} of `{}`: {outcome:?} and not {:?}", row.name, row.ends))
}

/// Runs all rows at the same time, against each of their roles.
async fn check(rows: Vec<Row>) {
    count_panics();
    let _turn = TURN.acquire().await.unwrap();
    let (panics, mut clients) = (PANICS.load(Ordering::Relaxed), JoinSet::new());
    memory::forget_peak();
    let before = memory::peak();
    for row in rows.into_iter().map(Arc::new) {
        for &role in row.roles {
            let row = Arc::clone(&row);
            clients.spawn(async move {
                let outcome = program::meet(&row, role).await;
                outcome.map_or_else(
                    |hang| Some(format!("{role:?} of `{}`: {hang}", row.name)),
                    |outcome| fault(&row, role, &outcome),
                )
            });
        }
    }
    let count = clients.len();
    let faults: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{} of {count} clients:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(PANICS.load(Ordering::Relaxed), panics, "a client panicked");
    let taken = memory::peak().saturating_sub(before);
    println!("{count} clients: {} MiB", taken >> 20);
    assert!(taken <= TABLE_BYTES_MAX, "{count} clients took {} MiB", taken >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_hurts_a_client_that_it_does_not_let_in() {
    check(answers::rows().into_iter().chain(speech::rows()).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_hurts_a_client_that_it_lets_in() {
    check(
        [framing::rows(), inside::of_both(), inside::of_viewers(), inside::of_owners()].into_iter().flatten().collect(),
    )
    .await;
}

/// Runs the floods one after the other, and compares the client's memory with its limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_flood_takes_more_memory_than_the_limits_allow() {
    count_panics();
    let _turn = TURN.acquire().await.unwrap();
    for row in floods::rows() {
        memory::forget_peak();
        let before = memory::peak();
        let outcome = program::meet(&row, row.roles[0]).await.unwrap_or_else(|hang| panic!("`{}`: {hang}", row.name));
        let taken = memory::peak().saturating_sub(before);
        assert_eq!(fault(&row, row.roles[0], &outcome), None);
        assert!(taken <= floods::BYTES_MAX, "`{}` took {} KiB", row.name, taken >> 10);
        println!("{:>6} KiB: {}", taken >> 10, row.name);
    }
}

#[test]
fn the_tables_have_sixty_behaviours_and_no_name_twice() {
    let tables = [answers::rows(), framing::rows(), speech::rows()].into_iter().flatten();
    let inside = [inside::of_both(), inside::of_viewers(), inside::of_owners()].into_iter().flatten();
    let mut names: Vec<_> = tables.chain(inside).map(|row| row.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    println!("{count} behaviours");
    assert!(count >= 60 && names.len() == count, "{count} rows with {} names", names.len());
}
