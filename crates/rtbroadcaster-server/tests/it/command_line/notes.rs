//! Notes of `watch` and `publish` on a stderr without a reader: they stop nothing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::thread;

use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::{Stage, slide};
use crate::process::Process;
use crate::server::{Server, program, soon};

/// The program with a pipe as stderr, which is not read yet.
fn unread(arguments: &[&str]) -> (Child, PipeReader) {
    unread_from(arguments, 0)
}

/// The same with at least so many bytes in the pipe; if there are any, it is full.
fn unread_from(arguments: &[&str], bytes: u64) -> (Child, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    if bytes > 0 {
        let mut before = writer.try_clone().unwrap();
        // It writes more than a pipe holds, and ends when the pipe is closed.
        thread::spawn(move || _ = before.write_all(&[b'\n'; 1 << 20]));
        while ioctl_fionread(&reader).unwrap() < bytes {
            thread::yield_now();
        }
    }
    let mut command = program();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer).kill_on_drop(true);
    (command.spawn().unwrap(), reader)
}

#[tokio::test]
async fn an_unread_stderr_stops_no_publish_and_what_is_missing_there_is_counted() {
    /// Each makes a note of 70 bytes, and a pipe holds 64 KiB.
    const NONSENSE: u64 = 3_000;
    let server = Server::start().await;
    let (mut publisher, mut stderr) = unread(&["publish", &server.url]);
    let mut input = publisher.stdin.take().unwrap();
    let mut answers = BufReader::new(publisher.stdout.take().unwrap()).lines();
    let feeding = tokio::spawn(async move {
        for _ in 0..NONSENSE {
            input.write_all(b"this is no message\n").await.unwrap();
        }
        input.write_all(format!("{}\n", slide(7)).as_bytes()).await.unwrap();
        input
    });
    let mut last = Value::Null;
    while last["type"] != "ack" {
        let line = soon("an answer", answers.next_line()).await.unwrap().expect("it goes on");
        last = serde_json::from_str(&line).unwrap();
    }
    assert_eq!(last, json!({"type": "ack", "n": NONSENSE + 1, "key": "slide", "seq": 1}));
    let mut input = soon("the feed", feeding).await.unwrap();
    // The test begins to read.
    let (begins, begun) = tokio::sync::oneshot::channel();
    let read = tokio::task::spawn_blocking(move || {
        let mut text = vec![0];
        stderr.read_exact(&mut text).unwrap();
        let _ = begins.send(());
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    });
    soon("a reader", begun).await.unwrap();
    for _ in 0..3 {
        input.write_all(b"this is no message either\n").await.unwrap();
        soon("an answer", answers.next_line()).await.unwrap();
    }
    drop(input);
    let status = soon("its end", publisher.wait()).await.unwrap();
    assert_eq!(status.code(), Some(5));
    let text = soon("the notes", read).await.unwrap();
    assert!(text.contains("notes were dropped here: stderr was blocked"), "{}", &text[text.len() - 400..]);
    assert!(text.contains("3003 messages were not published"), "{}", &text[text.len() - 400..]);
}

#[tokio::test]
async fn a_terminal_without_a_reader_stops_no_publish() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(OsStr::from_bytes(path.as_bytes())).unwrap();
    let server = Server::start().await;
    let mut command = program();
    // The count is drawn there, again and again.
    command.args(["publish", &server.url]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(terminal);
    let mut publisher = command.kill_on_drop(true).env("TERM", "xterm").spawn().unwrap();
    drop(command);
    let mut input = publisher.stdin.take().unwrap();
    let mut answers = BufReader::new(publisher.stdout.take().unwrap()).lines();
    tokio::spawn(async move {
        for number in 0..2_000 {
            input.write_all(format!("this is no message\n{}\n", slide(number)).as_bytes()).await.unwrap();
        }
    });
    let mut acked = 0;
    while let Some(line) = soon("an answer", answers.next_line()).await.unwrap() {
        acked += u32::from(line.contains("\"ack\""));
    }
    assert_eq!(acked, 2_000);
    assert_eq!(soon("its end", publisher.wait()).await.unwrap().code(), Some(5));
    drop(master);
}

#[tokio::test]
async fn a_program_ends_in_time_though_its_last_note_is_not_read() {
    let server = Server::start().await;
    let (mut publisher, _stderr) = unread(&["publish", &server.url]);
    let mut input = publisher.stdin.take().unwrap();
    let mut answers = BufReader::new(publisher.stdout.take().unwrap()).lines();
    tokio::spawn(async move { while let Ok(Some(_)) = answers.next_line().await {} });
    for _ in 0..3_000 {
        input.write_all(b"this is no message\n").await.unwrap();
    }
    drop(input);
    let begun = std::time::Instant::now();
    assert_eq!(soon("its end", publisher.wait()).await.unwrap().code(), Some(5));
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_closed_or_full_stderr_changes_nothing() {
    let server = Server::start().await;
    for stderr in ["2>&-", "2>/dev/full"] {
        let script = format!("exec \"$0\" publish \"$1\" --close {stderr}");
        let mut shell = Command::new("sh");
        let mut publisher = Process::of(shell.args(["-c", &script, env!("CARGO_BIN_EXE_rtbroadcaster"), &server.url]));
        publisher.json().await;
        publisher.say("this is no message").await;
        assert_eq!(publisher.json().await["code"], "bad_line", "{stderr}");
        publisher.say(&slide(1).to_string()).await;
        assert_eq!(publisher.json().await["seq"], 1, "{stderr}");
        publisher.hush();
        assert_eq!(publisher.end().await.code, Some(5), "{stderr}");
    }
}

#[tokio::test]
async fn a_full_stdout_stops_no_publish_and_is_reported_at_the_end() {
    let server = Server::start().await;
    let key = super::keys::Directory::new("full");
    let key = key.path("feed.key");
    let mut stage = Stage::open(&server, &["--owner-key-file", &key]).await;
    stage.says(slide(1)).await;
    stage.publisher.hush();
    assert_eq!(stage.publisher.end().await.code, Some(0));
    let script = "exec \"$0\" publish \"$1\" --owner-key-file \"$2\" --state slide=2 --state slide=3 > /dev/full";
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", script, env!("CARGO_BIN_EXE_rtbroadcaster"), &stage.link, &key]);
    let end = Process::of(shell).end().await;
    assert_eq!(end.code, Some(1), "{:?}", end.stderr);
    assert!(end.stderr[0].contains("messages are still published"), "{:?}", end.stderr);
    let end = Process::start(&["watch", "--state", &stage.link]).end().await;
    assert_eq!(end.stdout, [r#"{"type":"state","seq":3,"state":{"slide":[3]}}"#]);
}

#[tokio::test]
async fn a_full_or_broken_stderr_stops_no_watch() {
    let mut server = Server::start().await;
    let stage = Stage::open(&server, &[]).await;
    let mut watchers = Vec::new();
    for is_broken in [false, true] {
        let (mut watcher, stderr) = unread_from(&["watch", "--patience", "1s", &stage.link], 60_000);
        let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
        soon("the state", lines.next_line()).await.unwrap();
        watchers.push((watcher, lines, (!is_broken).then_some(stderr)));
    }
    server.signal("KILL").await;
    server.exit().await;
    // Each notes that the connection is lost, and at the end why it ends.
    for (mut watcher, _lines, _stderr) in watchers {
        assert_eq!(soon("its end", watcher.wait()).await.unwrap().code(), Some(4));
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_the_first_line_is_skipped() {
    let server = Server::start().await;
    let mut stage = Stage::open(&server, &[]).await;
    stage.publisher.say(&format!("\u{feff}{}", slide(1))).await;
    assert_eq!(stage.publisher.json().await["seq"], 1);
    stage.publisher.say(&format!("\u{feff}{}", slide(2))).await;
    assert_eq!(stage.publisher.json().await["code"], "bad_line", "elsewhere it is none");
}
