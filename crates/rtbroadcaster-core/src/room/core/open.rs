//! What only an open room decides: joins, its owner, its messages and its end.
//! Pure: it must not know what writes, nor when.

use std::time::Duration;

use super::life::{EndCause, RoomLife, Writability};
use super::{Applied, Core, Decided, ProposeError, Proposed, Space, Step, Welcome};
use crate::id::{Life, Term};
use crate::message::Change;
use crate::refusal::JoinError;
use crate::room::log::{Proposal, Rejection, Verdict};
use crate::room::presence::Absence;
use crate::standing::Start;

/// A room that is open, made by [`Core::open`]. Nothing that only an open room may do can be called without one.
#[derive(Debug)]
pub struct OpenRoom<'a, W>(pub(super) &'a mut Core<W>);

impl<W: Default> OpenRoom<'_, W> {
    /// Admits one more viewer, which resumes at `start`.
    ///
    /// # Errors
    /// [`JoinError::RoomFull`] at the limit.
    pub fn join(&mut self, start: &Start, now: Duration) -> Result<Welcome, JoinError> {
        let room = &mut *self.0;
        if room.presence.viewers() >= room.viewers_max {
            return Err(JoinError::RoomFull);
        }
        room.presence.viewer_came();
        Ok(room.welcome(start, now))
    }

    /// Decides whether `proposal` is published, where so much `space` is left for it.
    ///
    /// # Errors
    /// [`ProposeError`] when it is not allowed.
    #[inline]
    pub fn say(&mut self, proposal: Proposal, space: Space, now: Duration) -> Result<Decided, ProposeError> {
        self.check_writable()?;
        let room = &mut *self.0;
        let step = match room.judge(&proposal).map_err(ProposeError::Rejected)? {
            Verdict::Known(seq) => Step::Repeat(seq),
            Verdict::New => {
                if space == Space::None && matches!(proposal.change, Change::Event | Change::State) {
                    // It may take less than the messages that are dropped with it.
                    room.log.forget_old(now);
                    let (_, freed) = room.log.kept_bytes();
                    if proposal.kept_bytes() > freed {
                        return Err(ProposeError::Rejected(Rejection::StateFull));
                    }
                }
                Step::Say(proposal, now)
            }
        };
        Ok(room.decide(step))
    }

    /// Decides that the next owner takes over: from now on an older owner cannot publish. Its lease begins `life`, where
    /// several nodes write the log.
    ///
    /// # Errors
    /// When the lease cannot be written: the next start would give it once more.
    pub fn take_over(&mut self, life: Option<Life>) -> Result<(Term, Decided), ProposeError> {
        self.check_writable()?;
        let room = &mut *self.0;
        room.presence.owner_came();
        let term = room.term().next();
        Ok((term, room.decide(Step::TakeOver(term, life))))
    }

    /// Decides that the owner of `term` is gone and the grace begins, if it was still the owner.
    pub fn owner_left(&mut self, term: Term, now: Duration) -> Option<Decided> {
        let room = &mut *self.0;
        if !room.is_owned_here(term) {
            return None;
        }
        room.presence.owner_left(now);
        Some(room.decide(Step::Away(term)))
    }

    /// Decides that the room ends: no client enters from now on.
    pub fn end(self, cause: EndCause) -> Decided {
        self.0.life = RoomLife::Ending(cause);
        self.0.decide(Step::End(cause.room_end()))
    }

    /// Decides that this node writes the log, if another one has the lease; for an end that follows.
    pub fn seize(&mut self) -> Option<Decided> {
        let room = &mut *self.0;
        room.ahead.as_ref().filter(|ahead| ahead.lacks_lease())?;
        let term = room.term().next();
        Some(room.decide(Step::Seize(term)))
    }

    /// Decides that the process stops without the room's end: no message is published and no client enters from now on.
    /// The next start restores the room, with the `moment` at which its owner is asked to come back.
    pub fn depart(self, moment: Option<Duration>) -> Decided {
        self.0.life = RoomLife::Departing;
        self.0.decide(Step::Depart(moment))
    }

    /// Notes a planned look at the room. Returns which absence has ended it, if its time has come.
    pub fn is_over(&mut self, now: Duration) -> Option<Absence> {
        let room = &mut *self.0;
        room.presence.was_checked();
        room.presence.is_over(now).filter(|_| room.writability == Writability::Writable)
    }

    /// Returns when to look whether its time has come, unless a look is planned that comes no later.
    pub fn check_at(&mut self) -> Option<Duration> {
        if self.0.writability == Writability::Writable { self.0.presence.check_at() } else { None }
    }

    fn check_writable(&self) -> Result<(), ProposeError> {
        match self.0.writability {
            Writability::Writable => Ok(()),
            Writability::Unwritable => Err(ProposeError::Unavailable),
        }
    }
}

impl<W: Default> Core<W> {
    /// Decides `step`, and is the only function that does. If nothing has to be written first, the step is applied at
    /// once, without a record and a place in a queue. Otherwise it is applied once the returned handover is written.
    #[inline]
    fn decide(&mut self, step: Step) -> Decided {
        match &mut self.ahead {
            Some(ahead) if self.writability.waits_for(&step) && (step.is_kept() || !ahead.is_empty()) => {
                Decided::HandedOver(ahead.decide(step, &mut self.log, self.presence.away_since()))
            }
            _ => Decided::Applied(self.apply(step)),
        }
    }

    /// Applies `step` to the room.
    #[inline]
    pub(super) fn apply(&mut self, step: Step) -> Applied {
        match step {
            Step::Written => Applied::Nothing,
            Step::Say(proposal, said) => self.apply_message(proposal, said),
            Step::Repeat(seq) => Applied::Said(Proposed { seq, entry: None }),
            Step::TakeOver(term, life) => self.apply_takeover(term, life),
            Step::Seize(term) => {
                self.log.begin_lease(term, None);
                Applied::Nothing
            }
            Step::Away(term) => self.apply_absence(term),
            Step::End(_) => match self.life {
                RoomLife::Ending(cause) => {
                    self.life = RoomLife::Ended(cause);
                    Applied::End(cause)
                }
                // The end was beaten.
                _ => Applied::Nothing,
            },
            Step::Depart(_) => Applied::Departed,
        }
    }
}

impl Writability {
    /// Returns whether `step` may wait until it is written. A process that stops cannot wait for a log that cannot be
    /// written.
    fn waits_for(self, step: &Step) -> bool {
        self == Self::Writable || !matches!(step, Step::Depart(_))
    }
}
