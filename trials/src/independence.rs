//! Checks that judges do not use what they judge: only the scenarios that drive the library's own clients name its
//! crates, and the viewer that judges and the reader of frames know nothing but each other. Must not know what they do.

use std::fs;
use std::path::{Path, PathBuf};

/// The files, and the folders of files, that drive the library's own clients.
const DRIVERS: [&str; 6] = [
    "bench/logs/followed.rs",
    "chaos/clients/library.rs",
    "chaos/cluster/",
    "chaos/remote.rs",
    "chaos/remote/",
    "chaos/slow.rs",
];

/// The judges, and the modules of this crate that they may name.
const JUDGES: [&str; 4] = ["model.rs", "model/", "load/frame.rs", "load/peer.rs"];
const KNOWN: [&str; 3] = ["model", "frame", "steps"];

/// Returns every `.rs` file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|name| name == "rs")).collect()
}

/// Returns the words of the code of a text, without comments and quoted texts.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines() {
        let (mut word, mut is_quoted, mut before) = (String::new(), false, ' ');
        for letter in line.chars().chain([' ']) {
            if !is_quoted && letter == '/' && before == '/' {
                break;
            }
            if letter == '"' && before != '\\' {
                is_quoted = !is_quoted;
            }
            if !is_quoted && (letter.is_alphanumeric() || letter == '_' || letter == ':') {
                word.push(letter);
            } else if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            before = letter;
        }
    }
    words
}

/// Returns whether one of `places` is the file `path`, or a folder that it is in.
fn is_in(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| if place.ends_with('/') { path.starts_with(place) } else { path == *place })
}

/// Returns the forbidden names in a file.
fn wrong(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for word in words(text) {
        let names_library = word.split("::").any(|part| part.starts_with("rtbroadcaster"));
        if names_library && !is_in(path, &DRIVERS) {
            wrong.push(format!("{path} names {word}"));
        }
        if let Some(inside) = word.strip_prefix("crate::")
            && is_in(path, &JUDGES)
            && !KNOWN.contains(&inside.split("::").next().unwrap_or_default())
        {
            wrong.push(format!("{path} knows {word}"));
        }
    }
    wrong
}

#[test]
fn what_judges_does_not_name_what_it_judges() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut wrongs, mut judges, mut drivers) = (Vec::new(), 0, 0);
    for file in files(&source) {
        let path = file.strip_prefix(&source).unwrap().to_str().unwrap().replace('\\', "/");
        judges += usize::from(is_in(&path, &JUDGES));
        drivers += usize::from(is_in(&path, &DRIVERS));
        wrongs.extend(wrong(&path, &fs::read_to_string(&file).unwrap()));
    }
    assert!(wrongs.is_empty(), "\n{}\n", wrongs.join("\n"));
    assert!(judges > 8 && drivers > 4, "{judges} files judge, {drivers} drive: the others are not where they were");
}

#[test]
fn a_judge_that_names_the_library_is_found() {
    for (path, text) in [
        ("model.rs", "use rtbroadcaster::Message;"),
        ("model/answer.rs", "let a = rtbroadcaster_core::wire::encode(b);"),
        ("load/frame.rs", "pub(crate) use rtbroadcaster_bench::frame;"),
        ("chaos/cuts.rs", "    let a: ::rtbroadcaster::RoomId;"),
        ("model/answer.rs", "use crate::chaos::remote::viewer_check;"),
        ("load/peer.rs", "use crate::hostile::plain;"),
    ] {
        assert_eq!(wrong(path, text).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("model.rs", "// As rtbroadcaster::Message does."),
        ("load/peer.rs", "const V2: &str = \"rtbroadcaster.v2\";"),
        ("chaos/remote.rs", "use rtbroadcaster::Message;"),
        ("chaos/remote/viewer_check.rs", "use rtbroadcaster::Message;"),
        ("model/answer.rs", "use crate::model::record::Record;"),
        ("chaos/cuts.rs", "use crate::load::server::Server;"),
    ] {
        assert_eq!(wrong(path, text), [""; 0], "{path}: {text}");
    }
}
