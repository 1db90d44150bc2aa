//! A room's members, spread over lanes: a roster per lane in use.
//! Must not know who decides what they get; it is touched under the room's lock.

use std::sync::Arc;

use crate::audience::Ages;
use crate::fanout::{Frame, Item, Lanes, Outbox, Replay, Roll, Roster};
use crate::id::{RoomId, Seq};

/// How many members a room has in one lane before new ones go where it has the fewest.
const MEMBERS_BEFORE_SPREADING: usize = 1_000;

/// The members of one room.
#[derive(Debug)]
pub(super) struct Members {
    room: RoomId,
    lanes: Arc<Lanes>,
    rosters: Vec<Placed>,
}

/// A roster and what the room knows of it.
#[derive(Debug)]
struct Placed {
    lane: usize,
    roster: Arc<Roster>,
    members: usize,
}

/// Which of a room's rosters a member is on, for as long as it is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat(usize);

impl Members {
    pub(super) fn new(room: RoomId, lanes: Arc<Lanes>) -> Self {
        Self { room, lanes, rosters: Vec::new() }
    }

    /// Puts an item into the queue of every lane.
    pub(super) fn tell(&self, item: impl Fn() -> Item) {
        for placed in &self.rosters {
            placed.roster.push(item());
        }
    }

    /// Admits a member who knows everything up to `seq`.
    pub(super) fn admit(&mut self, outbox: &Arc<Outbox>, seq: Seq) -> Seat {
        let seat = self.choose();
        let placed = &mut self.rosters[seat.0];
        placed.members += 1;
        placed.roster.admit(outbox, seq);
        seat
    }

    /// Brings one member to where the room stands, when its lane comes to it.
    pub(super) fn replay(&self, seat: Seat, outbox: &Arc<Outbox>, replay: Replay) {
        self.rosters[seat.0].roster.push(Item::Roll(Roll::Replay(Arc::clone(outbox), replay)));
    }

    pub(super) fn remove(&mut self, seat: Seat, outbox: &Arc<Outbox>) {
        let placed = &mut self.rosters[seat.0];
        placed.members -= 1;
        placed.roster.remove(outbox);
    }

    /// Tells one member something, behind everything that stands in its queue.
    pub(super) fn tell_one(&self, seat: Seat, outbox: &Arc<Outbox>, frame: Frame) {
        self.rosters[seat.0].roster.push(Item::Roll(Roll::Tell(Arc::clone(outbox), frame)));
    }

    /// Since when something waits for those for whom something does.
    pub(super) fn ages(&self) -> Ages {
        let mut ages = Ages::default();
        self.rosters.iter().for_each(|placed| placed.roster.lags(&mut ages));
        ages
    }

    /// The roster for one more member: the room's only one while it is small, later that of the lane where the room
    /// has the fewest members.
    fn choose(&mut self) -> Seat {
        let fewest = (0..self.rosters.len()).min_by_key(|index| self.rosters[*index].members);
        match fewest {
            None => self.open(self.lanes.place()),
            Some(fewest) if self.rosters[fewest].members < MEMBERS_BEFORE_SPREADING => Seat(fewest),
            Some(fewest) => {
                let unused = (0..self.lanes.len()).find(|lane| self.rosters.iter().all(|placed| placed.lane != *lane));
                unused.map_or(Seat(fewest), |lane| self.open(lane))
            }
        }
    }

    fn open(&mut self, lane: usize) -> Seat {
        self.rosters.push(Placed { lane, roster: Roster::new(self.lanes.get(lane), self.room), members: 0 });
        Seat(self.rosters.len() - 1)
    }
}
