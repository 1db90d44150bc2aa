//! `watch` and `publish` where a person sits.

use serde_json::json;

use super::{Stage, slide};
use crate::process::Process;
use crate::server::Server;
use crate::terminal::Terminal;

#[tokio::test]
async fn watch_is_readable_and_nothing_that_is_said_steers_the_terminal() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    stage.says(slide(1)).await;
    let mut terminal = Terminal::start(&["watch", &stage.link]);
    terminal.shows("    slide = [1]\r\n").await;
    stage.says(json!({"key": "two words\u{1b}[2J", "params": ["\u{9b}2J\u{202e}"]})).await;
    stage.says(json!({"key": "pointer", "params": [0.5], "ephemeral": true})).await;
    stage.says(slide(2)).await;
    stage.says(json!({"key": "slide", "clear": true})).await;
    stage.publisher.hush();
    let (code, screen) = terminal.end().await;
    assert_eq!(code, Some(0));
    let expected = [
        "    #1  the state: 1 key",
        "          slide = [1]",
        r#"    #2  "two words\u001b[2J" ["\u{9b}2J\u{202e}"]"#,
        "        pointer [0.5]",
        "    #3  slide = [2]",
        "    #4  slide is cleared",
        "        the room has ended. Its owner has closed it.",
    ];
    assert_eq!(screen.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn ctrl_c_ends_watch() {
    let server = Server::start().await;
    let stage = Stage::open(&server, &[]).await;
    let mut terminal = Terminal::start(&["watch", &stage.link]);
    terminal.shows("the state: 0 keys").await;
    terminal.types("\u{3}");
    assert_eq!(terminal.end().await.0, Some(130));
}

#[tokio::test]
async fn publish_takes_what_is_typed_and_ctrl_d_ends_the_room() {
    let server = Server::start().await;
    let mut terminal = Terminal::start(&["publish", &server.url]);
    let screen = terminal.shows("Ctrl-D ends").await;
    let link =
        screen.lines().find_map(|line| line.strip_prefix("Viewers open  ")).unwrap_or_else(|| panic!("{screen}"));
    let mut watcher = Process::start(&["watch", link.trim()]);
    watcher.json().await;
    terminal.types("{\"key\":\"slide\",\"params\":[3],\"state\":true}\n");
    terminal.shows("#1\r\n").await;
    assert_eq!(watcher.json().await["params"], json!([3]));
    terminal.types("slide 4\n");
    terminal.shows("message 2 was not published").await;
    terminal.types("\u{4}");
    let (code, screen) = terminal.end().await;
    assert!(code == Some(5) && screen.contains("1 message is published and acknowledged"), "{code:?} {screen}");
    assert_eq!(watcher.json().await["reason"], "room_closed");
}

#[tokio::test]
async fn publish_shows_how_far_it_is_and_ctrl_c_ends_it() {
    let server = Server::start().await;
    let mut terminal = Terminal::start(&["publish", &server.url, "--state", "slide=1", "--state", "slide=2"]);
    terminal.shows("the room stays open until Ctrl-C").await;
    terminal.types("\u{3}");
    let (code, screen) = terminal.end().await;
    assert!(code == Some(130) && screen.contains("#2\r\n"), "{code:?} {screen}");

    // What a pipe brings is counted, and not shown one by one.
    let feed = "for n in $(seq 300); do echo '{\"key\":\"n\",\"params\":['$n']}'; done; sleep 0.3";
    let publish = format!("({feed}) | {} publish {}", env!("CARGO_BIN_EXE_rtbroadcaster"), server.url);
    let mut terminal = Terminal::running("bash", &["-c", &publish]);
    terminal.shows("300 messages acknowledged").await;
    let (code, screen) = terminal.end().await;
    assert!(code == Some(0) && screen.contains("300 messages are published") && !screen.contains("#300"), "{screen}");
}
