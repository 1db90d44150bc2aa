//! Viewers by the rules of PROTOCOL.md: which frames they may get next, and their state. Must not know sockets.

use std::collections::BTreeMap;

use super::client::{ExpectedAnswer, SentCursor};
use super::ledger::{MessageKind, ReceivedMessage, Room};
use crate::members::Members;

/// The number of messages in a room's history.
pub(super) const HISTORY: u64 = 8;

/// A viewer of version 2.
#[derive(Debug)]
pub(super) struct Viewer {
    /// The index of its room.
    pub(super) room: usize,
    pub(super) epoch: String,
    /// The number and key by which the server recognizes it, as `joined` gave them.
    recognized: String,
    /// The number up to which it has everything, or was told of the holes.
    pub(super) at: u64,
    /// The number of the newest value of each key.
    state: BTreeMap<String, u64>,
    hole: Option<u64>,
    replay: Option<PendingReplay>,
    /// The number of the last ephemeral message.
    passing: u64,
    /// Whether it has sent `pause`.
    pub(super) pauses: bool,
    /// Whether the server has paused it, as far as the viewer can know.
    pub(super) is_paused: bool,
}

/// The announced messages that have not arrived.
#[derive(Debug)]
struct PendingReplay {
    left: u64,
    /// Whether it is the state, which is applied as a whole; otherwise every message.
    is_state: bool,
    came: Vec<ReceivedMessage>,
    seq: u64,
}

/// Returns the number in a member.
pub(super) fn whole(members: &Members<'_>, name: &str) -> u64 {
    let digits = members.get(name).once().and_then(|digits| digits.parse().ok());
    digits.unwrap_or_else(|| panic!("`{name}` is no whole number"))
}

/// Returns the text in a member.
pub(super) fn string(members: &Members<'_>, name: &str) -> String {
    members.get(name).string().unwrap_or_else(|| panic!("`{name}` is no text"))
}

impl Viewer {
    /// Returns the viewer after an answer to a join: a new one, or `old` with its next answer.
    pub(super) fn joined(old: Option<Self>, room: usize, members: &Members<'_>, asked: ExpectedAnswer) -> Self {
        let (seq, left, epoch) = (whole(members, "seq"), whole(members, "replay"), string(members, "epoch"));
        let reason = members.get("reason").string();
        let cursor = match (asked, &old) {
            (ExpectedAnswer::Join(cursor), _) => cursor,
            (ExpectedAnswer::Unpause, Some(old)) => SentCursor::At(old.at),
            other => panic!("`joined` is no answer to {other:?}"),
        };
        let expected = match cursor {
            SentCursor::None => ("snapshot", None),
            SentCursor::Malformed => ("reset", Some("malformed")),
            SentCursor::OtherEpoch => ("reset", Some("epoch")),
            SentCursor::Future => ("reset", Some("future")),
            SentCursor::At(at) if at > seq => ("reset", Some("future")),
            SentCursor::At(at) if seq - at > HISTORY => ("reset", Some("retention")),
            SentCursor::At(_) => ("resumed", None),
        };
        let is_unpaused = matches!(asked, ExpectedAnswer::Unpause);
        let recognized = members.get("viewer").once().expect("`joined` has a `viewer`").to_owned();
        let how = string(members, "how");
        assert_eq!((how.as_str(), reason.as_deref()), expected, "at {seq} to {cursor:?}");
        let is_state = how != "resumed";
        let mut viewer = old.filter(|old| old.room == room).unwrap_or_else(|| Self::new(room, epoch.clone()));
        assert_eq!(viewer.epoch, epoch, "a room has one life");
        assert!(viewer.replay.is_none() && viewer.hole.is_none(), "the last replay is not out: {viewer:?}");
        assert!(is_state || viewer.at + left == seq, "{left} messages are not what was missed: {viewer:?}");
        assert!(!is_unpaused || viewer.recognized == recognized, "{} became {recognized}", viewer.recognized);
        viewer.recognized = recognized;
        (viewer.pauses, viewer.is_paused) = (false, false);
        viewer.replay = Some(PendingReplay { left, is_state, came: Vec::new(), seq });
        viewer
    }

    /// Returns the replay of a returning owner: the state that it gets first.
    pub(super) fn owned(room: usize, members: &Members<'_>) -> Self {
        let mut viewer = Self::new(room, string(members, "epoch"));
        let (left, seq) = (whole(members, "replay"), whole(members, "seq"));
        viewer.replay = Some(PendingReplay { left, is_state: true, came: Vec::new(), seq });
        viewer
    }

    fn new(room: usize, epoch: String) -> Self {
        let (state, recognized) = (BTreeMap::new(), String::new());
        Self {
            room,
            epoch,
            recognized,
            at: 0,
            state,
            hole: None,
            replay: None,
            passing: 0,
            pauses: false,
            is_paused: false,
        }
    }

    /// The connection has ended: drops an incomplete replay.
    pub(super) fn cut(&mut self) {
        (self.replay, self.hole) = (None, None);
        (self.pauses, self.is_paused) = (false, false);
    }

    pub(super) fn reset(&mut self, members: &Members<'_>) {
        assert!(self.is_whole(), "a reset came to {self:?}");
        assert_eq!((string(members, "reason").as_str(), string(members, "epoch")), ("slow", self.epoch.clone()));
        let seq = whole(members, "seq");
        assert!(seq >= self.at, "a reset to {seq} came to {self:?}");
        self.replay = Some(PendingReplay { left: whole(members, "replay"), is_state: true, came: Vec::new(), seq });
    }

    pub(super) fn skipped(&mut self, through: u64) {
        assert!(self.is_whole() && !self.is_paused && through > self.at, "a hole up to {through} came to {self:?}");
        self.hole = Some(through);
    }

    /// Returns whether no announced message is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.replay.is_none() && self.hole.is_none()
    }

    pub(super) fn message(&mut self, line: ReceivedMessage, room: &mut Room) {
        let Some(seq) = line.seq else {
            assert!(self.is_whole() && !self.is_paused, "an ephemeral message came to {self:?}");
            if let Some(number) = line.number {
                assert!(number > self.passing, "{line:?} came after {}", self.passing);
                self.passing = number;
            }
            return;
        };
        if let Some(replay) = &mut self.replay {
            replay.left = replay.left.checked_sub(1).expect("no more than was announced");
            if replay.is_state {
                assert!(line.change == MessageKind::State && seq <= replay.seq, "{line:?} came in {replay:?}");
                assert!(replay.came.last().is_none_or(|last| last.seq < line.seq), "{line:?} came in {replay:?}");
                return replay.came.push(line);
            }
        } else {
            assert!(!self.is_paused, "{line:?} came to {self:?}");
        }
        let through = self.hole.take();
        assert_eq!(seq, through.unwrap_or(self.at) + 1, "{line:?} is not the next one");
        if let Some(through) = through {
            room.was_skipped(self.at, through);
        }
        self.at = seq;
        match line.change {
            MessageKind::State => _ = self.state.insert(line.key, seq),
            MessageKind::Cleared => _ = self.state.remove(&line.key),
            MessageKind::Event | MessageKind::Ephemeral => {}
        }
    }

    /// Applies a complete replay.
    pub(super) fn end_replay(&mut self, room: &mut Room) {
        let Some(replay) = self.replay.take_if(|replay| replay.left == 0) else { return };
        if replay.is_state {
            room.was_state(replay.seq, replay.came.iter().filter_map(|line| line.seq).collect());
            self.state = replay.came.into_iter().filter_map(|line| Some((line.key, line.seq?))).collect();
        }
        self.at = replay.seq;
    }

    /// Checks that it has caught up with its room.
    pub(super) fn check_caught_up(&self, seq: u64, room: &Room) {
        assert!(self.is_whole(), "something announced did not come: {self:?}");
        assert_eq!(self.at, seq, "not caught up: {self:?}");
        if let Some(values) = room.values(seq) {
            let values = values.into_iter().map(|(key, (seq, _))| (key, seq)).collect();
            assert_eq!(self.state, values, "caught up, but with another state");
        }
    }
}

/// A classic viewer.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// The number of the stage's last message that arrived.
    last: u64,
    /// The newest value of each key, as the stage numbers it; none for a value of a wild owner.
    state: BTreeMap<String, Option<u64>>,
}

impl Listener {
    pub(super) fn message(&mut self, key: String, number: Option<u64>, is_state: bool) {
        if let Some(number) = number {
            assert!(number > self.last, "{number} came after {}", self.last);
            self.last = number;
        }
        if is_state {
            self.state.insert(key, number);
        }
    }

    /// Checks that it has caught up with its room. A classic viewer does not learn of cleared keys.
    pub(super) fn check_caught_up(&self, seq: u64, room: &Room) {
        for (key, (_, number)) in room.values(seq).into_iter().flatten() {
            assert_eq!(self.state.get(&key), Some(&number), "the value of {key:?}: {self:?}");
        }
    }
}
