//! Writes what a room decides, one entry at a time, until it has been read back.
//! Must not know what a room makes of it, nor which system keeps the log.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::chain::Lease;
use rtbroadcaster_core::record::{Append, Handover, LogPosition};
use tokio::time::Instant;

use super::keeping::CHECKPOINT_NEEDED;
use super::{PAUSE_MIN, Replica, Sent};
use crate::engine::shared::text::{self, Draft};
use crate::engine::shared::{EntryKind, Published, SharedLog};

/// The most messages, and about the most bytes, of one entry.
const MESSAGES_MAX: usize = 1_000;
const BYTES_MAX: usize = 256 * 1024;

/// The time after which a stored entry that was not read is looked for.
const READ_BACK: Duration = Duration::from_millis(250);

/// The pause before an entry is sent again that a leader is still busy with.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

impl<L: SharedLog> Replica<L> {
    /// Sends what waits, if nothing is on its way.
    pub(super) fn send_next(&mut self) {
        while self.sent.is_none()
            && let Some(first) = self.waiting.front()
        {
            if matches!(first.append, Append::Turn) && self.place_of(first).is_some() {
                let position = first.position;
                self.waiting.pop_front();
                self.tell(|follower| follower.written(position));
                continue;
            }
            let (lease, number) = match self.place_of(first) {
                Some(place) => place,
                None => {
                    let position = first.position;
                    self.waiting.pop_front();
                    self.tell(|follower| follower.refused(position));
                    continue;
                }
            };
            if self.unkept >= CHECKPOINT_NEEDED && number > 0 && !matches!(first.append, Append::End(_)) {
                // The log would forget what a reader needs.
                self.keep();
                return;
            }
            self.sent = Some(self.batch(lease, number));
            self.send_again();
        }
    }

    /// Returns the lease under which `handover` is written, and its number there; `None` if it was fenced.
    pub(super) fn place_of(&self, handover: &Handover) -> Option<(Lease, u64)> {
        let own = |term| Lease { term, writer: self.me };
        match (&handover.append, self.chain.newest) {
            (Append::Header(header), None) => Some((own(header.term), 0)),
            (Append::Header(header), Some((newest, _))) if header.term > newest.term => Some((own(header.term), 0)),
            (_, Some((newest, number))) if newest == own(handover.term) => Some((newest, number + 1)),
            _ => None,
        }
    }

    /// Writes an entry that changes nothing, so that the room is not forgotten.
    pub(super) fn refresh(&mut self) {
        if let Some((lease, number)) = self.chain.newest {
            let (number, term) = (number + 1, lease.term);
            self.sent = Some(Sent { lease, number, through: LogPosition::START, term, appends: Vec::new() });
            self.send_again();
        }
    }

    /// Takes the steps of one entry out of those that wait, of which the first is decided under `lease`.
    pub(super) fn batch(&mut self, lease: Lease, number: u64) -> Sent {
        let (mut appends, mut bytes, mut through) = (Vec::new(), 0, LogPosition::START);
        while let Some(Handover { position, term, append }) = self.waiting.front() {
            let begins_lease = matches!(append, Append::Header(header) if header.term > lease.term);
            if *term != lease.term || begins_lease || appends.len() == MESSAGES_MAX || bytes >= BYTES_MAX {
                break;
            }
            bytes += bytes_of(append);
            through = *position;
            let is_end = append.is_end();
            appends.extend(self.waiting.pop_front().map(|handover| handover.append));
            if is_end {
                break;
            }
        }
        Sent { lease, number, through, term: lease.term, appends }
    }

    /// Sends the entry that is not read back, behind the last entry that was read.
    pub(super) fn send_again(&mut self) {
        let Some(Sent { lease, number, appends, .. }) = &self.sent else { return };
        if self.publishing.is_some() {
            return;
        }
        let (log, room, after) = (Arc::clone(&self.log), self.room.clone(), self.chain.offset);
        let text = text::write_entry(&Draft { lease: *lease, number: *number, after, copy: None, appends });
        let is_last = appends.iter().any(Append::is_end);
        let kind = if is_last { EntryKind::Last } else { EntryKind::Next };
        self.publishing = Some(Box::pin(async move { log.publish(&room, after, text, kind).await }));
    }

    /// Looks: events may be missing, and the answer to what is on its way may be.
    pub(super) fn missed(&mut self) {
        if self.publishing.take().is_some() {
            self.published(Published::Unknown);
        }
        self.look_soon(Instant::now());
    }

    pub(super) fn published(&mut self, outcome: Published) {
        self.publishing = None;
        if self.sent.is_none() {
            return;
        }
        let now = Instant::now();
        match outcome {
            Published::Stored => self.look_soon(now + READ_BACK),
            Published::Taken => {
                self.is_taken = true;
                // At once, unless the look before this one has found nothing: then the answers are older than the log.
                let pause = self.next_pause();
                self.look_soon(if pause == PAUSE_MIN { now } else { now + pause });
            }
            Published::Busy => self.send_at = Some(now + BUSY_PAUSE),
            Published::Absent => {
                self.is_in_doubt();
                self.send_at = Some(now + self.next_pause());
            }
            Published::Unknown => {
                self.is_in_doubt();
                let pause = self.next_pause();
                self.look_soon(now + pause);
            }
        }
    }
}

/// Returns about how many bytes an append takes in an entry.
fn bytes_of(append: &Append) -> usize {
    match append {
        Append::Message(record, ..) => record.key.as_str().len() + record.params.as_bytes().len() + 128,
        Append::Header(_) | Append::Turn | Append::End(_) => 256,
    }
}
