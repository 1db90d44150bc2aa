//! The members of one room in one lane, and the pass over them that is under way.
//! Must not know other rooms; touched by its lane only.

use std::io::IoSlice;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::fanout::backlog::Frame;
use crate::fanout::outbox::Outbox;
use crate::fanout::roster::{Roll, Roster, Work};
use crate::message::{Dialect, Entry, PROTOCOLS};
use crate::wire::{Control, encode};

/// How many members are served before the lane turns to other rooms.
const SLICE_MEMBERS: usize = 128;

/// What all members get in turn.
enum Pass {
    Messages {
        entries: Vec<Arc<Entry>>,
        /// Dropped when the pass is over: the room's budget has it back.
        _charges: Vec<Option<Arc<OwnedSemaphorePermit>>>,
        /// The frames in each protocol, made for its first member.
        frames: [Option<Vec<Frame>>; PROTOCOLS],
    },
    Heartbeat,
}

pub(super) struct Crew {
    roster: Arc<Roster>,
    members: Vec<Arc<Outbox>>,
    /// The pass under way and the first member that it has not reached.
    pass: Option<(Pass, usize)>,
    heartbeat_is_due: bool,
}

impl Crew {
    pub(super) fn new(roster: &Arc<Roster>) -> Self {
        Self { roster: Arc::clone(roster), members: Vec::new(), pass: None, heartbeat_is_due: false }
    }

    /// Nobody is here and nothing is under way.
    pub(super) fn is_gone(&self) -> bool {
        self.members.is_empty() && self.pass.is_none()
    }

    pub(super) fn order_heartbeat(&mut self) {
        self.heartbeat_is_due = true;
        self.roster.schedule();
    }

    /// Works until a pass has served its share of members or nothing is left. True if a pass is under way.
    pub(super) fn work(&mut self) -> bool {
        while self.pass.is_none() {
            if std::mem::take(&mut self.heartbeat_is_due) {
                self.pass = Some((Pass::Heartbeat, 0));
                break;
            }
            match self.roster.next() {
                Some(Work::Roll(roll)) => self.change(roll),
                Some(Work::Send(messages)) => {
                    let (entries, _charges) = messages.into_iter().unzip();
                    self.pass = Some((Pass::Messages { entries, _charges, frames: Default::default() }, 0));
                }
                None => return false,
            }
        }
        if let Some((pass, next)) = &mut self.pass {
            let end = self.members.len().min(*next + SLICE_MEMBERS);
            pass.serve(&self.members[*next..end]);
            *next = end;
            if end == self.members.len() {
                self.pass = None;
            }
        }
        self.pass.is_some()
    }

    /// Only between two passes, so that no member is passed over or served twice.
    fn change(&mut self, roll: Roll) {
        match roll {
            Roll::Admit(member) => {
                member.set_place(Some(self.members.len()));
                self.members.push(member);
            }
            Roll::Remove(member) => {
                if let Some(place) = member.place() {
                    member.set_place(None);
                    self.members.swap_remove(place);
                    if let Some(moved) = self.members.get(place) {
                        moved.set_place(Some(place));
                    }
                }
            }
            Roll::End(room) => {
                for member in std::mem::take(&mut self.members) {
                    member.set_place(None);
                    member.farewell(room);
                }
            }
        }
    }
}

impl Pass {
    fn serve(&mut self, members: &[Arc<Outbox>]) {
        match self {
            Pass::Heartbeat => {
                let ping = Frame::event(encode::ping(&Control::default()));
                let slices = [IoSlice::new(&ping.bytes)];
                members.iter().for_each(|member| member.heartbeat(std::slice::from_ref(&ping), &slices));
            }
            Pass::Messages { entries, frames, .. } => {
                for slot in 0..PROTOCOLS {
                    let mut speakers = members.iter().filter(|member| member.dialect().slot == slot).peekable();
                    let Some(first) = speakers.peek() else { continue };
                    let frames = frames[slot].get_or_insert_with(|| finish(entries, first.dialect()));
                    if frames.is_empty() {
                        continue;
                    }
                    let slices: Vec<IoSlice<'_>> = frames.iter().map(|frame| IoSlice::new(&frame.bytes)).collect();
                    speakers.for_each(|member| member.offer(frames, &slices));
                }
            }
        }
    }
}

/// The frames of `entries` in one protocol.
fn finish(entries: &[Arc<Entry>], dialect: &Dialect) -> Vec<Frame> {
    entries.iter().filter_map(|entry| Frame::of(entry, dialect)).collect()
}
