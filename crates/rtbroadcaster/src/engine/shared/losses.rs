//! Notices that the log has lost entries that were stored: after a power cut of its servers it may reach less far than
//! before, or be gone and made again.
//! Must not know rooms.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

use super::{Extent, SharedLog, Unsure};
use crate::metrics::SharedLogCounters;

/// The time behind a loss in which a room that is found may lack entries that a node is about to write again.
const MAY_LACK: Duration = Duration::from_secs(6);

/// The time behind a loss in which a room that is not found may be one that a node is about to write again.
const MAY_BE_MISSING: Duration = Duration::from_secs(25);

/// The time until the log is asked again that reaches less far than it said before.
const AGAIN: Duration = Duration::from_secs(1);

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

    /// Asks how far the log reaches, where the furthest entry that this node has `read` is one of this room. Calls that
    /// wait for each other share one question.
    ///
    /// # Errors
    /// [`Unsure`] if the log does not answer.
    pub(super) async fn check<L: SharedLog>(&self, log: &L, read: Option<(RoomId, Offset)>) -> Result<(), Unsure> {
        let called = Instant::now();
        let mut seen = self.seen.lock().await;
        let known = match *seen {
            Some((asked, _)) if asked > called => return Ok(()),
            known => known.map(|(_, extent)| extent),
        };
        let asked = Instant::now();
        let extent = log.extent().await?;
        // Replicas that have read what is lost still say so for a moment.
        let read = read.filter(|_| !self.is_recent());
        let reached = read.as_ref().map_or(Offset::START, |(_, offset)| *offset);
        let reached = known.map_or(reached, |known| known.last.max(reached));
        match known {
            Some(known) if known.made != extent.made => self.lost(Offset::START, reached),
            _ if extent.last >= reached => {}
            known if has_lost(log, extent, known, read).await? => self.lost(extent.last, reached),
            // What was known is newer.
            _ => {
                let last = reached;
                *seen = Some((asked, Extent { last, ..extent }));
                return Ok(());
            }
        }
        *seen = Some((asked, extent));
        Ok(())
    }

    fn lost(&self, kept: Offset, reached: Offset) {
        tracing::error!(kept = kept.0, reached = reached.0, "the log has lost entries; rooms are written to it again");
        self.counters.loss();
        self.told.send_modify(|last| {
            // One that has not been dealt with yet is a part of this one.
            let before = last.filter(Loss::is_recent).map_or(kept, |last| last.kept);
            *last = Some(Loss { kept: kept.min(before), at: Instant::now() });
        });
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

/// Returns whether the log has lost entries, where it told an `extent` that is less than what was known or read. What it
/// tells of its extent may be older than what it told of rooms: under load NATS is 0.1 s behind.
async fn has_lost<L: SharedLog>(
    log: &L,
    extent: Extent,
    known: Option<Extent>,
    read: Option<(RoomId, Offset)>,
) -> Result<bool, Unsure> {
    if let Some((room, offset)) = read.filter(|(_, offset)| *offset > extent.last) {
        // This answer is never older.
        let last = log.last(&room).await?;
        return Ok(last.is_none_or(|last| last.offset < offset));
    }
    sleep(AGAIN).await;
    let again = log.extent().await?;
    Ok(known.is_some_and(|known| again.made == known.made && again.last < known.last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::shared::EntryKind;
    use crate::engine::shared::sea::{Chances, Sea};
    use crate::os_random::OsRandom;

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
            losses.check(&*log, Some((room.clone(), after))).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(!told.has_changed().unwrap() && !losses.is_recent());
        sea.lose_power(Duration::from_millis(1_500));
        losses.check(&*log, Some((room.clone(), after))).await.unwrap();
        let kept = told.borrow_and_update().unwrap().kept;
        assert!(losses.is_recent() && kept > Offset::START && kept < after);
        losses.check(&*log, Some((room, after))).await.unwrap();
        assert!(!told.has_changed().unwrap(), "it is the log that is known now");
        tokio::time::sleep(MAY_LACK).await;
        assert!(!losses.is_recent() && losses.may_be_missing());
        tokio::time::sleep(MAY_BE_MISSING).await;
        assert!(!losses.may_be_missing());
        sea.lose_everything();
        losses.check(&*log, None).await.unwrap();
        assert_eq!(told.borrow_and_update().unwrap().kept, Offset::START);
        assert_eq!(losses.counters.read().losses, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_extent_that_is_older_than_what_was_read_is_no_loss() {
        let sea = Sea::new(1);
        let (log, room) = (sea.node(0), RoomId::random(&OsRandom));
        let losses = Losses::new(Arc::new(SharedLogCounters::new([])));
        let mut after = Offset::START;
        for old in [0, 1_000, 1_000, 0, 1_000] {
            sea.set_chances(Chances { old, ..Chances::default() });
            for _ in 0..100 {
                log.publish(&room, after, "x".into(), EntryKind::Next).await;
                after = log.last(&room).await.unwrap().unwrap().offset;
            }
            losses.check(&*log, Some((room.clone(), after))).await.unwrap();
        }
        assert_eq!(losses.counters.read().losses, 0);
        // Also what another node has read that this one does not know.
        sea.set_chances(Chances { old: 500, ..Chances::default() });
        for _ in 0..20 {
            losses.check(&*log, None).await.unwrap();
            log.publish(&room, after, "x".into(), EntryKind::Next).await;
            after = log.last(&room).await.unwrap().unwrap().offset;
        }
        sea.set_chances(Chances::default());
        sea.lose_power(Duration::from_secs(1));
        losses.check(&*log, Some((room, after))).await.unwrap();
        assert_eq!(losses.counters.read().losses, 1);
    }
}
