//! A member by the rules of PROTOCOL.md: reads frame by frame, and panics at anything else. Must not know the backlog.

use std::collections::{BTreeMap, VecDeque};

use rtbroadcaster_core::message::{Change, Key};
use rtbroadcaster_core::protocol::{Dialect, Notice};

use super::frame::{Tag, next};
use super::ledger::RoomMessages;

/// Everything that one member has seen.
pub(super) struct Member {
    dialect: &'static Dialect,
    /// The bytes of the frame that is incomplete.
    partial: Vec<u8>,
    /// The number up to which it has everything, or was told of the holes.
    at: u64,
    /// The last number of the announced hole; the next frame is the message behind it.
    hole: Option<u64>,
    /// The announced numbers that have not arrived, and the member's position after them.
    replay: Option<(VecDeque<u64>, u64)>,
    /// The number of the newest value of each key.
    state: BTreeMap<Key, u64>,
    /// The number of the last ephemeral message.
    passing: u64,
    /// The answers that have not arrived.
    pub(super) answers: VecDeque<u64>,
    /// Whether the close frame has arrived.
    pub(super) closed: bool,
}

impl Member {
    pub(super) fn new(dialect: &'static Dialect) -> Self {
        Self {
            dialect,
            partial: Vec::new(),
            at: 0,
            hole: None,
            replay: None,
            state: BTreeMap::new(),
            passing: 0,
            answers: VecDeque::new(),
            closed: false,
        }
    }

    /// Returns whether its protocol has words for holes.
    fn announces_holes(&self) -> bool {
        let (through, until) = (rtbroadcaster::Seq::ZERO, rtbroadcaster::Seq::ZERO);
        (self.dialect.write)(&Notice::Skipped { through, until }).is_some()
    }

    /// Reads the bytes that arrived.
    pub(super) fn read(&mut self, bytes: &[u8], ledger: &RoomMessages) {
        self.partial.extend_from_slice(bytes);
        while let Some((tag, number)) = next(&mut self.partial) {
            assert!(!self.closed, "after the close came {tag:?} {number}");
            // The close may arrive anywhere.
            let is_behind_hole = tag == Tag::Close || self.hole.is_none_or(|through| number == through + 1);
            let is_hole_whole = self.hole.is_none() || matches!(tag, Tag::Message | Tag::Close);
            assert!(is_behind_hole && is_hole_whole, "behind {:?} came {tag:?} {number}", self.hole);
            let is_replay = matches!(tag, Tag::Message | Tag::Control | Tag::Close);
            assert!(self.replay.is_none() || is_replay, "in {:?} came {tag:?} {number}", self.replay);
            self.take(tag, number, ledger);
        }
    }

    fn take(&mut self, tag: Tag, number: u64, ledger: &RoomMessages) {
        match tag {
            Tag::Control => {}
            Tag::Close => self.closed = true,
            Tag::Answer => assert_eq!(self.answers.pop_front(), Some(number), "answers come in order"),
            Tag::Hole => {
                assert!(number > self.at, "at {} nothing was skipped up to {number}", self.at);
                self.hole = Some(number);
            }
            Tag::Passing => {
                assert!(number > self.passing, "{number} came after {}", self.passing);
                assert!(ledger.said_after(number) >= self.at, "{number} was published before {}", self.at);
                self.passing = number;
            }
            Tag::State => {
                assert!(number >= self.at, "the state at {number} came at {}", self.at);
                self.state.clear();
                let values = ledger.fold(number).iter().filter_map(|entry| entry.seq).map(|seq| seq.get()).collect();
                self.announced(values, number);
            }
            Tag::Missed => {
                assert!(number >= self.at, "what was missed up to {number} came at {}", self.at);
                self.announced((self.at + 1..=number).collect(), number);
            }
            Tag::Message => self.message(number, ledger),
        }
    }

    fn announced(&mut self, numbers: VecDeque<u64>, end: u64) {
        self.replay = Some((numbers, end));
        self.end_replay();
    }

    fn end_replay(&mut self) {
        if let Some((_, end)) = self.replay.take_if(|(numbers, _)| numbers.is_empty()) {
            self.at = end;
        }
    }

    fn message(&mut self, number: u64, ledger: &RoomMessages) {
        assert!(number <= ledger.seq(), "{number} was never published");
        if let Some((numbers, _)) = &mut self.replay {
            assert_eq!(numbers.pop_front(), Some(number), "the replay is what was announced");
        } else {
            let hole = self.hole.take();
            assert!(number > self.at, "{number} came at {}", self.at);
            let is_next = number == self.at + 1;
            assert!(
                !self.announces_holes() || is_next != hole.is_some(),
                "at {} came {number} behind {hole:?}",
                self.at
            );
            for skipped in self.at + 1..number {
                let is_unsaid = !self.announces_holes() && ledger.entry(skipped).change == Change::Cleared;
                assert!(is_unsaid || ledger.is_superseded(skipped), "{skipped} was skipped and nothing supersedes it");
            }
            self.at = number;
        }
        let entry = ledger.entry(number);
        match entry.change {
            Change::State => _ = self.state.insert(entry.key.clone(), number),
            Change::Cleared => _ = self.state.remove(&entry.key),
            Change::Event | Change::Ephemeral => {}
        }
        self.end_replay();
    }

    /// Checks that no replay and no frame is incomplete.
    pub(super) fn has_whole_frames(&self) -> bool {
        self.partial.is_empty() && self.replay.is_none()
    }

    /// Checks that it has caught up: its state is the room's.
    pub(super) fn check_caught_up(&self, ledger: &RoomMessages) {
        let is_whole = self.has_whole_frames() && self.hole.is_none();
        assert!(is_whole, "something announced did not come: {:?} {:?}", self.hole, self.replay);
        assert!(self.answers.is_empty(), "answers did not come: {:?}", self.answers);
        assert!(
            !self.announces_holes() || self.at == ledger.seq(),
            "it stands at {}, the room at {}",
            self.at,
            ledger.seq()
        );
        let values = ledger.fold(ledger.seq());
        for entry in &values {
            assert_eq!(
                self.state.get(&entry.key).copied(),
                entry.seq.map(|seq| seq.get()),
                "the value of {:?}",
                entry.key
            );
        }
        // A protocol without words for clearing keeps a cleared key.
        assert!(
            !self.announces_holes() || self.state.len() == values.len(),
            "more than the room holds: {:?}",
            self.state
        );
    }
}
