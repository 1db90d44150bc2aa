//! A room whose log is kept: it decides first, and applies once the decision is written.
//! Pure: it must not know what writes, nor when.

use std::sync::Arc;
use std::time::Duration;

use super::{Ahead, Core, EndCause, FixedHeader, Proposed, RoomLife, Step, Writability};
use crate::config::Config;
use crate::id::{Life, Seq, Term};
use crate::message::Entry;
use crate::record::{Handover, Header, LifeIndex, Lives, LogPosition, Stored};
use crate::room::log::{Fingerprint, Lineage, Log, LogLimits, Proposal};
use crate::room::presence::{AbsenceLimits, Presence};
use crate::standing::{OwnerStatus, RoomEnd};

/// The outcome of a decision.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "where rooms are kept almost every one is handed over, and a box would be one more allocation"
)]
pub enum Decided {
    /// It is applied.
    Applied(Applied),
    /// It is applied once this is written.
    HandedOver(Handover),
}

/// Whether there is space for more where rooms are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// There is.
    Some,
    /// There is none: a message is only published if it frees as much as it takes.
    None,
}

/// A step that is applied.
#[derive(Debug)]
pub enum Applied {
    /// Nothing that a client sees.
    Nothing,
    /// A message is published.
    Said(Proposed),
    /// The owner of this lease came or went.
    Owner(OwnerStatus, Term),
    /// The room has ended.
    End(EndCause),
    /// The process stops, and the room does not end.
    Departed,
}

impl<W: Default> Core<W> {
    /// Makes the room keep its log from now on. Returns the handover that begins it.
    pub fn keep(&mut self, fixed: FixedHeader) -> Handover {
        self.log.begin();
        let mut ahead = Ahead::of(&self.log, fixed);
        let header = ahead.decide(Step::Written, &mut self.log, None);
        self.ahead = Some(Box::new(ahead));
        header
    }

    /// Returns a room as it was kept, without its owner and viewers.
    pub fn restore(stored: Stored, lives: &Arc<Lives>, config: &Config, absence: AbsenceLimits, now: Duration) -> Self {
        let Stored { room, header, records, ids, sum } = stored;
        let Header { numbering, life: _, starts, term, key, away, moment: _, place, options, unknown } = header;
        let lineage = Lineage::recalled(numbering, Arc::clone(lives), starts);
        let mut log = Log::with_lineage(room.clone(), lineage, LogLimits::from(config));
        log.keep(sum);
        log.recall_term(term);
        for record in records {
            let entry =
                Entry::new(room.clone(), Some(record.seq), record.term, record.key, record.params, record.change);
            log.recall(&Arc::new(entry), record.said);
        }
        for (seq, id, fingerprint) in ids {
            log.recall_id(id, Fingerprint::from_bytes(fingerprint), seq);
        }
        let mut presence = Presence::new(absence);
        presence.owner_left(away.unwrap_or(now));
        let ahead = Some(Box::new(Ahead::of(&log, FixedHeader { key, options, place, unknown })));
        let viewers_max = config.viewers_per_room_max.most();
        let owner = OwnerStatus::Away;
        Self {
            id: room,
            log,
            presence,
            owner,
            viewers_max,
            life: RoomLife::Open,
            writability: Writability::Writable,
            ahead,
        }
    }

    /// Returns the oldest life of the log that a cursor may still be resumed from.
    pub fn oldest_life_needed(&mut self, now: Duration) -> LifeIndex {
        self.log.oldest_life_needed(now)
    }

    /// Returns the lease under which the next message may be published.
    pub fn term(&self) -> Term {
        self.ahead.as_ref().map_or(self.log.term(), |ahead| ahead.term())
    }

    /// Returns whether everything that was decided is applied.
    pub fn is_settled(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| ahead.is_empty())
    }

    /// Breaks the room off, which a panic has left half changed: nothing more is applied. Returns the end to write if
    /// the room is kept, since a part of what is kept may be missing. Returns `None` if its end or departure was
    /// decided before.
    pub fn break_off(&mut self) -> Option<Handover> {
        let was_open = std::mem::replace(&mut self.life, RoomLife::Broken).is_open();
        let ahead = self.ahead.as_mut().filter(|_| was_open)?;
        Some(ahead.decide(Step::End(RoomEnd::Fault), &mut self.log, self.presence.away_since()))
    }

    /// Opens the room again, unless its end is applied already: the log has given another owner precedence over the end
    /// that was decided.
    pub fn end_was_beaten(&mut self) {
        if let RoomLife::Ending(_) = self.life {
            self.life = RoomLife::Open;
        }
    }

    /// Makes `waiter` wait for the handover at `position`: [`written`](Self::written) returns it with the step.
    pub fn wait_for(&mut self, position: LogPosition, waiter: W) {
        if let Some(ahead) = &mut self.ahead {
            ahead.wait_for(position, waiter);
        }
    }

    /// Returns the waiters of all steps that are not applied.
    pub fn waiters(&mut self) -> impl Iterator<Item = &mut W> {
        self.ahead.iter_mut().flat_map(|ahead| ahead.waiters())
    }

    /// Applies the oldest step up to `through`, where everything is written, and returns it with its waiter; `None`
    /// when all of these are applied. So each step is applied once and in order, however often and late a position is
    /// reported. A broken room applies nothing.
    pub fn written(&mut self, through: LogPosition) -> Option<(Applied, W)> {
        loop {
            let (step, waiter) = self.ahead.as_mut()?.next(through)?;
            if self.life != RoomLife::Broken {
                return Some((self.apply(step), waiter));
            }
        }
    }

    /// Notes that nothing can be written at the moment: no message is published, no client becomes the owner, and no
    /// grace passes, since the owner cannot come back.
    pub fn stand_still(&mut self) {
        self.writability = Writability::Unwritable;
    }

    /// Applies the owner's absence before it is written, if nothing can be written at the moment. Clients get the lease
    /// that they know: a message of that lease may be written before the next lease is.
    pub fn is_away_already(&mut self) -> Applied {
        match self.writability {
            Writability::Writable => Applied::Nothing,
            Writability::Unwritable => self.apply(Step::Away(self.log.term())),
        }
    }

    /// Notes that everything that was decided is written, and that writes are possible again. Returns a handover if the
    /// owner is away: its grace begins now.
    pub fn go_on(&mut self, now: Duration) -> Option<Handover> {
        if std::mem::take(&mut self.writability) == Writability::Writable || !self.life.is_open() {
            return None;
        }
        let ahead = self.ahead.as_mut()?;
        self.presence.away_since()?;
        self.presence.owner_left_again(now);
        if ahead.lacks_lease() {
            // The node that has it writes that; this one may only have been cut off from it.
            return None;
        }
        Some(ahead.decide(Step::Written, &mut self.log, Some(now)))
    }

    /// Returns how many bytes the room takes where it is kept.
    pub fn kept_bytes(&self) -> u64 {
        self.log.kept_bytes().0
    }

    pub(super) fn apply_takeover(&mut self, term: Term, life: Option<Life>) -> Applied {
        self.log.begin_lease(term, life);
        self.owner = OwnerStatus::Live;
        Applied::Owner(self.owner, term)
    }

    pub(super) fn apply_absence(&mut self, term: Term) -> Applied {
        match std::mem::replace(&mut self.owner, OwnerStatus::Away) {
            OwnerStatus::Live => Applied::Owner(OwnerStatus::Away, term),
            OwnerStatus::Away => Applied::Nothing,
        }
    }

    #[inline]
    pub(super) fn apply_message(&mut self, proposal: Proposal, said: Duration) -> Applied {
        let id = self.ahead.as_ref().and_then(|_| proposal.id.clone());
        let entry = self.log.apply(proposal, said);
        let seq = self.log.seq();
        if let Some(ahead) = &mut self.ahead {
            ahead.applied(entry.seq.unwrap_or(Seq::ZERO), &entry.key, id.as_deref());
        }
        Applied::Said(Proposed { seq, entry: Some(entry) })
    }
}
