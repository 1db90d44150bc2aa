//! The room's log: numbers, the newest value of each key, the history for viewers that resume, and known ids.
//! Pure: it takes the time as an argument and must not know sockets, tasks or protocols.

mod history;
mod ids;
mod keeping;
mod lineage;
mod shared;
mod state;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::id::{Cursor, Epoch, RoomId, Seq, Term};
use crate::message::{Change, Entry, Key, Params};
use crate::standing::{CursorScope, ResetReason};

use history::History;
use ids::Ids;
pub use ids::{Fingerprint, IDS_MAX};
use keeping::Kept;
pub use lineage::Lineage;
use state::State;
pub use state::StateSize;

/// The limits of one log. A limit that is lifted is the greatest number, so that each check is one comparison.
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
            history_messages_max: config.history_messages_max.most(),
            history_bytes_max: config.history_bytes_max.most(),
            history_age_max: config.history_age_max.most(),
            state_keys_max: config.state_keys_max.most(),
            state_bytes_max: config.state_bytes_max.most(),
        }
    }
}

/// A message that an owner wants to publish.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The lease under which it is published.
    pub term: Term,
    /// The key that it calls or sets.
    pub key: Key,
    /// The parameters.
    pub params: Params,
    /// Its effect on the room.
    pub change: Change,
    /// The publisher's own name for it.
    pub id: Option<Box<str>>,
}

impl Proposal {
    /// Returns the bytes that limits on state and history count.
    pub fn bytes(&self) -> usize {
        self.key.json_bytes() + self.params.as_bytes().len()
    }
}

/// The verdict on a proposal that is not refused.
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

/// The outcome of resuming at a cursor.
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
    lineage: Lineage,
    term: Term,
    /// The number of the last message.
    seq: Seq,
    limits: LogLimits,
    state: State,
    history: History,
    ids: Ids,
    /// What must exist where the log is kept, and what need not be kept any more; `None` for a log in memory only.
    kept: Option<Box<Kept>>,
    /// Whether several nodes write the log. Each lease is then a life of it.
    is_shared: bool,
}

impl Log {
    /// Returns an empty log with a past of its own, named `epoch`.
    pub fn new(room: RoomId, epoch: Epoch, limits: LogLimits) -> Self {
        Self::with_lineage(room, Lineage::alone(epoch), limits)
    }

    /// Returns an empty log.
    pub fn with_lineage(room: RoomId, lineage: Lineage, limits: LogLimits) -> Self {
        Self {
            room,
            lineage,
            term: Term::FIRST,
            seq: Seq::ZERO,
            limits,
            state: State::default(),
            history: History::default(),
            ids: Ids::default(),
            kept: None,
            is_shared: false,
        }
    }

    /// Returns the name of the copy of the log that the numbers belong to.
    pub fn epoch(&self) -> &Epoch {
        self.lineage.epoch()
    }

    /// Returns the lease of the present owner.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Begins the lease of the next owner: from now on no proposal of an older one passes [`check`](Self::check).
    pub fn take_over(&mut self) -> Term {
        self.term = self.term.next();
        self.term
    }

    /// Returns the number of the last message.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Checks whether `proposal` may be applied.
    ///
    /// # Errors
    /// [`Rejection`] of a proposal that is of an older lease, repeats an id with other content, or does not fit into
    /// the state.
    pub fn check(&self, proposal: &Proposal) -> Result<Verdict, Rejection> {
        let size = |bytes| self.state.size().with(self.state.bytes_of(&proposal.key), bytes);
        self.judge(proposal, self.term, |id| self.ids.get(id), size)
    }

    /// Checks whether `proposal` may be applied to a log with this `term`, these ids and this size of the state. `size`
    /// is called with the bytes that the proposal's key would hold.
    pub fn judge(
        &self,
        proposal: &Proposal,
        term: Term,
        known: impl FnOnce(&str) -> Option<(Fingerprint, Seq)>,
        size: impl FnOnce(usize) -> StateSize,
    ) -> Result<Verdict, Rejection> {
        if proposal.term != term {
            return Err(Rejection::Fenced);
        }
        if let Some(id) = &proposal.id
            && let Some((fingerprint, seq)) = known(id)
        {
            let same = fingerprint == Fingerprint::of(proposal);
            return if same { Ok(Verdict::Known(seq)) } else { Err(Rejection::IdReused) };
        }
        if proposal.change == Change::State {
            let StateSize { keys, bytes } = size(proposal.bytes());
            if keys > self.limits.state_keys_max || bytes > self.limits.state_bytes_max {
                return Err(Rejection::StateFull);
            }
        }
        Ok(Verdict::New)
    }

    /// Returns the size of the state.
    pub fn state_size(&self) -> StateSize {
        self.state.size()
    }

    /// Returns how many bytes the state holds under `key`, if any.
    pub fn state_bytes_of(&self, key: &Key) -> Option<usize> {
        self.state.bytes_of(key)
    }

    /// Returns the fingerprint and the number of the message `id`, if it is known.
    pub fn known(&self, id: &str) -> Option<(Fingerprint, Seq)> {
        self.ids.get(id)
    }

    /// Numbers a proposal that passed [`check`](Self::check), and adds it to state, history and ids.
    pub fn apply(&mut self, proposal: Proposal, now: Duration) -> Arc<Entry> {
        let fingerprint = proposal.id.as_ref().map(|_| Fingerprint::of(&proposal));
        let Proposal { term, key, params, change, id } = proposal;
        if change == Change::Ephemeral {
            return Arc::new(Entry::new(self.room.clone(), None, term, key, params, change));
        }
        self.seq = self.seq.next();
        if self.is_shared {
            self.lineage.begin_with(self.seq);
        }
        let entry = Arc::new(Entry::new(self.room.clone(), Some(self.seq), term, key, params, change));
        self.fold(&entry, now);
        if let (Some(id), Some(fingerprint)) = (id, fingerprint) {
            self.remember(id, fingerprint, self.seq);
        }
        entry
    }

    /// Adds the last message to state and history.
    fn fold(&mut self, entry: &Arc<Entry>, said: Duration) {
        let replaced = match entry.change {
            Change::State => self.state.set(self.seq, entry),
            Change::Cleared => self.state.clear(&entry.key),
            Change::Event | Change::Ephemeral => None,
        };
        if let (Some(kept), Some(replaced)) = (&mut self.kept, replaced)
            && self.history.first().is_none_or(|first| replaced.seq < Some(first))
        {
            // Otherwise `prune` looks at it when it leaves the history.
            kept.forget_message(&replaced);
        }
        self.history.push(entry, said);
        self.prune(said);
    }

    /// Drops messages over the limits from the history.
    fn prune(&mut self, now: Duration) {
        let Self { history, state, kept, limits, .. } = self;
        history.prune(now, limits, |entry| {
            if let (Some(kept), Some(seq)) = (&mut *kept, entry.seq)
                && !state.holds(&entry.key, seq)
            {
                kept.forget_message(entry);
            }
        });
    }

    fn remember(&mut self, id: Box<str>, fingerprint: Fingerprint, seq: Seq) {
        let oldest = self.ids.insert(id, fingerprint, seq);
        if let (Some(kept), Some((id, fingerprint, seq))) = (&mut self.kept, oldest) {
            kept.forget_id(&self.room, seq, &id, fingerprint);
        }
    }

    /// Returns the state as it is now.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot { seq: self.seq, entries: self.state.in_order() }
    }

    /// Returns what a viewer at `cursor` missed. `Resumed` if what the viewer saw is what this log holds and the
    /// history holds everything after it, and only then.
    pub fn resume(&mut self, cursor: &Cursor, scope: CursorScope, now: Duration) -> Resume {
        self.prune(now);
        match self.lineage.check(cursor, scope, self.seq) {
            Err(reason) => Resume::Reset(reason),
            Ok(()) => {
                let missed = self.missed_since(cursor.seq);
                self.history.last(missed).map_or(Resume::Reset(ResetReason::Retention), Resume::Resumed)
            }
        }
    }

    /// Returns how many messages there are behind `seq`.
    fn missed_since(&self, seq: Seq) -> usize {
        usize::try_from(self.seq.get().saturating_sub(seq.get())).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests;
