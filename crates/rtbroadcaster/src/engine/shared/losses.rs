//! Notices that the log has lost entries that were stored: after a power cut of its servers it may reach less far than
//! before, or be gone and made again.
//! Must not know rooms.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Offset};
use rtbroadcaster_core::id::RoomId;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::text::read_link;
use super::{Extent, SharedLog, Unsure};
use crate::metrics::SharedLogCounters;

/// The time behind a loss in which a room that is found may lack entries that a node is about to write again.
const MAY_LACK: Duration = Duration::from_secs(6);

/// The time behind a loss in which a room that is not found may be one that a node is about to write again.
const MAY_BE_MISSING: Duration = Duration::from_secs(25);

/// The most by which the log tells late how far it reaches. Servers that have lost something need longer to start.
const LATE: Duration = Duration::from_secs(1);

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

/// The log as it was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When it was last asked.
    asked: Instant,
    /// The furthest that it has told, and when it was asked for that.
    extent: Extent,
    told: Instant,
}

/// What this node knows of losses.
#[derive(Debug)]
pub(super) struct Losses {
    counters: Arc<SharedLogCounters>,
    /// Held while the log is asked, so that an older answer does not come after a newer one.
    seen: Mutex<Option<Seen>>,
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
    pub(super) async fn check<L: SharedLog>(&self, log: &L, read: Option<(RoomId, Chain)>) -> Result<(), Unsure> {
        let called = Instant::now();
        let mut seen = self.seen.lock().await;
        let known = match *seen {
            Some(seen) if seen.asked > called => return Ok(()),
            known => known,
        };
        let asked = Instant::now();
        let extent = log.extent().await?;
        // Replicas that have read what is lost still say so for a moment.
        let read = read.filter(|_| !self.is_recent());
        let reached = read.as_ref().map_or(Offset::START, |(_, read)| read.offset);
        let reached = known.map_or(reached, |known| known.extent.last.max(reached));
        let kept = match known {
            Some(known) if known.extent.made != extent.made => Some(Offset::START),
            _ if extent.last >= reached => None,
            known if has_lost(log, extent, known, read, asked).await? => Some(extent.last),
            known => {
                // It was told late.
                let (extent, told) = known.map_or((extent, asked), |known| (known.extent, known.told));
                *seen = Some(Seen { asked, extent, told });
                return Ok(());
            }
        };
        if let Some(kept) = kept {
            self.lost(kept, reached);
        }
        *seen = Some(Seen { asked, extent, told: asked });
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
/// tells of its extent may be late: under load NATS is 0.1 s behind what it tells of rooms.
async fn has_lost<L: SharedLog>(
    log: &L,
    extent: Extent,
    known: Option<Seen>,
    read: Option<(RoomId, Chain)>,
    asked: Instant,
) -> Result<bool, Unsure> {
    if let Some((room, chain)) = read.filter(|(_, read)| read.offset > extent.last) {
        // Another entry may be there by now.
        let entry = log.entry(&room, chain.offset).await?;
        let link = entry.and_then(|entry| read_link(entry.offset, &entry.text).ok());
        if link.map(|link| (link.lease, link.number)) != chain.newest {
            return Ok(true);
        }
    }
    Ok(known.is_some_and(|known| extent.last < known.extent.last && known.told + LATE <= asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::shared::EntryKind;
    use crate::engine::shared::sea::{Chances, Sea};
    use crate::engine::shared::text::{Draft, write_entry};
    use crate::os_random::OsRandom;
    use rtbroadcaster_core::chain::{Lease, Writer};
    use rtbroadcaster_core::id::Term;

    /// A reader that writes the next entries of a room, all under one lease.
    struct Author {
        log: Arc<crate::engine::shared::sea::SeaNode>,
        room: RoomId,
        lease: Lease,
        chain: Chain,
    }

    impl Author {
        fn of(sea: &Arc<Sea>, room: &RoomId) -> Self {
            let lease = Lease { term: Term::FIRST, writer: Writer::random(&OsRandom) };
            Self { log: sea.node(0), room: room.clone(), lease, chain: Chain::START }
        }

        async fn write(&mut self, count: usize) {
            for _ in 0..count {
                let (after, number) = (self.chain.offset, self.chain.newest.map_or(0, |(_, number)| number + 1));
                let text = write_entry(&Draft { lease: self.lease, number, after, copy: None, appends: &[] });
                self.log.publish(&self.room, after, text, EntryKind::Next).await;
                let last = self.log.last(&self.room).await.unwrap().unwrap();
                self.chain.read(&read_link(last.offset, &last.text).unwrap());
            }
        }

        fn read(&self) -> Option<(RoomId, Chain)> {
            Some((self.room.clone(), self.chain))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_went_back_or_was_made_again_is_noticed_and_one_that_grows_is_not() {
        let sea = Sea::new(1);
        let (log, room) = (sea.node(0), RoomId::random(&OsRandom));
        let losses = Losses::new(Arc::new(SharedLogCounters::new([])));
        let mut told = losses.subscribe();
        let mut author = Author::of(&sea, &room);
        for _ in 0..3 {
            author.write(1).await;
            losses.check(&*log, author.read()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(!told.has_changed().unwrap() && !losses.is_recent());
        sea.lose_power(Duration::from_millis(1_500));
        losses.check(&*log, author.read()).await.unwrap();
        let kept = told.borrow_and_update().unwrap().kept;
        assert!(losses.is_recent() && kept > Offset::START && kept < author.chain.offset);
        losses.check(&*log, author.read()).await.unwrap();
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
    async fn an_extent_that_is_told_late_is_no_loss() {
        let sea = Sea::new(1);
        let (log, room) = (sea.node(0), RoomId::random(&OsRandom));
        let losses = Losses::new(Arc::new(SharedLogCounters::new([])));
        let mut author = Author::of(&sea, &room);
        for late in [0, 1_000, 1_000, 0, 1_000] {
            sea.set_chances(Chances { late_extent: late, ..Chances::default() });
            author.write(100).await;
            losses.check(&*log, author.read()).await.unwrap();
        }
        // Also where the furthest entries are of rooms that this node does not have.
        sea.set_chances(Chances { late_extent: 500, ..Chances::default() });
        for _ in 0..50 {
            losses.check(&*log, None).await.unwrap();
            author.write(1).await;
        }
        assert_eq!(losses.counters.read().losses, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn entries_that_others_wrote_where_some_were_lost_do_not_hide_that() {
        let sea = Sea::new(1);
        let (log, room) = (sea.node(0), RoomId::random(&OsRandom));
        let losses = Losses::new(Arc::new(SharedLogCounters::new([])));
        let mut author = Author::of(&sea, &room);
        author.write(3).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let behind = author.chain;
        author.write(3).await;
        losses.check(&*log, author.read()).await.unwrap();
        sea.lose_power(Duration::from_secs(5));
        let mut other = Author { chain: behind, ..Author::of(&sea, &room) };
        other.lease.term = other.lease.term.next();
        other.chain.newest = None;
        other.write(20).await;
        // How far the log reaches is told as it was before these.
        sea.set_chances(Chances { late_extent: 1_000, ..Chances::default() });
        let mut noticed = false;
        for _ in 0..20 {
            losses.check(&*log, author.read()).await.unwrap();
            noticed |= losses.is_recent();
        }
        assert!(noticed);
    }
}
