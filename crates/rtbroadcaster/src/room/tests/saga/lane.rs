//! The one lane of the story: what stands in its queue, and what it does for all viewers at once.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::{Frame, Rank, Replay};
use rtbroadcaster_core::id::{Seq, Term};
use rtbroadcaster_core::message::Entry;
use rtbroadcaster_core::protocol::{Notice, v2};
use rtbroadcaster_core::room::core::Welcome;
use rtbroadcaster_core::standing::OwnerStatus;
use rtbroadcaster_core::superseding::{Ranked, Superseding};

use super::{BACKLOG, Connection, Saga, reset};
use crate::room::tests::VIEWERS;

/// What stands in the lane's queue.
pub(super) enum Item {
    Message(Arc<Entry>),
    Owner(OwnerStatus, Term),
    /// Who comes, and up to where it knows everything.
    Admit(Visit, Seq),
    Replay(Visit, Replay),
    /// The room has ended; this is its state.
    End(Arc<Welcome>),
}

/// One stay of one viewer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) viewer: usize,
    pub(super) number: u32,
}

struct QueuedItem(Item, Rank);

impl Ranked for QueuedItem {
    fn rank(&self) -> &Rank {
        &self.1
    }
}

/// The one lane, which all viewers are in.
#[derive(Default)]
pub(super) struct Lane {
    items: Superseding<QueuedItem>,
    /// What was taken and stands behind messages that go first.
    roll: Option<Item>,
    /// More waited than goes out at once, and not everything was taken since.
    is_behind: bool,
    /// The number up to which all members were sent everything, or the notices of holes.
    sent: Seq,
    /// The number of the last message that was pushed.
    newest: Seq,
}

/// How many items may wait before newer values supersede older ones for all viewers.
const BEHIND: usize = 3;

impl Lane {
    pub(super) fn push(&mut self, item: Item) {
        if let Item::Message(entry) = &item {
            self.newest = entry.seq.unwrap_or(self.newest);
        }
        if !self.is_behind && self.items.len() >= BEHIND {
            self.is_behind = true;
            for QueuedItem(item, _) in std::mem::take(&mut self.items) {
                self.append(item);
            }
        }
        self.append(item);
    }

    fn append(&mut self, item: Item) {
        let rank = match &item {
            Item::Message(entry) if self.is_behind => Rank::of(entry),
            _ => Rank::Event,
        };
        self.items.push(QueuedItem(item, rank));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roll.is_none() && self.items.is_empty()
    }
}

impl Saga {
    /// Does what a lane does: a change, or so many messages for all members. The socket of `viewer` takes so many
    /// bytes, those of the others more; it may pause meanwhile.
    pub(super) fn lane(&mut self, viewer: usize, messages: usize, bytes: usize, pauses: bool) {
        let dialect = &v2::DIALECT;
        let mut frames = Vec::new();
        while self.lane.roll.is_none() && frames.len() < messages {
            match self.lane.items.pop().map(|QueuedItem(item, _)| item) {
                None => {
                    self.lane.is_behind = false;
                    break;
                }
                Some(Item::Message(entry)) => frames.extend(Frame::of(&entry, dialect)),
                Some(Item::Owner(status, term)) => frames
                    .extend(Frame::notice(&Notice::Owner { status, term, away: Duration::ZERO, epoch: None }, dialect)),
                Some(roll) => self.lane.roll = Some(roll),
            }
        }
        if frames.is_empty() {
            return self.roll();
        }
        let after = self.lane.sent;
        self.lane.sent = frames.iter().rev().find_map(|frame| frame.seq).unwrap_or(after);
        let frames = Frame::with_holes(frames.into_iter(), after, self.lane.newest, dialect);
        for member in 0..VIEWERS {
            self.offer(member, &frames, bytes + 120 * viewer.abs_diff(member), pauses && member == viewer);
        }
    }

    fn offer(&mut self, member: usize, frames: &[Frame], bytes: usize, pauses: bool) {
        let Some(Connection { outbox, is_admitted: true, .. }) = &mut self.connections[member] else { return };
        if !outbox.is_live() {
            return;
        }
        let is_free = outbox.is_free(Frame::leading_hole(frames));
        outbox.writing = is_free;
        if pauses {
            self.pause(member);
        }
        if is_free {
            return self.write(member, frames, bytes);
        }
        let Some(Connection { outbox, .. }) = &mut self.connections[member] else { return };
        outbox.push(frames, &v2::DIALECT, self.now, BACKLOG);
    }

    /// The change that stands first.
    fn roll(&mut self) {
        let dialect = &v2::DIALECT;
        match self.lane.roll.take() {
            Some(Item::Admit(visit, seq)) => {
                if !self.connections.iter().flatten().any(|connection| connection.is_admitted) {
                    self.lane.sent = seq;
                }
                self.on(visit, |connection| connection.is_admitted = true);
            }
            Some(Item::Replay(visit, replay)) => self.on(visit, |connection| connection.outbox.replay(replay, dialect)),
            Some(Item::End(last)) => {
                for Connection { outbox, visit, .. } in self.connections.iter_mut().flatten() {
                    if outbox.backlog.as_ref().is_some_and(|backlog| backlog.is_lost()) {
                        self.viewers[visit.viewer].loses();
                        outbox.replay(reset(&last), dialect);
                    }
                    let last = Notice::Closed { reason: dialect.room_closed, end: None };
                    outbox.backlog(dialect).finish((dialect.write)(&last).unwrap());
                }
            }
            _ => {}
        }
    }

    /// Does something with the connection of this visit, if it is still there.
    fn on(&mut self, visit: Visit, change: impl FnOnce(&mut Connection)) {
        let connection = self.connections[visit.viewer].as_mut();
        if let Some(connection) = connection.filter(|connection| connection.visit == visit) {
            change(connection);
        }
    }

    /// A direct write, of which the socket takes so many bytes.
    fn write(&mut self, viewer: usize, frames: &[Frame], bytes: usize) {
        let Some(Connection { outbox, .. }) = &mut self.connections[viewer] else { return };
        let mut out: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        let all = out.len();
        out.truncate(bytes);
        if out.len() == all {
            outbox.was_sent(frames.iter().rev().find_map(|frame| frame.seq));
        } else {
            outbox.writing = false;
            outbox.adopt(frames, out.len(), &v2::DIALECT, self.now, BACKLOG);
        }
        self.hear(viewer, &out);
    }
}
