//! Reads a room's entries in order, and has the room apply those that count.
//! Must not know what a room makes of them, nor which system keeps the log.

use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Lease, Link, Reading};
use rtbroadcaster_core::id::Term;
use rtbroadcaster_core::record::{Append, LogPosition};
use tokio::time::Instant;

use super::keeping::{CHECKPOINT_AFTER, MARKS_MAX};
use super::{HEAD_PAUSE_MIN, Mark, PAUSE_MIN, Replica, Sent};
use crate::engine::shared::text::{self, Unreadable};
use crate::engine::shared::{SharedLog, StoredEntry, Unsure};

impl<L: SharedLog> Replica<L> {
    /// Reads everything that was stored behind the last entry that was read.
    pub(super) async fn look(&mut self) {
        loop {
            let before = self.chain.offset;
            match self.log.read(&self.room, before).await {
                Ok(entries) if entries.is_empty() => {
                    self.counters.looked(0);
                    break;
                }
                Ok(entries) => {
                    self.counters.looked(entries.len());
                    for entry in &entries {
                        self.wait_for_lanes().await;
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
            if self.is_doubtful_end() {
                return self.drop_sent();
            }
            // It does not stand behind the entries that were read, so it can be sent again.
            self.send_again();
        } else {
            self.is_sure();
        }
    }

    /// Returns whether the entry on its way takes the lease to end the room, and the log did not answer meanwhile: then this
    /// node may have been the one that was cut off, and not that of the owner.
    fn is_doubtful_end(&self) -> bool {
        let seizes = |append: &Append| matches!(append, Append::Header(header) if header.life.is_none());
        let is_end = |sent: &Sent| sent.number == 0 && sent.appends.first().is_some_and(seizes);
        self.doubt.is_some() && self.sent.as_ref().is_some_and(is_end)
    }

    /// Drops the entry on its way, which is not stored, and what waits behind it. The room gives its owner the whole grace
    /// again, as after a long doubt.
    fn drop_sent(&mut self) {
        if let Some(sent) = self.sent.take() {
            (self.publishing, self.send_at) = (None, None);
            let through = self.waiting.back().map_or(sent.through, |last| last.position);
            self.waiting.clear();
            self.has_told_doubt = true;
            self.tell(|follower| follower.in_doubt(true));
            self.tell(|follower| follower.refused(through));
            self.is_sure();
            // While it was ending, the room did not listen to that.
            let is_heard = self.is_heard;
            self.tell(|follower| follower.hears_owner(is_heard));
        }
    }

    /// Looks whether the log still has the last entry that was read. Returns whether it has, or whether that is not known.
    pub(super) async fn verify(&mut self) -> bool {
        if self.chain.newest.is_none() {
            return true;
        }
        match self.log.last(&self.room).await {
            Ok(Some(last)) if last.offset >= self.chain.offset => return true,
            Ok(_) if self.check_losses().await.is_err() => return true,
            // The last entry of a room is never removed while there is one before it.
            Ok(Some(_)) => self.restore().await,
            Ok(None) if self.is_lost() => self.restore().await,
            // It has ended, and the log has forgotten that.
            Ok(None) => self.diverge(),
            Err(_) => return true,
        }
        false
    }

    async fn check_losses(&mut self) -> Result<(), Unsure> {
        self.all_losses.check(&*self.log, Some((self.room.clone(), self.chain))).await
    }

    /// Reads the next entry.
    pub(super) fn read(&mut self, entry: &StoredEntry) {
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
        if entry.offset > self.chain.offset && entry.follows.is_some_and(|before| before > self.chain.offset) {
            // Also if its writer did not know that entry: whether this one counts depends on it.
            self.counters.hole();
            return self.look_soon(Instant::now());
        }
        let reading = self.chain.read(&link);
        let is_newer = self.chain.term().is_some_and(|term| link.lease.term > term);
        match reading {
            // The log has lost entries that this node has read, and gave their places again.
            Reading::Known | Reading::Ignored(_) if is_newer => self.diverge(),
            Reading::Known => {}
            Reading::Hole => {
                self.counters.hole();
                self.look_soon(Instant::now());
            }
            // The room that this node has has ended unseen, and its name was given again.
            Reading::Anew => self.diverge(),
            Reading::Ignored(why) => {
                self.counters.ignored(why.word());
                tracing::warn!(room = ?self.room, offset = link.offset.0, why = why.word(), "an entry does not count");
                self.position.send_replace(self.chain);
            }
            Reading::Counts => {
                self.apply(before, &link, entry);
                self.position.send_replace(self.chain);
            }
        }
    }

    pub(super) fn apply(&mut self, before: Chain, link: &Link, entry: &StoredEntry) {
        self.unkept += 1;
        self.read_at = Instant::now();
        let is_own = |sent: &Sent| sent.lease == link.lease && sent.number == link.number;
        if let Some(Sent { through, appends, .. }) = self.sent.take_if(|sent| is_own(sent)) {
            (self.publishing, self.send_at) = (None, None);
            self.counters.applied(true);
            self.mark(before, &appends);
            self.has_ended = appends.iter().any(Append::is_end);
            self.tell(|follower| follower.written(through));
            self.is_sure();
            self.head = Some((Instant::now() + HEAD_PAUSE_MIN, HEAD_PAUSE_MIN));
            if self.unkept >= CHECKPOINT_AFTER || appends.is_empty() {
                self.keep();
            }
        } else if before.newest.is_none() {
            // The room was created here, and another node was faster.
            self.tell(|follower| follower.refused(LogPosition::END));
            return self.diverge();
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
    pub(super) fn follow(&mut self, before: Chain, lease: Lease, appends: Vec<Append>, at: Duration) {
        self.counters.applied(false);
        self.mark(before, &appends);
        self.has_ended = appends.iter().any(Append::is_end);
        let is_old = |term: Term| term <= lease.term;
        let mut refused = None;
        if before.newest.is_none_or(|(known, _)| known != lease) {
            if let Some(sent) = self.sent.take_if(|sent| is_old(sent.term)) {
                (self.publishing, self.send_at) = (None, None);
                refused = Some(sent.through);
            }
            while self.sent.is_none()
                && let Some(position) = self.waiting.front().filter(|next| is_old(next.term)).map(|next| next.position)
            {
                self.waiting.pop_front();
                refused = Some(position);
            }
        }
        if self.has_ended {
            // Whatever waits comes too late.
            refused = Some(LogPosition::END);
        }
        self.tell(|follower| follower.follow(appends, at, refused));
    }

    /// Notes where the messages of an entry are.
    pub(super) fn mark(&mut self, before: Chain, appends: &[Append]) {
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

    /// Has the room leave this node, since it is not what the log has.
    pub(super) fn diverge(&mut self) {
        self.has_ended = true;
        self.tell(|follower| follower.diverged());
    }
}
