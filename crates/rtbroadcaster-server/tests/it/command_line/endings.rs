//! Exit codes and words for what went wrong.

use rtbroadcaster::{OsRandom, RoomId};

use super::{Stage, keys::Directory, slide};
use crate::process::Process;
use crate::server::Server;

#[tokio::test]
async fn every_failure_has_its_code_and_says_what_to_do() {
    let server = Server::start().await;
    let (url, room) = (server.url.as_str(), RoomId::random(&OsRandom).to_string());
    let elsewhere = url.replace("/broadcasting", "/elsewhere");
    let nowhere = "ws://127.0.0.1:1/broadcasting";
    for (arguments, code, what, advice) in [
        (&["watch", url, &room][..], 3, "there is no such room", "ask for a new link"),
        (&["watch", url], 2, "which room?", "Give the viewers' link"),
        (&["watch", "127.0.0.1:8080", &room], 2, "expected ws://", "--help"),
        (&["watch", url, "Room"], 2, "invalid value 'Room'", "--help"),
        (
            &["watch", "--patience", "50ms", nowhere, &room],
            4,
            "no answer from ws://127.0.0.1:1/",
            "Is the server running",
        ),
        (&["watch", &elsewhere, &room], 4, "there is no endpoint", "/broadcasting"),
        (&["publish", url, &room], 2, "needs its owner key", "--owner-key-file FILE"),
        (&["publish", url, "--state", "say=hello"], 2, "parameters are JSON", "--help"),
        (&["publish", url, "--close", "--stay"], 2, "cannot be used with", "--help"),
        (&["publish", "--patience", "50ms", nowhere], 4, "no answer", "Is the server running"),
        (&["publish", url, "--event", "=1", "--close"], 5, "message 1", "All others were"),
        (&["man", "walk"], 2, "there is no command `walk`", "There are serve"),
        (&["completions", "cmd"], 2, "invalid value 'cmd'", "--help"),
    ] {
        let end = Process::start(arguments).end().await;
        let said = end.stderr.join("\n");
        assert_eq!(end.code, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(what) && said.contains(advice), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn an_owner_that_is_taken_over_ends_with_6() {
    let server = Server::start().await;
    let directory = Directory::new("over");
    let key = directory.path("talk.key");
    let mut stage = Stage::open(&server, &["--owner-key-file", &key]).await;
    stage.says(slide(1)).await;
    let second = Process::start(&["publish", &stage.link, "--owner-key-file", &key, "--state", "slide=2"]).end().await;
    assert_eq!(second.code, Some(0), "{:?}", second.stderr);
    // Also while it waits for its next line.
    let end = stage.publisher.end().await;
    assert_eq!(end.code, Some(6));
    assert!(end.stderr[0].contains("another owner has taken the room over"), "{:?}", end.stderr);
}

#[tokio::test]
async fn a_lost_connection_is_noted_once_and_ends_the_program_with_its_patience() {
    let mut server = Server::start().await;
    let stage = Stage::open(&server, &[]).await;
    let mut watcher = Process::start(&["watch", "--patience", "1s", &stage.link]);
    watcher.json().await;
    server.signal("KILL").await;
    server.exit().await;
    watcher.notes("the connection was lost (1006 lost); trying to reconnect for 1s").await;
    let end = watcher.end().await;
    assert_eq!((end.code, end.stderr.len()), (Some(4), 2), "{:?}", end.stderr);
}
