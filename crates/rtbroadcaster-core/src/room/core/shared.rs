//! A room whose log several nodes write: what another node has written, and what becomes of a decision that it was
//! faster than.
//! Pure: it must not know where the log is.

use std::time::Duration;

use super::{Ahead, Applied, Core, EndCause, FixedHeader, Proposed, RoomLife, Step, Writability};
use crate::config::Config;
use crate::id::{Life, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};
use crate::record::{Append, Checkpoint, Handover, Header, LogPosition};
use crate::room::log::{Log, LogLimits, Proposal};
use crate::room::presence::{AbsenceLimits, Presence};
use crate::standing::OwnerStatus;

impl<W: Default> Core<W> {
    /// Makes the room one whose log several nodes write, beginning with the lease of its first owner. Returns the
    /// handover that begins it.
    pub fn share(&mut self, fixed: FixedHeader) -> Handover {
        self.log.share();
        let mut ahead = Ahead::of(&self.log, fixed).shared(true);
        let mut handover = ahead.decide(Step::Written, &mut self.log, None);
        if let Append::Header(header) = &mut handover.append {
            header.life = Some(self.log.lives().present());
        }
        self.ahead = Some(Box::new(ahead));
        handover
    }

    /// Returns a room as the log has it, without viewers on this node. Its owner is on another node, or away.
    pub fn load(room: RoomId, checkpoint: Checkpoint, config: &Config, absence: AbsenceLimits) -> Self {
        let Header { key, away, place, options, unknown, .. } = checkpoint.header.clone();
        let log = Log::load(&room, checkpoint, LogLimits::from(config));
        let mut ahead = Ahead::of(&log, FixedHeader { key, options, place, unknown }).shared(false);
        ahead.is_away_in_log = away.is_some();
        let mut presence = Presence::new(absence);
        if let Some(since) = away {
            presence.owner_left(since);
        }
        Self {
            id: room,
            presence,
            owner: if away.is_some() { OwnerStatus::Away } else { OwnerStatus::Live },
            viewers_max: config.viewers_per_room_max.most(),
            life: RoomLife::Open,
            writability: Writability::Writable,
            ahead: Some(Box::new(ahead)),
            log,
        }
    }

    /// Returns whether another node has the lease.
    pub fn lacks_lease(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.lacks_lease())
    }

    /// Returns whether the owner of `term` is the present one, and on this node.
    pub fn is_owned_here(&self, term: Term) -> bool {
        self.term() == term && !self.lacks_lease()
    }

    /// Returns for how long there has been no viewer on this node; zero while there is one.
    pub fn empty_for(&self, now: Duration) -> Duration {
        self.presence.empty_since().map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// Returns an ephemeral message of the owner on another node, if the room is open.
    pub fn overhear(&mut self, key: Key, params: Params) -> Option<Proposed> {
        if !self.life.is_open() {
            return None;
        }
        let proposal = Proposal { term: self.log.term(), key, params, change: Change::Ephemeral, id: None };
        let entry = self.log.apply(proposal, Duration::ZERO);
        Some(Proposed { seq: self.log.seq(), entry: Some(entry) })
    }

    /// Returns whether several nodes write its log.
    pub fn is_shared(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.is_shared())
    }

    /// Drops the steps up to `through`, which the log has not taken and never will: another node was faster. Returns
    /// their waiters, and whether a departure was among them: that holds all the same.
    pub fn refused(&mut self, through: LogPosition) -> (Vec<W>, bool) {
        let Some(ahead) = &mut self.ahead else { return (Vec::new(), false) };
        let refused = ahead.refuse(through);
        if refused.is_empty() {
            return (Vec::new(), false);
        }
        let departs = refused.iter().any(|(step, _)| matches!(step, Step::Depart(_)));
        if refused.iter().any(|(step, _)| matches!(step, Step::End(_))) {
            self.end_was_beaten();
        }
        self.catch_up();
        (refused.into_iter().map(|(_, waiter)| waiter).collect(), departs)
    }

    /// Applies what another node has written, at the log's time `at`.
    pub fn follow(&mut self, append: Append, at: Duration) -> Applied {
        if matches!(self.life, RoomLife::Broken | RoomLife::Ended(_)) {
            return Applied::Nothing;
        }
        let applied = match append {
            Append::Header(header) => self.follow_header(&header),
            Append::Message(record, ..) => {
                let entry = self.log.follow(record, at);
                Applied::Said(Proposed { seq: self.log.seq(), entry: Some(entry) })
            }
            Append::Turn => Applied::Nothing,
            Append::End(end) => {
                let cause = EndCause::from(end);
                self.life = RoomLife::Ended(cause);
                Applied::End(cause)
            }
        };
        self.catch_up();
        applied
    }

    fn follow_header(&mut self, header: &Header) -> Applied {
        let is_new = header.term > self.log.term();
        if is_new {
            self.log.begin_lease(header.term, header.life);
        }
        if let Some(ahead) = &mut self.ahead {
            ahead.is_away_in_log = header.away.is_some();
        }
        match header.away {
            None => self.presence.owner_came(),
            Some(since) => self.presence.owner_left_again(since),
        }
        let now = if header.away.is_some() { OwnerStatus::Away } else { OwnerStatus::Live };
        let before = std::mem::replace(&mut self.owner, now);
        // Another owner may have come while one was there.
        let is_another = is_new && header.life.is_some();
        if before != now || is_another { Applied::Owner(now, header.term) } else { Applied::Nothing }
    }

    /// Continues behind what another node has written.
    fn catch_up(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.follow(&self.log, self.log.term());
        }
    }

    /// Notes whether the node that has the lease is heard of. While it is not, its owner is away.
    pub fn hears_owner(&mut self, is_heard: bool, now: Duration) -> Applied {
        let status = if is_heard { OwnerStatus::Live } else { OwnerStatus::Away };
        let is_away_anyway = is_heard && self.ahead.as_ref().is_some_and(|ahead| ahead.is_away_in_log);
        if !self.lacks_lease() || !self.life.is_open() || self.owner == status || is_away_anyway {
            return Applied::Nothing;
        }
        match status {
            OwnerStatus::Live => self.presence.owner_came(),
            OwnerStatus::Away => self.presence.owner_left(now),
        }
        self.owner = status;
        Applied::Owner(status, self.log.term())
    }

    /// Returns the room as it is, for nodes that do not know it. The messages of the history from `logged` on are in the
    /// log; `None` if none is.
    pub fn checkpoint(&mut self, logged: Option<Seq>) -> Option<Checkpoint> {
        let ahead = self.ahead.as_ref()?;
        let away = self.presence.away_since().filter(|_| self.owner == OwnerStatus::Away);
        let header = Header { term: self.log.term(), ..ahead.header(&self.log, away, None) };
        let lives = self.log.lives().clone();
        let (records, history, ids) = self.log.checkpoint(logged);
        Some(Checkpoint { header, lives, seq: self.log.seq(), history, records, ids })
    }

    /// Returns everything that this node knows of the room, and the header of a lease that continues it from there, as a
    /// `life` of its own: the log has lost entries of the room. Its owner is asked to come back. `None` unless the room
    /// is open.
    pub fn copy(&mut self, life: Life, now: Duration) -> Option<(Checkpoint, Header)> {
        if !self.life.is_open() {
            return None;
        }
        let checkpoint = self.checkpoint(None)?;
        let away = Some(checkpoint.header.away.unwrap_or(now));
        let header = Header { term: self.log.term().next(), life: Some(life), away, ..checkpoint.header.clone() };
        Some((checkpoint, header))
    }
}

#[cfg(test)]
mod tests;
