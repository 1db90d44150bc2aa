//! Viewers by the rules of PROTOCOL.md: what they may be told next, and what they hold. Must not know sockets.

use std::collections::BTreeMap;

use super::client::{Asked, Cursor};
use super::ledger::{Change, Line, Room};
use crate::members::Members;

/// How many messages a room keeps for those who come back.
pub(super) const HISTORY: u64 = 8;

/// A viewer of version 2.
#[derive(Debug)]
pub(super) struct Viewer {
    /// The place of its room.
    pub(super) room: usize,
    pub(super) epoch: String,
    /// Who it is and by what it is recognized, as it was told.
    recognized: String,
    /// Up to where it has everything, or was told of the holes.
    pub(super) at: u64,
    /// The number of the newest value of each key.
    state: BTreeMap<String, u64>,
    hole: Option<u64>,
    replay: Option<Replay>,
    /// The ephemeral message that came last.
    passing: u64,
    /// It has asked for no messages.
    pub(super) pauses: bool,
    /// The server has done so, for all it can know.
    pub(super) is_paused: bool,
}

/// What was announced and has not come.
#[derive(Debug)]
struct Replay {
    left: u64,
    /// The state, which is applied as a whole; or else every message.
    is_state: bool,
    came: Vec<Line>,
    seq: u64,
}

/// The value of a member that is a number.
pub(super) fn whole(members: &Members<'_>, name: &str) -> u64 {
    let digits = members.get(name).once().and_then(|digits| digits.parse().ok());
    digits.unwrap_or_else(|| panic!("`{name}` is no whole number"))
}

/// The value of a member that is a text.
pub(super) fn string(members: &Members<'_>, name: &str) -> String {
    members.get(name).string().unwrap_or_else(|| panic!("`{name}` is no text"))
}

impl Viewer {
    /// The first answer to a join of the room at this place, or the next one to an old viewer.
    pub(super) fn joined(old: Option<Self>, room: usize, members: &Members<'_>, asked: Asked) -> Self {
        let (seq, left, epoch) = (whole(members, "seq"), whole(members, "replay"), string(members, "epoch"));
        let reason = members.get("reason").string();
        let cursor = match (asked, &old) {
            (Asked::Join(cursor), _) => cursor,
            (Asked::Unpause, Some(old)) => Cursor::At(old.at),
            other => panic!("`joined` is no answer to {other:?}"),
        };
        let expected = match cursor {
            Cursor::None => ("snapshot", None),
            Cursor::Malformed => ("reset", Some("malformed")),
            Cursor::OtherEpoch => ("reset", Some("epoch")),
            Cursor::Future => ("reset", Some("future")),
            Cursor::At(at) if at > seq => ("reset", Some("future")),
            Cursor::At(at) if seq - at > HISTORY => ("reset", Some("retention")),
            Cursor::At(_) => ("resumed", None),
        };
        let is_unpaused = matches!(asked, Asked::Unpause);
        let recognized = members.get("viewer").once().expect("a viewer is told who it is").to_owned();
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
        viewer.replay = Some(Replay { left, is_state, came: Vec::new(), seq });
        viewer
    }

    /// What the owner of a room that was there before is told first: its state.
    pub(super) fn owned(room: usize, members: &Members<'_>) -> Self {
        let mut viewer = Self::new(room, string(members, "epoch"));
        let (left, seq) = (whole(members, "replay"), whole(members, "seq"));
        viewer.replay = Some(Replay { left, is_state: true, came: Vec::new(), seq });
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

    /// The connection is gone: what was not whole is forgotten.
    pub(super) fn cut(&mut self) {
        (self.replay, self.hole) = (None, None);
        (self.pauses, self.is_paused) = (false, false);
    }

    pub(super) fn reset(&mut self, members: &Members<'_>) {
        assert!(self.is_whole(), "a reset came to {self:?}");
        assert_eq!((string(members, "reason").as_str(), string(members, "epoch")), ("slow", self.epoch.clone()));
        let seq = whole(members, "seq");
        assert!(seq >= self.at, "a reset to {seq} came to {self:?}");
        self.replay = Some(Replay { left: whole(members, "replay"), is_state: true, came: Vec::new(), seq });
    }

    pub(super) fn skipped(&mut self, through: u64) {
        assert!(self.is_whole() && !self.is_paused && through > self.at, "a hole up to {through} came to {self:?}");
        self.hole = Some(through);
    }

    /// Whether nothing that was announced is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.replay.is_none() && self.hole.is_none()
    }

    pub(super) fn message(&mut self, line: Line, room: &mut Room) {
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
                assert!(line.change == Change::State && seq <= replay.seq, "{line:?} came in {replay:?}");
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
            Change::State => _ = self.state.insert(line.key, seq),
            Change::Cleared => _ = self.state.remove(&line.key),
            Change::Event | Change::Ephemeral => {}
        }
    }

    /// A replay that is whole is applied.
    pub(super) fn end_replay(&mut self, room: &mut Room) {
        let Some(replay) = self.replay.take_if(|replay| replay.left == 0) else { return };
        if replay.is_state {
            room.was_state(replay.seq, replay.came.iter().filter_map(|line| line.seq).collect());
            self.state = replay.came.into_iter().filter_map(|line| Some((line.key, line.seq?))).collect();
        }
        self.at = replay.seq;
    }

    /// It has caught up with its room.
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
    /// The message of the stage that came last.
    last: u64,
    /// The newest value of each key, as the stage numbers it; none for what a wild owner said.
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

    /// It has caught up with its room. It is not told of cleared keys.
    pub(super) fn check_caught_up(&self, seq: u64, room: &Room) {
        for (key, (_, number)) in room.values(seq).into_iter().flatten() {
            assert_eq!(self.state.get(&key), Some(&number), "the value of {key:?}: {self:?}");
        }
    }
}
