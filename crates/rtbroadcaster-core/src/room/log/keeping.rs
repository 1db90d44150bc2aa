//! A log that is kept: what must exist where it is, what need not any more, and how it is restored.
//! Pure: it must not know where it is kept.

use std::sync::Arc;
use std::time::Duration;

use super::{Fingerprint, Lineage, Log, Proposal};
use crate::id::{Cursor, RoomId, Seq, Term};
use crate::message::Entry;
use crate::record::{Forgotten, LifeIndex, Record, Sum};
use crate::standing::{CursorScope, ResetReason};

/// The log as it is where it is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The sum of what must exist there behind everything that was handed over.
    sum: Sum,
    /// The messages and ids that need not exist there, until the next handover takes them.
    forgotten: Forgotten,
    /// The sum of these.
    gone: Sum,
    /// The sum of where each life began, as of the last one that did.
    past: Sum,
}

impl Kept {
    /// Notes a message that is not needed any more.
    pub(super) fn forget_message(&mut self, entry: &Entry) {
        if let Some(seq) = entry.seq {
            self.forgotten.messages.push(seq);
            self.gone = self.gone.with(Sum::of_message(
                &entry.room,
                seq,
                entry.term,
                entry.change,
                &entry.key,
                &entry.params(),
            ));
        }
    }

    /// Notes the id of a message that is not needed any more.
    pub(super) fn forget_id(&mut self, room: &RoomId, seq: Seq, id: &str, fingerprint: Fingerprint) {
        self.forgotten.ids.push(seq);
        self.gone = self.gone.with(Sum::of_id(room, seq, id, fingerprint.to_bytes()));
    }
}

impl Proposal {
    /// Returns how many bytes it takes where it is kept.
    pub fn kept_bytes(&self) -> u64 {
        let id = self.id.as_ref().map_or(0, |id| Sum::id_bytes(id));
        Sum::message_bytes(&self.key, &self.params) + id
    }
}

impl Log {
    /// Makes the log note what it forgets from now on. `sum` exists where it is kept.
    pub fn keep(&mut self, sum: Sum) {
        self.kept = Some(Box::new(Kept { sum, past: self.lineage.sum(&self.room), ..Kept::default() }));
    }

    /// Makes the log one that is kept, of a room that is created in this life.
    pub fn begin(&mut self) {
        self.lineage.begin_with(self.seq.next());
        self.keep(Sum::default());
    }

    /// Returns the past of its numbers.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Checks that this log holds what an owner or a viewer saw up to `cursor`.
    ///
    /// # Errors
    /// The reason why it may not.
    pub fn check_cursor(&self, cursor: &Cursor, scope: CursorScope) -> Result<(), ResetReason> {
        self.lineage.check(cursor, scope, self.seq)
    }

    /// Returns the record of the message `seq`, which is `proposal` and has this id. Also returns what need not be kept
    /// any more, and whether the message is the room's first in this life. A message that is forgotten may be the last
    /// one, so it is removed with the next one: the last number stays known.
    pub fn hand_over(
        &mut self,
        seq: Seq,
        proposal: &Proposal,
        name: Option<(&str, Fingerprint)>,
        said: Duration,
    ) -> (Record, Forgotten, bool) {
        let Proposal { term, key, params, change, .. } = proposal.clone();
        if self.is_shared {
            let id = name.map(|(id, fingerprint)| (id.into(), fingerprint.to_bytes()));
            let record = Record { seq, said, term, change, key, params, id, sum: Sum::default() };
            return (record, Forgotten::default(), false);
        }
        let begins = self.lineage.begin_with(seq);
        let kept = self.kept.get_or_insert_default();
        let mut sum = kept.sum.with(Sum::of_message(&self.room, seq, term, change, &key, &params));
        if let Some((id, fingerprint)) = name {
            sum = sum.with(Sum::of_id(&self.room, seq, id, fingerprint.to_bytes()));
        }
        kept.sum = sum.without(std::mem::take(&mut kept.gone));
        if begins {
            kept.past = self.lineage.sum(&self.room);
        }
        let sum = kept.sum.with(kept.past);
        let id = name.map(|(id, fingerprint)| (id.into(), fingerprint.to_bytes()));
        (Record { seq, said, term, change, key, params, id, sum }, std::mem::take(&mut kept.forgotten), begins)
    }

    /// Returns how many bytes it takes where it is kept, and how many of them are removed with the next message.
    pub fn kept_bytes(&self) -> (u64, u64) {
        self.kept.as_ref().map_or((0, 0), |kept| (kept.sum.bytes, kept.gone.bytes))
    }

    /// Forgets what is too old, so that it is removed with the next message.
    pub fn forget_old(&mut self, now: Duration) {
        self.prune(now);
    }

    /// Restores a message that was kept, with the time at which it was published. Messages come in order; forgotten
    /// ones leave a gap, behind which the history begins again.
    pub fn recall(&mut self, entry: &Arc<Entry>, said: Duration) {
        let Some(seq) = entry.seq else { return };
        if seq != self.seq.next() {
            self.history.begin_anew();
        }
        self.seq = seq;
        self.fold(entry, said);
    }

    /// Restores the id of a message that was kept.
    pub fn recall_id(&mut self, id: Box<str>, fingerprint: Fingerprint, seq: Seq) {
        self.remember(id, fingerprint, seq);
    }

    /// Restores the lease of the present owner.
    pub fn recall_term(&mut self, term: Term) {
        self.term = term;
    }

    /// Returns the oldest life of the log that a cursor may still be resumed from.
    pub fn oldest_life_needed(&mut self, now: Duration) -> LifeIndex {
        self.prune(now);
        self.lineage.oldest_needed(self.seq, |end| self.history.holds_last(self.missed_since(end)))
    }
}
