//! Standard streams without a reader: whatever happens to the server's lines, rooms and requests are not affected.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe, pipe_with};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::kept::Room;
use crate::server::{DEADLINE, Server, lines, program, soon};

/// How long the end of a server without clients may take.
const END: Duration = Duration::from_secs(2);

/// Requests that write more to the log than waits for its reader.
const FLOOD: u32 = 60;

/// A pipe that holds as little as a pipe can.
fn small_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe().unwrap();
    fcntl_setpipe_size(&writer, 4096).unwrap();
    (reader, writer)
}

/// The same, full.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'\n'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

/// A command that runs the server with its streams as a shell redirects them.
fn redirected(how: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec \"$0\" \"$@\" {how}"), env!("CARGO_BIN_EXE_rtbroadcaster")]);
    shell
}

/// The server answers, acknowledges, and ends on a signal, whatever it writes meanwhile.
async fn serves_and_ends(server: &mut Server, case: &str) {
    let mut room = Room::create(server).await;
    let begun = Instant::now();
    for number in 1..=FLOOD {
        let answer = soon(case, async { Connection::open(server).await.ask("GET /healthz", "").await }).await;
        assert_eq!(answer.status, 200, "{case}");
        assert_eq!(soon(case, room.says(number)).await, u64::from(number), "{case}");
    }
    assert!(begun.elapsed() < 3 * DEADLINE, "{case}: all of it waits for a reader: {:?}", begun.elapsed());
    let (mut viewer, _) = room.viewer(server, None).await;
    room.says(FLOOD + 1).await;
    assert_eq!(soon(case, viewer.hear()).await["key"], "n", "{case}");
    drop((viewer, room));
    let asked = Instant::now();
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0), "{case}");
    assert!(asked.elapsed() < END, "{case}: {:?}", asked.elapsed());
}

/// The same where stderr is this.
async fn with_stderr(case: &str, command: &mut Command, stderr: impl Into<Stdio>) {
    let mut server = Server::with_stderr(command, &["--log", "trace"], stderr.into()).await;
    serves_and_ends(&mut server, case).await;
}

/// The same where stdout is this.
async fn with_stdout(case: &str, command: &mut Command, stdout: impl Into<Stdio>) {
    let mut server = Server::with_stdout(command, &[], stdout.into()).await;
    serves_and_ends(&mut server, case).await;
}

#[tokio::test]
async fn a_log_without_a_reader_stops_nothing() {
    let (_reader, writer) = small_pipe();
    with_stderr("a pipe that nobody reads", &mut program(), writer).await;
    let (_reader, writer) = full_pipe();
    with_stderr("a full pipe", &mut program(), writer).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    with_stderr("a full disk", &mut program(), full).await;
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    with_stderr("a reader that has gone", &mut program(), writer).await;
    with_stderr("a closed stream", &mut redirected("2>&-"), Stdio::null()).await;
}

#[tokio::test]
async fn a_log_that_is_read_slowly_stops_nothing() {
    let (reader, writer) = small_pipe();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let mut reader = tokio::net::unix::pipe::Receiver::from_owned_fd(reader).unwrap();
    let slow = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let mut piece = [0; 16];
        while reader.read(&mut piece).await.unwrap() > 0 {
            ticks.tick().await;
        }
    });
    with_stderr("a slow reader", &mut program(), writer).await;
    slow.abort();
}

#[tokio::test]
async fn an_announcement_without_a_reader_stops_nothing() {
    let (_reader, writer) = full_pipe();
    with_stdout("a full pipe", &mut program(), writer).await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    with_stdout("a full disk", &mut program(), full).await;
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    with_stdout("a reader that has gone", &mut program(), writer).await;
    with_stdout("a closed stream", &mut redirected(">&-"), Stdio::null()).await;
}

#[tokio::test]
async fn dropped_lines_are_counted_and_logged_when_the_log_is_read_again() {
    let (reader, writer) = small_pipe();
    let arguments = ["--log", "trace", "--admin-listen", "127.0.0.1:0"];
    let mut server = Server::with_stderr(&mut program(), &arguments, writer.into()).await;
    let metrics = server.said().await;
    let admin = metrics.split_once("http://").unwrap().1.split('/').next().unwrap().parse().unwrap();
    let dropped = async || -> u64 {
        let told = Connection::open_at(admin).await.ask("GET /metrics", "").await.body;
        let line = told.lines().find_map(|line| line.strip_prefix("rtbroadcaster_log_lines_dropped_total "));
        line.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
    };
    let begun = Instant::now();
    // Each look at the metrics is logged too.
    while dropped().await == 0 {
        assert!(begun.elapsed() < 6 * DEADLINE, "whatever is logged, nothing is dropped");
    }
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let mut log = lines(tokio::net::unix::pipe::Receiver::from_owned_fd(reader).unwrap());
    let told = soon("what was dropped", async {
        loop {
            let line = log.recv().await.expect("the log goes on");
            if line.contains("lines of the log were dropped") {
                return line;
            }
        }
    });
    let told = told.await;
    let lines: u64 = told.rsplit("lines=").next().unwrap().trim().parse().expect(&told);
    assert!(lines > 0 && lines <= dropped().await, "{told}");
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_failed_start_is_reported_on_stderr_for_any_stdout() {
    let server = Server::start().await;
    let (_reader, writer) = full_pipe();
    let mut refused = program();
    refused.args(["--listen", &server.address.to_string()]).stdout(writer);
    let output = soon("the refusal", refused.stderr(Stdio::piped()).output()).await.unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("another program uses this address"));
    assert_eq!(output.status.code(), Some(1));

    // Without a reader of stderr it ends, too.
    let (_unread, writer) = full_pipe();
    let mut refused = program();
    refused.args(["--listen", &server.address.to_string()]).stdout(Stdio::null()).stderr(writer).kill_on_drop(true);
    let mut child = refused.spawn().unwrap();
    assert_eq!(soon("the end", child.wait()).await.unwrap().code(), Some(1));
}
