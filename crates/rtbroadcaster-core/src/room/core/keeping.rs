//! A room whose log is kept: it decides first, and applies when that is written.
//! Pure: it must not know who writes, nor when.

use std::sync::Arc;
use std::time::Duration;

use super::{Ahead, By, Core, Doubt, Origin, Proposed, RoomLife, Step};
use crate::config::Config;
use crate::id::{Seq, Term};
use crate::message::Entry;
use crate::record::{Handover, Header, LifeIndex, Lives, LogPosition, Stored};
use crate::room::log::{Fingerprint, Lineage, Log, LogLimits, Proposal};
use crate::room::presence::{Patience, Presence};
use crate::standing::OwnerStatus;

/// What becomes of a decision.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "where rooms are kept almost every one is handed over, and a box would be one more allocation"
)]
pub enum Decided {
    /// It holds from now on.
    Applied(Applied),
    /// It holds when this is written.
    HandedOver(Handover),
}

/// Whether there is space for more where rooms are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// There is.
    Some,
    /// There is none: only what frees as much as it takes is said.
    None,
}

/// What holds from now on.
#[derive(Debug)]
pub enum Applied {
    /// Nothing that anybody sees.
    Nothing,
    /// Something is said.
    Said(Proposed),
    /// The owner of this lease came or went.
    Owner(OwnerStatus, Term),
    /// The room has ended.
    End(By),
    /// The process goes away, and the room does not.
    Departed,
}

impl<W: Default> Core<W> {
    /// The room keeps its log from now on. Returns what begins it.
    pub fn keep(&mut self, origin: Origin) -> Handover {
        self.log.begin();
        let mut ahead = Ahead::of(&self.log, origin);
        let header = ahead.decide(Step::Written, &mut self.log, None);
        self.ahead = Some(Box::new(ahead));
        header
    }

    /// Returns a room as it was kept: nobody is there.
    pub fn restore(stored: Stored, lives: &Arc<Lives>, config: &Config, patience: Patience, now: Duration) -> Self {
        let Stored { room, header, records, ids, sum } = stored;
        let Header { numbering, starts, term, key, away, moment: _, place, options, unknown } = header;
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
        let mut presence = Presence::new(patience);
        presence.owner_left(away.unwrap_or(now));
        let ahead = Some(Box::new(Ahead::of(&log, Origin { key, options, place, unknown })));
        let viewers_max = config.viewers_per_room_max.most();
        let owner = OwnerStatus::Away;
        Self { id: room, log, presence, owner, viewers_max, life: RoomLife::Open, doubt: Doubt::None, ahead }
    }

    /// Returns the oldest life of the log that a cursor may still be resumed from.
    pub fn oldest_life_needed(&mut self, now: Duration) -> LifeIndex {
        self.log.oldest_life_needed(now)
    }

    /// The lease under which something may be said next.
    pub fn term(&self) -> Term {
        self.ahead.as_ref().map_or(self.log.term(), |ahead| ahead.term())
    }

    /// Whether everything that was decided holds.
    pub fn is_settled(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| ahead.is_empty())
    }

    /// A panic has left the room half changed: nothing more is applied. Returns what ends it where it is kept, since what
    /// is kept of it may be half of something, unless its end or departure was decided before.
    pub fn break_off(&mut self) -> Option<Handover> {
        let was_open = std::mem::replace(&mut self.life, RoomLife::Broken).is_open();
        let ahead = self.ahead.as_mut().filter(|_| was_open)?;
        Some(ahead.decide(Step::End, &mut self.log, self.presence.away_since()))
    }

    /// The log has given another owner precedence over the end that was decided: the room is open again, unless its end
    /// holds already.
    pub fn end_was_beaten(&mut self) {
        if let RoomLife::Ending(_) = self.life {
            self.life = RoomLife::Open;
        }
    }

    /// Has `waiter` wait for what was handed over at `position`: [`written`](Self::written) returns it with the step.
    pub fn wait_for(&mut self, position: LogPosition, waiter: W) {
        if let Some(ahead) = &mut self.ahead {
            ahead.wait_for(position, waiter);
        }
    }

    /// Returns what waits for what is not written.
    pub fn waiters(&mut self) -> impl Iterator<Item = &mut W> {
        self.ahead.iter_mut().flat_map(|ahead| ahead.waiters())
    }

    /// Everything that was handed over up to `through` is written. Applies the oldest step of that which is not applied, and
    /// returns it with what waits for it; `None` when all are. So each is applied once and in order, however often and
    /// late a position is told. A room that is broken applies nothing.
    pub fn written(&mut self, through: LogPosition) -> Option<(Applied, W)> {
        loop {
            let (step, waiter) = self.ahead.as_mut()?.next(through)?;
            if self.life != RoomLife::Broken {
                return Some((self.apply(step), waiter));
            }
        }
    }

    /// Nothing can be written at the moment: nothing more is said, nobody becomes the owner, and no time passes for an
    /// owner that cannot come back.
    pub fn stand_still(&mut self) {
        self.doubt = Doubt::Unwritable;
    }

    /// The owner has left. While nothing can be written everybody is told before that is, with the lease that they know:
    /// something of it may be written before the next one.
    pub fn is_away_already(&mut self) -> Applied {
        match self.doubt {
            Doubt::None => Applied::Nothing,
            Doubt::Unwritable => self.apply(Step::Away(self.log.term())),
        }
    }

    /// Everything that was decided is written and can be again. Returns what has to be, if the owner is away: its grace
    /// begins now.
    pub fn go_on(&mut self, now: Duration) -> Option<Handover> {
        if std::mem::take(&mut self.doubt) == Doubt::None || !self.life.is_open() {
            return None;
        }
        let ahead = self.ahead.as_mut()?;
        self.presence.away_since()?;
        self.presence.owner_left_again(now);
        Some(ahead.decide(Step::Written, &mut self.log, Some(now)))
    }

    /// How many bytes the room takes where it is kept.
    pub fn kept_bytes(&self) -> u64 {
        self.log.kept_bytes().0
    }

    pub(super) fn apply_takeover(&mut self, term: Term) -> Applied {
        self.log.take_over();
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
