//! A room's members, spread over lanes: a roster per lane in use.
//! Must not know what is sent to them. It is touched under the room's lock.

use std::sync::Arc;

use rtbroadcaster_core::audience::Ages;
use rtbroadcaster_core::backlog::{Frame, Replay};
use rtbroadcaster_core::id::{RoomId, Seq};

use crate::fanout::{Item, Lanes, MemberChange, Outbox, Roster};

/// How many members a room has in one lane before new ones go where it has the fewest.
const MEMBERS_BEFORE_SPREADING: usize = 1_000;

/// The members of one room.
#[derive(Debug)]
pub(super) struct Members {
    room: RoomId,
    lanes: Arc<Lanes>,
    rosters: Vec<Placed>,
}

/// A roster, its lane, and the number of its members.
#[derive(Debug)]
struct Placed {
    lane: usize,
    roster: Arc<Roster>,
    members: usize,
}

/// The index of a member's roster among those of its room.
#[derive(Debug, Clone, Copy)]
pub(super) struct RosterIndex(usize);

impl Members {
    pub(super) fn new(room: RoomId, lanes: Arc<Lanes>) -> Self {
        Self { room, lanes, rosters: Vec::new() }
    }

    /// Pushes an item to every roster.
    pub(super) fn push(&self, item: impl Fn() -> Item) {
        for placed in &self.rosters {
            placed.roster.push(item());
        }
    }

    /// Admits a member that has everything up to `seq`.
    pub(super) fn admit(&mut self, outbox: &Arc<Outbox>, seq: Seq) -> RosterIndex {
        let index = self.choose();
        let placed = &mut self.rosters[index.0];
        placed.members += 1;
        placed.roster.admit(outbox, seq);
        index
    }

    /// Queues a replay for one member.
    pub(super) fn replay(&self, index: RosterIndex, outbox: &Arc<Outbox>, replay: Replay) {
        self.rosters[index.0].roster.push(Item::Change(MemberChange::Replay(Arc::clone(outbox), replay)));
    }

    pub(super) fn remove(&mut self, index: RosterIndex, outbox: &Arc<Outbox>) {
        let placed = &mut self.rosters[index.0];
        placed.members -= 1;
        placed.roster.remove(outbox);
    }

    /// Queues a frame for one member, behind everything that is in its roster's queue.
    pub(super) fn push_to(&self, index: RosterIndex, outbox: &Arc<Outbox>, frame: Frame) {
        self.rosters[index.0].roster.push(Item::Change(MemberChange::Send(Arc::clone(outbox), frame)));
    }

    /// Returns since when frames wait for the members that have not been sent everything.
    pub(super) fn ages(&self) -> Ages {
        let mut ages = Ages::default();
        self.rosters.iter().for_each(|placed| placed.roster.lags(&mut ages));
        ages
    }

    /// Returns the roster for one more member: the room's only one while it is small, later that of the lane where the
    /// room has the fewest members.
    fn choose(&mut self) -> RosterIndex {
        let fewest = (0..self.rosters.len()).min_by_key(|index| self.rosters[*index].members);
        match fewest {
            None => self.open(self.lanes.place()),
            Some(fewest) if self.rosters[fewest].members < MEMBERS_BEFORE_SPREADING => RosterIndex(fewest),
            Some(fewest) => {
                let unused = (0..self.lanes.len()).find(|lane| self.rosters.iter().all(|placed| placed.lane != *lane));
                unused.map_or(RosterIndex(fewest), |lane| self.open(lane))
            }
        }
    }

    /// Returns whether a lane has panicked over one of the rosters.
    pub(super) fn are_broken(&self) -> bool {
        self.rosters.iter().any(|placed| placed.roster.is_broken())
    }

    fn open(&mut self, lane: usize) -> RosterIndex {
        self.rosters.push(Placed { lane, roster: Roster::new(self.lanes.get(lane), self.room.clone()), members: 0 });
        RosterIndex(self.rosters.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use rtbroadcaster_core::config::Config;

    use super::*;
    use crate::clock::Clock;
    use crate::fanout::mute::MUTE;
    use crate::metrics::Counters;
    use crate::os_random::OsRandom;

    #[tokio::test]
    async fn a_room_is_in_one_lane_while_it_is_small_and_in_all_of_them_evenly_when_it_is_large() {
        let (clock, counters, config) = (Clock::start(), Counters::idle(), Config::default());
        let (lanes, _faults, _lagging) = Lanes::start(3, clock, &counters, &config);
        let mut members = Members::new(RoomId::random(&OsRandom), Arc::new(lanes));
        let mut admit = |count: usize| {
            let outbox = || Outbox::new(None, &MUTE, clock, &counters, &config);
            let indices: Vec<_> = (0..count).map(|_| members.admit(&outbox(), Seq::ZERO)).collect();
            (indices, members.rosters.iter().map(|placed| placed.members).collect::<Vec<_>>())
        };
        assert_eq!(admit(MEMBERS_BEFORE_SPREADING).1, [1_000]);
        assert_eq!(admit(1).1, [1_000, 1], "the next one is in another lane");
        assert_eq!(admit(999).1, [1_000, 1_000]);
        assert_eq!(admit(1_000).1, [1_000; 3]);
        let (indices, evenly) = admit(3_000);
        assert_eq!(evenly, [2_000; 3]);
        assert_eq!(
            members.rosters.iter().map(|placed| placed.lane).collect::<std::collections::BTreeSet<_>>().len(),
            3
        );
        // Where some have gone, the next ones come.
        let gone = Outbox::new(None, &MUTE, clock, &counters, &config);
        let in_the_first = indices.iter().filter(|index| index.0 == 0).copied();
        in_the_first.take(5).for_each(|index| members.remove(index, &gone));
        let next = members.admit(&gone, Seq::ZERO);
        assert_eq!((next.0, members.rosters[0].members), (0, 1_996));
    }
}
