//! The copy of one room on this node, as a task: writes what the room decides, and reads all of its entries in order.
//! Must not know what a room makes of them, nor which system keeps the log.

mod asking;
mod keeping;
mod parts;
mod reading;
mod restoring;
mod whispers;
mod writing;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Lease, Offset, Writer};
use rtbroadcaster_core::id::{RoomId, Term};
use rtbroadcaster_core::record::{Append, Handover, LogPosition};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::losses::{Loss, Losses};
use super::nodes::Nodes;
use super::text::Whisper;
use super::{FeedEvent, Published, SharedLog};
use crate::engine::Follower;
use crate::metrics::SharedLogCounters;
pub(super) use parts::{Mark, NodeParts, Order, ReplicaParts};

/// The pauses between attempts while the log does not answer: each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

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

/// A future of the log.
type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

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
    counters: Arc<SharedLogCounters>,
    room: RoomId,
    me: Writer,
    follower: Weak<dyn Follower>,
    chain: Chain,
    marks: VecDeque<Mark>,
    unkept: u64,
    orders: mpsc::UnboundedReceiver<Order>,
    events: Option<mpsc::Receiver<FeedEvent>>,
    position: watch::Sender<Chain>,
    all_losses: Arc<Losses>,
    /// How far others have read that are about to write the room, since the log has lost entries.
    furthest: Option<(Term, Offset)>,
    /// Up to where the log has kept entries, if this room lost some and is not written again.
    kept: Option<Offset>,
    losses: watch::Receiver<Option<Loss>>,
    /// The last loss that it knows of.
    loss: Option<Loss>,
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
    /// Before when no checkpoint is tried, since the last one has failed.
    keep_at: Option<Instant>,
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
    pub(super) fn new(node: NodeParts<L>, parts: ReplicaParts, follower: Weak<dyn Follower>) -> Self {
        let NodeParts { log, nodes, losses: all_losses, counters } = node;
        let ReplicaParts { room, me, chain, marks, unkept, orders, events, position, mut losses } = parts;
        let loss = *losses.borrow_and_update();
        let now = Instant::now();
        let later_looks = match events {
            Some(_) => LOOKS_AFTER_LOAD.iter().rev().map(|after| now + *after).collect(),
            None => Vec::new(),
        };
        Self {
            log,
            nodes,
            counters,
            room,
            me,
            follower,
            chain,
            marks,
            unkept,
            orders,
            events,
            position,
            all_losses,
            furthest: None,
            kept: None,
            loss,
            losses,
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
            keep_at: None,
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
            self.wait_for_lanes().await;
            if self.events.is_none() && !self.subscribe().await {
                self.tell_doubt();
                continue;
            }
            self.send_next();
            self.step().await;
            if self.is_behind() {
                self.restore().await;
            }
        }
    }

    /// Waits while the room's lanes have no room for what other nodes publish.
    async fn wait_for_lanes(&mut self) {
        if let Some(slowed) = self.follower.upgrade().and_then(|follower| follower.slowed()) {
            slowed.await;
        }
    }

    /// Begins to follow the room, which was created here. Returns whether that succeeded.
    async fn subscribe(&mut self) -> bool {
        let (events, told) = mpsc::channel(super::FEED_EVENTS_MAX);
        match self.log.follow(&self.room, events).await {
            Ok(()) => self.events = Some(told),
            Err(_) => {
                self.is_in_doubt();
                tokio::time::sleep(self.next_pause()).await;
            }
        }
        self.events.is_some()
    }

    /// Waits for what happens next, and deals with it.
    async fn step(&mut self) {
        let timer = self.next_timer();
        let Self { events, publishing, keeping, orders, nodes, losses, .. } = self;
        let event = async {
            match events {
                Some(events) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = orders.recv() => {
                let mut next = order;
                // All that there are: what was decided at once is written at once.
                while let Some(order) = next {
                    self.execute(order).await;
                    next = match self.orders.try_recv() {
                        Ok(order) => Some(order),
                        Err(TryRecvError::Empty) => return,
                        Err(TryRecvError::Disconnected) => None,
                    };
                }
                // The room is gone.
                self.has_ended = true;
            },
            event = event => match event {
                Some(FeedEvent::Entry(entry)) => self.read(&entry),
                Some(FeedEvent::Whisper(text)) => self.overhear(&text),
                Some(FeedEvent::Missed) => self.missed(),
                None => self.events = None,
            },
            outcome = finish(publishing) => self.published(outcome),
            outcome = finish(keeping) => self.kept(outcome.is_ok()),
            Ok(()) = nodes.changed() => self.tell_nodes(),
            Ok(()) = losses.changed() => self.survive_loss().await,
            () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.timer_fired().await,
        }
    }

    async fn execute(&mut self, order: Order) {
        match order {
            Order::Append(handover) => self.waiting.push_back(handover),
            Order::Whisper(term, key, params) => self.whisper(term, key, params),
            Order::Ask(question, reply) => self.ask(&question, reply),
            Order::Answer(question, reply) => self.answer(question, reply),
            Order::Look => self.look_soon(Instant::now()),
            Order::Verify => _ = self.verify().await,
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let doubt = self.doubt.filter(|_| !self.has_told_doubt).map(|since| since + DOUBT);
        let head = self.head.map(|(at, _)| at);
        let refresh = Some(self.read_at + REFRESH).filter(|_| self.has_lease() && self.sent.is_none());
        let keep = self.keep_at.filter(|_| self.unkept >= keeping::CHECKPOINT_NEEDED);
        let looks = [self.look_at, self.later_looks.last().copied()];
        [self.send_at, doubt, head, refresh, keep].into_iter().chain(looks).flatten().min()
    }

    async fn timer_fired(&mut self) {
        let now = Instant::now();
        self.keep_at = self.keep_at.filter(|at| *at > now);
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
        self.tell_doubt();
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.look().await;
        }
    }

    /// Tells the room once that the log has not answered for long.
    fn tell_doubt(&mut self) {
        if self.doubt.is_some_and(|since| since.elapsed() >= DOUBT) && !self.has_told_doubt {
            self.has_told_doubt = true;
            self.tell(|follower| follower.in_doubt(true));
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
        let doubt = self.doubt.take();
        if let Some(since) = doubt {
            self.counters.doubted(since.elapsed());
        }
        if doubt.is_some() && std::mem::take(&mut self.has_told_doubt) {
            self.tell(|follower| follower.in_doubt(false));
        }
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
