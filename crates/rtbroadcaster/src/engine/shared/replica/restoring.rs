//! Writes a room to the log again that the log has lost, or of which it has lost the last entries.
//! Must not know what a room holds, nor which system keeps the log.

use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Lease, Offset};
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::record::Append;
use tokio::time::{Instant, sleep};

use super::Replica;
use crate::engine::shared::text::{self, Draft, PlacedCheckpoint, Whisper};
use crate::engine::shared::{CopyId, EntryKind, FeedEvent, Published, SharedLog, StoredEntry};

/// The time for which a node with the lease waits for others that have read further, since they have replaced it.
const WAIT_OF_LEASE: Duration = Duration::from_secs(1);

/// The time for which another node waits for that one, which has everything that was acknowledged: while that is heard
/// of, and while it is not.
const WAIT_WHILE_HEARD: Duration = Duration::from_secs(15);
const WAIT_UNHEARD: Duration = Duration::from_secs(3);

/// The longest time for which a node waits for one that has read further.
const WAIT_FOR_BEST: Duration = Duration::from_secs(20);

/// The time between two looks whether another node has written the room.
const LOOK: Duration = Duration::from_millis(200);

/// What the log has of a room that this node has read further.
enum Remains {
    /// Nothing, or entries up to here.
    UpTo(Offset),
    /// All of it: an older answer said otherwise.
    All,
    /// What another node has written behind the loss: a copy of its own, or another room of this name.
    Another,
    /// The log did not answer.
    Unknown,
}

impl<L: SharedLog> Replica<L> {
    /// Writes the room again if a loss of the log was noticed that concerns it.
    pub(super) async fn survive_loss(&mut self) {
        if self.is_lost() {
            self.restore().await;
        }
    }

    /// Returns whether the log has lost entries of the room that were read, as far as this node has noticed.
    pub(super) fn is_lost(&mut self) -> bool {
        let loss = *self.losses.borrow_and_update();
        if std::mem::replace(&mut self.loss, loss) != loss {
            let kept = loss.map(|loss| loss.kept);
            self.kept = kept.filter(|kept| self.chain.newest.is_some() && *kept < self.chain.offset);
        }
        self.kept.is_some()
    }

    /// Writes the room as this node has it, unless another node does or the log has it after all. Then the room leaves this
    /// node: its members come back and find what is written, as on every other node.
    pub(super) async fn restore(&mut self) {
        self.is_in_doubt();
        let begun = Instant::now();
        loop {
            self.tell_doubt();
            if let Some((term, offset)) = self.has_read() {
                self.log.whisper(&self.room, Whisper::Read(term, offset).write());
            }
            self.listen();
            let is_behind = self.is_behind() && begun.elapsed() < WAIT_FOR_BEST;
            if self.follower.strong_count() == 0 {
                self.has_ended = true;
                return;
            }
            match self.remains().await {
                Remains::All if !is_behind => {
                    (self.kept, self.furthest) = (None, None);
                    return self.look_soon(Instant::now());
                }
                Remains::Another => return self.diverge(),
                Remains::UpTo(after) if self.is_in_charge(begun.elapsed()) => {
                    if self.write_copy(after).await {
                        return self.diverge();
                    }
                    let pause = self.next_pause();
                    sleep(pause).await;
                }
                Remains::UpTo(_) | Remains::All | Remains::Unknown => sleep(LOOK).await,
            }
        }
    }

    /// Returns up to which lease and entry it has read.
    fn has_read(&self) -> Option<(Term, Offset)> {
        self.chain.term().map(|term| (term, self.chain.offset))
    }

    /// Returns whether another node has read further of a room that the log has lost. Behind a copy, which has the next
    /// lease, none has.
    pub(super) fn is_behind(&self) -> bool {
        self.furthest > self.has_read()
    }

    /// Notes how far others have read that are about to write the room.
    fn listen(&mut self) {
        while let Some(event) = self.events.as_mut().and_then(|events| events.try_recv().ok()) {
            if let FeedEvent::Whisper(text) = event
                && let Some(Whisper::Read(term, offset)) = Whisper::read(&text)
            {
                self.furthest = self.furthest.max(Some((term, offset)));
            }
        }
    }

    /// Returns whether it is for this node to write the room, where it was missing for so `long`.
    fn is_in_charge(&self, long: Duration) -> bool {
        let Some((Lease { writer, .. }, _)) = self.chain.newest else { return false };
        // Not all nodes without the lease at the same moment.
        let rank = Duration::from_millis(self.me.0 % 1_000);
        let wait = match self.nodes.borrow().is_heard(writer) {
            _ if self.has_lease() => WAIT_OF_LEASE,
            true => WAIT_WHILE_HEARD + rank,
            false => WAIT_UNHEARD + rank,
        };
        long >= wait && (!self.is_behind() || long >= WAIT_FOR_BEST + rank)
    }

    async fn remains(&mut self) -> Remains {
        let Ok(last) = self.log.last(&self.room).await else { return Remains::Unknown };
        let Some(StoredEntry { offset, text, .. }) = last else { return Remains::UpTo(Offset::START) };
        let (Ok(link), Some((newest, _))) = (text::read_link(offset, &text), self.chain.newest) else {
            return Remains::Another;
        };
        if link.lease.term > newest.term || self.kept.is_some_and(|kept| offset > kept) {
            Remains::Another
        } else if offset >= self.chain.offset {
            Remains::All
        } else {
            Remains::UpTo(offset)
        }
    }

    /// Writes everything that this node has of the room behind what remains of it. Returns whether that is done, or cannot
    /// be.
    async fn write_copy(&mut self, after: Offset) -> bool {
        let Some((checkpoint, header)) = self.follower.upgrade().and_then(|follower| follower.copy()) else {
            return true;
        };
        let (id, lease) = (CopyId(self.me.0), Lease { term: header.term, writer: self.me });
        let chain = Chain { newest: self.chain.newest, offset: after };
        let copy = text::write_checkpoint(&PlacedCheckpoint { checkpoint, chain, history: chain });
        if self.log.keep_copy(&self.room, id, copy).await.is_err() {
            return false;
        }
        let appends = [Append::Header(header)];
        let text = text::write_entry(&Draft { lease, number: 0, after, copy: Some(id), appends: &appends });
        let outcome = self.log.publish(&self.room, after, text, EntryKind::Copy).await;
        if outcome == Published::Stored {
            self.counters.copied();
            tracing::warn!(room = ?self.room, "the log had lost entries of a room; it is written again");
        }
        outcome == Published::Stored
    }
}
