//! What a room has decided and not applied, because it is not written yet: the log as it will be.
//! Pure: it must not know who writes, nor when.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::id::{Seq, Term};
use crate::message::{Change, Key};
use crate::options::RoomOptions;
use crate::place::Place;
use crate::record::{Append, Handover, Header, LogPosition};
use crate::room::log::{Fingerprint, Log, Proposal, Rejection, StateSize, Verdict};

/// Something decided, which has its turn when it is written.
#[derive(Debug)]
pub(super) enum Step {
    /// The room, or what is known of it, is written: nobody needs to be told.
    Written,
    /// Something is said, under this number unless it is ephemeral.
    Say(Proposal, Duration),
    /// Something was said again that was not written yet: its number.
    Repeat(Seq),
    /// The next owner speaks from now on.
    TakeOver(Term),
    /// The owner of this lease is gone.
    Away(Term),
    /// The room ends.
    End,
    /// The process goes away, and the room does not; its owner is asked to come back at this moment.
    Depart(Option<Duration>),
}

impl Step {
    /// Returns whether it leaves something in the log. If not, it needs its turn only behind what does.
    pub(super) fn is_kept(&self) -> bool {
        match self {
            Self::Say(proposal, _) => proposal.change != Change::Ephemeral,
            Self::Repeat(_) | Self::Depart(None) => false,
            Self::Written | Self::TakeOver(_) | Self::Away(_) | Self::End | Self::Depart(Some(_)) => true,
        }
    }
}

/// A step that holds when it is written.
#[derive(Debug)]
struct Pending<W> {
    position: LogPosition,
    step: Step,
    /// What waits for it.
    waiter: W,
}

/// What is decided and not applied, and where the log stands behind it.
#[derive(Debug)]
pub(super) struct Ahead<W> {
    /// In the order of their positions.
    pending: VecDeque<Pending<W>>,
    /// The position of what was handed over last.
    last: LogPosition,
    /// The number of the last message.
    seq: Seq,
    /// The lease of the owner.
    term: Term,
    /// The keys that change, with the last number that changes each and how many bytes it holds then, if any.
    keys: HashMap<Key, (Seq, Option<usize>)>,
    /// The names of what is said.
    ids: HashMap<Box<str>, (Fingerprint, Seq)>,
    /// How much the state holds.
    size: StateSize,
    /// What never changes.
    origin: Origin,
}

/// What is known of a room that is kept, and never changes.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The hash of its owner's key.
    pub key: [u8; 32],
    /// What it has besides messages.
    pub options: RoomOptions,
    /// Where its first owner came from.
    pub place: Option<Place>,
    /// What a later version has written.
    pub unknown: Option<Box<str>>,
}

impl<W: Default> Ahead<W> {
    /// Nothing is decided beyond `log`.
    pub(super) fn of(log: &Log, origin: Origin) -> Self {
        Self {
            origin,
            pending: VecDeque::new(),
            last: LogPosition::START,
            seq: log.seq(),
            term: log.term(),
            keys: HashMap::new(),
            ids: HashMap::new(),
            size: log.state_size(),
        }
    }

    /// Returns what is known of the room, whose owner is `away` since then and was asked to come back at `moment`.
    fn header(&self, log: &Log, away: Option<Duration>, moment: Option<Duration>) -> Header {
        let Origin { key, options, place, unknown } = self.origin.clone();
        let (numbering, starts) = log.lineage().past();
        Header { numbering, starts: starts.to_vec(), term: self.term, key, away, moment, place, options, unknown }
    }

    /// The lease of the owner.
    pub(super) fn term(&self) -> Term {
        self.term
    }

    /// Whether everything that was decided is applied.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether `proposal` may be said behind everything that is decided.
    pub(super) fn check(&self, log: &Log, proposal: &Proposal) -> Result<Verdict, Rejection> {
        let known = |id: &str| self.ids.get(id).copied().or_else(|| log.known(id));
        log.judge(proposal, self.term, known, |bytes| self.size.with(self.held(log, &proposal.key), bytes))
    }

    /// How many bytes `key` holds behind everything that is decided.
    fn held(&self, log: &Log, key: &Key) -> Option<usize> {
        self.keys.get(key).map_or_else(|| log.state_bytes_of(key), |(_, bytes)| *bytes)
    }

    /// Decides `step`, which was checked. Returns what has to be written before it holds. The owner is `away` since then.
    pub(super) fn decide(&mut self, step: Step, log: &mut Log, away: Option<Duration>) -> Handover {
        let append = match &step {
            Step::Say(proposal, _) if proposal.change == Change::Ephemeral => Append::Turn,
            Step::Say(proposal, now) => self.record(log, proposal, *now),
            Step::TakeOver(term) => {
                self.term = *term;
                Append::Header(self.header(log, away, None))
            }
            Step::Written | Step::Away(_) => Append::Header(self.header(log, away, None)),
            Step::Depart(Some(moment)) => Append::Header(self.header(log, away, Some(*moment))),
            Step::Repeat(_) | Step::Depart(None) => Append::Turn,
            Step::End => Append::End,
        };
        self.last = self.last.next();
        let position = self.last;
        self.pending.push_back(Pending { position, step, waiter: W::default() });
        Handover { position, append }
    }

    /// Has `waiter` wait for what stands at `position`, if that is not applied.
    pub(super) fn wait_for(&mut self, position: LogPosition, waiter: W) {
        if let Some(pending) = self.pending.iter_mut().rfind(|pending| pending.position == position) {
            pending.waiter = waiter;
        }
    }

    /// Returns what waits for what is not written.
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
        // Whoever speaks is there.
        let header = begins.then(|| Box::new(self.header(log, None, None)));
        Append::Message(record, forgotten, header)
    }

    /// Removes the oldest step, with what waits for it, if it stands at `through` or before.
    pub(super) fn next(&mut self, through: LogPosition) -> Option<(Step, W)> {
        self.pending.front().filter(|pending| pending.position <= through)?;
        let Pending { step, waiter, .. } = self.pending.pop_front()?;
        if self.pending.is_empty() {
            // The buffer of a burst does not stay with an idle room.
            self.pending = VecDeque::new();
        }
        Some((step, waiter))
    }

    /// The message of this number, under this name if it has one, is part of the log now.
    pub(super) fn applied(&mut self, seq: Seq, key: &Key, id: Option<&str>) {
        if self.keys.get(key).is_some_and(|(newest, _)| *newest == seq) {
            self.keys.remove(key);
        }
        // Its successor under the same name would be another message, which is refused.
        if let Some(id) = id {
            self.ids.remove(id);
        }
        if self.pending.is_empty() {
            // Neither do these.
            self.keys = HashMap::new();
            self.ids = HashMap::new();
        }
    }
}
