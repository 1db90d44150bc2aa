//! The room's log: numbering, folding, the snapshot for joiners and the history for those that resume. Must not know
//! members.

use std::hint::black_box;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::id::{Cursor, Term};
use rtbroadcaster_core::message::{Change, Params};
use rtbroadcaster_core::room::log::{IDS_MAX, Log, Proposal, Resume, Verdict};
use rtbroadcaster_core::standing::CursorScope;

use super::sample;
use rtbroadcaster_parts::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("apply_an_event", || apply(Change::Event, 1, None)),
    Part::new("apply_a_value_of_1_000_keys", || apply(Change::State, 1_000, None)),
    Part::new("apply_an_event_with_an_id", || apply(Change::Event, 1, Some("9f86d081884c7d65"))),
    Part::new("know_a_repeated_id", repeat),
    Part::new("make_a_snapshot_of_1_000_keys", snapshot),
    Part::new("share_a_snapshot_of_1_000_keys", shared_snapshot),
    Part::new("resume_64_messages_behind", resume),
];

/// Applies one more message to a room whose history, state and known ids are full.
fn apply(change: Change, keys: u64, id: Option<&'static str>) -> Box<dyn FnMut()> {
    let (mut log, params) = (sample::log(), sample::params(sample::BYTES));
    let mut number = 0;
    let mut work = move || {
        number += 1;
        let id = id.map(|id| format!("{id}-{number:08}").into());
        propose(&mut log, Proposal { id, ..proposal(number, keys, &params, change) });
    };
    (0..=IDS_MAX).for_each(|_| work());
    Box::new(work)
}

/// Repeats a publish with a known id.
fn repeat() -> Box<dyn FnMut()> {
    let mut log = full();
    let again = Proposal { id: Some("9f86d081884c7d65-1".into()), ..proposal(0, 1, &params(), Change::Event) };
    propose(&mut log, again.clone());
    Box::new(move || assert!(matches!(log.check(black_box(&again)), Ok(Verdict::Known(_)))))
}

/// Makes the snapshot for the first viewer that joins after a change.
fn snapshot() -> Box<dyn FnMut()> {
    let (mut log, params) = (full(), params());
    let mut number = 0;
    Box::new(move || {
        number += 1;
        propose(&mut log, proposal(number, KEYS, &params, Change::State));
        black_box(log.snapshot());
    })
}

/// Gets the shared snapshot for another viewer.
fn shared_snapshot() -> Box<dyn FnMut()> {
    let mut log = full();
    Box::new(move || {
        black_box(log.snapshot());
    })
}

/// Resumes a viewer.
fn resume() -> Box<dyn FnMut()> {
    let mut log = full();
    let seq = Seq::new(log.seq().get() - 64).expect("it is smaller than a number");
    let cursor = Cursor { epoch: log.epoch().clone(), seq };
    Box::new(move || {
        assert!(matches!(log.resume(black_box(&cursor), CursorScope::AllLives, sample::NOW), Resume::Resumed(_)))
    })
}

const KEYS: u64 = 1_000;

/// Returns a log that holds a value of each key.
fn full() -> Log {
    let (mut log, params) = (sample::log(), params());
    for number in 0..KEYS {
        propose(&mut log, proposal(number, KEYS, &params, Change::State));
    }
    log
}

/// Returns parameters so short that 1 000 of them are within the limit of a state.
fn params() -> Params {
    sample::params(128)
}

fn proposal(number: u64, keys: u64, params: &Params, change: Change) -> Proposal {
    Proposal { term: Term::FIRST, key: sample::key(number, keys), params: params.clone(), change, id: None }
}

fn propose(log: &mut Log, proposal: Proposal) {
    assert_eq!(log.check(&proposal), Ok(Verdict::New));
    black_box(log.apply(proposal, sample::NOW));
}
