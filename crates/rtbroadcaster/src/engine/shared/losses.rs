//! Notices that the log has lost entries that were stored: after a power cut of its servers it may reach less far than
//! before, or be gone and made again.
//! Must not know rooms.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::chain::Offset;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::{Extent, SharedLog, Unsure};
use crate::metrics::SharedLogCounters;

/// The time behind a loss in which a room that is found may lack entries that a node is about to write again.
const MAY_LACK: Duration = Duration::from_secs(6);

/// The time behind a loss in which a room that is not found may be one that a node is about to write again.
const MAY_BE_MISSING: Duration = Duration::from_secs(25);

/// The last loss of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    /// The offset up to which the log has kept its entries.
    pub(super) kept: Offset,
    at: Instant,
}

impl Loss {
    fn is_recent(&self) -> bool {
        self.at.elapsed() < MAY_LACK
    }
}

/// What this node knows of losses.
#[derive(Debug)]
pub(super) struct Losses {
    counters: Arc<SharedLogCounters>,
    /// The log as it was last seen, and when it was asked for that. Held while it is asked, so that an older answer does
    /// not come after a newer one.
    seen: Mutex<Option<(Instant, Extent)>>,
    told: watch::Sender<Option<Loss>>,
}

impl Losses {
    pub(super) fn new(counters: Arc<SharedLogCounters>) -> Self {
        Self { counters, seen: Mutex::default(), told: watch::Sender::new(None) }
    }

    /// Asks how far the log reaches, where this node has read an entry at `read`. Calls that wait for each other share one
    /// question.
    ///
    /// # Errors
    /// [`Unsure`] if the log does not answer.
    pub(super) async fn check<L: SharedLog>(&self, log: &L, read: Offset) -> Result<(), Unsure> {
        let called = Instant::now();
        let mut seen = self.seen.lock().await;
        let known = match *seen {
            Some((asked, _)) if asked > called => return Ok(()),
            known => known.map(|(_, extent)| extent),
        };
        let asked = Instant::now();
        let extent = log.extent().await?;
        *seen = Some((asked, extent));
        let is_another = known.is_some_and(|known| known.made != extent.made);
        // Replicas that have read what is lost still say so for a moment.
        let read = if self.is_recent() { Offset::START } else { read };
        let reached = known.map_or(read, |known| known.last.max(read));
        if is_another || extent.last < reached {
            let kept = if is_another { Offset::START } else { extent.last };
            tracing::error!(
                kept = kept.0,
                reached = reached.0,
                "the log has lost entries; rooms are written to it again"
            );
            self.counters.loss();
            self.told.send_modify(|last| {
                // One that has not been dealt with yet is a part of this one.
                let before = last.filter(Loss::is_recent).map_or(kept, |last| last.kept);
                *last = Some(Loss { kept: kept.min(before), at: Instant::now() });
            });
        }
        Ok(())
    }

    /// Returns the last loss, and those that come.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Loss>> {
        self.told.subscribe()
    }

    /// Returns whether a room in the log may lack entries that a node is about to write again.
    pub(super) fn is_recent(&self) -> bool {
        self.told.borrow().as_ref().is_some_and(Loss::is_recent)
    }

    /// Returns whether a room may be missing in the log that a node is about to write again.
    pub(super) fn may_be_missing(&self) -> bool {
        self.told.borrow().as_ref().is_some_and(|loss| loss.at.elapsed() < MAY_BE_MISSING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::shared::EntryKind;
    use crate::engine::shared::sea::Sea;
    use crate::os_random::OsRandom;
    use rtbroadcaster_core::id::RoomId;

    #[tokio::test(start_paused = true)]
    async fn a_log_that_went_back_or_was_made_again_is_noticed_and_one_that_grows_is_not() {
        let sea = Sea::new(1);
        let (log, room) = (sea.node(0), RoomId::random(&OsRandom));
        let losses = Losses::new(Arc::new(SharedLogCounters::new([])));
        let mut told = losses.subscribe();
        let mut after = Offset::START;
        for _ in 0..3 {
            log.publish(&room, after, "x".into(), EntryKind::Next).await;
            after = log.last(&room).await.unwrap().unwrap().offset;
            losses.check(&*log, after).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(!told.has_changed().unwrap() && !losses.is_recent());
        sea.lose_power(Duration::from_millis(1_500));
        losses.check(&*log, after).await.unwrap();
        let kept = told.borrow_and_update().unwrap().kept;
        assert!(losses.is_recent() && kept > Offset::START && kept < after);
        losses.check(&*log, after).await.unwrap();
        assert!(!told.has_changed().unwrap(), "it is the log that is known now");
        tokio::time::sleep(MAY_LACK).await;
        assert!(!losses.is_recent() && losses.may_be_missing());
        tokio::time::sleep(MAY_BE_MISSING).await;
        assert!(!losses.may_be_missing());
        sea.lose_everything();
        losses.check(&*log, Offset::START).await.unwrap();
        assert_eq!(told.borrow_and_update().unwrap().kept, Offset::START);
        assert_eq!(losses.counters.read().losses, 2);
    }
}
