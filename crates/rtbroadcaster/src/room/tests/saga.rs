//! The room of the story, and what it must have said.

mod keeper;
mod lane;
mod speech;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::backlog::Replay;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::{self, Epoch, Life, Numbering, RoomId, Seq, Term};
use rtbroadcaster_core::identity::ViewerKey;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::Entry;
use rtbroadcaster_core::protocol::{Answer, Notice, Terms, v2};
use rtbroadcaster_core::record::Lives;
use rtbroadcaster_core::refusal::JoinError;
use rtbroadcaster_core::room::core::{Core, FixedHeader, Welcome};
use rtbroadcaster_core::room::log::Lineage;
use rtbroadcaster_core::room::presence::AbsenceLimits;
use rtbroadcaster_core::standing::{CursorScope, How, Start};

use super::viewer::{Progress, Viewer};
use super::{Cursor, Step, VIEWERS};
use crate::fanout::OutboxState;
use crate::os_random::OsRandom;
use keeper::Keeper;
pub(super) use keeper::Level;
use lane::{Item, Lane, Visit};

/// What is said next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say {
    pub(super) kind: u8,
    pub(super) key: u8,
    pub(super) size: usize,
    pub(super) id: Option<u8>,
    /// By an owner that was taken over.
    pub(super) is_stale: bool,
}

/// What was meant by a decision.
#[derive(Debug, Clone)]
enum What {
    /// Something is said under this lease; it has this number if it has one and is new.
    Say { said: Duration, term: Term, seq: Option<Seq> },
    /// Something was said again: this number.
    Repeat(Seq),
    /// The next owner comes.
    TakeOver,
    /// Something else.
    Other,
}

/// A viewer's connection.
struct Connection {
    visit: Visit,
    is_admitted: bool,
    outbox: OutboxState,
}

/// How much may wait for a viewer.
const BACKLOG: usize = 1_000;

fn config() -> Config {
    Config {
        history_messages_max: Limit::Max(8),
        history_bytes_max: Limit::Max(300),
        history_age_max: Limit::Max(Duration::from_secs(10)),
        state_keys_max: Limit::Max(3),
        state_bytes_max: Limit::Max(150),
        owner_grace: Limit::Max(Duration::from_secs(20)),
        room_idle_timeout: Limit::Max(Duration::from_secs(30)),
        viewers_per_room_max: Limit::Max(VIEWERS),
        ..Config::default()
    }
}

pub(super) struct Saga {
    core: Core,
    /// Everything that was applied and has a number, the first at 0, with the time.
    log: Vec<(Duration, Arc<Entry>)>,
    /// What each id names.
    ids: HashMap<Box<str>, Seq>,
    /// The lease of the owner.
    term: Term,
    /// The lease of the owner that viewers were sent.
    told_term: Term,
    /// The log as viewers have seen it, by each epoch that there was.
    seen: HashMap<Epoch, Vec<(Duration, String)>>,
    /// The earlier lives of this log, and how much of it there was when each ended.
    lives: Vec<(Epoch, u64)>,
    /// How many messages were decided; all but the last ones are in the log.
    decided: u64,
    keeper: Option<Keeper>,
    /// Whether its beginning, and its end, were confirmed.
    is_begun: bool,
    told_end: bool,
    /// The most that waited to be written at one time.
    most_handed: usize,
    /// An owner that was taken over, and may not know.
    older: Option<Term>,
    owner_is_there: bool,
    now: Duration,
    /// So that no two messages are alike.
    said: u32,
    lane: Lane,
    connections: Vec<Option<Connection>>,
    visits: u32,
    viewers: Vec<Viewer>,
}

impl Saga {
    /// A room in memory, or one that is kept.
    pub(super) fn new(level: Option<Level>) -> Self {
        let lives = Arc::new(Lives::only(Life::random(&OsRandom)));
        let lineage = Lineage::new(Numbering::random(&OsRandom), Arc::clone(&lives));
        let patience = AbsenceLimits::of_a_key(None, &config());
        let mut core = Core::with_lineage(RoomId::random(&OsRandom), lineage, patience, &config());
        let keeper = level.map(|level| {
            let mut keeper = Keeper::new(level, core.id().clone(), lives);
            keeper.take(core.keep(FixedHeader::default()), What::Other);
            keeper
        });
        Self {
            core,
            log: Vec::new(),
            ids: HashMap::new(),
            term: Term::FIRST,
            told_term: Term::FIRST,
            seen: HashMap::new(),
            lives: Vec::new(),
            decided: 0,
            is_begun: keeper.is_none(),
            told_end: false,
            most_handed: 0,
            keeper,
            older: None,
            owner_is_there: true,
            now: Duration::ZERO,
            said: 0,
            lane: Lane::default(),
            connections: (0..VIEWERS).map(|_| None).collect(),
            visits: 0,
            viewers: (0..VIEWERS).map(|_| Viewer::default()).collect(),
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Say(say) => self.say(say),
            Step::TakeOver => self.take_over(),
            Step::OwnerLeaves => self.owner_leaves(),
            Step::Join { viewer, cursor } => self.join(viewer, cursor),
            Step::Cut { viewer } => self.cut(viewer),
            Step::Lane { viewer, messages, bytes, pauses } => self.lane(viewer, messages, bytes, pauses),
            Step::Drain { viewer, bytes } => _ = self.drain(viewer, bytes),
            Step::Pause { viewer } => self.pause(viewer),
            Step::Unpause { viewer } => self.unpause(viewer),
            Step::Wait { seconds } => self.wait(seconds),
            Step::OwnerCloses => self.close(),
            Step::Create => self.create(),
            Step::Write { count } => self.written(count),
            Step::Sync => self.keeper.iter_mut().for_each(Keeper::sync),
            Step::Fail => self.fail(),
            Step::Mend => self.mend(),
            Step::Crash { written, kept } => self.crash(written, kept),
            Step::Backup => self.back_up(),
            Step::Restore => self.restore_backup(),
        }
    }

    fn join(&mut self, viewer: usize, cursor: Cursor) {
        if self.connections[viewer].is_some() {
            return;
        }
        let own = self.viewers[viewer].cursor();
        let reach = self.viewers[viewer].reach();
        let at = |epoch: &Epoch, seq| Start::After(id::Cursor { epoch: epoch.clone(), seq }, reach);
        let present = self.core.standing().epoch;
        let start = match (cursor, &own) {
            (Cursor::Malformed, _) => Start::Malformed,
            (Cursor::OtherEpoch(seq), _) => at(&Epoch::random(&OsRandom), Seq::new(seq).unwrap()),
            (Cursor::Future, Some((epoch, _))) => at(epoch, self.core.standing().seq.next()),
            // In another life that would be a lie: it holds what came behind that, which this log may not.
            (Cursor::Behind, Some((epoch, seq))) if *epoch == present => at(epoch, seq.previous()),
            (Cursor::Own | Cursor::Behind, Some((epoch, seq))) => at(epoch, *seq),
            (_, None) | (Cursor::None, _) => Start::Fresh,
        };
        if !self.is_begun {
            // No client knows its name.
            return;
        }
        let Ok(welcome) = self.core.open().map_err(JoinError::from).and_then(|mut room| room.join(&start, self.now))
        else {
            assert!(!self.core.life().is_open());
            return;
        };
        self.check_welcome(&start, &welcome);
        if let Start::After(cursor, _) = &start {
            self.viewers[viewer].goes_back_to(&cursor.epoch, cursor.seq);
        }
        self.visits += 1;
        let visit = Visit { viewer, number: self.visits };
        let mut outbox = OutboxState::default();
        outbox.replay(announced(&welcome), &v2::DIALECT);
        self.connections[viewer] = Some(Connection { visit, is_admitted: false, outbox });
        self.lane.push(Item::Admit(visit, welcome.standing.seq));
    }

    /// `resumed` exactly when the cursor is of this log and the history must hold everything after it, and with exactly
    /// that; otherwise the state.
    fn check_welcome(&self, start: &Start, welcome: &Welcome) {
        let seq = self.log.len() as u64;
        assert_eq!(welcome.standing.seq.get(), seq);
        let Start::After(cursor, reach) = start else {
            assert_ne!(welcome.how, How::Resumed);
            return;
        };
        let end_of =
            |lives: &[(Epoch, u64)]| lives.iter().find(|(epoch, _)| *epoch == cursor.epoch).map(|(_, end)| *end);
        let end = if cursor.epoch == welcome.standing.epoch {
            Some(seq)
        } else {
            end_of(&self.lives).filter(|_| *reach == CursorScope::AllLives)
        };
        let is_here = end.is_some_and(|end| cursor.seq.get() <= end);
        let can_resume = is_here && seq - cursor.seq.get() <= self.retained();
        assert_eq!(welcome.how == How::Resumed, can_resume, "{start:?} at {seq}: {:?}", welcome.how);
        if let Some(seen) = self.seen.get(&cursor.epoch).filter(|_| can_resume) {
            let count = usize::try_from(cursor.seq.get()).unwrap();
            assert_eq!(seen[..count], self.known()[..count], "resumed though something else was seen");
        }
    }

    /// Returns the log as viewers may have seen it.
    fn known(&self) -> Vec<(Duration, String)> {
        let text =
            |entry: &Entry| format!("{:?} {:?} {} {:?}", entry.term, entry.change, entry.key.as_str(), entry.params());
        self.log.iter().map(|(said, entry)| (*said, text(entry))).collect()
    }

    /// How many of the last messages the history must hold.
    fn retained(&self) -> u64 {
        let config = config();
        let mut bytes = 0;
        let held = self.log.iter().rev().take(config.history_messages_max.most()).take_while(|(said, entry)| {
            bytes += entry.bytes();
            bytes <= config.history_bytes_max.most() && self.now < *said + config.history_age_max.most()
        });
        held.count() as u64
    }

    fn cut(&mut self, viewer: usize) {
        if self.connections[viewer].take().is_some() {
            self.core.leave(self.now);
            self.viewers[viewer].was_cut();
        }
    }

    /// As a client task does. False when there was nothing to do.
    fn drain(&mut self, viewer: usize, bytes: usize) -> bool {
        let Some(Connection { outbox, .. }) = &mut self.connections[viewer] else { return false };
        let Some(backlog) = &mut outbox.backlog else { return false };
        let mut frames = Vec::new();
        let offset = backlog.take(&mut frames, 3, 200, self.now);
        if !frames.is_empty() {
            let waiting = frames.concat();
            let out = &waiting[offset..][..bytes.min(waiting.len() - offset)];
            backlog.advance(out.len());
            self.hear(viewer, out);
            return true;
        }
        if backlog.wants_state() {
            backlog.order_state();
            self.restore(viewer);
            return true;
        }
        if backlog.is_empty() {
            outbox.rest();
        }
        false
    }

    fn restore(&mut self, viewer: usize) {
        // After the end the farewell brings the state.
        if !self.core.life().is_open() {
            return;
        }
        self.viewers[viewer].loses();
        let welcome = self.core.welcome(&Start::Fresh, self.now);
        let visit = self.connections[viewer].as_ref().unwrap().visit;
        self.lane.push(Item::Replay(visit, reset(&welcome)));
    }

    fn pause(&mut self, viewer: usize) {
        if let Some(Connection { outbox, .. }) = &mut self.connections[viewer]
            && outbox.is_settled()
        {
            outbox.pause();
            self.viewers[viewer].pauses();
        }
    }

    fn unpause(&mut self, viewer: usize) {
        let Some(Connection { outbox, .. }) = &mut self.connections[viewer] else { return };
        let Some(position) = outbox.position().filter(|_| self.core.life().is_open()) else { return };
        let epoch = self.core.standing().epoch;
        let start = Start::After(id::Cursor { epoch, seq: position }, CursorScope::OneLife);
        outbox.expect_replay();
        self.viewers[viewer].unpauses();
        let welcome = self.core.welcome(&start, self.now);
        self.check_welcome(&start, &welcome);
        let visit = self.connections[viewer].as_ref().unwrap().visit;
        self.lane.push(Item::Replay(visit, announced(&welcome)));
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        if self.core.open().is_ok_and(|mut room| room.is_over(self.now).is_some()) {
            let is_outage = self.keeper.as_ref().is_some_and(|keeper| keeper.has_failed);
            assert!(!is_outage, "a room ended while its owner could not come back");
            assert!(!self.owner_is_there, "a room with an owner ended by itself");
            self.close();
        }
    }

    /// Bytes arrive at a viewer.
    fn hear(&mut self, viewer: usize, bytes: &[u8]) {
        let (log, said) = (&self.log, Progress { seq: self.log.len() as u64, term: self.term });
        self.viewers[viewer].hear(bytes, said, |seq| &log[usize::try_from(seq).unwrap() - 1].1);
    }

    /// Has all viewers return and take what waits. Each must stand where the owner stands, or stood when the room
    /// ended.
    fn check(&mut self) {
        self.mend();
        self.settle();
        self.check_size();
        for viewer in 0..VIEWERS {
            self.join(viewer, Cursor::Own);
            // A viewer whose room has ended cannot come back.
            if self.connections[viewer].is_none() {
                continue;
            }
            self.catch_up(viewer);
            self.unpause(viewer);
            self.catch_up(viewer);
            let (standing, log) = (self.core.standing(), self.log.iter().map(|(_, entry)| entry));
            self.viewers[viewer].check_caught_up(&standing, log, !self.core.life().is_open());
        }
    }

    pub(super) fn end(mut self) {
        self.check();
    }

    /// Another room, if this one has ended. The viewers still have their cursors.
    fn create(&mut self) {
        if self.core.life().is_open() {
            return;
        }
        self.check();
        self.begin_another();
    }

    fn begin_another(&mut self) {
        self.everybody_is_cut();
        let (viewers, said, visits) = (std::mem::take(&mut self.viewers), self.said, self.visits);
        let (level, seen) = (self.keeper.as_ref().map(Keeper::level), std::mem::take(&mut self.seen));
        *self = Self { viewers, said, visits, seen, now: self.now, ..Self::new(level) };
    }

    fn everybody_is_cut(&mut self) {
        (0..VIEWERS).for_each(|viewer| self.cut(viewer));
        self.lane = Lane::default();
    }

    fn catch_up(&mut self, viewer: usize) {
        loop {
            let has_more = !self.lane.is_empty();
            self.lane(viewer, 2, 100, false);
            if !self.drain(viewer, 70) && !has_more {
                return;
            }
        }
    }
}

/// What the welcome is on the wire.
fn announced(welcome: &Welcome) -> Replay {
    let Welcome { standing, how, entries } = welcome;
    let terms = Terms { config: &Config::default(), next: None };
    let viewer = ViewerKey::parse(&"1".repeat(45)).unwrap();
    let answer = Answer::Joined { standing, how: *how, replay: entries.len(), terms, viewer: &viewer };
    let announcement = (v2::DIALECT.accepted)("id", &answer).unwrap();
    Replay { announcement, entries: Arc::clone(entries), seq: standing.seq, hold: Hold::default() }
}

/// The state on the wire, for a viewer that lost messages.
fn reset(welcome: &Welcome) -> Replay {
    let Welcome { standing, entries, .. } = welcome;
    let announcement = (v2::DIALECT.write)(&Notice::Reset { standing, replay: entries.len() }).unwrap();
    Replay { announcement, entries: Arc::clone(entries), seq: standing.seq, hold: Hold::default() }
}
