//! The counting against a model that remembers every signal.

use super::*;
use crate::config::Config;
use crate::limit::Limit;

const EVERY: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn params(text: &str) -> Params {
    Params::from_json(text).unwrap()
}

fn votes(once_per_viewer: bool) -> Box<Votes> {
    votes_of(once_per_viewer, &Voters::new(&Config::default()))
}

fn votes_of(once_per_viewer: bool, voters: &Arc<Voters>) -> Box<Votes> {
    let options = RoomOptions::new().with_counting("k", Counting { every: EVERY, once_per_viewer }).unwrap();
    Votes::of(&options, voters).unwrap()
}

/// The viewer of this number, from an unknown address.
fn voter(number: u64) -> Voter {
    Voter { number: ViewerNumber::of(number), place: None }
}

/// Returns what the owner gets at the moment `now`, in seconds: the counts and the others of each total.
fn told(votes: &mut Votes, seconds: u64) -> Vec<(Vec<(String, u64)>, u64)> {
    let mut told = Vec::new();
    votes.tell(Duration::from_secs(seconds), |signal| {
        if let Signal::Counts { key, counts, other } = signal {
            assert_eq!(key.as_str(), "k");
            told.push((texts(counts).collect(), other));
        }
        true
    });
    told
}

/// Counts, with parameters as texts.
fn texts(counts: Vec<(Params, u64)>) -> impl Iterator<Item = (String, u64)> {
    counts.into_iter().map(|(params, count)| (params.as_str().to_owned(), count))
}

fn say(votes: &mut Votes, from: u64, text: &str) {
    votes.count(&key("k"), &params(text), voter(from), Duration::ZERO).unwrap();
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
fn a_newer_vote_takes_the_place_of_the_older_one_of_its_number() {
    let mut votes = votes(true);
    for (from, text) in [(1, "[1]"), (2, "[1]"), (1, "[2]"), (1, "[2]")] {
        say(&mut votes, from, text);
    }
    assert_eq!(told(&mut votes, 1), total(&[("[1]", 1), ("[2]", 1)], 0));
    say(&mut votes, 2, "[2]");
    say(&mut votes, 2, "[1]");
    assert_eq!(told(&mut votes, 2), [], "in the end nothing has changed");
    // A viewer that comes back with its number has its choice.
    say(&mut votes, 1, "[1]");
    assert_eq!(told(&mut votes, 3), total(&[("[1]", 2)], 0));
}

#[test]
fn a_restart_is_sent_also_when_no_viewer_sends_anything_more() {
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
fn what_is_not_taken_is_sent_with_the_next_window_and_a_new_owner_gets_all() {
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
        say(&mut votes, value + 1, &format!("[{value}]"));
    }
    let (counts, other) = told(&mut votes, 1).remove(0);
    assert_eq!((counts.len(), other), (128, 72));
    // A value without a choice makes room for another, and the owner gets a total without it.
    say(&mut votes, 1, "[1]");
    say(&mut votes, 200, "[199]");
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
    let long = votes.count(&key("k"), &params(&text(VALUE_BYTES_MAX + 1)), voter(1), Duration::ZERO);
    assert_eq!(long, Err(CountError::TooLong));
    assert_eq!(told(&mut votes, 1)[0].0.len(), 1);
    assert!(votes.counts(&key("k")) && !votes.counts(&key("K")));
}

#[test]
fn a_vote_that_cannot_be_remembered_changes_nothing_until_the_key_is_cleared() {
    let voters = Voters::new(&Config { viewers_per_room_max: Limit::Max(2), ..Config::default() });
    let mut votes = votes_of(true, &voters);
    let say = |votes: &mut Votes, from, text| votes.count(&key("k"), &params(text), voter(from), Duration::ZERO);
    for from in 1..=4 {
        say(&mut votes, from, "[1]").unwrap();
    }
    assert_eq!(say(&mut votes, 5, "[2]"), Err(CountError::Full));
    say(&mut votes, 4, "[3]").unwrap();
    assert_eq!(
        told(&mut votes, 1),
        total(&[("[1]", 3), ("[3]", 1)], 0),
        "a viewer that has a place may change its choice"
    );
    assert_eq!(say(&mut votes, 5, "[2]"), Err(CountError::Full));
    assert_eq!(votes.due(), None, "what was refused is no change");
    votes.restart(&key("k"), Duration::from_secs(1));
    assert_eq!(voters.choices(), 0);
    say(&mut votes, 5, "[2]").unwrap();
    assert_eq!(told(&mut votes, 2), total(&[("[2]", 1)], 0));
    // Where each signal counts, no viewer is remembered.
    let mut claps = votes_of(false, &voters);
    for from in 1..=100 {
        say(&mut claps, from, "[]").unwrap();
    }
    assert_eq!(voters.choices(), 1);
    drop(votes);
    assert_eq!(voters.choices(), 0);
}

mod model;
