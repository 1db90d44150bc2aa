//! The engine of a shared log: the logs of the rooms on this node.
//! Must not know which system keeps the log, nor what a room makes of its entries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Ignored, Offset};
use rtbroadcaster_core::id::{RoomId, Term};
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::random::Random;
use rtbroadcaster_core::record::{Handover, LifeIndex};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::asking::{self, REPLY_WITHIN};
use super::load::{self, Loaded};
use super::losses::Losses;
use super::nodes::{self, NodeId};
use super::replica::{NodeParts, Order, Replica, ReplicaParts};
use super::{FEED_EVENTS_MAX, SharedLog};
use crate::engine::{Engine, Follower, FoundRoom, Health, LogUnsure, NoReply, Pending, Question, Reply, SharedRooms};
use crate::metrics::{SharedLogCounters, SharedLogCounts};

/// The time between two questions where the last entries of silent rooms are.
const HEADS_INTERVAL: Duration = Duration::from_secs(5);

/// An engine whose log other nodes write, too.
#[derive(Debug)]
pub(crate) struct SharedEngine<L> {
    parts: NodeParts<L>,
    node: NodeId,
    /// Whether this node is about to end.
    leaves: Arc<AtomicBool>,
    random: Arc<dyn Random>,
    health: watch::Receiver<Health>,
    replicas: Arc<Replicas>,
}

/// The replicas on this node.
#[derive(Debug, Default)]
pub(super) struct Replicas(Mutex<HashMap<RoomId, ReplicaHandle>>);

/// How others reach a replica.
#[derive(Debug)]
struct ReplicaHandle {
    orders: mpsc::WeakUnboundedSender<Order>,
    position: watch::Receiver<Chain>,
}

impl Replicas {
    fn add(&self, room: RoomId, handle: ReplicaHandle) {
        let mut replicas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replicas.insert(room, handle);
    }

    /// Returns the rooms with a replica, and forgets those without one.
    fn rooms(&self) -> Vec<RoomId> {
        let mut replicas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replicas.retain(|_, handle| handle.orders.upgrade().is_some());
        replicas.keys().cloned().collect()
    }

    /// Passes an order on to the replica of `room`. Returns the order if there is none.
    pub(super) fn order(&self, room: &RoomId, order: Order) -> Option<Order> {
        let replicas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(orders) = replicas.get(room).and_then(|handle| handle.orders.upgrade()) else { return Some(order) };
        orders.send(order).err().map(|unsent| unsent.0)
    }

    /// Returns the furthest position of a replica, and its room.
    fn read(&self) -> Option<(RoomId, Chain)> {
        let replicas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let positions = replicas.iter().map(|(room, handle)| (room, *handle.position.borrow()));
        positions.max_by_key(|(_, read)| read.offset).map(|(room, read)| (room.clone(), read))
    }

    /// Has the replica of `room` look, if it has not read up to `head`, or if the log has nothing of the room.
    fn look(&self, room: &RoomId, head: Option<Offset>) {
        let replicas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ReplicaHandle { orders, position }) = replicas.get(room) else { return };
        let read = position.borrow().offset;
        let order = match head {
            Some(head) if head > read => Order::Look,
            Some(head) if head < read => Order::Verify,
            None if read > Offset::START => Order::Verify,
            _ => return,
        };
        if let Some(orders) = orders.upgrade() {
            // Without a receiver the replica has ended.
            let _ = orders.send(order);
        }
    }
}

impl<L: SharedLog> SharedEngine<L> {
    /// Returns the engine of this node. Begins to send its beacons, and to ask for entries that were not told.
    pub(crate) fn start(log: Arc<L>, random: Arc<dyn Random>, health: watch::Receiver<Health>) -> Self {
        let node = NodeId::random(&*random);
        let leaves = Arc::new(AtomicBool::new(false));
        let nodes = nodes::spawn(&log, node, &leaves);
        let counters = Arc::new(SharedLogCounters::new(Ignored::ALL.map(Ignored::word)));
        let (replicas, losses) = (Arc::new(Replicas::default()), Arc::new(Losses::new(Arc::clone(&counters))));
        tokio::spawn(ask_for_heads(Arc::downgrade(&log), Arc::downgrade(&replicas), Arc::clone(&losses)));
        tokio::spawn(asking::answer(Arc::downgrade(&log), node, Arc::downgrade(&replicas)));
        let parts = NodeParts { log, nodes, losses, counters };
        Self { parts, node, leaves, random, health, replicas }
    }

    /// Returns the log of one room, and what its replica needs.
    fn room_log(&self, room: &RoomId, chain: Chain) -> (RoomLog<L>, ReplicaParts) {
        let (orders, waiting) = mpsc::unbounded_channel();
        let (position, read) = watch::channel(chain);
        self.replicas.add(room.clone(), ReplicaHandle { orders: orders.downgrade(), position: read });
        let parts = ReplicaParts {
            room: room.clone(),
            me: self.node.writer(&*self.random),
            chain,
            marks: Default::default(),
            unkept: 0,
            orders: waiting,
            events: None,
            position,
            losses: self.parts.losses.subscribe(),
        };
        (RoomLog { node: self.parts.clone(), orders, begin: Mutex::new(None), health: self.health.clone() }, parts)
    }
}

/// Asks each few seconds, and after each lost connection, where the last entries of all rooms are: what is told may be
/// lost on the way, with nothing behind it that would show it. Asks first whether the log has lost entries.
async fn ask_for_heads<L: SharedLog>(log: Weak<L>, replicas: Weak<Replicas>, losses: Arc<Losses>) {
    let Some(mut reconnections) = log.upgrade().map(|log| log.reconnections()) else { return };
    let mut interval = interval(HEADS_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            Ok(()) = reconnections.changed() => {}
        }
        let (Some(log), Some(replicas)) = (log.upgrade(), replicas.upgrade()) else { return };
        let rooms = replicas.rooms();
        if losses.check(&*log, replicas.read()).await.is_err() || rooms.is_empty() {
            continue;
        }
        if let Ok(heads) = log.heads(&rooms).await {
            let heads: HashMap<RoomId, Offset> = heads.into_iter().collect();
            rooms.iter().for_each(|room| replicas.look(room, heads.get(room).copied()));
        }
    }
}

impl<L: SharedLog> Engine for SharedEngine<L> {
    fn append(&self, _: &Arc<dyn Follower>, _: Handover) {
        unreachable!("each room has a log of its own, by `SharedRooms`");
    }

    /// Each room keeps its own.
    fn forget_lives_before(&self, _: LifeIndex) {}

    fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    fn close(&self) {
        self.leaves.store(true, Ordering::Relaxed);
        self.parts.log.beacon(nodes::beacon(self.node, true));
    }

    fn shared(&self) -> Option<&dyn SharedRooms> {
        Some(self)
    }
}

impl<L: SharedLog> SharedRooms for SharedEngine<L> {
    fn create(&self, room: &RoomId) -> Arc<dyn Engine> {
        let (log, parts) = self.room_log(room, Chain::START);
        *log.begin.lock().unwrap_or_else(PoisonError::into_inner) = Some(parts);
        Arc::new(log)
    }

    fn find<'a>(&'a self, room: &'a RoomId) -> Pending<'a, Result<Option<FoundRoom>, LogUnsure>> {
        Box::pin(async move {
            if *self.health.borrow() != Health::Fine {
                return Err(LogUnsure);
            }
            let (events, told) = mpsc::channel(FEED_EVENTS_MAX);
            self.parts.log.follow(room, events).await.map_err(|_| LogUnsure)?;
            let losses = self.parts.losses.subscribe();
            let loaded = load::load(&*self.parts.log, room).await.map_err(|_| LogUnsure)?;
            // The log may have lost it, or its last entries, and this node may not know that yet.
            self.parts.losses.check(&*self.parts.log, self.replicas.read()).await.map_err(|_| LogUnsure)?;
            let Some(loaded) = loaded else {
                return if self.parts.losses.may_be_missing() { Err(LogUnsure) } else { Ok(None) };
            };
            if self.parts.losses.is_recent() && !loaded.continues_copy {
                return Err(LogUnsure);
            }
            let Loaded { checkpoint, chain, marks, unkept, continues_copy: _ } = *loaded;
            let (log, parts) = self.room_log(room, chain);
            let parts = ReplicaParts { losses, ..parts };
            let parts = ReplicaParts { marks, unkept, events: Some(told), ..parts };
            let log = Arc::new(log);
            let engine = Arc::clone(&log) as Arc<dyn Engine>;
            let begin = Box::new(move |follower: Weak<dyn Follower>| log.run(parts, follower));
            Ok(Some(FoundRoom { checkpoint, engine, begin }))
        })
    }

    fn counts(&self) -> Option<SharedLogCounts> {
        Some(self.parts.counters.read())
    }
}

/// The log of one room on this node.
struct RoomLog<L> {
    node: NodeParts<L>,
    orders: mpsc::UnboundedSender<Order>,
    /// What the replica of a room needs that is created here, until the room hands over for the first time.
    begin: Mutex<Option<ReplicaParts>>,
    health: watch::Receiver<Health>,
}

impl<L> std::fmt::Debug for RoomLog<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomLog").finish_non_exhaustive()
    }
}

impl<L: SharedLog> RoomLog<L> {
    fn run(&self, parts: ReplicaParts, follower: Weak<dyn Follower>) {
        tokio::spawn(Replica::new(self.node.clone(), parts, follower).run());
    }
}

impl<L: SharedLog> Engine for RoomLog<L> {
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover) {
        // Without a receiver the room has ended.
        let _ = self.orders.send(Order::Append(handover));
        let begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(parts) = begin {
            self.run(parts, Arc::downgrade(follower));
        }
    }

    fn forget_lives_before(&self, _: LifeIndex) {}

    fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    fn close(&self) {}

    fn is_of_shared_room(&self) -> bool {
        true
    }

    fn whisper(&self, term: Term, key: Key, params: Params) {
        let _ = self.orders.send(Order::Whisper(term, key, params));
    }

    fn ask(&self, question: Question) -> Option<Pending<'static, Result<Reply, NoReply>>> {
        let (reply, replied) = oneshot::channel();
        // Without a receiver the room has ended, and nothing replies.
        let _ = self.orders.send(Order::Ask(question, reply));
        Some(Box::pin(async move {
            // The replica itself may wait for the log.
            timeout(REPLY_WITHIN, replied).await.ok().and_then(Result::ok).unwrap_or(Err(NoReply))
        }))
    }
}
