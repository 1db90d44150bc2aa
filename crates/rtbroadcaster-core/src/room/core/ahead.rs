//! The steps that a room has decided and not applied, because they are not written yet: the log as it will be.
//! Pure: it must not know what writes, nor when.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::address_block::AddressBlock;
use crate::id::{Life, Seq, Term};
use crate::message::{Change, Key};
use crate::options::RoomOptions;
use crate::record::{Append, Handover, Header, LogPosition};
use crate::room::log::{Fingerprint, Log, Proposal, Rejection, StateSize, Verdict};
use crate::standing::RoomEnd;

/// A decision, which is applied once it is written.
#[derive(Debug)]
pub(super) enum Step {
    /// The room's header is written: no client is notified.
    Written,
    /// A message is published, under the next number unless it is ephemeral.
    Say(Proposal, Duration),
    /// A message with this number, which is not written yet, was published again.
    Repeat(Seq),
    /// The next owner publishes from now on. Its lease begins this life, where several nodes write the log.
    TakeOver(Term, Option<Life>),
    /// This node writes from now on; the owner is the one of before.
    Seize(Term),
    /// The owner of this lease is gone.
    Away(Term),
    /// The room ends.
    End(RoomEnd),
    /// The process stops, and the room does not end; its owner is asked to come back at this moment.
    Depart(Option<Duration>),
}

impl Step {
    /// Returns whether it leaves something in the log. If not, it only has to wait for the steps before it that do.
    pub(super) fn is_kept(&self) -> bool {
        match self {
            Self::Say(proposal, _) => proposal.change != Change::Ephemeral,
            Self::Repeat(_) | Self::Depart(None) => false,
            Self::Written | Self::TakeOver(..) | Self::Seize(_) | Self::Away(_) => true,
            Self::End(_) | Self::Depart(Some(_)) => true,
        }
    }
}

/// A step that is applied once it is written.
#[derive(Debug)]
struct PendingStep<W> {
    position: LogPosition,
    step: Step,
    /// The value that waits for it.
    waiter: W,
}

/// The steps that are decided and not applied, and the log's position behind them.
#[derive(Debug)]
pub(super) struct Ahead<W> {
    /// In the order of their positions.
    pending: VecDeque<PendingStep<W>>,
    /// The position of the last handover.
    last: LogPosition,
    /// The number of the last message.
    seq: Seq,
    /// The lease of the owner.
    term: Term,
    /// The keys that change, with the last number that changes each and how many bytes it holds then, if any.
    keys: HashMap<Key, (Seq, Option<usize>)>,
    /// The ids of the messages.
    ids: HashMap<Box<str>, (Fingerprint, Seq)>,
    /// The size of the state.
    size: StateSize,
    /// The part of the room's header that never changes.
    fixed: FixedHeader,
    /// Whether this node has the lease, where several nodes write the log; `None` where only this one does.
    has_lease: Option<bool>,
    /// Whether the node that has the lease has written that the owner is away.
    pub(super) is_away_in_log: bool,
}

/// The part of a header that never changes.
#[derive(Debug, Clone, Default)]
pub struct FixedHeader {
    /// The hash of its owner's key.
    pub key: [u8; 32],
    /// The room's options.
    pub options: RoomOptions,
    /// The address block that its first owner came from.
    pub place: Option<AddressBlock>,
    /// Members that a later version has written.
    pub unknown: Option<Box<str>>,
}

impl<W: Default> Ahead<W> {
    /// Returns one without any step beyond `log`.
    pub(super) fn of(log: &Log, fixed: FixedHeader) -> Self {
        Self {
            fixed,
            pending: VecDeque::new(),
            last: LogPosition::START,
            seq: log.seq(),
            term: log.term(),
            keys: HashMap::new(),
            ids: HashMap::new(),
            size: log.state_size(),
            has_lease: None,
            is_away_in_log: false,
        }
    }

    /// Returns the same for a log that several nodes write; `has_lease` says whether this node has the lease.
    pub(super) fn shared(self, has_lease: bool) -> Self {
        Self { has_lease: Some(has_lease), ..self }
    }

    /// Returns whether another node has the lease.
    pub(super) fn lacks_lease(&self) -> bool {
        self.has_lease == Some(false)
    }

    /// Returns whether several nodes write the log.
    pub(super) fn is_shared(&self) -> bool {
        self.has_lease.is_some()
    }

    /// Removes the steps up to `through`, which the log has not taken, and returns them with their waiters.
    pub(super) fn refuse(&mut self, through: LogPosition) -> Vec<(Step, W)> {
        std::iter::from_fn(|| self.next(through)).collect()
    }

    /// Continues behind `log`, in which another node has the lease of `term`.
    pub(super) fn follow(&mut self, log: &Log, term: Term) {
        let is_fenced = self.has_lease == Some(true) && self.term <= term;
        let taking = self.pending.iter().rev().find_map(|pending| match pending.step {
            Step::TakeOver(term, _) | Step::Seize(term) => Some(term),
            _ => None,
        });
        if is_fenced || taking.is_none() {
            self.has_lease = self.has_lease.map(|_| false);
        }
        self.term = taking.unwrap_or(term);
        (self.seq, self.size) = (log.seq(), log.state_size());
        (self.keys, self.ids) = Default::default();
    }

    /// Returns the header of the room, whose owner is `away` since then and was asked to come back at `moment`.
    pub(super) fn header(&self, log: &Log, away: Option<Duration>, moment: Option<Duration>) -> Header {
        let FixedHeader { key, options, place, unknown } = self.fixed.clone();
        let (numbering, starts) = log.lineage().past();
        let (starts, term) = (starts.to_vec(), self.term);
        Header { numbering, life: None, starts, term, key, away, moment, place, options, unknown }
    }

    /// Returns the lease of the owner.
    pub(super) fn term(&self) -> Term {
        self.term
    }

    /// Returns whether everything that was decided is applied.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Returns whether `proposal` may be applied behind everything that is decided.
    pub(super) fn check(&self, log: &Log, proposal: &Proposal) -> Result<Verdict, Rejection> {
        if self.lacks_lease() {
            return Err(Rejection::Fenced);
        }
        let known = |id: &str| self.ids.get(id).copied().or_else(|| log.known(id));
        log.judge(proposal, self.term, known, |bytes| self.size.with(self.held(log, &proposal.key), bytes))
    }

    /// Returns how many bytes `key` holds behind everything that is decided.
    fn held(&self, log: &Log, key: &Key) -> Option<usize> {
        self.keys.get(key).map_or_else(|| log.state_bytes_of(key), |(_, bytes)| *bytes)
    }

    /// Queues `step`, which was checked. Returns what has to be written before it is applied. The owner is `away` since
    /// then.
    pub(super) fn decide(&mut self, step: Step, log: &mut Log, away: Option<Duration>) -> Handover {
        let append = match &step {
            Step::Say(proposal, _) if proposal.change == Change::Ephemeral => Append::Turn,
            Step::Say(proposal, now) => self.record(log, proposal, *now),
            Step::TakeOver(term, life) => {
                (self.term, self.has_lease) = (*term, self.has_lease.map(|_| true));
                Append::Header(Header { life: *life, ..self.header(log, away, None) })
            }
            Step::Seize(term) => {
                (self.term, self.has_lease) = (*term, self.has_lease.map(|_| true));
                Append::Header(self.header(log, away, None))
            }
            Step::Written | Step::Away(_) => Append::Header(self.header(log, away, None)),
            Step::Depart(Some(moment)) => Append::Header(self.header(log, away, Some(*moment))),
            Step::Repeat(_) | Step::Depart(None) => Append::Turn,
            Step::End(end) => Append::End(*end),
        };
        self.last = self.last.next();
        let position = self.last;
        self.pending.push_back(PendingStep { position, step, waiter: W::default() });
        Handover { position, term: self.term, append }
    }

    /// Makes `waiter` wait for the step at `position`, if that is not applied.
    pub(super) fn wait_for(&mut self, position: LogPosition, waiter: W) {
        if let Some(pending) = self.pending.iter_mut().rfind(|pending| pending.position == position) {
            pending.waiter = waiter;
        }
    }

    /// Returns the waiters of all steps that are not applied.
    pub(super) fn waiters(&mut self) -> impl Iterator<Item = &mut W> {
        self.pending.iter_mut().map(|pending| &mut pending.waiter)
    }

    /// Numbers `proposal` and returns its record.
    fn record(&mut self, log: &mut Log, proposal: &Proposal, now: Duration) -> Append {
        self.seq = self.seq.next();
        let held = self.held(log, &proposal.key);
        let change = match proposal.change {
            Change::State => Some((self.size.with(held, proposal.bytes()), Some(proposal.bytes()))),
            Change::Cleared => Some((self.size.without(held), None)),
            Change::Event | Change::Ephemeral => None,
        };
        if let Some((size, bytes)) = change {
            self.size = size;
            self.keys.insert(proposal.key.clone(), (self.seq, bytes));
        }
        let name = proposal.id.as_ref().map(|id| (id.clone(), Fingerprint::of(proposal)));
        if let Some((id, fingerprint)) = &name {
            self.ids.insert(id.clone(), (*fingerprint, self.seq));
        }
        let name = name.as_ref().map(|(id, fingerprint)| (&**id, *fingerprint));
        let (record, forgotten, begins) = log.hand_over(self.seq, proposal, name, now);
        // An owner that publishes is there.
        let header = begins.then(|| Box::new(self.header(log, None, None)));
        Append::Message(record, forgotten, header)
    }

    /// Removes and returns the oldest step with its waiter, if it stands at `through` or before.
    pub(super) fn next(&mut self, through: LogPosition) -> Option<(Step, W)> {
        self.pending.front().filter(|pending| pending.position <= through)?;
        let PendingStep { step, waiter, .. } = self.pending.pop_front()?;
        if self.pending.is_empty() {
            // The buffer of a burst does not stay with an idle room.
            self.pending = VecDeque::new();
        }
        Some((step, waiter))
    }

    /// Notes that the message of this number, with this id if it has one, is part of the log now.
    pub(super) fn applied(&mut self, seq: Seq, key: &Key, id: Option<&str>) {
        if self.keys.get(key).is_some_and(|(newest, _)| *newest == seq) {
            self.keys.remove(key);
        }
        // Another message under the same id is refused, so the entry is of this one.
        if let Some(id) = id {
            self.ids.remove(id);
        }
        if self.pending.is_empty() {
            // Nor do the buffers of these.
            self.keys = HashMap::new();
            self.ids = HashMap::new();
        }
    }
}
