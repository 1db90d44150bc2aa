//! A room whose log is kept: it decides first, and applies when that is written.
//! Pure: it must not know who writes, nor when.

use std::sync::Arc;
use std::time::Duration;

use super::{Ahead, Core, Origin, ProposeError, Proposed, Step};
use crate::config::Config;
use crate::id::{Seq, Term};
use crate::message::{Change, Entry};
use crate::record::{Append, Header, LifeIndex, Lives, Stored};
use crate::room::log::{Fingerprint, Lineage, Log, LogLimits, Proposal, Rejection, Verdict};
use crate::room::presence::{Patience, Presence};
use crate::standing::OwnerStatus;

/// What becomes of a decision.
#[derive(Debug)]
pub enum Decided {
    /// It holds from now on.
    Applied(Applied),
    /// It holds when this is written.
    HandedOver(Append),
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
    End,
    /// The process goes away, and the room does not.
    Departed,
}

impl Core {
    /// The room keeps its log from now on. Returns what begins it.
    pub fn keep(&mut self, origin: Origin) -> Append {
        self.log.begin();
        let mut ahead = Ahead::of(&self.log, origin);
        ahead.decide(Step::Written);
        let header = ahead.header(&self.log, None, None);
        self.ahead = Some(Box::new(ahead));
        Append::Header(header)
    }

    /// Returns a room as it was kept: nobody is there.
    pub fn restore(stored: Stored, lives: &Arc<Lives>, config: &Config, patience: Patience, now: Duration) -> Self {
        let Stored { room, header, records, ids, sum } = stored;
        let Header { numbering, starts, term, key, away, moment: _, place, options, unknown } = header;
        let lineage = Lineage::recalled(numbering, Arc::clone(lives), starts);
        let mut log = Log::with_lineage(room, lineage, LogLimits::from(config));
        log.keep(sum);
        log.recall_term(term);
        for record in records {
            let entry = Entry::new(room, Some(record.seq), record.term, record.key, record.params, record.change);
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
        Self { id: room, log, presence, owner, viewers_max, ended: false, ahead, is_unavailable: false }
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

    /// Decides whether `proposal` is said, where so much `space` is left for it.
    ///
    /// # Errors
    /// [`ProposeError`] when it is not allowed.
    pub fn say(&mut self, proposal: Proposal, space: Space, now: Duration) -> Result<Decided, ProposeError> {
        let Some(ahead) = &mut self.ahead else {
            return self.propose(proposal, now).map(|proposed| Decided::Applied(Applied::Said(proposed)));
        };
        if self.ended {
            return Err(ProposeError::Ended);
        }
        if self.is_unavailable {
            return Err(ProposeError::Unavailable);
        }
        let verdict = ahead.check(&self.log, &proposal).map_err(ProposeError::Rejected)?;
        if verdict == Verdict::New && space == Space::None && matches!(proposal.change, Change::Event | Change::State) {
            // What it takes may be less than what goes with it.
            self.log.forget_old(now);
            let (_, goes) = self.log.kept_bytes();
            if proposal.kept_bytes() > goes {
                return Err(ProposeError::Rejected(Rejection::StateFull));
            }
        }
        Ok(match verdict {
            Verdict::Known(seq) if ahead.is_empty() => Decided::Applied(Applied::Said(Proposed { seq, entry: None })),
            Verdict::Known(seq) => {
                ahead.decide(Step::Repeat(seq));
                Decided::HandedOver(Append::Turn)
            }
            Verdict::New if proposal.change == Change::Ephemeral && ahead.is_empty() => {
                Decided::Applied(self.apply(Step::Say(proposal, now)))
            }
            Verdict::New => Decided::HandedOver(ahead.say(&mut self.log, proposal, now)),
        })
    }

    /// Decides that the next owner comes: nothing that an older one says from now on is said.
    ///
    /// # Errors
    /// When the room has ended, and when the lease cannot be written: the next start would give it once more.
    pub fn take_over(&mut self) -> Result<(Term, Decided), ProposeError> {
        if self.ended {
            return Err(ProposeError::Ended);
        }
        if self.is_unavailable {
            return Err(ProposeError::Unavailable);
        }
        self.presence.owner_came();
        Ok(match &mut self.ahead {
            None => {
                let term = self.log.term().next();
                (term, Decided::Applied(self.apply(Step::TakeOver(term))))
            }
            Some(ahead) => {
                let term = ahead.take_over();
                (term, Decided::HandedOver(Append::Header(ahead.header(&self.log, None, None))))
            }
        })
    }

    /// Decides that the owner of `term` is gone and the grace begins, if it was still the owner.
    pub fn owner_left(&mut self, term: Term, now: Duration) -> Option<Decided> {
        if self.ended || self.term() != term {
            return None;
        }
        self.presence.owner_left(now);
        Some(match &mut self.ahead {
            None => Decided::Applied(self.apply(Step::Away(term))),
            Some(ahead) => {
                ahead.decide(Step::Away(term));
                let header = ahead.header(&self.log, self.presence.away_since(), None);
                Decided::HandedOver(Append::Header(header))
            }
        })
    }

    /// Decides that the room ends, if it had not before: nobody enters from now on.
    pub fn end(&mut self) -> Option<Decided> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        Some(match &mut self.ahead {
            None => Decided::Applied(self.apply(Step::End)),
            Some(ahead) => {
                ahead.decide(Step::End);
                Decided::HandedOver(Append::End)
            }
        })
    }

    /// Decides that nothing more is said and nobody enters, since the process goes away: the room is found at the next
    /// start, with the `moment` at which its owner is asked to come back. `None` when it has ended, or departs already.
    pub fn depart(&mut self, moment: Option<Duration>) -> Option<Decided> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        Some(match &mut self.ahead {
            // Nobody can wait for what cannot be written.
            Some(ahead) if !self.is_unavailable && (moment.is_some() || !ahead.is_empty()) => {
                ahead.decide(Step::Depart);
                let header = moment.map(|_| ahead.header(&self.log, self.presence.away_since(), moment));
                Decided::HandedOver(header.map_or(Append::Turn, Append::Header))
            }
            _ => Decided::Applied(Applied::Departed),
        })
    }

    /// The oldest of what was handed over is written, so it holds from now on.
    pub fn written(&mut self) -> Applied {
        let step = self.ahead.as_mut().and_then(|ahead| ahead.next());
        step.map_or(Applied::Nothing, |step| self.apply(step))
    }

    /// Nothing can be written at the moment: nothing more is said, nobody becomes the owner, and no time passes for an
    /// owner that cannot come back.
    pub fn stand_still(&mut self) {
        self.is_unavailable = true;
    }

    /// The owner has left. While nothing can be written everybody is told before that is, with the lease that they know:
    /// something of it may be written before the next one.
    pub fn is_away_already(&mut self) -> Applied {
        if self.is_unavailable { self.apply(Step::Away(self.log.term())) } else { Applied::Nothing }
    }

    /// Everything that was decided is written and can be again. Returns what has to be, if the owner is away: its grace
    /// begins now.
    pub fn go_on(&mut self, now: Duration) -> Option<Append> {
        if !std::mem::take(&mut self.is_unavailable) || self.ended {
            return None;
        }
        let ahead = self.ahead.as_mut()?;
        self.presence.away_since()?;
        self.presence.owner_left_again(now);
        ahead.decide(Step::Written);
        Some(Append::Header(ahead.header(&self.log, Some(now), None)))
    }

    /// How many bytes the room takes where it is kept.
    pub fn kept_bytes(&self) -> u64 {
        self.log.kept_bytes().0
    }

    fn apply(&mut self, step: Step) -> Applied {
        match step {
            Step::Written => Applied::Nothing,
            Step::Say(proposal, said) => self.apply_message(proposal, said),
            Step::Repeat(seq) => Applied::Said(Proposed { seq, entry: None }),
            Step::TakeOver(term) => {
                self.log.take_over();
                self.owner = OwnerStatus::Live;
                Applied::Owner(self.owner, term)
            }
            Step::Away(term) => match std::mem::replace(&mut self.owner, OwnerStatus::Away) {
                OwnerStatus::Live => Applied::Owner(OwnerStatus::Away, term),
                OwnerStatus::Away => Applied::Nothing,
            },
            Step::End => Applied::End,
            Step::Depart => Applied::Departed,
        }
    }

    fn apply_message(&mut self, proposal: Proposal, said: Duration) -> Applied {
        let id = self.ahead.as_ref().and_then(|_| proposal.id.clone());
        let entry = self.log.apply(proposal, said);
        let seq = self.log.seq();
        if let Some(ahead) = &mut self.ahead {
            ahead.applied(entry.seq.unwrap_or(Seq::ZERO), &entry.key, id.as_deref());
        }
        Applied::Said(Proposed { seq, entry: Some(entry) })
    }
}
