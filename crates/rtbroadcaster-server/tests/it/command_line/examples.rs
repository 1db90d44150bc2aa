//! docs/command-line.md as a newcomer reads it: every block is pasted into a shell, one after the other, and has the
//! output in the page.

use tokio::process::Command;

use super::keys::Directory;
use crate::process::Process;
use crate::server::Server;

/// The room and the address that the page shows.
const ROOM: &str = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";
const ADDRESS: &str = "127.0.0.1:8080";

/// Between what two blocks show.
const BORDER: &str = "---- the next block ----";

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md")).unwrap()
}

/// The blocks that are typed, each with what it shows, if the page says so.
fn blocks(page: &str) -> Vec<(String, Option<String>)> {
    let mut blocks: Vec<(String, Option<String>)> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let text: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        match kind {
            "sh" => blocks.push((text, None)),
            "text" => blocks.last_mut().expect("something was typed before").1 = Some(text),
            other => panic!("no test for a block of {other}"),
        }
    }
    blocks
}

/// A shell in a directory of its own, which has the program and takes a running server for the one that it starts.
fn shell(directory: &Directory, script: &str) -> Process {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_rtbroadcaster"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    let home = directory.path("");
    shell.args(["-c", script]).current_dir(&home).env("HOME", &home).env("PATH", path);
    Process::of(&mut shell)
}

/// With every room as the page names it.
fn with_the_pages_room(text: &str) -> String {
    let is_room = |word: &str| word.len() == ROOM.len() && word.parse::<rtbroadcaster::RoomId>().is_ok();
    let mut shown = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let room = rest.get(..ROOM.len()).filter(|word| is_room(word));
        let taken = room.map_or(letter.len_utf8(), str::len);
        shown.push_str(room.map_or(&rest[..taken], |_| ROOM));
        rest = &rest[taken..];
    }
    shown
}

#[tokio::test]
async fn every_example_does_what_the_page_says() {
    let server = Server::start().await;
    let directory = Directory::new("page");
    let blocks = blocks(&page());
    assert!(blocks.len() > 8, "{}", blocks.len());
    // The server runs already, on another port; what stands in its place is the first job, too.
    let mut script = "set -euo pipefail; exec 2>&1\n\
                      rtbroadcaster() { if [ $# = 0 ]; then exec sleep 1000; else command rtbroadcaster \"$@\"; fi; }\n"
        .to_owned();
    for (typed, _) in &blocks {
        // The first one starts the server.
        script.push_str(&format!("{typed}server=${{server-$!}}\necho '{BORDER}'\n"));
    }
    script.push_str("kill $server\n");
    let mut shell = shell(&directory, &script.replace(ADDRESS, &server.address.to_string()));
    for (typed, expected) in &blocks {
        let mut shown = String::new();
        loop {
            match shell.line().await {
                line if line == BORDER => break,
                line => shown.push_str(&format!("{line}\n")),
            }
        }
        let shown = with_the_pages_room(&shown.replace(&server.address.to_string(), ADDRESS));
        assert_eq!(&shown, expected.as_deref().unwrap_or_default(), "{typed}");
    }
    assert_eq!(shell.end().await.code, Some(0));
}

#[tokio::test]
async fn the_page_has_every_exit_code_that_the_help_has() {
    let help = Process::start(&["watch", "--help"]).end().await.stdout;
    let codes: Vec<_> = help.iter().skip_while(|line| *line != "Exit code:").skip(1).collect();
    assert_eq!(codes.len(), 9, "{help:?}");
    let page = page();
    for line in codes {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        assert!(page.contains(&format!("\n| {code} | {meaning} |\n")), "{line}");
    }
}

#[tokio::test]
async fn a_sensor_feed_that_is_started_again_goes_on_in_its_room() {
    let server = Server::start().await;
    let directory = Directory::new("feed");
    let feed = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sensor-feed.sh");
    let mut links = Vec::new();
    for first in [1, 2] {
        let mut feed = shell(&directory, &format!("exec setsid sh {feed} {} 0.05", server.url));
        let said = feed.line().await;
        let link = said.strip_prefix("Viewers open ").unwrap_or_else(|| panic!("{said}")).to_owned();
        let mut watcher = Process::start(&["watch", &link]);
        let state = watcher.json().await;
        assert!(state["seq"].as_u64().unwrap() + 1 >= first, "{state}");
        let load = loop {
            let line = watcher.json().await;
            if line["key"] == "load" {
                break line;
            }
        };
        assert!(load["params"][0].is_f64(), "{load}");
        links.push(link);
        // The whole pipeline, as a terminal that is closed ends it.
        let group = format!("-{}", feed.pid());
        let sent = Command::new("sh").args(["-c", "kill -s TERM -- \"$0\"", &group]).status().await.unwrap();
        assert!(sent.success());
    }
    assert_eq!(links[0], links[1]);
}
