//! `watch` and `publish` as people and scripts meet them: processes of their own, through pipes and on a terminal, with
//! a real server.

mod dark;
mod endings;
mod examples;
mod hostile;
mod keys;
mod manual;
mod notes;
mod on_a_terminal;
mod publishing;
mod watching;

use serde_json::{Value, json};

use crate::process::Process;
use crate::server::Server;

/// A room that `publish` has created, and to which it publishes lines.
struct Stage {
    publisher: Process,
    link: String,
    room: String,
}

impl Stage {
    async fn open(server: &Server, arguments: &[&str]) -> Self {
        let mut publisher = Process::start(&[&["publish", &server.url], arguments].concat());
        let created = publisher.json().await;
        assert_eq!(created["type"], "created", "{created}");
        let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        Self { publisher, link: text("link"), room: text("room") }
    }

    /// Says a line, and gives what became of it.
    async fn says(&mut self, line: Value) -> Value {
        self.publisher.say(&line.to_string()).await;
        self.publisher.json().await
    }

    /// A viewer that has read the initial state.
    async fn watcher(&self) -> (Process, Value) {
        let mut watcher = Process::start(&["watch", &self.link]);
        let state = watcher.json().await;
        assert_eq!(state["type"], "state", "{state}");
        (watcher, state)
    }
}

fn slide(number: u32) -> Value {
    json!({"key": "slide", "params": [number], "state": true})
}
