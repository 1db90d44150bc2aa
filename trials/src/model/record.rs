//! The owner's messages, in the order of their numbers: the truth that viewers are compared with. Pure.

use std::collections::HashMap;

/// The effect of a numbered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Event,
    State,
    Clear,
}

/// One numbered message.
#[derive(Debug)]
struct NumberedMessage {
    /// The text that every viewer must get.
    frame: Box<str>,
    kind: Effect,
    /// The index of its key in `keys`.
    key: usize,
    /// The bytes of key and params up to and including this message.
    bytes: u64,
    /// The bytes of the texts up to and including this one.
    frame_bytes: u64,
}

/// An ephemeral message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ephemeral {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// The number of the last numbered message before it.
    pub(crate) after: u64,
}

/// All messages in one numbering of a room.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The room's id.
    pub(crate) room: String,
    /// The room's epoch when it was created; a later life's epoch has the same numbering.
    pub(crate) epoch: String,
    /// The time between two heartbeats.
    pub(crate) alive_ms: u64,
    /// The number of the last message that was acknowledged.
    pub(crate) acked: u64,
    /// The newest term that there may be.
    pub(crate) term: u64,
    /// Whether the owner may be away, as after its server was replaced.
    pub(crate) may_be_away: bool,
    /// The size of the history, where it is known: a viewer that missed no more is resumed, and no other one.
    pub(crate) history_messages: Option<u64>,
    said: Vec<NumberedMessage>,
    /// For each key the numbers of the states and clears, in order.
    keys: Vec<Vec<u64>>,
    /// The index of each key in `keys`.
    names: HashMap<Box<str>, usize>,
    /// The ephemeral messages by their texts.
    ephemerals: HashMap<Box<str>, Ephemeral>,
}

impl Record {
    /// Returns the record of an empty room.
    pub(crate) fn new(room: &str, epoch: &str, alive_ms: u64) -> Self {
        Self { room: room.into(), epoch: epoch.into(), alive_ms, term: 1, ..Self::default() }
    }

    /// Returns whether an answer may have `epoch`: that of another life only where the server may have been replaced.
    pub(crate) fn may_be_in(&self, epoch: &str) -> bool {
        let numbering = |epoch: &str| epoch.get(..16).filter(|_| epoch.len() == 32).map(str::to_owned);
        let is_other_life = numbering(epoch).is_some_and(|own| numbering(&self.epoch) == Some(own));
        epoch == self.epoch || (self.may_be_away && is_other_life)
    }

    /// Records a message that will be published; returns the number that it must get. `params` are those that viewers
    /// get.
    pub(crate) fn say(&mut self, kind: Effect, key: &str, params: &str) -> u64 {
        let seq = self.last() + 1;
        let params = if kind == Effect::Clear { "[]" } else { params };
        let frame = frame(seq, kind, key, params);
        let bytes = self.bytes_through(seq - 1) + (key.len() + params.len()) as u64;
        let frame_bytes = self.said(seq - 1).map_or(0, |said| said.frame_bytes) + frame.len() as u64;
        let at = match self.names.get(key) {
            Some(&at) => at,
            None => {
                self.keys.push(Vec::new());
                self.names.insert(key.into(), self.keys.len() - 1);
                self.keys.len() - 1
            }
        };
        if kind != Effect::Event {
            self.keys[at].push(seq);
        }
        self.said.push(NumberedMessage { frame: frame.into(), kind, key: at, bytes, frame_bytes });
        seq
    }

    /// Records an ephemeral message that will be published.
    pub(crate) fn say_ephemeral(&mut self, key: &str, params: &str) {
        let number = self.ephemerals.len() as u64 + 1;
        let frame = format!(r#"{{"type":"message","key":"{key}","params":{params}}}"#);
        self.ephemerals.insert(frame.into(), Ephemeral { number, after: self.last() });
    }

    /// Returns the number of the last message.
    pub(crate) fn last(&self) -> u64 {
        self.said.len() as u64
    }

    /// Returns how many ephemeral messages were published.
    pub(crate) fn ephemerals(&self) -> u64 {
        self.ephemerals.len() as u64
    }

    /// Returns the key of a message, if it was published.
    pub(crate) fn key(&self, seq: u64) -> Option<&str> {
        let said = self.said(seq)?;
        self.names.iter().find(|(_, at)| **at == said.key).map(|(name, _)| &**name)
    }

    /// Returns the text of a message, if it was published.
    pub(crate) fn frame(&self, seq: u64) -> Option<&str> {
        self.said(seq).map(|said| &*said.frame)
    }

    /// Returns the ephemeral message of this text, if it was published.
    pub(crate) fn ephemeral(&self, frame: &str) -> Option<Ephemeral> {
        self.ephemerals.get(frame).copied()
    }

    /// Returns the bytes of key and params of the messages after `seq` up to `end`.
    pub(crate) fn bytes(&self, seq: u64, end: u64) -> u64 {
        self.bytes_through(end).saturating_sub(self.bytes_through(seq))
    }

    /// Returns the bytes of the texts of the messages after `seq` up to `end`.
    pub(crate) fn frame_bytes(&self, seq: u64, end: u64) -> u64 {
        let through = |seq| self.said(seq).map_or(0, |said| said.frame_bytes);
        through(end).saturating_sub(through(seq))
    }

    fn bytes_through(&self, seq: u64) -> u64 {
        self.said(seq).map_or(0, |said| said.bytes)
    }

    fn said(&self, seq: u64) -> Option<&NumberedMessage> {
        self.said.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// Returns the first message after `through` that supersedes this one: both change the same key. `None` for an
    /// event, and if there is none.
    pub(crate) fn superseded_by(&self, seq: u64, through: u64) -> Option<u64> {
        let said = self.said(seq).filter(|said| said.kind != Effect::Event)?;
        let changes = &self.keys[said.key];
        changes.get(changes.partition_point(|&change| change <= through)).copied()
    }

    /// Returns the numbers of the messages that are the state after message `seq`, in order.
    pub(crate) fn fold(&self, seq: u64) -> Vec<u64> {
        let newest = |changes: &Vec<u64>| {
            let before = changes.partition_point(|&change| change <= seq);
            before.checked_sub(1).map(|at| changes[at])
        };
        let mut state: Vec<u64> = self.keys.iter().filter_map(newest).collect();
        state.retain(|&change| self.said(change).is_some_and(|said| said.kind == Effect::State));
        state.sort_unstable();
        state
    }
}

/// Returns the text that every viewer must get of a message.
pub(crate) fn frame(seq: u64, kind: Effect, key: &str, params: &str) -> String {
    let (params, flag) = match kind {
        Effect::Event => (params, ""),
        Effect::State => (params, r#","state":true"#),
        Effect::Clear => ("[]", r#","cleared":true"#),
    };
    format!(r#"{{"type":"message","seq":{seq},"key":"{key}","params":{params}{flag}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fold_is_the_newest_value_of_each_key_in_the_order_of_change() {
        let mut record = Record::new("r", "e", 0);
        for (kind, key) in [
            (Effect::State, "a"),
            (Effect::State, "b"),
            (Effect::Event, "a"),
            (Effect::State, "a"),
            (Effect::Clear, "b"),
            (Effect::State, "b"),
        ] {
            record.say(kind, key, "[1]");
        }
        let folds: Vec<_> = (0..=6).map(|seq| record.fold(seq)).collect();
        assert_eq!(folds, [vec![], vec![1], vec![1, 2], vec![1, 2], vec![2, 4], vec![4], vec![4, 6]]);
        let by = |seq, through| record.superseded_by(seq, through);
        assert_eq!((by(1, 3), by(5, 5), by(2, 4), by(2, 2)), (Some(4), Some(6), Some(5), Some(5)));
        assert_eq!((by(1, 4), by(3, 3), by(6, 6)), (None, None, None));
        assert_eq!((record.bytes(0, 6), record.bytes(4, 5)), (23, 3));
    }

    #[test]
    fn a_frame_is_written_as_the_protocol_says() {
        let mut record = Record::new("r", "e", 0);
        record.say(Effect::State, "slide", "[3]");
        record.say(Effect::Clear, "slide", "[]");
        record.say_ephemeral("pointer", "[0.5,0.25]");
        assert_eq!(record.frame(1), Some(r#"{"type":"message","seq":1,"key":"slide","params":[3],"state":true}"#));
        assert_eq!(record.frame(2), Some(r#"{"type":"message","seq":2,"key":"slide","params":[],"cleared":true}"#));
        let pointer = r#"{"type":"message","key":"pointer","params":[0.5,0.25]}"#;
        assert_eq!(record.ephemeral(pointer), Some(Ephemeral { number: 1, after: 2 }));
        let lengths = [1, 2].map(|seq| record.frame(seq).unwrap().len() as u64);
        assert_eq!((record.frame_bytes(0, 1), record.frame_bytes(1, 2)), (lengths[0], lengths[1]));
        assert_eq!((record.frame(0), record.frame(3), record.ephemeral("x")), (None, None, None));
    }
}
