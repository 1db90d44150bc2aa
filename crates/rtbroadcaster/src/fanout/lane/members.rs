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
use crate::fanout::roster::{Broadcast, Disconnection, FinalState, MemberChange, Roster, Work};
use crate::metrics::Counters;

/// How many members are served before the lane turns to other rooms.
pub(super) const SLICE_MEMBERS: usize = 128;

/// How many members a lane disconnects before all other tasks of its worker thread get their turn. Each of these ends
/// by its own task, which takes much longer than to wake it: tokio comes to 61 tasks in a turn.
pub(super) const SLICE_DISCONNECTED: usize = 16;

/// A broadcast or a heartbeat, on its way through the members.
struct Pass {
    content: PassContent,
    /// Its frames in each dialect, made for the first member that speaks it.
    batches: [Option<Batch>; SLOTS],
    /// The first member that it has not reached.
    next: usize,
}

enum PassContent {
    /// The messages and notices since the message `after`, the first of the messages being `applied` then. Dropping
    /// them when the pass is over returns their cost to the room's budget. No message that superseded one which is
    /// missing has a greater number than `until`.
    Broadcasts { broadcasts: Vec<Broadcast>, after: Seq, until: Seq, applied: Option<Duration> },
    /// A heartbeat, with the number of the last message and the time until the next heartbeat.
    Heartbeat(Seq, Option<Duration>),
}

/// The outcome of a slice of work.
pub(super) struct SliceOutcome {
    /// Whether there is more to do.
    pub(super) busy: bool,
    /// The number of clients that end now, each by its own task.
    pub(super) disconnected: usize,
}

/// A member, and the slot of its dialect, which is read here before the outbox is.
struct LaneMember {
    outbox: Arc<Outbox>,
    slot: usize,
}

pub(super) struct LaneMembers {
    roster: Arc<Roster>,
    members: Vec<LaneMember>,
    pass: Option<Pass>,
    /// Why the members that are left are disconnected.
    /// Until so many are left.
    disconnection: Option<(Disconnection, usize)>,
    heartbeat_is_due: bool,
    /// The number of the room's last message, as far as this lane knows.
    seq: Seq,
    /// The number up to which the members were sent all messages, or the notices of holes. Members that came later have
    /// more.
    sent: Seq,
}

impl LaneMembers {
    pub(super) fn new(roster: &Arc<Roster>) -> Self {
        Self {
            roster: Arc::clone(roster),
            members: Vec::new(),
            pass: None,
            disconnection: None,
            heartbeat_is_due: false,
            seq: Seq::ZERO,
            sent: Seq::ZERO,
        }
    }

    /// Returns the members, and drops what is under way.
    pub(super) fn into_members(self) -> impl Iterator<Item = Arc<Outbox>> {
        self.members.into_iter().map(|member| member.outbox)
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
    pub(super) fn work(&mut self) -> SliceOutcome {
        let disconnected = self.disconnect();
        let has_more = disconnected == 0 && self.serve();
        SliceOutcome { busy: has_more || self.pass.is_some() || self.disconnection.is_some(), disconnected }
    }

    /// Serves a share of the members. Returns whether it was the last share of a heartbeat, which takes no turn from
    /// what waits.
    fn serve(&mut self) -> bool {
        while self.pass.is_none() && self.disconnection.is_none() {
            if std::mem::take(&mut self.heartbeat_is_due) {
                self.pass = Some(Pass::new(PassContent::Heartbeat(self.seq, self.roster.lane().heartbeat())));
                break;
            }
            match self.roster.next() {
                Some(Work::Change(change)) => self.change(change),
                Some(Work::Send { broadcasts, until, applied }) => {
                    let after = self.sent;
                    self.sent = last_seq(&broadcasts).unwrap_or(after);
                    self.seq = self.seq.max(self.sent);
                    self.pass = Some(Pass::new(PassContent::Broadcasts { broadcasts, after, until, applied }));
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
                if let PassContent::Broadcasts { applied: Some(applied), .. } = pass.content
                    && end > 0
                {
                    lane.written(applied);
                }
                let is_heartbeat = matches!(pass.content, PassContent::Heartbeat(..));
                self.pass = None;
                return is_heartbeat;
            }
        }
        false
    }

    /// Makes a change, only between two passes, so that no member is passed over or served twice.
    fn change(&mut self, change: MemberChange) {
        match change {
            MemberChange::Admit(member, seq) => {
                self.seq = seq;
                if self.members.is_empty() {
                    self.sent = seq;
                }
                member.set_place(Some(self.members.len()));
                self.members.push(LaneMember { slot: member.dialect().slot, outbox: member });
            }
            MemberChange::Replay(member, replay) => member.replay(replay),
            MemberChange::Send(member, frame) => member.queue_notice(frame),
            MemberChange::Remove(member) => {
                if let Some(place) = member.place() {
                    member.set_place(None);
                    self.members.swap_remove(place);
                    if let Some(moved) = self.members.get(place) {
                        moved.outbox.set_place(Some(place));
                    }
                }
            }
            MemberChange::DisconnectAll(disconnection) => self.disconnection = Some((disconnection, 0)),
            MemberChange::DepartOneIn(parts, moments) => {
                let members = self.members.len();
                let left = members - members.div_ceil(parts.max(1));
                self.disconnection = Some((Disconnection::Departing(moments), left));
            }
        }
    }

    /// Disconnects a share of the members. Returns how many.
    fn disconnect(&mut self) -> usize {
        let Some((disconnection, left)) = &self.disconnection else { return 0 };
        let left = *left;
        let rest = self.members.len().saturating_sub(SLICE_DISCONNECTED).max(left.min(self.members.len()));
        let disconnected = self.members.split_off(rest);
        for LaneMember { outbox: member, .. } in &disconnected {
            member.set_place(None);
            match disconnection {
                Disconnection::Ended(last) => end(member, last, self.roster.lane().counters()),
                Disconnection::Broken => self.roster.fail(member),
                Disconnection::Departing(moments) => member.depart(CloseReason::Restart, moments.other()),
            }
        }
        if rest <= left {
            self.disconnection = None;
        }
        disconnected.len()
    }
}

/// Sends the room's end to a member. One that lost messages is sent the state at that end first.
fn end(member: &Outbox, last: &FinalState, counters: &Counters) {
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
    fn new(content: PassContent) -> Self {
        Self { content, batches: Default::default(), next: 0 }
    }

    fn serve(&mut self, members: &[LaneMember], counters: &Counters) {
        let Self { content, batches, .. } = self;
        for (slot, batch) in batches.iter_mut().enumerate() {
            let speakers = members.iter().filter(|member| member.slot == slot);
            let speakers: Vec<Member<'_>> = speakers.map(|member| Member::of(&member.outbox)).collect();
            let Some(first) = speakers.first() else { continue };
            let batch = &*batch.get_or_insert_with(|| Batch::new(content.frames(first.dialect())));
            if batch.is_empty() {
                continue;
            }
            counters.sent(match content {
                PassContent::Broadcasts { .. } => speakers.iter().map(|member| member.offer(batch)).sum(),
                PassContent::Heartbeat(seq, next) => {
                    speakers.iter().map(|member| member.heartbeat(batch, *seq, *next)).sum()
                }
            });
        }
    }
}

impl PassContent {
    /// Returns its frames in one dialect.
    fn frames(&self, dialect: &Dialect) -> Vec<Frame> {
        match self {
            PassContent::Broadcasts { broadcasts, after, until, .. } => {
                let frames = broadcasts.iter().filter_map(|broadcast| frame(broadcast, dialect));
                Frame::with_holes(frames, *after, *until, dialect)
            }
            PassContent::Heartbeat(seq, next) => {
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
