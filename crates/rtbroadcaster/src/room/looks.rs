//! Schedules looks at rooms. A room has one plan for each kind of look, however often that is asked for, so the number
//! of plans is bounded by that of rooms.
//! Must not know rooms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::task::Poll;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::room::alarm::Alarm;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue::Key};

use super::registry::Look;

/// A room, and the kind of look at it.
type LookKey = (RoomId, Look);

/// All looks that are planned.
#[derive(Debug, Default)]
pub(super) struct Looks {
    queue: DelayQueue<LookKey>,
    /// The key of each look in the queue, and its moment.
    planned: HashMap<LookKey, (Key, Alarm<Instant>)>,
}

impl Looks {
    /// Plans a look for `at`, unless it is planned for an earlier moment: the room then plans the next one itself.
    pub(super) fn plan(&mut self, look: LookKey, at: Instant) {
        match self.planned.entry(look.clone()) {
            Entry::Vacant(vacant) => {
                let (_, alarm) = vacant.insert((self.queue.insert_at(look, at), Alarm::default()));
                alarm.sooner(at);
            }
            Entry::Occupied(mut planned) => {
                let (key, alarm) = planned.get_mut();
                if let Some(at) = alarm.sooner(at) {
                    self.queue.reset_at(key, at);
                }
            }
        }
    }

    /// Returns the next look when its moment has come. Pending while none is planned. Cancel safe.
    pub(super) async fn next(&mut self) -> LookKey {
        let look = poll_fn(|cx| match self.queue.poll_expired(cx) {
            Poll::Ready(Some(expired)) => Poll::Ready(expired.into_inner()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        });
        let look = look.await;
        self.planned.remove(&look);
        if self.planned.is_empty() {
            // Frees the table of a burst.
            self.planned = HashMap::new();
        }
        look
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::os_random::OsRandom;

    /// Returns all looks, and after how many milliseconds each of them came.
    async fn looked(looks: &mut Looks, began: Instant) -> Vec<(LookKey, u128)> {
        let mut looked = Vec::new();
        while let Ok(look) = tokio::time::timeout(Duration::from_secs(100), looks.next()).await {
            looked.push((look, began.elapsed().as_millis()));
        }
        looked
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_is_looked_at_once_for_one_reason_at_the_soonest_moment_asked_for() {
        let (mut looks, began) = (Looks::default(), Instant::now());
        let (one, two) = (RoomId::random(&OsRandom), RoomId::random(&OsRandom));
        for millis in [5_000, 900, 60_000, 1_000, 900] {
            looks.plan((one.clone(), Look::Audience), began + Duration::from_millis(millis));
        }
        looks.plan((one.clone(), Look::Totals), began + Duration::from_millis(2_000));
        looks.plan((two.clone(), Look::Audience), began + Duration::from_millis(3_000));
        let expected = [
            ((one.clone(), Look::Audience), 900),
            ((one.clone(), Look::Totals), 2_000),
            ((two, Look::Audience), 3_000),
        ];
        assert_eq!(looked(&mut looks, began).await, expected);
        assert!(looks.planned.is_empty() && looks.queue.is_empty());
        looks.plan((one, Look::Audience), began);
        assert_eq!(looked(&mut looks, began).await.len(), 1, "what has passed can be planned again");
    }
}
