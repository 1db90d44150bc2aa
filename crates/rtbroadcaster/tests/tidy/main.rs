//! Guards the house: floors, purity, lengths, names and documents. Must not know what the code does.
//!
//! Each guard is a function from text to the list of what is wrong, tested on a bad sample and then run on the workspace.

#![allow(
    clippy::unwrap_used,
    reason = "a guard that cannot read the workspace fails, and clippy allows it in test functions only"
)]

mod documents;
mod ends;
mod floors;
mod names;
mod prose;
mod shape;
mod strangers;
mod tokens;
mod tree;

use rtbroadcaster::CloseReason;
use rtbroadcaster_core::refusal::Refusal;

use tree::File;

/// Runs a guard on every file and fails with everything it found.
fn check(files: &[File], guard: impl Fn(&File) -> Vec<String>) {
    assert!(!files.is_empty(), "a guard that sees no file guards nothing");
    nothing_is(&files.iter().flat_map(guard).collect::<Vec<_>>());
}

/// Fails with everything that is wrong.
fn nothing_is(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn protocol() -> String {
    std::fs::read_to_string(tree::root().join("PROTOCOL.md")).unwrap()
}

/// The runtime's own sources, by their path below `src/`.
fn library() -> Vec<File> {
    tree::below("crates/rtbroadcaster/src", ".rs")
}

#[test]
fn imports_go_down_the_floors_only() {
    check(&library(), |file| floors::wrong(&file.path, &file.text));
}

#[test]
fn the_fan_out_names_no_json_and_no_frames_of_a_transport_and_judges_do_not_name_what_they_judge() {
    check(&tree::below("", ".rs"), |file| strangers::wrong(&file.path, &file.text));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    check(&tree::below("", ".rs"), |file| shape::too_long(&file.path, &file.text));
}

#[test]
fn comments_name_their_actors() {
    check(&tree::below("", ".rs"), |file| {
        if file.path.ends_with("tidy/prose.rs") { Vec::new() } else { prose::wrong(&file.path, &file.text) }
    });
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
fn protocol_md_and_the_table_of_endings_are_one() {
    let advice = |comes_back| if comes_back { "yes" } else { "no" };
    let row = |reason: &CloseReason| {
        vec![reason.code().to_string(), reason.word().to_owned(), advice(reason.comes_back()).to_owned()]
    };
    let rows: Vec<_> = CloseReason::ALL.iter().map(row).collect();
    nothing_is(&documents::wrong_rows(&protocol(), "code", &[0, 1, 3], &rows));
}

#[test]
fn protocol_md_and_the_table_of_refusals_are_one() {
    let number = |number: Option<u128>| number.map_or_else(String::new, |number| number.to_string());
    let row = |refusal: &Refusal| {
        let retry = number(refusal.retry().map(|retry| retry.as_millis()));
        let strike = number(refusal.strike().map(|reason| reason.code().into()));
        vec![refusal.code().to_owned(), refusal.text().to_owned(), refusal.message().to_owned(), retry, strike]
    };
    let rows: Vec<_> = Refusal::ALL.iter().map(row).collect();
    nothing_is(&documents::wrong_rows(&protocol(), "error", &[0, 1, 2, 3, 4], &rows));
}

#[test]
fn examples_of_both_ends_differ_only_in_how_the_owner_is_obtained() {
    let read = |path: &str| std::fs::read_to_string(tree::root().join(path)).unwrap();
    let (near, far) =
        (read("crates/rtbroadcaster/src/room/owner.rs"), read("crates/rtbroadcaster-client/src/owner.rs"));
    nothing_is(&ends::differing_sources(&near, &far));
    nothing_is(&ends::missing_examples(&near, &far));
    let (readme, client) = (read("README.md"), read("docs/rust-client.md"));
    nothing_is(&ends::differing_documents((&readme, "Publishing from Rust:"), (&client, "## An owner")));
}
