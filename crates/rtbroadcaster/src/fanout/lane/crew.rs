//! The members of one room in one lane, and the pass over them that is under way.
//! Must not know other rooms; touched by its lane only.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::backlog::{Frame, Hold, Replay};
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::SLOTS;
use rtbroadcaster_core::protocol::{Dialect, Notice};

use crate::fanout::outbox::{Batch, Member, Outbox};
use crate::fanout::roster::{Broadcast, Last, Parting, Roll, Roster, Work};
use crate::metrics::Counters;

/// How many members are served before the lane turns to other rooms.
pub(super) const SLICE_MEMBERS: usize = 128;

/// How many members a lane disconnects before all other tasks of its worker thread get their turn. Each of these ends
/// by its own task, which takes much longer than to wake it: tokio comes to 61 tasks in a turn.
pub(super) const SLICE_PARTED: usize = 16;

/// A broadcast or a heartbeat, on its way through the members.
struct Pass {
    what: What,
    /// Its frames in each dialect, made for the first member that speaks it.
    batches: [Option<Batch>; SLOTS],
    /// The first member that it has not reached.
    next: usize,
}

enum What {
    /// The messages and notices since the message `after`, the first of the messages being `applied` then. Dropping
    /// them when the pass is over returns their cost to the room's budget. No message that superseded one which is
    /// missing has a greater number than `until`.
    Broadcasts { broadcasts: Vec<Broadcast>, after: Seq, until: Seq, applied: Option<Duration> },
    /// A heartbeat, with the number of the last message and the time until the next heartbeat.
    Heartbeat(Seq, Option<Duration>),
}

/// The outcome of a slice of work.
pub(super) struct Done {
    /// Whether there is more to do.
    pub(super) busy: bool,
    /// The number of clients that end now, each by its own task.
    pub(super) parted: usize,
}

/// A member, and the slot of its dialect, which is read here before the outbox is.
struct Seat {
    outbox: Arc<Outbox>,
    slot: usize,
}

pub(super) struct Crew {
    roster: Arc<Roster>,
    members: Vec<Seat>,
    pass: Option<Pass>,
    /// Why the members that are left are disconnected.
    parting: Option<Parting>,
    heartbeat_is_due: bool,
    /// The number of the room's last message, as far as this lane knows.
    seq: Seq,
    /// The number up to which the members were sent all messages, or the notices of holes. Members that came later have
    /// more.
    sent: Seq,
}

impl Crew {
    pub(super) fn new(roster: &Arc<Roster>) -> Self {
        Self {
            roster: Arc::clone(roster),
            members: Vec::new(),
            pass: None,
            parting: None,
            heartbeat_is_due: false,
            seq: Seq::ZERO,
            sent: Seq::ZERO,
        }
    }

    /// Returns the members, and drops what is under way.
    pub(super) fn into_members(self) -> impl Iterator<Item = Arc<Outbox>> {
        self.members.into_iter().map(|seat| seat.outbox)
    }

    /// Returns whether there are no members and no pass is under way.
    pub(super) fn is_gone(&self) -> bool {
        self.members.is_empty() && self.pass.is_none()
    }

    pub(super) fn order_heartbeat(&mut self) {
        self.heartbeat_is_due = true;
        self.roster.schedule();
    }

    /// Works until a share of the members is served or disconnected, or nothing is left.
    pub(super) fn work(&mut self) -> Done {
        let parted = self.part();
        let has_more = parted == 0 && self.serve();
        Done { busy: has_more || self.pass.is_some() || self.parting.is_some(), parted }
    }

    /// Serves a share of the members. Returns whether it was the last share of a heartbeat, which takes no turn from
    /// what waits.
    fn serve(&mut self) -> bool {
        while self.pass.is_none() && self.parting.is_none() {
            if std::mem::take(&mut self.heartbeat_is_due) {
                self.pass = Some(Pass::new(What::Heartbeat(self.seq, self.roster.lane().heartbeat())));
                break;
            }
            match self.roster.next() {
                Some(Work::Roll(roll)) => self.change(roll),
                Some(Work::Send { broadcasts, until, applied }) => {
                    let after = self.sent;
                    self.sent = last_seq(&broadcasts).unwrap_or(after);
                    self.seq = self.seq.max(self.sent);
                    self.pass = Some(Pass::new(What::Broadcasts { broadcasts, after, until, applied }));
                }
                None => return false,
            }
        }
        if let Some(pass) = &mut self.pass {
            let lane = self.roster.lane();
            let end = self.members.len().min(pass.next + SLICE_MEMBERS);
            pass.serve(&self.members[pass.next..end], lane.counters());
            pass.next = end;
            if end == self.members.len() {
                // Without members in this lane nothing was written.
                if let What::Broadcasts { applied: Some(applied), .. } = pass.what
                    && end > 0
                {
                    lane.written(applied);
                }
                let is_heartbeat = matches!(pass.what, What::Heartbeat(..));
                self.pass = None;
                return is_heartbeat;
            }
        }
        false
    }

    /// Makes a change, only between two passes, so that no member is passed over or served twice.
    fn change(&mut self, roll: Roll) {
        match roll {
            Roll::Admit(member, seq) => {
                self.seq = seq;
                if self.members.is_empty() {
                    self.sent = seq;
                }
                member.set_place(Some(self.members.len()));
                self.members.push(Seat { slot: member.dialect().slot, outbox: member });
            }
            Roll::Replay(member, replay) => member.replay(replay),
            Roll::Tell(member, frame) => member.tell(frame),
            Roll::Remove(member) => {
                if let Some(place) = member.place() {
                    member.set_place(None);
                    self.members.swap_remove(place);
                    if let Some(moved) = self.members.get(place) {
                        moved.outbox.set_place(Some(place));
                    }
                }
            }
            Roll::Part(parting) => self.parting = Some(parting),
        }
    }

    /// Disconnects a share of the members. Returns how many.
    fn part(&mut self) -> usize {
        let Some(parting) = &self.parting else { return 0 };
        let rest = self.members.len().saturating_sub(SLICE_PARTED);
        let parted = self.members.split_off(rest);
        for Seat { outbox: member, .. } in &parted {
            member.set_place(None);
            match parting {
                Parting::Ended(last) => end(member, last, self.roster.lane().counters()),
                Parting::Broken => self.roster.fail(member),
                Parting::Departing(moments) => member.depart(CloseReason::Restart, moments.other()),
            }
        }
        if rest == 0 {
            self.parting = None;
        }
        parted.len()
    }
}

/// Sends the room's end to a member. One that lost messages is sent the state at that end first.
fn end(member: &Outbox, last: &Last, counters: &Counters) {
    let dialect = member.dialect();
    if member.is_lost()
        && let Some(announcement) =
            (dialect.write)(&Notice::Reset { standing: &last.standing, replay: last.entries.len() })
    {
        member.replay(Replay {
            announcement,
            entries: Arc::clone(&last.entries),
            seq: last.standing.seq,
            hold: Hold::default(),
        });
        counters.reset_slow();
    }
    member.farewell(&last.standing.room, dialect.room_closed, last.end);
}

impl Pass {
    fn new(what: What) -> Self {
        Self { what, batches: Default::default(), next: 0 }
    }

    fn serve(&mut self, members: &[Seat], counters: &Counters) {
        let Self { what, batches, .. } = self;
        for (slot, batch) in batches.iter_mut().enumerate() {
            let speakers = members.iter().filter(|seat| seat.slot == slot);
            let speakers: Vec<Member<'_>> = speakers.map(|seat| Member::of(&seat.outbox)).collect();
            let Some(first) = speakers.first() else { continue };
            let batch = &*batch.get_or_insert_with(|| Batch::new(what.frames(first.dialect())));
            if batch.is_empty() {
                continue;
            }
            counters.sent(match what {
                What::Broadcasts { .. } => speakers.iter().map(|member| member.offer(batch)).sum(),
                What::Heartbeat(seq, next) => speakers.iter().map(|member| member.heartbeat(batch, *seq, *next)).sum(),
            });
        }
    }
}

impl What {
    /// Returns its frames in one dialect.
    fn frames(&self, dialect: &Dialect) -> Vec<Frame> {
        match self {
            What::Broadcasts { broadcasts, after, until, .. } => {
                let frames = broadcasts.iter().filter_map(|broadcast| frame(broadcast, dialect));
                Frame::with_holes(frames, *after, *until, dialect)
            }
            What::Heartbeat(seq, next) => {
                let ping = (dialect.transport.ping)().map(Frame::answer);
                let alive = Frame::notice(&Notice::Alive { seq: *seq, next: *next }, dialect);
                ping.into_iter().chain(alive).collect()
            }
        }
    }
}

fn frame(broadcast: &Broadcast, dialect: &Dialect) -> Option<Frame> {
    broadcast.frame(dialect)
}

/// Returns the number of the last message in `broadcasts` that has one.
fn last_seq(broadcasts: &[Broadcast]) -> Option<Seq> {
    broadcasts.iter().rev().find_map(|broadcast| broadcast.entry()?.seq)
}
