//! A program of one test, connected by pipes. Dropping it kills it. Must not know what it writes.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::server::{DEADLINE, lines, program, soon};

/// One program that runs.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: mpsc::UnboundedReceiver<String>,
    stderr: mpsc::UnboundedReceiver<String>,
}

/// The end of a program: its exit code, and the lines that were not read yet.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Process {
    /// The server's program with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(program().args(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { stdin: child.stdin.take(), child, stdout, stderr }
    }

    /// Says a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Ends its input.
    pub(crate) fn hush(&mut self) {
        self.stdin = None;
    }

    /// The next line on its standard output.
    pub(crate) async fn line(&mut self) -> String {
        match soon("a line", self.stdout.recv()).await {
            Some(line) => line,
            None => panic!("it says no more, but {:?}", self.stderr.recv().await),
        }
    }

    /// The same as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next line on its standard output as JSON, up to `limit`.
    pub(crate) async fn json_within(&mut self, limit: Duration) -> Value {
        let line = tokio::time::timeout(limit, self.stdout.recv()).await;
        let line = line.unwrap_or_else(|_| panic!("no line within {limit:?}")).expect("it says more");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits for a line on stderr that holds `text`.
    pub(crate) async fn notes(&mut self, text: &str) {
        let noted = async {
            while let Some(line) = self.stderr.recv().await {
                if line.contains(text) {
                    return;
                }
            }
            panic!("it ended without `{text}`");
        };
        soon(text, noted).await;
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().expect("it runs").to_string()
    }

    /// Sends it a signal by its name, such as `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid()]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) async fn end(self) -> End {
        self.end_within(DEADLINE).await
    }

    /// Waits for its end, up to `limit`.
    pub(crate) async fn end_within(mut self, limit: Duration) -> End {
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("it does not end within {limit:?}")).unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(line) = self.stdout.recv().await {
            stdout.push(line);
        }
        while let Some(line) = self.stderr.recv().await {
            stderr.push(line);
        }
        End { code: status.code(), stdout, stderr }
    }
}
