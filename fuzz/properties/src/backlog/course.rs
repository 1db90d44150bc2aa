//! The events of one member's line, op by op. Must not know how the member reads them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::{ControlKind, Ending, Frame, Hold, Rank, Replay};
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Change, Entry};

use super::frame::{TELLING, TERSE, Tag, frame};
use super::ledger::RoomMessages;
use super::line::MemberOutbox;
use super::member::Member;
use crate::codes::Codes;

/// Three limits that hold a few frames, and no limit.
const LIMITS: [usize; 4] = [6 * 128 + 120, 300, 2_000, usize::MAX];

/// The most rounds until everything is written.
const ROUNDS_MAX: usize = 10_000;

/// The items of the room's lane, in order.
enum LaneItem {
    Said(Arc<Entry>),
    Replay(Replay),
    End,
}

/// A room with one member.
pub(super) struct SingleMemberRoom {
    ledger: RoomMessages,
    roster: VecDeque<LaneItem>,
    /// The last number that the lane has sent.
    sent: Seq,
    line: MemberOutbox,
    member: Member,
    /// The number of answers so far.
    answers: u64,
}

impl SingleMemberRoom {
    pub(super) fn begin(code: u8) -> Self {
        let dialect = if code & 1 == 0 { &TELLING } else { &TERSE };
        Self {
            ledger: RoomMessages::new(),
            roster: VecDeque::new(),
            sent: Seq::ZERO,
            line: MemberOutbox::new(dialect, LIMITS[usize::from(code >> 1) % LIMITS.len()]),
            member: Member::new(dialect),
            answers: 0,
        }
    }

    /// Returns whether the member can pause and get a replay: only a protocol with words for holes can.
    fn announces_holes(&self) -> bool {
        std::ptr::eq(self.line.dialect, &raw const TELLING)
    }

    pub(super) fn step(&mut self, code: u8, codes: &mut Codes<'_>) {
        match code % 16 {
            0..=5 => self.say(codes.byte(), codes.byte()),
            6 => {
                let (count, takes, merged) = (1 + codes.below(8), codes.byte(), codes.flag());
                self.serve(count, if takes == u8::MAX { usize::MAX } else { takes.into() }, merged);
                if codes.flag() {
                    self.line.end_write(0);
                }
            }
            7 => self.line.take(1 + codes.below(8), 1 + codes.below(256)),
            8 => self.line.end_write(codes.below(256)),
            9 => self.answer(codes.below(256), None),
            10 => {
                let kind = [ControlKind::Ping, ControlKind::Pong, ControlKind::Alive][codes.below(3)];
                self.line.backlog.control(kind, frame(Tag::Control, 0, &[0, 0]));
            }
            11 if self.announces_holes() => self.line.pause(),
            12 if self.announces_holes() => self.unpause(),
            13 => self.restore(),
            14 => match codes.byte() {
                0 => self.line.cut(),
                1 => self.line.finish(),
                2 => self.roster.push_back(LaneItem::End),
                _ => {}
            },
            _ => self.line.now += Duration::from_secs(codes.byte().into()),
        }
        self.look();
    }

    /// The room publishes a message of one of three keys.
    fn say(&mut self, what: u8, size: u8) {
        let change = [Change::Event, Change::State, Change::State, Change::Ephemeral, Change::Cleared];
        let (change, key) = (change[usize::from(what) % change.len()], usize::from(what) / change.len() % 3);
        // Some are so big that one alone is over the limit.
        let size = if size == u8::MAX { 1_000 } else { usize::from(size) % 64 };
        let entry = self.ledger.say(change, key, size);
        self.roster.push_back(LaneItem::Said(entry));
    }

    fn answer(&mut self, size: usize, limit: Option<usize>) {
        self.answers += 1;
        if self.line.backlog.ending() == Ending::Open {
            self.member.answers.push_back(self.answers);
        }
        self.line.answer(self.answers, size, limit);
    }

    /// The lane handles up to `count` of its items; of each write the socket takes `takes` bytes.
    fn serve(&mut self, count: usize, takes: usize, merged: bool) {
        if self.line.is_offering() {
            return;
        }
        let mut said = Vec::new();
        while said.len() < count {
            match self.roster.front() {
                Some(LaneItem::Said(entry)) => said.push(Arc::clone(entry)),
                Some(LaneItem::Replay(_) | LaneItem::End) if !said.is_empty() => break,
                Some(LaneItem::Replay(_) | LaneItem::End) | None => {
                    return match self.roster.pop_front() {
                        Some(LaneItem::Replay(replay)) => self.line.replay(replay),
                        Some(LaneItem::End) => self.farewell(),
                        _ if said.is_empty() => {}
                        _ => self.offer(&said, takes, merged),
                    };
                }
            }
            self.roster.pop_front();
        }
        self.offer(&said, takes, merged);
    }

    /// Offers one batch, in which newer values may have superseded older ones.
    fn offer(&mut self, said: &[Arc<Entry>], takes: usize, merged: bool) {
        let is_superseded = |place: usize| {
            let rank = Rank::of(&said[place]);
            merged && rank != Rank::Event && said[place + 1..].iter().any(|newer| Rank::of(newer) == rank)
        };
        let left = (0..said.len()).filter(|place| !is_superseded(*place));
        let frames = left.filter_map(|place| Frame::of(&said[place], self.line.dialect));
        let newest = said.iter().rev().find_map(|entry| entry.seq).unwrap_or(self.sent);
        let frames = Frame::with_holes(frames, self.sent, newest, self.line.dialect);
        self.sent = newest;
        if !frames.is_empty() {
            self.line.offer(frames, takes);
        }
    }

    /// The room has ended: a member that lost messages gets the state, then every member the end.
    fn farewell(&mut self) {
        if self.line.backlog.is_lost() && self.announces_holes() {
            let state = self.state();
            self.line.replay(state);
        }
        // Without the limit: it is the last frame.
        self.answer(0, Some(usize::MAX));
        self.line.finish();
    }

    fn state(&self) -> Replay {
        let seq = self.ledger.seq();
        let announcement = frame(Tag::State, seq, &[]);
        Replay { announcement, entries: self.ledger.fold(seq).into(), seq: number(seq), hold: Hold::default() }
    }

    /// Unpauses the member: a replay of every message that it missed, or of the state, is queued in the lane.
    fn unpause(&mut self) {
        let Some(position) = self.line.unpause() else { return };
        let (after, seq) = (position.get(), self.ledger.seq());
        let replay = if seq - after > 8 {
            self.state()
        } else {
            let entries = self.ledger.between(after, seq).into();
            Replay { announcement: frame(Tag::Missed, seq, &[]), entries, seq: number(seq), hold: Hold::default() }
        };
        self.roster.push_back(LaneItem::Replay(replay));
    }

    /// Queues the state in the lane if the member lost messages and everything else is written.
    fn restore(&mut self) {
        if self.line.asks_for_state() {
            let state = self.state();
            self.roster.push_back(LaneItem::Replay(state));
        }
    }

    /// The member reads the bytes that the socket took.
    fn look(&mut self) {
        let since = self.line.backlog.waiting_since();
        assert!(since.is_none_or(|since| since <= self.line.now), "it waits since {since:?}");
        let out = std::mem::take(&mut self.line.out);
        self.member.read(&out, &self.ledger);
    }

    /// Ends the course: the socket takes everything, and the lane and the task finish all their work.
    pub(super) fn end(mut self) {
        for _ in 0..ROUNDS_MAX {
            self.line.end_write(usize::MAX);
            self.line.take(8, 1_000);
            self.look();
            if self.line.is_writing() {
                continue;
            }
            self.unpause();
            self.restore();
            if self.roster.is_empty() && self.line.backlog.is_empty() {
                return self.verdict();
            }
            self.serve(3, usize::MAX, false);
        }
        panic!("the backlog is never empty: {:?}", self.line.backlog);
    }

    fn verdict(mut self) {
        self.look();
        assert_eq!(self.line.backlog.bytes(), 0);
        match self.line.backlog.ending() {
            Ending::Open => {
                assert!(!self.member.closed);
                self.member.check_caught_up(&self.ledger);
            }
            Ending::Finishing => {
                assert!(self.member.closed && self.member.has_whole_frames());
                assert!(self.member.answers.is_empty(), "the close came before {:?}", self.member.answers);
            }
            Ending::Cut => assert!(self.member.closed, "the close frame is out"),
        }
        assert_eq!(self.line.backlog.is_closed(), self.member.closed);
    }
}

fn number(seq: u64) -> Seq {
    Seq::new(seq).expect("a course is short")
}
