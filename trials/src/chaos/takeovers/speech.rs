//! The messages of an owner that publishes as fast as it may: every one holds its term and a counter. Pure: frames into
//! a buffer.

use std::collections::VecDeque;

use crate::chaos::speaker::Saying;
use crate::load::frame::{Opcode, masked};
use crate::model::record::{Effect, Record};

/// The number of keys with states.
const STATE_KEYS: u64 = 8;

/// The messages of one term, and the bytes that wait for its socket.
#[derive(Debug)]
pub(super) struct Speech {
    term: u64,
    /// The prefix of its ids.
    prefix: u64,
    /// The last message's counter.
    counter: u64,
    /// The bytes that wait for the socket.
    waiting: VecDeque<u8>,
    /// The number of bytes that the socket took.
    written: u64,
    /// The number of bytes up to the end of each numbered message.
    ends: Vec<u64>,
    /// The number of messages with an id and without an answer.
    pub(super) unacked: usize,
}

impl Speech {
    pub(super) fn new(term: u64, prefix: u64) -> Self {
        let (waiting, ends) = (VecDeque::new(), Vec::new());
        Self { term, prefix, counter: 0, waiting, written: 0, ends, unacked: 0 }
    }

    /// Queues one more message.
    pub(super) fn say(&mut self) {
        self.counter += 1;
        let saying = saying(self.term, self.counter);
        let text = saying.text(&format!("{:016x}-{}", self.prefix, self.counter));
        self.push(&masked(Opcode::Text, text.as_bytes()));
        if saying.kind.is_some() {
            self.ends.push(self.written + self.waiting.len() as u64);
        }
        self.unacked += usize::from(saying.has_id);
    }

    /// Queues a frame.
    pub(super) fn push(&mut self, frame: &[u8]) {
        self.waiting.extend(frame);
    }

    /// Returns the counter in an id of this speech.
    pub(super) fn counter_of(&self, id: &str) -> Option<u64> {
        let (prefix, counter) = id.split_once('-')?;
        let counter = counter.parse().ok()?;
        (prefix == format!("{:016x}", self.prefix) && counter <= self.counter).then_some(counter)
    }

    /// Returns the bytes that the socket should take next.
    pub(super) fn waiting(&self) -> &[u8] {
        self.waiting.as_slices().0
    }

    /// Returns the number of bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Removes the first `bytes`, which the socket took.
    pub(super) fn took(&mut self, bytes: usize) {
        self.waiting.drain(..bytes);
        self.written += bytes as u64;
    }

    /// Drops the waiting bytes: the socket takes nothing any more.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }

    /// Returns how many numbered messages the socket took whole.
    pub(super) fn numbered(&self) -> u64 {
        self.ends.partition_point(|&end| end <= self.written) as u64
    }
}

/// Returns the message with this counter, from 1, in a term. Few have an id: a stopped owner must have room for all
/// acknowledgements on their way, and for the end behind them.
fn saying(term: u64, counter: u64) -> Saying {
    let (kind, key, has_id) = match counter % 8 {
        0 => (None, "pointer".into(), false),
        1 | 5 => (Some(Effect::State), format!("state-{}", counter / 4 % STATE_KEYS), counter % 16 == 1),
        _ => (Some(Effect::Event), "event".into(), counter % 16 == 10),
    };
    let params = format!(r#"[{term},{counter},"{}"]"#, "z".repeat((counter % 64) as usize));
    Saying { kind, key, params, has_id }
}

/// Writes the messages of a term into the record, given that `count` of them got numbers, and each one's counter into
/// `marks`.
pub(super) fn record(term: u64, count: u64, record: &mut Record, marks: &mut Vec<(u64, u64)>) {
    let numbered = (1..).filter_map(|counter| {
        let Saying { kind, key, params, .. } = saying(term, counter);
        Some((counter, kind?, key, params))
    });
    for (counter, kind, key, params) in numbered.take(usize::try_from(count).unwrap_or(usize::MAX)) {
        record.say(kind, &key, &params);
        marks.push((term, counter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbered_messages_count_as_written() {
        let mut speech = Speech::new(3, 0xab);
        (0..8).for_each(|_| speech.say());
        assert_eq!((speech.unacked, speech.numbered()), (1, 0));
        let whole = speech.len();
        // The last one is ephemeral.
        speech.took(whole - 1);
        assert_eq!((speech.numbered(), speech.len()), (7, 1));
        assert_eq!(speech.counter_of("00000000000000ab-7"), Some(7));
        let (mut said, mut marks) = (Record::default(), Vec::new());
        record(3, 8, &mut said, &mut marks);
        assert_eq!((said.last(), marks[6], marks[7]), (8, (3, 7), (3, 9)));
        assert_eq!((speech.counter_of("00000000000000ab-9"), speech.counter_of("00000000000000ac-7")), (None, None));
    }
}
