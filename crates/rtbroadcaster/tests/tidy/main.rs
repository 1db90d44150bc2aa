//! Guards the house: floors, purity, lengths, names and documents. Must not know what the code does.
//!
//! Each guard is a function from text to the list of what is wrong, tested on a bad sample and then run on the workspace.

#![allow(
    clippy::unwrap_used,
    reason = "a guard that cannot read the workspace fails, and clippy allows it in test functions only"
)]

mod documents;
mod floors;
mod names;
mod purity;
mod shape;
mod tokens;
mod tree;

use std::collections::BTreeSet;

use tree::File;

/// Runs a guard on every file and fails with everything it found.
fn check(files: &[File], guard: impl Fn(&File) -> Vec<String>) {
    assert!(!files.is_empty(), "a guard that sees no file guards nothing");
    let wrong: Vec<String> = files.iter().flat_map(guard).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The library's own sources, by their path below `src/`.
fn library() -> Vec<File> {
    tree::below("crates/rtbroadcaster/src", ".rs")
}

#[test]
fn imports_go_down_the_floors_only() {
    check(&library(), |file| floors::wrong(&file.path, &file.text));
}

#[test]
fn the_pure_parts_know_no_runtime_no_time_and_no_socket() {
    check(&library(), |file| purity::wrong(&file.path, &file.text));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    check(&tree::below("", ".rs"), |file| shape::too_long(&file.path, &file.text));
}

#[test]
fn every_file_begins_by_saying_what_it_does() {
    check(&tree::below("", ".rs"), |file| shape::headless(&file.path, &file.text));
}

#[test]
fn files_modules_and_public_items_have_names_of_the_domain() {
    check(&tree::below("", ".rs"), |file| names::wrong(&file.path, &file.text));
}

#[test]
fn no_document_has_a_broken_link() {
    check(&tree::below("", ".md"), |file| {
        documents::broken_links(&file.path, &file.text, |target| tree::root().join(target).exists())
    });
}

#[test]
fn protocol_md_and_the_table_of_endings_have_the_same_close_codes() {
    let table: BTreeSet<u16> = rtbroadcaster::CloseReason::ALL.iter().map(|reason| reason.code()).collect();
    let protocol = std::fs::read_to_string(tree::root().join("PROTOCOL.md")).unwrap();
    let wrong = documents::wrong_codes(&protocol, &table);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
