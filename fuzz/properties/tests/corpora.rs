//! The corpora of the fuzz targets as ordinary tests, and a few thousand inputs near them. Must not know the targets.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its corpus fails, and clippy allows it in test functions only"
)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use rtbroadcaster_properties::TARGETS;

/// The most files of a corpus, so that a checkout and a test run stay small.
const FILES_MAX: usize = 150;
const BYTES_MAX: usize = 100 * 1024;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

/// Returns the files of one corpus by name, so that a failure is the same one each time.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(corpora().join(target)).unwrap_or_else(|error| panic!("the corpus of {target}: {error}"));
    let mut files: Vec<_> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files
}

#[test]
fn every_file_of_the_corpora_keeps_its_property() {
    for (target, keeps) in TARGETS {
        for (name, bytes) in corpus(target) {
            // Shown only when the test fails.
            println!("fuzz/corpus/{target}/{name}");
            keeps(&bytes);
        }
    }
}

#[test]
fn the_corpora_are_those_of_the_targets_and_small() {
    let mut folders: Vec<String> =
        fs::read_dir(corpora()).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    let mut targets: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
    folders.sort_unstable();
    targets.sort_unstable();
    assert_eq!(folders, targets);
    for target in targets {
        let files = corpus(target);
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(files.len() <= FILES_MAX && bytes <= BYTES_MAX, "{target}: {} files, {bytes} bytes", files.len());
    }
}

/// A mutation of one input into another one near it.
#[derive(Debug, Clone)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    /// Replaces everything behind a position by what stands behind a position in another input.
    Cross(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (any::<Index>(), any::<Index>(), any::<Index>()).prop_map(|(at, other, from)| Mutation::Cross(at, other, from)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: Mutation, corpus: &[(String, Vec<u8>)]) {
    let place = |index: Index, bytes: &[u8]| index.index(bytes.len() + 1);
    match mutation {
        Mutation::Set(at, byte) => {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        Mutation::Insert(at, new) => {
            let at = place(at, bytes);
            bytes.splice(at..at, new);
        }
        Mutation::Remove(from, to) => {
            let (from, to) = (place(from, bytes), place(to, bytes));
            bytes.drain(from.min(to)..from.max(to));
        }
        Mutation::Cross(at, other, from) => {
            let (_, other) = other.get(corpus);
            bytes.truncate(place(at, bytes));
            bytes.extend_from_slice(&other[place(from, other)..]);
        }
    }
}

/// Checks inputs near those of the corpus of `target`: they keep its property, too.
fn check_near(target: &str, cases: u32) {
    let (_, keeps) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let corpus = corpus(target);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let inputs = (any::<Index>(), vec(mutation(), 0..5)).prop_map(|(first, mutations)| {
        let mut bytes = first.get(&corpus).1.clone();
        mutations.into_iter().for_each(|mutation| mutate(&mut bytes, mutation, &corpus));
        bytes
    });
    let outcome = TestRunner::new(config).run(&inputs, |bytes| {
        keeps(&bytes);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{target}: {error}"));
}

#[test]
fn handshakes_near_those_of_the_corpus_are_judged_by_rfc_6455() {
    check_near("handshake", 1_500);
}

#[test]
fn streams_near_those_of_the_corpus_decode_to_the_same_however_they_are_cut() {
    check_near("decoder", 700);
}

#[test]
fn classic_messages_near_those_of_the_corpus_are_understood_as_the_protocol_says() {
    check_near("classic", 1_500);
}

#[test]
fn messages_of_version_2_near_those_of_the_corpus_are_understood_as_the_protocol_says() {
    check_near("v2", 1_500);
}

#[test]
fn cursors_near_those_of_the_corpus_are_malformed_exactly_when_the_protocol_says_so() {
    check_near("cursor", 1_500);
}

#[test]
fn what_a_backlog_gives_in_courses_near_those_of_the_corpus_is_what_the_member_may_see() {
    check_near("backlog", 1_500);
}

#[test]
fn viewers_in_courses_near_those_of_the_corpus_get_the_messages_of_the_owner() {
    check_near("room", 100);
}
