//! The room's log: numbers, the newest value of each key, the history for those who come back, and known ids.
//! Pure: it takes the time as an argument and must not know sockets, tasks or protocols.

mod history;
mod ids;
mod state;

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, exceeds};
use crate::id::{Cursor, Epoch, RoomId, Seq, Term};
use crate::message::{Change, Entry, Key, Params};
use crate::standing::ResetReason;

use history::History;
use ids::Ids;
pub use ids::{Fingerprint, IDS_MAX};
use state::State;

/// The limits of one log; zero lifts a limit.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// The most messages in the history.
    pub history_messages_max: usize,
    /// The most bytes of key and params in the history.
    pub history_bytes_max: usize,
    /// The age at which a message leaves the history.
    pub history_age_max: Duration,
    /// The most keys in the state.
    pub state_keys_max: usize,
    /// The most bytes of key and params in the state.
    pub state_bytes_max: usize,
}

impl From<&Config> for LogLimits {
    fn from(config: &Config) -> Self {
        Self {
            history_messages_max: config.history_messages_max,
            history_bytes_max: config.history_bytes_max,
            history_age_max: config.history_age_max,
            state_keys_max: config.state_keys_max,
            state_bytes_max: config.state_bytes_max,
        }
    }
}

/// What an owner wants to be said next.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The lease under which it is said.
    pub term: Term,
    /// What it calls or sets.
    pub key: Key,
    /// With which parameters.
    pub params: Params,
    /// What it does to the room.
    pub change: Change,
    /// The publisher's own name for it.
    pub id: Option<Box<str>>,
}

impl Proposal {
    fn bytes(&self) -> usize {
        self.key.as_str().len() + self.params.as_bytes().len()
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be applied.
    New,
    /// It was applied before, under this number.
    Known(Seq),
}

/// Why a proposal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// Another owner has taken over.
    Fenced,
    /// The same id was used for other content.
    IdReused,
    /// The state cannot take another key or this many bytes.
    StateFull,
}

/// The state at one position: for each key its newest value, in the order in which the keys last changed.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The last message that it includes.
    pub seq: Seq,
    /// The values.
    pub entries: Arc<[Arc<Entry>]>,
}

/// What a viewer with a cursor gets.
#[derive(Debug, Clone)]
pub enum Resume {
    /// Every message after the cursor.
    Resumed(Vec<Arc<Entry>>),
    /// The history cannot continue from there, so the state follows.
    Reset(ResetReason),
}

/// The log of one room.
#[derive(Debug)]
pub struct Log {
    room: RoomId,
    epoch: Epoch,
    term: Term,
    /// The number of the last message.
    seq: Seq,
    limits: LogLimits,
    state: State,
    history: History,
    ids: Ids,
}

impl Log {
    /// An empty log.
    pub fn new(room: RoomId, epoch: Epoch, limits: LogLimits) -> Self {
        Self {
            room,
            epoch,
            term: Term::FIRST,
            seq: Seq::ZERO,
            limits,
            state: State::default(),
            history: History::default(),
            ids: Ids::default(),
        }
    }

    /// The life of the numbering.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The lease of the present owner.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Begins the lease of the next owner: from now on nothing of an older one passes [`check`](Self::check).
    pub fn take_over(&mut self) -> Term {
        self.term = self.term.next();
        self.term
    }

    /// The number of the last message.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Whether `proposal` may be applied.
    ///
    /// # Errors
    /// When it is of an older lease, repeats an id with other content, or does not fit into the state.
    pub fn check(&self, proposal: &Proposal) -> Result<Verdict, Rejection> {
        if proposal.term != self.term {
            return Err(Rejection::Fenced);
        }
        if let Some(id) = &proposal.id
            && let Some((fingerprint, seq)) = self.ids.get(id)
        {
            let same = fingerprint == Fingerprint::of(proposal);
            return if same { Ok(Verdict::Known(seq)) } else { Err(Rejection::IdReused) };
        }
        if proposal.change == Change::State {
            let (keys, bytes) = self.state.size_with(&proposal.key, proposal.bytes());
            if exceeds(keys, self.limits.state_keys_max) || exceeds(bytes, self.limits.state_bytes_max) {
                return Err(Rejection::StateFull);
            }
        }
        Ok(Verdict::New)
    }

    /// Numbers a proposal that passed [`check`](Self::check) and folds it in.
    pub fn apply(&mut self, proposal: Proposal, now: Duration) -> Arc<Entry> {
        let fingerprint = proposal.id.as_ref().map(|_| Fingerprint::of(&proposal));
        let Proposal { term, key, params, change, id } = proposal;
        if change == Change::Ephemeral {
            return Arc::new(Entry::new(self.room, None, term, key, params, change));
        }
        self.seq = self.seq.next();
        let entry = Arc::new(Entry::new(self.room, Some(self.seq), term, key, params, change));
        match change {
            Change::State => self.state.set(self.seq, &entry),
            Change::Cleared => self.state.clear(&entry.key),
            Change::Event | Change::Ephemeral => {}
        }
        self.history.push(&entry, now, &self.limits);
        if let (Some(id), Some(fingerprint)) = (id, fingerprint) {
            self.ids.insert(id, fingerprint, self.seq);
        }
        entry
    }

    /// The state as it is now.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot { seq: self.seq, entries: self.state.in_order() }
    }

    /// What a viewer who stands at `cursor` missed. `Resumed` whenever the history holds all of it, and only then.
    pub fn resume(&mut self, cursor: &Cursor, now: Duration) -> Resume {
        self.history.prune(now, &self.limits);
        if cursor.epoch != self.epoch {
            Resume::Reset(ResetReason::Epoch)
        } else if cursor.seq > self.seq {
            Resume::Reset(ResetReason::Future)
        } else {
            let missed = usize::try_from(self.seq.get() - cursor.seq.get()).unwrap_or(usize::MAX);
            self.history.last(missed).map_or(Resume::Reset(ResetReason::Retention), Resume::Resumed)
        }
    }
}

#[cfg(test)]
mod tests;
