//! Looks at connections when their rights end: one queue and one task for all of them.
//! Must not know rights.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::Leased;
use crate::lock_order::{LockRank, Ordered, ordered};

/// How long the task sleeps at most: the system's clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_millis(500);

/// The connections whose rights end at a known time, in the order of these times.
#[derive(Debug, Default)]
pub(crate) struct Expiries {
    queue: Mutex<ExpiryQueue>,
    /// Notified when a connection is queued.
    changed: Notify,
}

#[derive(Debug, Default)]
struct ExpiryQueue {
    /// The connections to look at, by the time and by their addresses.
    order: BTreeMap<(SystemTime, usize), Weak<Leased>>,
    /// Whether the task runs.
    is_watched: bool,
}

impl Expiries {
    /// Queues the connection of `leased` for a look when it is `until`, and at no other time.
    pub(super) fn look(self: &Arc<Self>, leased: &Arc<Leased>, until: SystemTime) {
        let mut queue = self.lock();
        queue.plan(leased, Some(until));
        if !std::mem::replace(&mut queue.is_watched, true) {
            tokio::spawn(watch(Arc::clone(self)));
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Removes the connection of `leased`, which has ended.
    pub(super) fn forget(&self, leased: &Arc<Leased>) {
        self.lock().plan(leased, None);
    }

    /// Takes out the connections that are due at `now`. Returns them, and how long no other one is due; `None` if none
    /// is queued any more.
    fn due(&self, now: SystemTime) -> (Vec<Arc<Leased>>, Option<Duration>) {
        let mut queue = self.lock();
        let later = queue.order.split_off(&(now, usize::MAX));
        let due = std::mem::replace(&mut queue.order, later);
        let next = queue.order.first_key_value().map(|((at, _), _)| at.duration_since(now).unwrap_or_default());
        // Under the lock: a connection that is queued from now on finds no task, if this ends it.
        queue.is_watched = next.is_some() || !due.is_empty();
        (due.into_values().filter_map(|leased| leased.upgrade()).collect(), next)
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, ExpiryQueue>> {
        // Each change is one of a map.
        ordered(LockRank::COLLECTION, || self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ExpiryQueue {
    /// Queues the connection of `leased` for this time, in place of any other.
    fn plan(&mut self, leased: &Arc<Leased>, at: Option<SystemTime>) {
        let address = Arc::as_ptr(leased).addr();
        let mut queued = leased.queued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *queued, at) {
            self.order.remove(&(before, address));
        }
        if let Some(at) = at {
            self.order.insert((at, address), Arc::downgrade(leased));
        }
    }
}

/// Looks at each connection when it is due, until none is queued.
async fn watch(expiries: Arc<Expiries>) {
    loop {
        let (due, next) = expiries.due(SystemTime::now());
        let looked_at = !due.is_empty();
        // A connection whose rights were prolonged is queued again.
        due.iter().for_each(Leased::check_rights);
        match next {
            // Connections that this has queued are looked at in the next round.
            _ if looked_at => {}
            Some(next) => _ = tokio::time::timeout(next.min(SLEEP_MAX), expiries.changed.notified()).await,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::outbox;
    use super::super::{Grant, Lease, Rights};
    use super::*;

    #[tokio::test]
    async fn of_connections_that_have_ended_nothing_is_kept() {
        let expiries: Arc<Expiries> = Arc::default();
        let mut rights = Rights::viewer();
        rights.until = Some(SystemTime::now() + Duration::from_secs(3_600));
        let grant = Grant::new(rights);
        for _ in 0..1_000 {
            drop(Lease::new(grant.clone(), &outbox(), &expiries));
        }
        assert_eq!((expiries.lock().order.len(), grant.connections()), (0, 0));
    }
}
