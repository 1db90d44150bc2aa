//! What was said in one room, as every viewer of version 2 has to get it, byte by byte. Must not know sockets.

use std::collections::HashMap;

use rtbroadcaster::{Kind, Message, Owner};
use serde_json::value::RawValue;

/// What a numbered message does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Event,
    State,
    Cleared,
}

/// A numbered message.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) change: Change,
    /// As viewers get it.
    pub(crate) text: String,
    /// The message that supersedes it.
    pub(crate) superseded: Option<u64>,
}

/// An ephemeral message.
#[derive(Debug)]
pub(crate) struct Passing {
    /// As viewers get it.
    pub(crate) text: String,
    /// The last numbered message before it.
    pub(crate) after: u64,
}

/// Everything that was said, in order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: Vec<Line>,
    passing: Vec<Passing>,
    /// The last message of each key that is a state or its end.
    newest: HashMap<String, u64>,
}

impl Ledger {
    /// Notes a numbered message and gives its number.
    pub(crate) fn note(&mut self, change: Change, key: &str, params: &str) -> u64 {
        let seq = self.seq() + 1;
        let tail = match change {
            Change::Event => "",
            Change::State => r#","state":true"#,
            Change::Cleared => r#","cleared":true"#,
        };
        let text = format!(r#"{{"type":"message","seq":{seq},"key":"{key}","params":{params}{tail}}}"#);
        let superseded = None;
        self.lines.push(Line { change, text, superseded });
        if change != Change::Event
            && let Some(older) = self.newest.insert(key.to_owned(), seq)
        {
            let older = usize::try_from(older).unwrap();
            self.lines[older - 1].superseded = Some(seq);
        }
        seq
    }

    /// Notes an ephemeral message.
    pub(crate) fn note_passing(&mut self, key: &str, params: &str) {
        let text = format!(r#"{{"type":"message","key":"{key}","params":{params}}}"#);
        self.passing.push(Passing { text, after: self.seq() });
    }

    /// The number of the last message.
    pub(crate) fn seq(&self) -> u64 {
        self.lines.len() as u64
    }

    /// The message of this number.
    #[track_caller]
    pub(crate) fn line(&self, seq: u64) -> &Line {
        let place = usize::try_from(seq).unwrap().checked_sub(1);
        place.and_then(|place| self.lines.get(place)).unwrap_or_else(|| panic!("the message {seq} was never said"))
    }

    /// All numbered messages with their numbers.
    pub(crate) fn lines(&self) -> impl DoubleEndedIterator<Item = (u64, &Line)> + ExactSizeIterator {
        self.lines.iter().enumerate().map(|(place, line)| (place as u64 + 1, line))
    }

    /// All ephemeral messages.
    pub(crate) fn passing(&self) -> &[Passing] {
        &self.passing
    }

    /// The state after the message `seq`: the newest value of every key, in the order of last change.
    pub(crate) fn fold(&self, seq: u64) -> Vec<(u64, &str)> {
        let before = self.lines().take(usize::try_from(seq).unwrap()).filter(|(_, line)| line.change == Change::State);
        let held = before.filter(|(_, line)| line.superseded.is_none_or(|newer| newer > seq));
        held.map(|(seq, line)| (seq, line.text.as_str())).collect()
    }
}

/// A Rust program that speaks and remembers what it has said.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) owner: Owner,
    pub(crate) ledger: Ledger,
}

/// The state that is published last in a story: a viewer that holds it has caught up.
pub(crate) const LAST: &str = "last";

impl Speaker {
    /// Speaks in a room in which nothing was said yet.
    pub(crate) fn new(owner: Owner) -> Self {
        Self { owner, ledger: Ledger::default() }
    }

    /// Says that something happened, and gives its number.
    pub(crate) async fn event(&mut self, key: &str, params: &str) -> u64 {
        let seq = self.ledger.note(Change::Event, key, params);
        self.publish(Kind::Event, key, params, seq).await
    }

    /// Sets a state, and gives its number.
    pub(crate) async fn state(&mut self, key: &str, params: &str) -> u64 {
        let seq = self.ledger.note(Change::State, key, params);
        self.publish(Kind::State, key, params, seq).await
    }

    /// Says what matters only while it is new.
    pub(crate) async fn ephemeral(&mut self, key: &str, params: &str) {
        self.ledger.note_passing(key, params);
        self.publish(Kind::Ephemeral, key, params, self.ledger.seq()).await;
    }

    /// Removes a key from the state, and gives the number of that.
    pub(crate) async fn clear(&mut self, key: &str) -> u64 {
        let seq = self.ledger.note(Change::Cleared, key, "[]");
        assert_eq!(self.owner.clear(key).await.unwrap().get(), seq);
        seq
    }

    /// Says the last thing of the story.
    pub(crate) async fn last(&mut self) -> u64 {
        self.state(LAST, "[]").await
    }

    /// A mix of everything: mostly states of sixteen keys, some cleared, some ephemeral messages, some events, most
    /// of them small.
    pub(crate) async fn mixed(&mut self, n: usize) {
        let padding = "x".repeat(n * 31 % 200);
        let params = format!(r#"[{n},"{padding}"]"#);
        match n % 10 {
            0..=4 => _ = self.state(&format!("s{}", n * 7 % 16), &params).await,
            5 => _ = self.clear(&format!("s{}", n * 3 % 16)).await,
            6 | 7 => self.ephemeral(&format!("p{}", n % 4), &params).await,
            _ => _ = self.event("bell", &params).await,
        }
    }

    async fn publish(&mut self, kind: Kind, key: &str, params: &str, seq: u64) -> u64 {
        let params: Box<RawValue> = serde_json::from_str(params).unwrap();
        let message = match kind {
            Kind::Event => Message::event(key, params).unwrap(),
            Kind::State => Message::state(key, params).unwrap(),
            Kind::Ephemeral => Message::ephemeral(key, params).unwrap(),
        };
        assert_eq!(self.owner.publish(message).await.unwrap().get(), seq);
        seq
    }
}
