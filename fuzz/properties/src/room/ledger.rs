//! The messages of one room as its viewers received them, and whether they are consistent. Must not know connections.

use std::collections::BTreeMap;

use crate::members::{Member, Members};

/// The kind of a message, as its frame shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageKind {
    Event,
    State,
    Cleared,
    Ephemeral,
}

/// One message as a client published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublishedMessage {
    pub(super) key: String,
    pub(super) change: MessageKind,
}

/// One message as a viewer of version 2 received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReceivedMessage {
    pub(super) seq: Option<u64>,
    pub(super) key: String,
    pub(super) change: MessageKind,
    /// The number that the stage gave to the published message.
    pub(super) number: Option<u64>,
    text: String,
}

impl ReceivedMessage {
    pub(super) fn read(text: &str, members: &Members<'_>) -> Self {
        let seq = members.get("seq").once().map(|digits| digits.parse().expect("a whole number"));
        let key = members.get("key").string().expect("a key");
        let flag = |name| members.get(name).flag().expect("a flag");
        let change = match (seq, flag("state"), flag("cleared")) {
            (Some(_), false, false) => MessageKind::Event,
            (Some(_), true, false) => MessageKind::State,
            (Some(_), false, true) => MessageKind::Cleared,
            (None, false, false) => MessageKind::Ephemeral,
            _ => panic!("no such message: {text}"),
        };
        let Member::Once(params) = members.get("params") else { panic!("no params: {text}") };
        assert!(change != MessageKind::Cleared || params == "[]", "{text}");
        Self { seq, key, change, number: number(params), text: text.to_owned() }
    }
}

/// Returns the number in the params of a published message.
pub(super) fn number(params: &str) -> Option<u64> {
    let (number, _) = params.strip_prefix('[')?.split_once(",\"said")?;
    number.parse().ok()
}

/// One room.
#[derive(Default)]
pub(super) struct Room {
    pub(super) name: String,
    /// The owner's key; empty for a room of a classic client.
    pub(super) key: String,
    /// Every numbered message that any viewer got.
    lines: BTreeMap<u64, ReceivedMessage>,
    /// The states that viewers got, each with its number.
    states: Vec<(u64, Vec<u64>)>,
    /// The announced holes: behind the first number, up to and including the second.
    holes: Vec<(u64, u64)>,
    /// The acknowledged number of each published message.
    acks: BTreeMap<u64, u64>,
}

impl Room {
    pub(super) fn new(name: String, key: String) -> Self {
        Self { name, key, ..Self::default() }
    }

    /// Records a message that a viewer got, and checks that it is the same for all.
    pub(super) fn heard(&mut self, line: &ReceivedMessage) {
        if let Some(seq) = line.seq {
            let known = self.lines.entry(seq).or_insert_with(|| line.clone());
            assert_eq!(known.text, line.text, "two messages with one number");
        }
    }

    pub(super) fn was_state(&mut self, seq: u64, values: Vec<u64>) {
        self.states.push((seq, values));
    }

    pub(super) fn was_skipped(&mut self, after: u64, through: u64) {
        self.holes.push((after, through));
    }

    /// Records that the published message `number` is the message `seq`; a repeated publish has the same one.
    pub(super) fn acknowledged(&mut self, number: u64, seq: u64) {
        assert_eq!(*self.acks.entry(number).or_insert(seq), seq, "{number} is applied once");
    }

    /// Returns the numbers of the newest values of all keys at `seq`, or nothing if a message before it is not known.
    fn fold(&self, seq: u64) -> Option<Vec<u64>> {
        let mut newest = BTreeMap::new();
        for number in 1..=seq {
            let line = self.lines.get(&number)?;
            match line.change {
                MessageKind::State => _ = newest.insert(&line.key, number),
                MessageKind::Cleared => _ = newest.remove(&line.key),
                MessageKind::Event | MessageKind::Ephemeral => {}
            }
        }
        let mut values: Vec<u64> = newest.into_values().collect();
        values.sort_unstable();
        Some(values)
    }

    /// Checks that all received messages are consistent, also with the published ones.
    pub(super) fn check(&self) {
        let mut last = 0;
        for line in self.lines.values() {
            if let Some(number) = line.number {
                assert!(number > last, "{line:?} was published before {last}");
                last = number;
            }
        }
        for (number, seq) in &self.acks {
            let found = self.lines.get(seq).map(|line| line.number);
            assert!(found.is_none_or(|found| found == Some(*number)), "{number} was acknowledged as {seq}");
        }
        for (seq, values) in &self.states {
            assert!(self.fold(*seq).is_none_or(|fold| fold == *values), "not the state at {seq}: {values:?}");
        }
        for skipped in self.holes.iter().flat_map(|(after, through)| after + 1..=*through) {
            let Some(line) = self.lines.get(&skipped) else { continue };
            let mut newer = self.lines.range(skipped + 1..).map(|(_, line)| line);
            let is_superseded = newer.any(|newer| newer.change != MessageKind::Event && newer.key == line.key);
            assert!(
                line.change != MessageKind::Event && is_superseded,
                "{line:?} was skipped and nothing supersedes it"
            );
        }
    }

    /// Returns the newest value of each key that holds one, by the number that the stage gave it, if everything is
    /// known.
    pub(super) fn values(&self, seq: u64) -> Option<BTreeMap<String, (u64, Option<u64>)>> {
        let values = self.fold(seq)?.into_iter().map(|seq| {
            let line = &self.lines[&seq];
            (line.key.clone(), (seq, line.number))
        });
        Some(values.collect())
    }
}
