//! The counting against a model that remembers everything that was said.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const EVERY: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn params(text: &str) -> Params {
    Params::from_json(text).unwrap()
}

fn votes(once_per_viewer: bool) -> Box<Votes> {
    let options = RoomOptions::new().with_counting("k", Counting { every: EVERY, once_per_viewer }).unwrap();
    Votes::of(&options).unwrap()
}

/// What is told at the moment `now`, in seconds: the counts and the others of each total.
fn told(votes: &mut Votes, seconds: u64) -> Vec<(Vec<(String, u64)>, u64)> {
    let mut told = Vec::new();
    votes.tell(Duration::from_secs(seconds), |signal| {
        if let Signal::Counts { key, counts, other } = signal {
            assert_eq!(key, "k");
            told.push((counts, other));
        }
        true
    });
    told
}

fn say(votes: &mut Votes, from: u64, text: &str) {
    votes.count(&key("k"), &params(text), from, Duration::ZERO).unwrap();
}

fn total(counts: &[(&str, u64)], other: u64) -> Vec<(Vec<(String, u64)>, u64)> {
    vec![(counts.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect(), other)]
}

#[test]
fn totals_are_told_once_a_window_the_most_frequent_first_and_only_when_they_changed() {
    let mut votes = votes(false);
    assert_eq!(votes.due(), None);
    for text in ["[1]", "[2]", "[ 2 ]", "[\"a b\"]"] {
        say(&mut votes, 1, text);
    }
    assert_eq!(votes.due(), Some(EVERY));
    assert_eq!(told(&mut votes, 0), [], "the window is not over");
    assert_eq!(told(&mut votes, 1), total(&[("[2]", 2), ("[1]", 1), ("[\"a b\"]", 1)], 0));
    assert_eq!((told(&mut votes, 2), votes.due()), (vec![], None));
}

#[test]
fn a_newer_vote_takes_the_place_of_the_older_one_and_stays_when_its_viewer_goes() {
    let mut votes = votes(true);
    for (from, text) in [(1, "[1]"), (2, "[1]"), (1, "[2]"), (1, "[2]")] {
        say(&mut votes, from, text);
    }
    assert_eq!(told(&mut votes, 1), total(&[("[1]", 1), ("[2]", 1)], 0));
    say(&mut votes, 2, "[2]");
    say(&mut votes, 2, "[1]");
    assert_eq!(told(&mut votes, 2), [], "in the end nothing has changed");
    votes.forget(1);
    say(&mut votes, 1, "[2]");
    assert_eq!(told(&mut votes, 3), total(&[("[2]", 2), ("[1]", 1)], 0), "another viewer");
}

#[test]
fn counting_anew_is_told_also_when_nobody_says_anything_more() {
    let mut votes = votes(true);
    say(&mut votes, 1, "[1]");
    assert_eq!(told(&mut votes, 1).len(), 1);
    votes.restart(&key("other"), Duration::from_secs(1));
    assert_eq!(votes.due(), None);
    votes.restart(&key("k"), Duration::from_secs(1));
    assert_eq!(told(&mut votes, 2), total(&[], 0));
    say(&mut votes, 1, "[1]");
    assert_eq!(told(&mut votes, 3), total(&[("[1]", 1)], 0), "the vote from before is forgotten");
}

#[test]
fn what_is_not_taken_is_told_with_the_next_window_and_whoever_comes_is_told_all() {
    let mut votes = votes(false);
    say(&mut votes, 1, "[1]");
    votes.tell(EVERY, |_| false);
    assert_eq!(votes.due(), Some(2 * EVERY));
    assert_eq!(told(&mut votes, 2).len(), 1);
    votes.tell_all(Duration::from_secs(3));
    assert_eq!(told(&mut votes, 3), total(&[("[1]", 1)], 0));
}

#[test]
fn of_too_many_values_the_last_ones_are_counted_together() {
    let mut votes = votes(true);
    for value in 0..200 {
        say(&mut votes, value, &format!("[{value}]"));
    }
    let (counts, other) = told(&mut votes, 1).remove(0);
    assert_eq!((counts.len(), other), (128, 72));
    // A value that nobody chooses any more makes room for another, and that it is gone is told.
    say(&mut votes, 0, "[1]");
    say(&mut votes, 199, "[199]");
    let (counts, other) = told(&mut votes, 2).remove(0);
    assert_eq!((counts.len(), other), (128, 71));
    assert!(counts.contains(&("[199]".into(), 1)) && !counts.iter().any(|(text, _)| text == "[0]"));
    assert_eq!(counts[0], ("[1]".into(), 2));
}

#[test]
fn a_long_value_is_not_counted() {
    let mut votes = votes(false);
    let text = |bytes: usize| format!("[ \"{}\" ]", "x".repeat(bytes - 4));
    say(&mut votes, 1, &text(VALUE_BYTES_MAX));
    let long = votes.count(&key("k"), &params(&text(VALUE_BYTES_MAX + 1)), 1, Duration::ZERO);
    assert_eq!(long, Err(TooLong));
    assert_eq!(told(&mut votes, 1)[0].0.len(), 1);
    assert!(votes.counts(&key("k")) && !votes.counts(&key("K")));
}

#[test]
fn of_viewers_that_are_gone_no_table_is_kept() {
    let mut votes = votes(true);
    for from in 0..10_000 {
        say(&mut votes, from, "[1]");
    }
    for from in 10..10_000 {
        votes.forget(from);
        let chosen = &votes.0[0].chosen;
        assert!(chosen.capacity() <= 8 * chosen.len() + 128, "{} for {}", chosen.capacity(), chosen.len());
    }
    assert_eq!(told(&mut votes, 1), total(&[("[1]", 10_000)], 0));
    say(&mut votes, 9, "[2]");
    assert_eq!(told(&mut votes, 2), total(&[("[1]", 9_999), ("[2]", 1)], 0));
}

/// Something that happens to a poll.
#[derive(Debug, Clone)]
enum Step {
    Say { from: u64, value: u16 },
    Leave { from: u64 },
    Restart,
    Tell { takes: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..40_u64, 0..200_u16).prop_map(|(from, value)| Step::Say { from, value }),
        1 => (0..40_u64).prop_map(|from| Step::Leave { from }),
        1 => prop::num::u8::ANY.prop_map(|dice| if dice < 20 { Step::Restart } else { Step::Tell { takes: true } }),
        1 => prop::bool::ANY.prop_map(|takes| Step::Tell { takes }),
    ]
}

/// Everything that was said since the counting began.
#[derive(Default)]
struct Model {
    /// Of each viewer that is there, the choice that a newer one replaces.
    chosen: BTreeMap<u64, String>,
    /// What nothing replaces any more.
    settled: Vec<String>,
}

impl Model {
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for text in self.chosen.values().chain(&self.settled) {
            *counts.entry(text.clone()).or_default() += 1;
        }
        counts
    }
}

/// Tells the steps, of which no more than 128 values are counted at a time, so that all are told apart.
fn check(once: bool, steps: &[Step], values: u16) {
    let (mut votes, mut model, mut last, mut now) = (votes(once), Model::default(), None, 0);
    for step in steps {
        match step {
            Step::Say { from, value } => {
                let text = format!("[{}]", value % values);
                say_at(&mut votes, *from, &text, now);
                if once {
                    model.chosen.insert(*from, text);
                } else {
                    model.settled.push(text);
                }
            }
            Step::Leave { from } => {
                votes.forget(*from);
                model.settled.extend(model.chosen.remove(from));
            }
            Step::Restart => {
                votes.restart(&key("k"), Duration::from_secs(now));
                model = Model::default();
            }
            Step::Tell { takes } => {
                now += 1;
                let mut total = None;
                votes.tell(Duration::from_secs(now), |signal| {
                    total = Some(signal);
                    *takes
                });
                if let Some(Signal::Counts { counts, other, .. }) = total {
                    assert_eq!(other, 0);
                    assert!(counts.is_sorted_by(|one, next| one.1 >= next.1), "{counts:?}");
                    let counts: BTreeMap<String, u64> = counts.into_iter().collect();
                    assert_eq!(counts, model.counts());
                    if *takes {
                        last = Some(counts);
                    }
                } else if *takes {
                    assert_eq!(last.clone().unwrap_or_default(), model.counts(), "what has changed is told");
                }
            }
        }
    }
}

fn say_at(votes: &mut Votes, from: u64, text: &str, seconds: u64) {
    votes.count(&key("k"), &params(text), from, Duration::from_secs(seconds)).unwrap();
}

proptest! {
    #[test]
    fn totals_are_those_of_everything_that_was_said(
        once in prop::bool::ANY,
        values in 1..=128_u16,
        steps in prop::collection::vec(step(), 0..300),
    ) {
        check(once, &steps, values);
    }
}
