//! A room whose log is kept: it decides first, and applies when that is written.
//! Pure: it must not know who writes, nor when.

use std::sync::Arc;
use std::time::Duration;

use super::{Ahead, Core, ProposeError, Proposed, Step};
use crate::config::Config;
use crate::engine::{Append, Header, Stored};
use crate::id::{Seq, Term};
use crate::message::{Change, Entry};
use crate::options::RoomOptions;
use crate::room::log::{Fingerprint, Log, LogLimits, Proposal, Verdict};
use crate::room::presence::Presence;
use crate::standing::OwnerStatus;

/// What becomes of a decision.
#[derive(Debug)]
pub(in crate::room) enum Decided {
    /// It holds from now on.
    Applied(Applied),
    /// It holds when this is written.
    HandedOver(Append),
}

/// What holds from now on.
#[derive(Debug)]
pub(in crate::room) enum Applied {
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
    /// The room keeps its log and what it has besides messages, and is known by the hash `key`. Gives what begins it.
    pub(in crate::room) fn keep(&mut self, key: [u8; 32], options: RoomOptions) -> Append {
        self.log.keep();
        let mut ahead = Ahead::of(&self.log, key, options);
        ahead.decide(Step::Written);
        let header = ahead.header(self.log.epoch(), None);
        self.ahead = Some(Box::new(ahead));
        header
    }

    /// A room as it was kept: nobody is there.
    pub(in crate::room) fn restore(stored: Stored, config: &Config, now: Duration) -> Self {
        let Stored { room, header: Header { epoch, term, key, away, options }, records, ids } = stored;
        let mut log = Log::new(room, epoch, LogLimits::from(config));
        log.keep();
        log.recall_term(term);
        for record in records {
            let entry = Entry::new(room, Some(record.seq), record.term, record.key, record.params, record.change);
            log.recall(&Arc::new(entry), record.said);
        }
        for (seq, id, fingerprint) in ids {
            log.recall_id(id, Fingerprint::from_bytes(fingerprint), seq);
        }
        let mut presence = Presence::new(config.owner_grace, config.room_idle_timeout);
        presence.owner_left(away.unwrap_or(now));
        let ahead = Some(Box::new(Ahead::of(&log, key, options)));
        let viewers_max = config.viewers_per_room_max;
        Self { id: room, log, presence, owner: OwnerStatus::Away, viewers_max, ended: false, ahead, is_lost: false }
    }

    /// The lease under which something may be said next.
    pub(in crate::room) fn term(&self) -> Term {
        self.ahead.as_ref().map_or(self.log.term(), |ahead| ahead.term())
    }

    /// Whether everything that was decided holds.
    #[cfg(test)]
    pub(in crate::room) fn is_settled(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| ahead.is_empty())
    }

    /// Decides whether `proposal` is said.
    ///
    /// # Errors
    /// [`ProposeError`] when it is not allowed.
    pub(in crate::room) fn say(&mut self, proposal: Proposal, now: Duration) -> Result<Decided, ProposeError> {
        let Some(ahead) = &mut self.ahead else {
            return self.propose(proposal, now).map(|proposed| Decided::Applied(Applied::Said(proposed)));
        };
        if self.ended {
            return Err(ProposeError::Ended);
        }
        Ok(match ahead.check(&self.log, &proposal).map_err(ProposeError::Rejected)? {
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
    pub(in crate::room) fn take_over(&mut self) -> Result<(Term, Decided), ProposeError> {
        if self.ended {
            return Err(ProposeError::Ended);
        }
        if self.is_lost {
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
                (term, Decided::HandedOver(ahead.header(self.log.epoch(), None)))
            }
        })
    }

    /// Decides that the owner of `term` is gone and the grace begins, if it was still the owner.
    pub(in crate::room) fn owner_left(&mut self, term: Term, now: Duration) -> Option<Decided> {
        if self.ended || self.term() != term {
            return None;
        }
        self.presence.owner_left(now);
        Some(match &mut self.ahead {
            None => Decided::Applied(self.apply(Step::Away(term))),
            Some(ahead) => {
                ahead.decide(Step::Away(term));
                Decided::HandedOver(ahead.header(self.log.epoch(), self.presence.away_since()))
            }
        })
    }

    /// Decides that the room ends, if it had not before: nobody enters from now on.
    pub(in crate::room) fn end(&mut self) -> Option<Decided> {
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
    /// start. `None` when it has ended, or departs already.
    pub(in crate::room) fn depart(&mut self) -> Option<Decided> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        Some(match &mut self.ahead {
            Some(ahead) if !ahead.is_empty() => {
                ahead.decide(Step::Depart);
                Decided::HandedOver(Append::Turn)
            }
            _ => Decided::Applied(Applied::Departed),
        })
    }

    /// The oldest of what was handed over is written, so it holds from now on.
    pub(in crate::room) fn written(&mut self) -> Applied {
        let step = self.ahead.as_mut().and_then(|ahead| ahead.next());
        step.map_or(Applied::Nothing, |step| self.apply(step))
    }

    /// Nothing is written any more. Gives, for each that waits to be written, what holds nevertheless; `None` for what may
    /// or may not be found at the next start.
    pub(in crate::room) fn lose(&mut self, now: Duration) -> Vec<Option<Applied>> {
        self.is_lost = true;
        let mut ahead = self.ahead.take();
        let steps = std::iter::from_fn(|| ahead.as_mut().and_then(|ahead| ahead.next()));
        let steps: Vec<Step> = steps.collect();
        let outcomes = steps.into_iter().map(|step| match step {
            // Nobody was told that it had come.
            Step::Away(term) if term != self.log.term() => None,
            Step::Away(_) | Step::End | Step::Depart => Some(self.apply(step)),
            Step::Written | Step::Say(..) | Step::Repeat(_) | Step::TakeOver(_) => None,
        });
        let outcomes = outcomes.collect();
        if self.owner == OwnerStatus::Away {
            // Whoever was to come does not.
            self.presence.owner_left(now);
        }
        outcomes
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
            Step::Away(term) => {
                self.owner = OwnerStatus::Away;
                Applied::Owner(self.owner, term)
            }
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
