//! Clients of the command line, `rtbroadcaster publish --stay` and `rtbroadcaster watch`, with their default options,
//! each a process. Must not know the faults of their connections.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use super::{ClientStatus, EventKind, Events, KEY, now, queue};
use crate::steps::Failure;

/// A running client. Dropping it kills it.
pub(in crate::chaos) struct Program {
    _child: Child,
    stdin: ChildStdin,
    reading: [JoinHandle<()>; 2],
}

impl Program {
    /// Creates a room and owns it.
    pub(in crate::chaos) fn host(program: &Path, client: u32, url: &str, events: &Events) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["publish", url, "--stay"]);
        Self::start(command, client, events)
    }

    /// Starts to watch a room.
    pub(in crate::chaos) fn watch(
        program: &Path,
        client: u32,
        url: &str,
        room: &str,
        events: &Events,
    ) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["watch", url, room]);
        Self::start(command, client, events)
    }

    fn start(mut command: Command, client: u32, events: &Events) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let failed = |error| Failure::new(format!("the command line does not start: {error}"));
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure::new("the command line has no pipes"));
        };
        let (answers, notes) = (events.clone(), events.clone());
        let reading = [
            tokio::spawn(async move {
                read(stdout, client, &answers, answered).await;
                let what =
                    EventKind::Status { name: ClientStatus::Closed, reason: Some("the program has ended".into()) };
                queue(&answers, client, what).await;
            }),
            tokio::spawn(async move { read(stderr, client, &notes, noted).await }),
        ];
        Ok(Self { _child: child, stdin, reading })
    }

    /// Has the owner publish a message. The first one is number 1, and each is the next one.
    pub(in crate::chaos) async fn publish(&mut self, number: u64, padding_bytes: usize) -> Result<(), Failure> {
        let line = json!({"key": KEY, "params": [number, now(), "x".repeat(padding_bytes)]});
        let written = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        written.map_err(|error| Failure::new(format!("the command line takes nothing: {error}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.reading.iter().for_each(JoinHandle::abort);
    }
}

/// Reports the meaning of lines, until they end.
async fn read(from: impl AsyncRead + Unpin, client: u32, events: &Events, meaning: fn(&str) -> Vec<EventKind>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        for what in meaning(&line) {
            queue(events, client, what).await;
        }
    }
}

/// Returns the meaning of a line of stdout.
fn answered(line: &str) -> Vec<EventKind> {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let live = EventKind::Status { name: ClientStatus::Live, reason: None };
    let number = |member: &Value| member.as_u64().unwrap_or_default();
    match line["type"].as_str() {
        Some("created") => vec![EventKind::Opened { room: line["room"].as_str().unwrap_or_default().into() }, live],
        Some("state") if line["reset"].is_null() => vec![live],
        Some("state" | "skipped") => vec![EventKind::Reset],
        Some("message") => {
            vec![EventKind::Heard { number: number(&line["params"][0]), said: number(&line["params"][1]) }]
        }
        Some("ack") => vec![EventKind::Acked { number: number(&line["n"]) }],
        Some("error") => vec![EventKind::Failed { number: number(&line["n"]), code: line.to_string() }],
        Some("closed") => {
            vec![EventKind::Status { name: ClientStatus::Closed, reason: Some(line["reason"].to_string()) }]
        }
        _ => Vec::new(),
    }
}

/// Returns the meaning of a line of stderr.
fn noted(line: &str) -> Vec<EventKind> {
    let status = |name| vec![EventKind::Status { name, reason: Some(line.into()) }];
    if line.contains("the connection was lost") {
        status(ClientStatus::Resuming)
    } else if line.contains("the connection is alive") {
        status(ClientStatus::Live)
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_command_line_are_understood() {
        let live = EventKind::Status { name: ClientStatus::Live, reason: None };
        assert_eq!(
            answered(r#"{"type":"created","room":"r","link":"l"}"#),
            [EventKind::Opened { room: "r".into() }, live]
        );
        assert_eq!(answered(r#"{"type":"ack","n":3,"key":"tick","seq":7}"#), [EventKind::Acked { number: 3 }]);
        let heard = r#"{"type":"message","seq":6,"key":"tick","params":[4,5]}"#;
        assert_eq!(answered(heard), [EventKind::Heard { number: 4, said: 5 }]);
        assert_eq!(answered("nonsense"), []);
        let lost = "rtbroadcaster: the connection was lost (1006 lost); trying to reconnect for 30s";
        assert_eq!(noted(lost), [EventKind::Status { name: ClientStatus::Resuming, reason: Some(lost.into()) }]);
        assert_eq!(noted("rtbroadcaster: a warning"), []);
    }
}
