//! The engine of the story, as its contract allows it to be: it writes when the test says so, tells later, and may die
//! in between, with or without what the disk had not taken yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::id::{Epoch, Life, RoomId, Seq};
use rtbroadcaster_core::message::Entry;
use rtbroadcaster_core::record::model::Model;
use rtbroadcaster_core::record::{Append, Handover, Header, Lives, LogPosition, Record};
use rtbroadcaster_core::room::core::Core;
use rtbroadcaster_core::room::presence::AbsenceLimits;

use super::{Saga, What, config};
use crate::os_random::OsRandom;

/// How safe a message is when it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room::tests) enum Level {
    /// It survives the process.
    Written,
    /// It survives a loss of power.
    Disk,
}

pub(super) struct Keeper {
    level: Level,
    /// The steps that were handed over and not confirmed, with what the owner meant by each.
    handed: VecDeque<(Handover, What)>,
    /// What the disk has.
    synced: Model,
    /// What the operating system has besides.
    written: Vec<Append>,
    /// Nothing is written at the moment.
    pub(super) has_failed: bool,
    room: RoomId,
    lives: Arc<Lives>,
    backup: Option<Backup>,
}

/// A copy of what was written.
#[derive(Clone)]
struct Backup {
    store: Model,
    lives: Lives,
    /// The same as the story knows it: the earlier lives, and the present one.
    known: Vec<(Epoch, u64)>,
    present: Epoch,
    log: Vec<(Duration, Arc<Entry>)>,
}

impl Keeper {
    /// The keeper of `room`, which is created in the present one of `lives`.
    pub(super) fn new(level: Level, room: RoomId, lives: Arc<Lives>) -> Self {
        let (handed, synced, written) = (VecDeque::new(), Model::default(), Vec::new());
        Self { level, handed, synced, written, has_failed: false, room, lives, backup: None }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Returns how many steps were handed over and not confirmed.
    pub(super) fn handed(&self) -> usize {
        self.handed.len()
    }

    pub(super) fn take(&mut self, handover: Handover, what: What) {
        self.handed.push_back((handover, what));
    }

    pub(super) fn sync(&mut self) {
        self.written.drain(..).for_each(|append| self.synced.write(&self.room, &append));
    }

    /// The oldest of what was handed over is written.
    fn write(&mut self) -> Option<(LogPosition, What)> {
        let (Handover { position, append, .. }, what) = self.handed.pop_front()?;
        self.written.push(append);
        if self.level == Level::Disk {
            self.sync();
        }
        Some((position, what))
    }

    /// This is known of the room when the next process begins.
    fn begin(&mut self, header: Header) {
        self.synced.header = Some(header);
    }

    /// What is found after the end of the process, when so many of what was handed over were written and, after a loss
    /// of power, so many of what the disk did not have were kept.
    fn found(&mut self, written: usize, kept: Option<usize>) -> Model {
        let written = written % (self.handed.len() + 1);
        self.written.extend(self.handed.drain(..).take(written).map(|(handover, _)| handover.append));
        if let Some(kept) = kept {
            self.written.truncate(kept % (self.written.len() + 1));
        }
        self.sync();
        self.has_failed = false;
        self.synced.clone()
    }
}

impl Saga {
    /// Writes and confirms so many of the steps that were handed over.
    pub(super) fn written(&mut self, count: usize) {
        for _ in 0..count {
            let keeper = self.keeper.as_mut().filter(|keeper| !keeper.has_failed);
            let Some((position, what)) = keeper.and_then(Keeper::write) else { return };
            let (applied, ()) = self.core.written(position).expect("it was not told before");
            assert!(self.core.written(position).is_none(), "what is told twice is applied twice");
            self.hold(applied, what);
        }
    }

    /// Writes and confirms all steps that were handed over.
    pub(super) fn settle(&mut self) {
        self.written(usize::MAX);
        assert!(self.core.is_settled() || self.keeper.as_ref().is_some_and(|keeper| keeper.has_failed));
    }

    /// A write fails.
    pub(super) fn fail(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        keeper.has_failed = true;
        self.core.stand_still();
    }

    /// Everything can be written again, and is.
    pub(super) fn mend(&mut self) {
        let Some(keeper) = self.keeper.as_mut().filter(|keeper| keeper.has_failed) else { return };
        keeper.has_failed = false;
        self.settle();
        if let Some(handover) = self.core.go_on(self.now) {
            self.keeper.iter_mut().for_each(|keeper| keeper.take(handover.clone(), What::Other));
        }
    }

    /// Copies the directory.
    pub(super) fn back_up(&mut self) {
        let (known, present, log) = (self.lives.clone(), self.core.standing().epoch, self.log.clone());
        if let Some(keeper) = &mut self.keeper {
            let mut store = keeper.synced.clone();
            keeper.written.iter().for_each(|append| store.write(&keeper.room, append));
            keeper.backup = Some(Backup { store, lives: Lives::clone(&keeper.lives), known, present, log });
        }
    }

    /// The process dies, and the copy takes the place of the directory.
    pub(super) fn restore_backup(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let Some(Backup { store, lives, known, present, log }) = keeper.backup.clone() else { return };
        keeper.found(0, None);
        keeper.synced = store.clone();
        keeper.lives = Arc::new(lives);
        if store.header.is_none() {
            // No client knew of the room then.
            return self.begin_another();
        }
        self.note_what_is_known();
        (self.lives, self.log) = (known, log);
        self.begin_a_life(present, store, false);
    }

    /// The process dies, and the next one finds what is kept.
    pub(super) fn crash(&mut self, written: usize, kept: Option<usize>) {
        let Some(keeper) = &mut self.keeper else { return };
        let goes_on = kept.is_none() || keeper.level == Level::Disk;
        let store = keeper.found(written, kept);
        if store.header.is_none() {
            // It had ended, or no client knew of it yet.
            assert!(self.told_end || !self.is_begun || !goes_on || !self.core.life().is_open(), "a room is lost");
            return self.begin_another();
        }
        assert!(!self.told_end || !goes_on, "a room that has ended came back");
        self.note_what_is_known();
        let present = self.core.standing().epoch;
        self.begin_a_life(present, store, goes_on);
    }

    /// Notes what viewers may have seen of the log in its present life.
    fn note_what_is_known(&mut self) {
        self.seen.insert(self.core.standing().epoch, self.known());
    }

    /// Starts a process with what it finds, which is everything that was confirmed if it `goes_on`. The life before it
    /// was known as `before`.
    fn begin_a_life(&mut self, before: Epoch, store: Model, goes_on: bool) {
        let Model { header, records, ids } = store;
        let header = header.expect("the room was begun");
        self.everybody_is_cut();
        self.told_end = false;
        let lives = self.keeper.as_mut().map(|keeper| {
            keeper.lives = Arc::new(Lives::clone(&keeper.lives).followed_by(Life::random(&OsRandom)));
            // As an engine does before any client comes.
            keeper.begin(header.clone());
            Arc::clone(&keeper.lives)
        });
        let last = records.last_key_value().map_or(Seq::ZERO, |(seq, _)| *seq);
        let told = self.log.len() as u64;
        if goes_on {
            assert!(last.get() >= told, "{told} were told, {last} are kept");
            assert!(header.term >= self.told_term, "an owner that was told is forgotten");
        }
        let room = self.core.id();
        let entry = |record: Record| {
            let Record { seq, said, term, change, key, params, .. } = record;
            (said, Arc::new(Entry::new(room.clone(), Some(seq), term, key, params, change)))
        };
        // The steps that are not kept any more were confirmed, and are as they were unless others came in their place.
        self.log.truncate(usize::try_from(last.get()).unwrap());
        for (seq, record) in &records {
            let place = usize::try_from(seq.get()).unwrap() - 1;
            assert!(place <= self.log.len(), "a hole in what is kept");
            match self.log.get_mut(place) {
                Some(known) => *known = entry(record.clone()),
                None => self.log.push(entry(record.clone())),
            }
        }
        let known: Vec<_> = ids.iter().map(|(seq, (id, fingerprint))| (*seq, id.clone(), *fingerprint)).collect();
        if goes_on {
            let mut names = self.ids.iter().filter(|(_, seq)| seq.get() <= told.min(last.get()));
            let is_known = |name, seq| known.iter().any(|(kept, known, _)| kept == seq && known == name);
            assert!(names.all(|(name, seq)| is_known(name, seq)), "a name is forgotten");
        }
        self.ids = known.iter().map(|(seq, id, _)| (id.clone(), *seq)).collect();
        self.decided = self.log.len() as u64;
        self.lives.push((before, last.get()));
        (self.term, self.told_term, self.older, self.owner_is_there) = (header.term, header.term, None, false);
        let stored = Model { header: Some(header), records, ids }.stored(room).expect("it has a header");
        let patience = AbsenceLimits::of_a_key(None, &config()).after_a_start(self.now, None);
        let lives = lives.expect("only what is kept is found");
        self.core = Core::restore(stored, &lives, &config(), patience, self.now);
    }

    /// Checks that superfluous messages are not kept for ever.
    pub(super) fn check_size(&self) {
        let Some(keeper) = self.keeper.as_ref().filter(|keeper| !keeper.has_failed) else { return };
        let mut store = keeper.synced.clone();
        keeper.written.iter().for_each(|append| store.write(&keeper.room, append));
        // The message that brings it about is there, and what it makes superfluous goes with the next one.
        let needed = config().history_messages_max.most() + config().state_keys_max.most() + 2 * self.most_handed;
        assert!(store.records.len() <= needed, "{} of {needed} messages are kept", store.records.len());
    }
}
