//! The copy of one room on this node, as a task: writes what the room decides, and reads all of its entries in order.
//! Must not know what a room makes of them, nor which system keeps the log.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::{Chain, Lease, Link, Offset, Reading, Writer};
use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::record::{Append, Checkpoint, Handover, LogPosition};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::nodes::Nodes;
use super::text::{self, Draft, PlacedCheckpoint, Unreadable, Whisper};
use super::{EntryKind, FeedEvent, Published, SharedLog, StoredEntry};
use crate::engine::Follower;

/// The most messages, and about the most bytes, of one entry.
const MESSAGES_MAX: usize = 1_000;
const BYTES_MAX: usize = 256 * 1024;

/// The time after which a stored entry that was not read is looked for.
const READ_BACK: Duration = Duration::from_millis(250);

/// The pauses between attempts while the log does not answer: each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The pause before an entry is sent again that a leader is still busy with.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

/// The time in doubt after which the room is told that its log cannot be written.
const DOUBT: Duration = Duration::from_secs(10);

/// The moments after its load at which a replica looks: an entry that was stored meanwhile may not have been told.
const LOOKS_AFTER_LOAD: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// The pauses between whispers of where the last entry is.
const HEAD_PAUSE_MIN: Duration = Duration::from_millis(500);
const HEAD_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The age at which a room's newest entry is followed by an empty one, and by a checkpoint: the log forgets what is a few
/// days old.
const REFRESH: Duration = Duration::from_secs(8 * 3_600);

/// The number of entries behind a checkpoint after which the next one is written, and after which nothing else is.
const CHECKPOINT_AFTER: u64 = 256;
const CHECKPOINT_NEEDED: u64 = 896;

/// The most entries from which a history is read.
const MARKS_MAX: usize = 2_048;

/// What the room wants of its replica.
#[derive(Debug)]
pub(super) enum Order {
    /// To write this.
    Append(Handover),
    /// To send an ephemeral message to the other nodes.
    Whisper(Term, Key, Params),
    /// To look whether there are entries that were not told.
    Look,
    /// To look whether the room still exists.
    Verify,
}

/// A future of the log.
type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a replica needs besides its own state.
#[derive(Debug)]
pub(super) struct ReplicaParts {
    pub(super) room: RoomId,
    pub(super) me: Writer,
    pub(super) chain: Chain,
    pub(super) marks: VecDeque<Mark>,
    /// The number of entries behind the last checkpoint.
    pub(super) unkept: u64,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    /// The receiver of what happens in the room; `None` before it is followed.
    pub(super) events: Option<mpsc::Receiver<FeedEvent>>,
    /// Where others see up to which entry it has read.
    pub(super) position: watch::Sender<Offset>,
}

/// Where an entry begins that holds messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The position before the entry.
    pub(super) before: Chain,
    /// Its first message.
    pub(super) first: Seq,
}

/// An entry that was sent and not read back.
#[derive(Debug)]
struct Sent {
    lease: Lease,
    number: u64,
    /// The position of the last step in it.
    through: LogPosition,
    term: Term,
    appends: Vec<Append>,
}

/// One replica.
pub(super) struct Replica<L> {
    log: Arc<L>,
    nodes: watch::Receiver<Nodes>,
    room: RoomId,
    me: Writer,
    follower: Weak<dyn Follower>,
    chain: Chain,
    marks: VecDeque<Mark>,
    unkept: u64,
    orders: mpsc::UnboundedReceiver<Order>,
    events: Option<mpsc::Receiver<FeedEvent>>,
    position: watch::Sender<Offset>,
    waiting: VecDeque<Handover>,
    sent: Option<Sent>,
    publishing: Option<Call<Published>>,
    keeping: Option<Call<Result<(), super::Unsure>>>,
    /// When to send the entry again, and when to look.
    send_at: Option<Instant>,
    look_at: Option<Instant>,
    later_looks: Vec<Instant>,
    pause: Duration,
    /// Since when the log does not answer, and whether the room knows.
    doubt: Option<Instant>,
    has_told_doubt: bool,
    /// The next whisper of the last entry, and the pause after it.
    head: Option<(Instant, Duration)>,
    /// Whether the room thinks that its owner's node is heard of.
    is_heard: bool,
    has_ended: bool,
    /// When the last entry came.
    read_at: Instant,
    /// Whether another entry is where the one that was sent last was to be stored.
    is_taken: bool,
}

impl<L: SharedLog> Replica<L> {
    pub(super) fn new(
        log: Arc<L>,
        nodes: watch::Receiver<Nodes>,
        parts: ReplicaParts,
        follower: Weak<dyn Follower>,
    ) -> Self {
        let ReplicaParts { room, me, chain, marks, unkept, orders, events, position } = parts;
        let now = Instant::now();
        let later_looks = match events {
            Some(_) => LOOKS_AFTER_LOAD.iter().rev().map(|after| now + *after).collect(),
            None => Vec::new(),
        };
        Self {
            log,
            nodes,
            room,
            me,
            follower,
            chain,
            marks,
            unkept,
            orders,
            events,
            position,
            waiting: VecDeque::new(),
            sent: None,
            publishing: None,
            keeping: None,
            send_at: None,
            look_at: None,
            later_looks,
            pause: PAUSE_MIN,
            doubt: None,
            has_told_doubt: false,
            head: None,
            is_heard: true,
            has_ended: false,
            read_at: now,
            is_taken: false,
        }
    }

    /// Runs until the room has ended, or is not needed on this node any more.
    pub(super) async fn run(mut self) {
        self.tell_nodes();
        while !self.has_ended && self.follower.strong_count() > 0 {
            if self.events.is_none() {
                self.subscribe().await;
            } else {
                self.send_next();
            }
            self.step().await;
        }
    }

    /// Begins to follow the room, which was created here.
    async fn subscribe(&mut self) {
        let (events, told) = mpsc::channel(super::FEED_EVENTS_MAX);
        match self.log.follow(&self.room, events).await {
            Ok(()) => self.events = Some(told),
            Err(_) => {
                self.is_in_doubt();
                tokio::time::sleep(self.next_pause()).await;
            }
        }
    }

    /// Waits for what happens next, and deals with it.
    async fn step(&mut self) {
        let timer = self.next_timer();
        let Self { events, publishing, keeping, orders, nodes, .. } = self;
        let event = async {
            match events {
                Some(events) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Append(handover)) => self.waiting.push_back(handover),
                Some(Order::Whisper(term, key, params)) => self.whisper(term, key, params),
                Some(Order::Look) => self.look_soon(Instant::now()),
                Some(Order::Verify) => _ = self.verify().await,
                // The room is gone.
                None => self.has_ended = true,
            },
            event = event => match event {
                Some(FeedEvent::Entry(entry)) => self.read(&entry),
                Some(FeedEvent::Whisper(text)) => self.overhear(&text),
                Some(FeedEvent::Missed) => self.look_soon(Instant::now()),
                None => self.events = None,
            },
            outcome = finish(publishing) => self.published(outcome),
            outcome = finish(keeping) => {
                if outcome.is_ok() {
                    self.unkept = 0;
                }
            }
            Ok(()) = nodes.changed() => self.tell_nodes(),
            () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.timer_fired().await,
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let doubt = self.doubt.filter(|_| !self.has_told_doubt).map(|since| since + DOUBT);
        let head = self.head.map(|(at, _)| at);
        let refresh = Some(self.read_at + REFRESH).filter(|_| self.has_lease() && self.sent.is_none());
        [self.send_at, self.look_at, self.later_looks.last().copied(), doubt, head, refresh].into_iter().flatten().min()
    }

    async fn timer_fired(&mut self) {
        let now = Instant::now();
        if self.send_at.is_some_and(|at| at <= now) {
            self.send_at = None;
            self.send_again();
        }
        if self.later_looks.last().is_some_and(|at| *at <= now) {
            self.later_looks.pop();
            self.look_soon(now);
        }
        if let Some((at, pause)) = self.head
            && at <= now
        {
            let pause = (pause * 2).min(HEAD_PAUSE_MAX);
            self.head = self.has_lease().then(|| (now + pause, pause));
            if self.has_lease() {
                self.log.whisper(&self.room, Whisper::Head(self.chain.offset).write());
            }
        }
        if self.read_at + REFRESH <= now && self.has_lease() && self.sent.is_none() {
            self.refresh();
        }
        if self.doubt.is_some_and(|since| since + DOUBT <= now) && !self.has_told_doubt {
            self.has_told_doubt = true;
            self.tell(|follower| follower.in_doubt(true));
        }
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.look().await;
        }
    }

    fn look_soon(&mut self, at: Instant) {
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
    }

    fn tell(&self, what: impl FnOnce(&dyn Follower)) {
        if let Some(follower) = self.follower.upgrade() {
            what(&*follower);
        }
    }

    fn has_lease(&self) -> bool {
        self.chain.newest.is_some_and(|(lease, _)| lease.writer == self.me)
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    fn is_in_doubt(&mut self) {
        self.doubt.get_or_insert_with(Instant::now);
    }

    fn is_sure(&mut self) {
        self.pause = PAUSE_MIN;
        if self.doubt.take().is_some() && std::mem::take(&mut self.has_told_doubt) {
            self.tell(|follower| follower.in_doubt(false));
        }
    }

    /// Sends what waits, if nothing is on its way.
    fn send_next(&mut self) {
        while self.sent.is_none()
            && let Some(first) = self.waiting.front()
        {
            if matches!(first.append, Append::Turn) {
                let position = first.position;
                self.waiting.pop_front();
                self.tell(|follower| follower.written(position));
                continue;
            }
            let (lease, number) = match self.place_of(first) {
                Some(place) => place,
                None => {
                    let position = first.position;
                    self.waiting.pop_front();
                    self.tell(|follower| follower.refused(position));
                    continue;
                }
            };
            if self.unkept >= CHECKPOINT_NEEDED && number > 0 && !matches!(first.append, Append::End(_)) {
                // The log would forget what a reader needs.
                self.keep();
                return;
            }
            self.sent = Some(self.batch(lease, number));
            self.send_again();
        }
    }

    /// Returns the lease under which `handover` is written, and its number there; `None` if it was fenced.
    fn place_of(&self, handover: &Handover) -> Option<(Lease, u64)> {
        let own = |term| Lease { term, writer: self.me };
        match (&handover.append, self.chain.newest) {
            (Append::Header(header), None) => Some((own(header.term), 0)),
            (Append::Header(header), Some((newest, _))) if header.term > newest.term => Some((own(header.term), 0)),
            (_, Some((newest, number))) if newest == own(handover.term) => Some((newest, number + 1)),
            _ => None,
        }
    }

    /// Writes an entry that changes nothing, so that the room is not forgotten.
    fn refresh(&mut self) {
        if let Some((lease, number)) = self.chain.newest {
            let (number, term) = (number + 1, lease.term);
            self.sent = Some(Sent { lease, number, through: LogPosition::START, term, appends: Vec::new() });
            self.send_again();
        }
    }

    /// Takes the steps of one entry out of those that wait, of which the first is decided under `lease`.
    fn batch(&mut self, lease: Lease, number: u64) -> Sent {
        let (mut appends, mut bytes, mut through) = (Vec::new(), 0, LogPosition::START);
        while let Some(Handover { position, term, append }) = self.waiting.front() {
            let begins_lease = matches!(append, Append::Header(header) if header.term > lease.term);
            if *term != lease.term || begins_lease || appends.len() == MESSAGES_MAX || bytes >= BYTES_MAX {
                break;
            }
            bytes += bytes_of(append);
            through = *position;
            let is_end = matches!(append, Append::End(_));
            appends.extend(self.waiting.pop_front().map(|handover| handover.append));
            if is_end {
                break;
            }
        }
        Sent { lease, number, through, term: lease.term, appends }
    }

    /// Sends the entry that is not read back, behind the last entry that was read.
    fn send_again(&mut self) {
        let Some(Sent { lease, number, appends, .. }) = &self.sent else { return };
        if self.publishing.is_some() {
            return;
        }
        let (log, room, after) = (Arc::clone(&self.log), self.room.clone(), self.chain.offset);
        let text = text::write_entry(&Draft { lease: *lease, number: *number, after, appends });
        let is_last = appends.iter().any(|append| matches!(append, Append::End(_)));
        let kind = if is_last { EntryKind::Last } else { EntryKind::Next };
        self.publishing = Some(Box::pin(async move { log.publish(&room, after, text, kind).await }));
    }

    fn published(&mut self, outcome: Published) {
        self.publishing = None;
        if self.sent.is_none() {
            return;
        }
        let now = Instant::now();
        match outcome {
            Published::Stored => self.look_soon(now + READ_BACK),
            Published::Taken => {
                self.is_taken = true;
                // At once, unless the look before this one has found nothing: then the answers are older than the log.
                let pause = self.next_pause();
                self.look_soon(if pause == PAUSE_MIN { now } else { now + pause });
            }
            Published::Busy => self.send_at = Some(now + BUSY_PAUSE),
            Published::Absent => {
                self.is_in_doubt();
                self.send_at = Some(now + self.next_pause());
            }
            Published::Unknown => {
                self.is_in_doubt();
                let pause = self.next_pause();
                self.look_soon(now + pause);
            }
        }
    }

    /// Reads everything that was stored behind the last entry that was read.
    async fn look(&mut self) {
        loop {
            let before = self.chain.offset;
            match self.log.read(&self.room, before).await {
                Ok(entries) if entries.is_empty() => break,
                Ok(entries) => {
                    for entry in &entries {
                        self.read(entry);
                    }
                    if self.has_ended {
                        return;
                    }
                    self.pause = PAUSE_MIN;
                    if self.chain.offset == before {
                        // Entries between were removed: the room has to be loaded again.
                        return self.diverge();
                    }
                }
                Err(_) => {
                    self.is_in_doubt();
                    let pause = self.next_pause();
                    return self.look_soon(Instant::now() + pause);
                }
            }
        }
        if self.sent.is_some() {
            if std::mem::take(&mut self.is_taken) && !self.verify().await {
                return;
            }
            // It does not stand behind the entries that were read, so it can be sent again.
            self.send_again();
        } else {
            self.is_sure();
        }
    }

    /// Looks whether the log still has the last entry that was read. Returns whether it has, or whether that is not known.
    async fn verify(&mut self) -> bool {
        if self.chain.newest.is_none() {
            return true;
        }
        let is_there = match self.log.last(&self.room).await {
            Ok(Some(last)) => last.offset >= self.chain.offset,
            Ok(None) => false,
            Err(_) => true,
        };
        if !is_there {
            // It has ended, and the log has forgotten that; or the log has lost it.
            self.diverge();
        }
        is_there
    }

    /// Reads the next entry.
    fn read(&mut self, entry: &StoredEntry) {
        let before = self.chain;
        let link = match text::read_link(entry.offset, &entry.text) {
            Ok(link) => link,
            Err(Unreadable::Newer) => {
                tracing::error!(room = ?self.room, "an entry of a later version: update this node");
                return self.diverge();
            }
            Err(Unreadable::Damaged) => {
                tracing::warn!(room = ?self.room, offset = entry.offset.0, "an entry that this program has not written");
                self.chain.offset = self.chain.offset.max(entry.offset);
                return;
            }
        };
        match self.chain.read(&link) {
            Reading::Known => {}
            Reading::Hole => self.look_soon(Instant::now()),
            // The room that this node has has ended unseen, and its name was given again.
            Reading::Anew => self.diverge(),
            Reading::Ignored(why) => {
                tracing::warn!(room = ?self.room, offset = link.offset.0, why = why.word(), "an entry does not count");
                self.position.send_replace(self.chain.offset);
            }
            Reading::Counts => {
                self.apply(before, &link, entry);
                self.position.send_replace(self.chain.offset);
            }
        }
    }

    fn apply(&mut self, before: Chain, link: &Link, entry: &StoredEntry) {
        self.unkept += 1;
        self.read_at = Instant::now();
        let is_own = |sent: &Sent| sent.lease == link.lease && sent.number == link.number;
        if let Some(Sent { through, appends, .. }) = self.sent.take_if(|sent| is_own(sent)) {
            (self.publishing, self.send_at) = (None, None);
            self.mark(before, &appends);
            self.has_ended = appends.iter().any(|append| matches!(append, Append::End(_)));
            self.tell(|follower| follower.written(through));
            self.is_sure();
            self.head = Some((Instant::now() + HEAD_PAUSE_MIN, HEAD_PAUSE_MIN));
            if self.unkept >= CHECKPOINT_AFTER || appends.is_empty() {
                self.keep();
            }
        } else {
            match text::read_appends(&entry.text) {
                Ok(appends) => self.follow(before, link.lease, appends, entry.at),
                Err(why) => {
                    tracing::error!(room = ?self.room, offset = link.offset.0, %why, "an entry cannot be applied");
                    return self.diverge();
                }
            }
        }
        self.tell_nodes();
    }

    /// Applies what another node has written. What was decided here under an older lease is refused.
    fn follow(&mut self, before: Chain, lease: Lease, appends: Vec<Append>, at: Duration) {
        self.mark(before, &appends);
        self.has_ended = appends.iter().any(|append| matches!(append, Append::End(_)));
        let is_old = |term: Term| term <= lease.term;
        let mut refused = None;
        if before.newest.is_none_or(|(known, _)| known != lease) {
            if let Some(sent) = self.sent.take_if(|sent| is_old(sent.term)) {
                (self.publishing, self.send_at) = (None, None);
                refused = Some(sent.through);
            }
            while self.sent.is_none()
                && let Some(old) = self.waiting.pop_front_if(|handover| is_old(handover.term))
            {
                refused = Some(old.position);
            }
        }
        self.tell(|follower| follower.follow(appends, at, refused));
    }

    /// Notes where the messages of an entry are.
    fn mark(&mut self, before: Chain, appends: &[Append]) {
        let first = appends.iter().find_map(|append| match append {
            Append::Message(record, ..) => Some(record.seq),
            _ => None,
        });
        if let Some(first) = first {
            if self.marks.len() == MARKS_MAX {
                self.marks.pop_front();
            }
            self.marks.push_back(Mark { before, first });
        }
    }

    /// Begins to write a checkpoint, if none is being written.
    fn keep(&mut self) {
        let checkpoint = self.follower.upgrade().and_then(|follower| follower.checkpoint());
        let Some(checkpoint) = checkpoint.filter(|_| self.keeping.is_none() && self.has_lease()) else { return };
        let history = self.history_of(&checkpoint);
        let text = text::write_checkpoint(&PlacedCheckpoint { checkpoint, chain: self.chain, history });
        let (log, room) = (Arc::clone(&self.log), self.room.clone());
        self.keeping = Some(Box::pin(async move { log.keep_checkpoint(&room, text, history.offset).await }));
    }

    /// Returns where to begin to read for the history of `checkpoint`.
    fn history_of(&self, checkpoint: &Checkpoint) -> Chain {
        let known = self.marks.iter().rev().find(|mark| mark.first <= checkpoint.history);
        known.or(self.marks.front()).map_or(self.chain, |mark| mark.before)
    }

    fn whisper(&mut self, term: Term, key: Key, params: Params) {
        let lease = Lease { term, writer: self.me };
        if self.chain.is_under(lease) {
            self.log.whisper(&self.room, Whisper::Ephemeral { lease, key, params }.write());
        }
    }

    fn overhear(&mut self, text: &Bytes) {
        match Whisper::read(text) {
            Some(Whisper::Head(offset)) if offset > self.chain.offset => self.look_soon(Instant::now()),
            // Of an owner that was replaced, nothing is told.
            Some(Whisper::Ephemeral { lease, key, params }) if self.chain.is_under(lease) => {
                self.tell(|follower| follower.overhears(key, params));
            }
            Some(_) | None => {}
        }
    }

    /// Tells the room whether the node of its owner is heard of, if that has changed.
    fn tell_nodes(&mut self) {
        let Some((Lease { writer, .. }, _)) = self.chain.newest else { return };
        let is_heard = writer == self.me || self.nodes.borrow_and_update().is_heard(writer);
        if std::mem::replace(&mut self.is_heard, is_heard) != is_heard {
            self.tell(|follower| follower.hears_owner(is_heard));
        }
    }

    /// Has the room leave this node, since it is not what the log has.
    fn diverge(&mut self) {
        self.has_ended = true;
        self.tell(|follower| follower.diverged());
    }
}

/// Waits for a call, if there is one, and removes it.
async fn finish<T>(call: &mut Option<Call<T>>) -> T {
    match call {
        Some(running) => {
            let outcome = running.await;
            *call = None;
            outcome
        }
        None => std::future::pending().await,
    }
}

/// Returns about how many bytes an append takes in an entry.
fn bytes_of(append: &Append) -> usize {
    match append {
        Append::Message(record, ..) => record.key.as_str().len() + record.params.as_bytes().len() + 128,
        Append::Header(_) | Append::Turn | Append::End(_) => 256,
    }
}
