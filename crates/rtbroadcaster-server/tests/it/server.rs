//! A server process of one test. Dropping it kills it.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long anything may take that has no time of its own.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// What comes of `future`, which must be there in time.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// The server's program, not started yet.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rtbroadcaster"))
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The WebSocket address, as the announcement has it.
    pub(crate) url: String,
    /// Its stdout up to that line.
    pub(crate) announcement: String,
    stdout: mpsc::UnboundedReceiver<String>,
    stderr: mpsc::UnboundedReceiver<String>,
}

impl Server {
    /// A server on a free port.
    pub(crate) async fn start() -> Self {
        Self::started_by(&mut program(), &[]).await
    }

    /// A server on a free port, started by `command` with `arguments` more.
    pub(crate) async fn started_by(command: &mut Command, arguments: &[&str]) -> Self {
        Self::with_stderr(command, arguments, Stdio::piped()).await
    }

    /// The same, where stderr is this.
    pub(crate) async fn with_stderr(command: &mut Command, arguments: &[&str], stderr: Stdio) -> Self {
        Self::announced(on_a_free_port(command, arguments), stderr).await
    }

    /// A server that `command` starts, wherever that listens.
    pub(crate) async fn started_without_address(command: &mut Command) -> Self {
        Self::announced(command, Stdio::piped()).await
    }

    async fn announced(command: &mut Command, stderr: Stdio) -> Self {
        let mut child = spawned(command, Stdio::piped(), stderr);
        let mut stdout = lines(child.stdout.take().unwrap());
        let stderr = child.stderr.take().map_or_else(|| mpsc::unbounded_channel().1, lines);
        let mut announcement = String::new();
        let (address, url) = loop {
            let line = soon("the announcement", stdout.recv()).await.expect("the server ended before it was ready");
            announcement.push_str(&line);
            announcement.push('\n');
            if let Some(place) = place(&announcement) {
                break place;
            }
        };
        Self { child, address, url, announcement, stdout, stderr }
    }

    /// The same with this stdout; the log has its address.
    pub(crate) async fn with_stdout(command: &mut Command, arguments: &[&str], stdout: Stdio) -> Self {
        let mut child = spawned(on_a_free_port(command, arguments), stdout, Stdio::piped());
        let mut stderr = lines(child.stderr.take().unwrap());
        let address = loop {
            let line = soon("the log", stderr.recv()).await.expect("the server ended before it was ready");
            if let Some((_, rest)) = line.split_once("listening address=") {
                break rest.split(' ').next().unwrap().parse().unwrap();
            }
        };
        let url = format!("ws://{address}/broadcasting");
        Self { child, address, url, announcement: String::new(), stdout: mpsc::unbounded_channel().1, stderr }
    }

    /// The next line on its stdout.
    pub(crate) async fn said(&mut self) -> String {
        soon("a line", self.stdout.recv()).await.expect("the server says no more")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> String {
        self.child.id().expect("the server runs").to_string()
    }

    /// How long it has kept a processor busy.
    pub(crate) async fn cpu_time(&self) -> Duration {
        let times = Command::new("ps").args(["-o", "cputimes=", "-p", &self.pid()]).output().await.unwrap();
        Duration::from_secs(String::from_utf8(times.stdout).unwrap().trim().parse().unwrap())
    }

    /// Sends it a signal by its name, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let status =
            Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid()]).status().await.unwrap();
        assert!(status.success());
    }

    /// Waits for its end.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        soon("the server's end", self.child.wait()).await.unwrap()
    }

    /// Waits for a line of the log that holds `text`.
    pub(crate) async fn log_has(&mut self, text: &str) -> String {
        soon(text, async {
            loop {
                let line = self.stderr.recv().await.unwrap_or_else(|| panic!("the log ended without `{text}`"));
                if line.contains(text) {
                    return line;
                }
            }
        })
        .await
    }

    /// Its stdout after the announcement, and the unread lines of the log, after its end.
    pub(crate) async fn rest(mut self) -> (Vec<String>, Vec<String>) {
        self.exit().await;
        soon("the last lines", async { (all(&mut self.stdout).await, all(&mut self.stderr).await) }).await
    }
}

/// The address and the WebSocket endpoint in the output of a server; `None` while the output is incomplete.
fn place(announcement: &str) -> Option<(SocketAddr, String)> {
    let word = |line: &str| line.split_whitespace().nth(1).map(|word| word.trim_end_matches(',').to_owned());
    let (listening, websocket) = if announcement.starts_with('{') {
        let said: serde_json::Value = serde_json::from_str(announcement).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (Some(text(&said["listen"][0])), text(&said["websocket"]))
    } else {
        let named = |name: &str| announcement.lines().find(|line| line.trim_start().starts_with(name)).and_then(word);
        (named("Listening"), named("WebSocket")?)
    };
    let (authority, path) = websocket.split_once("://").unwrap().1.split_once('/').unwrap();
    let address: SocketAddr = listening.as_deref().unwrap_or(authority).parse().unwrap();
    Some((address, format!("ws://{address}/{path}")))
}

fn on_a_free_port<'a>(command: &'a mut Command, arguments: &[&str]) -> &'a mut Command {
    command.args(["--listen", "127.0.0.1:0"]).args(arguments)
}

fn spawned(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Child {
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).kill_on_drop(true).spawn().unwrap()
}

async fn all(lines: &mut mpsc::UnboundedReceiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(line) = lines.recv().await {
        all.push(line);
    }
    all
}

/// Reads a stream to its end, so that the server never waits for its reader.
pub(crate) fn lines(stream: impl AsyncRead + Send + Unpin + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // The test may have ended.
            let _ = sender.send(line);
        }
    });
    receiver
}
