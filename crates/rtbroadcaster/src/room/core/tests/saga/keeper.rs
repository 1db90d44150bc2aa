//! The engine of the story, as its contract allows it to be: it writes when the test says so, tells later, and may die in
//! between, with or without what the disk had not taken yet.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Saga, What, config};
use crate::engine::simulated::Store;
use crate::engine::{Append, Header, Record, Stored};
use crate::id::{Epoch, Seq};
use crate::message::Entry;
use crate::room::core::{Applied, Core};
use crate::standing::OwnerStatus;

/// What is true of a message when it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room::core::tests) enum Level {
    /// It survives the process.
    Written,
    /// It survives a loss of power.
    Disk,
}

pub(super) struct Keeper {
    level: Level,
    /// What was handed over and not told, with what the owner meant by it.
    handed: VecDeque<(Append, What)>,
    /// What the disk has.
    synced: Store,
    /// What the operating system has besides.
    written: Vec<Append>,
    /// Nothing is written any more.
    pub(super) has_failed: bool,
}

impl Keeper {
    pub(super) fn new(level: Level) -> Self {
        Self { level, handed: VecDeque::new(), synced: Store::default(), written: Vec::new(), has_failed: false }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// How many were handed over and not told.
    pub(super) fn handed(&self) -> usize {
        self.handed.len()
    }

    pub(super) fn take(&mut self, append: Append, what: What) {
        self.handed.push_back((append, what));
    }

    pub(super) fn sync(&mut self) {
        self.written.drain(..).for_each(|append| self.synced.write(&append));
    }

    /// The oldest of what was handed over is written.
    fn write(&mut self) -> Option<What> {
        let (append, what) = self.handed.pop_front()?;
        self.written.push(append);
        if self.level == Level::Disk {
            self.sync();
        }
        Some(what)
    }

    /// This is known of the room when the next process begins.
    fn begin(&mut self, header: Header) {
        self.synced.header = Some(header);
    }

    /// What is found after the end of the process, when so many of what was handed over were written and, after a loss of
    /// power, so many of what the disk did not have were kept.
    fn found(&mut self, written: usize, kept: Option<usize>) -> Store {
        let written = written % (self.handed.len() + 1);
        self.written.extend(self.handed.drain(..).take(written).map(|(append, _)| append));
        if let Some(kept) = kept {
            self.written.truncate(kept % (self.written.len() + 1));
        }
        self.sync();
        self.has_failed = false;
        self.synced.clone()
    }
}

impl Saga {
    /// So many of what was handed over are written and told.
    pub(super) fn written(&mut self, count: usize) {
        for _ in 0..count {
            let Some(what) = self.keeper.as_mut().filter(|keeper| !keeper.has_failed).and_then(Keeper::write) else {
                return;
            };
            let applied = self.core.written();
            self.hold(applied, what);
        }
    }

    /// Everything that was handed over is written and told.
    pub(super) fn settle(&mut self) {
        self.written(usize::MAX);
        assert!(self.core.is_settled() || self.keeper.as_ref().is_some_and(|keeper| keeper.has_failed));
    }

    /// A write fails.
    pub(super) fn fail(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        if std::mem::replace(&mut keeper.has_failed, true) {
            return;
        }
        let whats: Vec<What> = keeper.handed.iter().map(|(_, what)| what.clone()).collect();
        let outcomes = self.core.lose(self.now);
        assert_eq!(outcomes.len(), whats.len());
        for (outcome, what) in outcomes.into_iter().zip(whats) {
            match outcome {
                Some(Applied::Said(_)) => panic!("nobody knows whether it is kept"),
                Some(applied) => self.hold(applied, what),
                None => self.forget(&what),
            }
        }
    }

    /// What was meant is not known to have happened: the next who uses its name may be the first.
    fn forget(&mut self, what: &What) {
        match what {
            What::Say { id: Some(id), seq: Some(_), .. } => _ = self.ids.remove(id),
            What::TakeOver => {
                (self.term, self.older) = (self.told_term, None);
                self.owner_is_there = self.core.standing().owner == OwnerStatus::Live;
            }
            _ => {}
        }
    }

    /// The process dies, and the next one finds what is kept.
    pub(super) fn crash(&mut self, written: usize, kept: Option<usize>) {
        let Some(keeper) = &mut self.keeper else { return };
        let goes_on = kept.is_none() || keeper.level == Level::Disk;
        let had_failed = keeper.has_failed;
        let Store { header, records, ids } = keeper.found(written, kept);
        self.everybody_is_cut();
        let Some(header) = header else {
            // It had ended, or nobody knew of it yet.
            assert!(self.told_end || !self.is_begun || !goes_on || self.core.has_ended(), "a room is lost");
            return self.begin_another();
        };
        // Unless nothing could be written: then it ends once more.
        assert!(!self.told_end || !goes_on || had_failed, "a room that has ended came back");
        self.told_end = false;
        let epoch = if goes_on { header.epoch.clone() } else { Epoch::random() };
        let header = Header { epoch, ..header };
        // As an engine does before anybody comes.
        self.keeper.iter_mut().for_each(|keeper| keeper.begin(header.clone()));
        let last = records.last_key_value().map_or(Seq::ZERO, |(seq, _)| *seq);
        let told = self.log.len() as u64;
        if goes_on {
            assert!(last.get() >= told, "{told} were told, {last} are kept");
            assert!(header.term >= self.told_term, "an owner that was told is forgotten");
        }
        self.log.truncate(usize::try_from(last.get()).unwrap());
        let room = self.core.id();
        let unknown = records.range(Seq::new(told + 1).unwrap()..).map(|(_, record)| record);
        for record in unknown {
            let Record { seq, said, term, change, key, params, .. } = record.clone();
            assert_eq!(seq.get(), self.log.len() as u64 + 1, "a hole in what is kept");
            self.log.push((said, Arc::new(Entry::new(room, Some(seq), term, key, params, change))));
        }
        let known: Vec<_> = ids.into_iter().map(|(seq, (id, fingerprint))| (seq, id, fingerprint)).collect();
        let mut names = self.ids.iter().filter(|(_, seq)| seq.get() <= told.min(last.get()));
        let is_known = |name, seq| known.iter().any(|(kept, known, _)| kept == seq && known == name);
        assert!(names.all(|(name, seq)| is_known(name, seq)), "a name is forgotten");
        self.ids = known.iter().map(|(seq, id, _)| (id.clone(), *seq)).collect();
        self.decided = self.log.len() as u64;
        (self.term, self.told_term, self.older, self.owner_is_there) = (header.term, header.term, None, false);
        let records = records.into_values().collect();
        self.core = Core::restore(Stored { room, header, records, ids: known }, &config(), self.now);
    }

    /// What nobody needs is not kept for ever.
    pub(super) fn check_size(&self) {
        let Some(keeper) = self.keeper.as_ref().filter(|keeper| !keeper.has_failed) else { return };
        let mut store = keeper.synced.clone();
        keeper.written.iter().for_each(|append| store.write(append));
        // The message that brings it about is there, and what it makes superfluous goes with the next one.
        let needed = config().history_messages_max + config().state_keys_max + 2 * self.most_handed;
        assert!(store.records.len() <= needed, "{} of {needed} messages are kept", store.records.len());
    }
}
