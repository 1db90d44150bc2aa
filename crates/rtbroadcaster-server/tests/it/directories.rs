//! Foreign files in a data directory, its permissions, and a start that takes long.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use rtbroadcaster::{Config, Disk, Manager, Message};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::time::Instant;

use crate::kept::{Directory, Room};
use crate::process::Process;
use crate::server::{Server, soon};

/// Makes a directory with a room and gives its name to `server`.
async fn used(name: &str) -> Directory {
    let directory = Directory::new(name);
    let mut server = directory.server(&[]).await;
    Room::create(&server).await.says(1).await;
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
    directory
}

/// The server refuses the directory, and names this file and what it is.
async fn is_refused(directory: &Directory, path: &Path, what: &str) {
    let process = Process::start(&["--listen", "127.0.0.1:0", "--data-dir", directory.0.to_str().unwrap()]);
    let end = soon("the refusal", process.end()).await;
    let said = end.stderr.join("\n");
    assert!(said.contains(&format!("{} is {what}", path.display())), "{said}");
    assert_eq!((end.code, end.stdout.len()), (Some(1), 0), "{said}");
}

#[tokio::test]
async fn a_link_or_a_pipe_in_the_directory_is_named_and_never_opened() {
    let directory = used("foreign").await;
    let elsewhere = directory.0.with_extension("elsewhere");
    fs::write(&elsewhere, "of somebody else").unwrap();
    for name in ["alive", "secret", "store/0.jnl", "store/lock", "store/more"] {
        let (path, aside) = (directory.0.join(name), directory.0.join("aside"));
        let was_there = fs::rename(&path, &aside).is_ok();
        symlink(&elsewhere, &path).unwrap();
        is_refused(&directory, &path, "a symbolic link").await;
        fs::remove_file(&path).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        is_refused(&directory, &path, "a named pipe").await;
        fs::remove_file(&path).unwrap();
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "of somebody else");
    fs::remove_file(elsewhere).unwrap();
    let server = directory.server(&[]).await;
    assert!(server.announcement.contains("Rooms      in "), "it is as good as before");
}

/// All that is in a directory, and the directory, with their permissions.
fn permissions(path: &Path) -> Vec<(String, u32, bool)> {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut all = vec![(path.display().to_string(), metadata.permissions().mode() & 0o777, metadata.is_dir())];
    if metadata.is_dir() {
        all.extend(fs::read_dir(path).unwrap().flat_map(|entry| permissions(&entry.unwrap().path())));
    }
    all
}

#[tokio::test]
async fn what_the_server_makes_is_open_to_its_own_user_only() {
    // One that it makes itself, and one that the operator has made for all to read.
    for is_made in [false, true] {
        let directory = Directory::new(&format!("closed-{is_made}"));
        if is_made {
            fs::create_dir(&directory.0).unwrap();
            fs::set_permissions(&directory.0, Permissions::from_mode(0o755)).unwrap();
        }
        let server = directory.server(&[]).await;
        Room::create(&server).await.says(1).await;
        for (path, mode, is_directory) in permissions(&directory.0).into_iter().skip(usize::from(is_made)) {
            assert_eq!(mode, if is_directory { 0o700 } else { 0o600 }, "{path} has {mode:o}");
        }
        server.signal("TERM").await;
        let (_, log) = server.rest().await;
        let warned = log.iter().filter(|line| line.contains("other users of this machine may open it")).count();
        assert_eq!(warned, usize::from(is_made), "{log:#?}");
    }
}

#[tokio::test]
async fn a_directory_open_to_others_gets_a_warning_with_advice() {
    let directory = used("open").await;
    for (path, _, is_directory) in permissions(&directory.0) {
        fs::set_permissions(path, Permissions::from_mode(if is_directory { 0o755 } else { 0o644 })).unwrap();
    }
    let mut server = directory.server(&[]).await;
    let line = server.log_has("other users of this machine may open it").await;
    assert!(line.contains("WARN") && line.contains("chmod -R go= "), "{line}");
    let more: usize = line.split("more=").nth(1).unwrap().split(' ').next().unwrap().trim().parse().expect(&line);
    assert!(more > 3, "all of it is counted: {line}");
    server.signal("TERM").await;
    server.exit().await;
    // As the line says.
    let closed = tokio::process::Command::new("chmod").args(["-R", "go="]).arg(&directory.0).status().await.unwrap();
    assert!(closed.success());
    let server = directory.server(&[]).await;
    server.signal("TERM").await;
    let (_, log) = server.rest().await;
    assert!(log.iter().all(|line| !line.contains("other users")), "{log:#?}");
}

/// A directory that takes a server in its slowest build some while to read.
async fn large() -> Directory {
    let directory = Directory::new("large");
    let manager = Manager::open(Config::default(), &Disk::at(&directory.0)).await.unwrap();
    let mut rooms = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let owner = manager.create_room().await.unwrap();
        rooms.spawn(async move {
            for number in 0..1_000 {
                owner.publish(Message::event("n", [number]).unwrap()).await.unwrap();
            }
        });
    }
    while rooms.join_next().await.is_some() {}
    manager.shutdown().await;
    directory
}

/// Whether the process has a file of this name open.
fn has_open(pid: &str, name: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let mut names = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    names.any(|path| path.ends_with(name))
}

/// Starts a server on the directory and signals it when it has opened the store. Returns whether it was still at its
/// start.
async fn is_interrupted(directory: &Directory, signal: &str) -> bool {
    let process = Process::start(&["--listen", "127.0.0.1:0", "--data-dir", directory.0.to_str().unwrap()]);
    let pid = process.pid();
    soon("the store", async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while !has_open(&pid, "store/lock") {
            ticks.tick().await;
        }
    })
    .await;
    let asked = Instant::now();
    process.signal(signal).await;
    let end = process.end().await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{signal}: {:?}", asked.elapsed());
    assert_eq!(end.code, Some(0), "{signal}: {:?}", end.stderr);
    let is_interrupted = end.stderr.iter().any(|line| line.contains("the server was not ready yet"));
    assert_eq!(is_interrupted, end.stdout.is_empty(), "{:?} {:?}", end.stdout, end.stderr);
    is_interrupted
}

#[tokio::test]
async fn a_signal_ends_a_start_that_takes_long() {
    let directory = large().await;
    for signal in ["TERM", "INT"] {
        let mut attempts = 0;
        // It may have been ready already.
        while !is_interrupted(&directory, signal).await {
            attempts += 1;
            assert!(attempts < 20, "no start is interrupted by {signal}");
        }
    }
    // What was interrupted has done no harm.
    let mut server: Server = directory.server(&[]).await;
    server.log_has("rooms=20").await;
}
