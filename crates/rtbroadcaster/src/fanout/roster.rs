//! A room's members in one lane, as the room sees them: a queue of items that the lane carries out in order.
//! Must not know sockets.

mod item;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rtbroadcaster_core::audience::Ages;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{RoomId, Seq};
use rtbroadcaster_core::standing::RoomEnd;
use rtbroadcaster_core::superseding::{Rank, Ranked, Superseding};

use super::lags::Lags;
use super::lane::Lane;
use super::outbox::Outbox;
use crate::lock_order::{LockRank, Ordered, ordered};
pub(super) use item::Broadcast;
pub(crate) use item::{Disconnection, FinalState, Item, MemberChange};

/// The most frames and bytes that a lane sends with one call per member.
const PASS_FRAMES_MAX: usize = 64;
const PASS_BYTES_MAX: usize = 256 * 1024;

/// A lane's next work for a roster.
pub(super) enum Work {
    /// Send something to all members.
    Send {
        /// These, in this order. Never empty.
        broadcasts: Vec<Broadcast>,
        /// The number that no message exceeds which superseded one that is missing in them.
        until: Seq,
        /// When the first message in them was applied.
        applied: Option<Duration>,
    },
    /// Change the members.
    Change(MemberChange),
}

/// The room's side of its members in one lane.
#[derive(Debug)]
pub(crate) struct Roster {
    /// The id under which the lane finds the members.
    id: u64,
    /// The room.
    room: RoomId,
    lane: Arc<Lane>,
    /// The ages of the frames that wait for members.
    lags: Arc<Lags>,
    inbox: Mutex<Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    items: Superseding<QueuedItem>,
    /// The number of the last message that was pushed.
    newest: Seq,
    /// The change that was taken out of the queue, but stands behind messages that are sent first.
    change: Option<MemberChange>,
    /// Whether more waited than one call carries, and the lane has not taken everything since.
    is_behind: bool,
    /// Whether the lane has taken everything: what waits now has come since.
    is_new: bool,
    /// Whether the lane knows that there is something to do.
    scheduled: bool,
    /// Whether no item is taken in any more: a panic has left the inbox, or what its lane made of it, half changed.
    is_broken: bool,
}

/// An item that waits for the lane.
#[derive(Debug)]
struct QueuedItem {
    item: Item,
    rank: Rank,
}

impl Ranked for QueuedItem {
    fn rank(&self) -> &Rank {
        &self.rank
    }
}

impl Inbox {
    /// Appends an item, and returns the items that this removes.
    fn push(&mut self, item: Item, is_slowed: bool) -> Vec<QueuedItem> {
        if let Some(entry) = item.entry() {
            self.newest = entry.seq.unwrap_or(self.newest);
        }
        let mut superseded = self.fall_behind();
        let rank = if is_slowed || self.is_behind { item.rank() } else { Rank::Event };
        superseded.extend(self.items.push(QueuedItem { item, rank }));
        // Ephemeral messages never make more wait than the next call carries.
        while self.items.len() > PASS_FRAMES_MAX
            && let Some(dropped) = self.items.drop_ephemeral()
        {
            superseded.push(dropped);
        }
        superseded
    }

    /// Lets newer values remove waiting ones, for all members at once, when more waits than the next call carries.
    /// Members get the newest state late, not everything later and later. That also holds for what waits already, and
    /// until everything is taken. With values in front that nothing removes, what a pass sends would be as old as the
    /// pass before it is long. Returns the items that this removes.
    fn fall_behind(&mut self) -> Vec<QueuedItem> {
        if self.is_behind || self.items.len() < PASS_FRAMES_MAX {
            return Vec::new();
        }
        self.is_behind = true;
        let ranked = std::mem::take(&mut self.items).into_iter();
        let ranked = ranked.map(|QueuedItem { item, .. }| QueuedItem { rank: item.rank(), item });
        ranked.filter_map(|queued| self.items.push(queued)).collect()
    }

    /// Takes no more items in, and has the lane disconnect the members that it has. Returns those that wait in the
    /// queue.
    fn break_off(&mut self) -> Vec<Arc<Outbox>> {
        let Self { items, change, .. } = std::mem::replace(
            self,
            Self {
                is_broken: true,
                change: Some(MemberChange::DisconnectAll(Disconnection::Broken)),
                ..Self::default()
            },
        );
        let items = items.into_iter().filter_map(|QueuedItem { item, .. }| item.into_change());
        change.into_iter().chain(items).filter_map(MemberChange::into_newcomer).collect()
    }

    /// Notes that everything is taken.
    fn catch_up(&mut self) {
        // A burst leaves no buffer behind.
        self.items = Superseding::default();
        self.is_behind = false;
    }
}

impl Roster {
    /// Makes an empty roster of `room`, served by `lane`.
    pub(crate) fn new(lane: &Arc<Lane>, room: RoomId) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, lags: lane.lags(room.clone()), room, lane: Arc::clone(lane), inbox: Mutex::default() })
    }

    /// Returns whether its lane has panicked over it.
    pub(crate) fn is_broken(&self) -> bool {
        self.lock().is_broken
    }

    /// Queues the admission of `member`, which has everything up to `seq`.
    pub(crate) fn admit(self: &Arc<Self>, member: &Arc<Outbox>, seq: Seq) {
        member.enter(&self.lags);
        self.push(Item::Change(MemberChange::Admit(Arc::clone(member), seq)));
    }

    /// Queues the removal of `member`.
    pub(crate) fn remove(self: &Arc<Self>, member: &Arc<Outbox>) {
        member.exit();
        self.push(Item::Change(MemberChange::Remove(Arc::clone(member))));
    }

    /// Adds to `all` since when members wait for their sockets.
    pub(crate) fn lags(&self, all: &mut Ages) {
        self.lags.read(all);
    }

    /// Appends `item`. The order of the items is the order in which the lane does them.
    pub(crate) fn push(self: &Arc<Self>, item: Item) {
        let mut inbox = self.lock();
        if inbox.is_broken {
            if inbox.change.is_some() {
                // The lane has members to disconnect.
                self.schedule_locked(inbox);
            } else {
                drop(inbox);
            }
            item.into_change().and_then(MemberChange::into_newcomer).iter().for_each(|member| self.fail(member));
            return;
        }
        let is_end = matches!(item, Item::Change(MemberChange::DisconnectAll(_)));
        let superseded = inbox.push(item, self.lane.is_slowed());
        self.schedule_locked(inbox);
        if is_end && self.lane.is_slowed() {
            // No message comes behind the end that could be sent with it. The turn for which the roster waits then
            // finds no members.
            self.lane.push_again(Arc::clone(self));
        }
        self.lane.counters().superseded_in_lane(superseded.len());
        // Outside of the lock: this returns their cost to the room's budget, which may wake the owner.
        drop(superseded);
    }

    /// Queues this roster behind those that are ready, unless it is queued.
    pub(super) fn schedule(self: &Arc<Self>) {
        if !std::mem::replace(&mut self.lock().scheduled, true) {
            self.lane.push_again(Arc::clone(self));
        }
    }

    fn schedule_locked(self: &Arc<Self>, mut inbox: Ordered<MutexGuard<'_, Inbox>>) {
        let already = std::mem::replace(&mut inbox.scheduled, true);
        drop(inbox);
        if !already {
            self.lane.push(Arc::clone(self));
        }
    }

    /// Returns the next work: one change, or as many messages as one call per member may carry.
    pub(super) fn next(&self) -> Option<Work> {
        let mut inbox = self.lock();
        let mut broadcasts = Vec::new();
        let (mut bytes, mut first_applied) = (0, None);
        while inbox.change.is_none() && broadcasts.len() < PASS_FRAMES_MAX && bytes < PASS_BYTES_MAX {
            match inbox.items.pop().map(|queued| queued.item) {
                Some(Item::Broadcast(broadcast)) => {
                    if let Broadcast::Message { entry, applied, .. } = &broadcast {
                        bytes += entry.bytes();
                        first_applied.get_or_insert(*applied);
                    }
                    broadcasts.push(broadcast);
                }
                Some(Item::Change(change)) => inbox.change = Some(change),
                None => {
                    inbox.catch_up();
                    break;
                }
            }
        }
        inbox.is_new = inbox.items.is_empty();
        let until = inbox.newest;
        if broadcasts.is_empty() {
            inbox.change.take().map(Work::Change)
        } else {
            Some(Work::Send { broadcasts, until, applied: first_applied })
        }
    }

    /// Ends a turn of the lane. The roster is queued at once if there is more of that work. Items that were pushed
    /// meanwhile, or will be, are treated as new ones.
    pub(super) fn rest(self: &Arc<Self>, busy: bool) {
        let mut inbox = self.lock();
        let waits = !inbox.items.is_empty();
        if busy || inbox.change.is_some() || (waits && !inbox.is_new) {
            drop(inbox);
            self.lane.push_again(Arc::clone(self));
        } else if waits {
            drop(inbox);
            // What came during a long pass waits for more too.
            self.lane.push(Arc::clone(self));
        } else {
            inbox.scheduled = false;
        }
    }

    /// Returns the lane that serves it.
    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Returns the id under which the lane finds the members.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the room.
    pub(super) fn room(&self) -> &RoomId {
        &self.room
    }

    /// Breaks the roster off, since the lane has panicked over what it was given: it takes no more items in. Returns
    /// the members that the lane has not come to.
    pub(super) fn break_off(&self) -> Vec<Arc<Outbox>> {
        self.lock().break_off()
    }

    /// Disconnects a member, with the room's end by our own fault.
    pub(super) fn fail(&self, member: &Outbox) {
        member.set_place(None);
        member.farewell(&self.room, CloseReason::Fault, RoomEnd::Fault);
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, Inbox>> {
        let lock = || {
            self.inbox.lock().unwrap_or_else(|poisoned| {
                // Messages may be lost, for some members or for all.
                let mut inbox = poisoned.into_inner();
                self.inbox.clear_poison();
                inbox.break_off().iter().for_each(|member| self.fail(member));
                inbox
            })
        };
        ordered(LockRank::COLLECTION, lock)
    }
}

#[cfg(test)]
mod tests;
