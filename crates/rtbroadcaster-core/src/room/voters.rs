//! The number of viewers' choices that rooms remember, in all and by address, and its limits.
//! Must not know rooms, nor what was chosen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::address_block::AddressBlock;
use crate::config::Config;

/// A key remembers choices of at most so many times the viewers that may be there, so that all can have left once.
const AUDIENCES: usize = 2;

/// One address may use one part in so many of a limit.
const PARTS: usize = 5;

/// The choices that all rooms of a manager remember.
#[derive(Debug)]
pub struct Voters {
    /// `voters_max`.
    all: VoterLimits,
    /// The limits of one key.
    of_a_key: VoterLimits,
    counts: Mutex<VoterCounts>,
}

/// The most choices, in all and from one address block; `None` lifts a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct VoterLimits {
    voters: Option<usize>,
    voters_per_block: Option<usize>,
}

/// The numbers of choices, in all and by address block.
#[derive(Debug, Default)]
struct VoterCounts {
    voters: usize,
    blocks: HashMap<AddressBlock, u32>,
}

/// The choices that one key of a room remembers. Dropping it gives their places back.
#[derive(Debug)]
pub struct Turnout {
    voters: Arc<Voters>,
    counts: VoterCounts,
}

/// One more choice cannot be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnoutFull;

impl Voters {
    /// Returns a count of nothing.
    pub fn new(config: &Config) -> Arc<Self> {
        let fifth = |limit: usize| limit.div_ceil(PARTS);
        let (voters, viewers) = (config.voters_max.max(), config.viewers_per_room_max.max());
        let all = VoterLimits { voters, voters_per_block: voters.map(fifth) };
        // All viewers that may be there from one address may vote: a class or a company is one address too.
        let there = |viewers: usize| config.connections_per_address_max.most().min(viewers);
        let limit = |viewers: usize| viewers.saturating_mul(AUDIENCES);
        let of_a_key = VoterLimits {
            voters: viewers.map(limit),
            voters_per_block: viewers.map(|viewers| fifth(limit(viewers)).max(there(viewers))),
        };
        Arc::new(Self { all, of_a_key, counts: Mutex::default() })
    }

    /// Returns how many choices are remembered.
    pub fn choices(&self) -> usize {
        self.lock().voters
    }

    /// Returns the choices of one key, of which there are none yet.
    pub fn turnout(self: &Arc<Self>) -> Turnout {
        Turnout { voters: Arc::clone(self), counts: VoterCounts::default() }
    }

    fn lock(&self) -> MutexGuard<'_, VoterCounts> {
        // Numbers only: a panic leaves at most one choice counted too many.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VoterLimits {
    /// Returns whether one more choice from `block` may be added to `counts`.
    fn admit(self, counts: &VoterCounts, block: Option<AddressBlock>) -> bool {
        let is_below = |count: usize, limit: Option<usize>| limit.is_none_or(|limit| count < limit);
        let of_block = block.and_then(|block| counts.blocks.get(&block)).copied().unwrap_or(0);
        let of_block = usize::try_from(of_block).unwrap_or(usize::MAX);
        is_below(counts.voters, self.voters) && is_below(of_block, self.voters_per_block)
    }
}

impl VoterCounts {
    fn add(&mut self, block: Option<AddressBlock>) {
        self.voters += 1;
        if let Some(block) = block {
            let count = self.blocks.entry(block).or_default();
            // Saturates only at more than memory holds.
            *count = count.saturating_add(1);
        }
    }

    fn subtract(&mut self, other: &Self) {
        self.voters -= other.voters;
        for (block, count) in &other.blocks {
            if let Some(left) = self.blocks.get_mut(block) {
                *left = left.saturating_sub(*count);
                if *left == 0 {
                    self.blocks.remove(block);
                }
            }
        }
        if self.blocks.capacity() > 64 + 4 * self.blocks.len() {
            self.blocks.shrink_to(2 * self.blocks.len());
        }
    }
}

impl Turnout {
    /// Counts one more choice, from `block`; if that is not known, only the limits of all apply.
    ///
    /// # Errors
    /// [`TurnoutFull`] when it cannot be remembered; it is not counted then.
    pub fn admit(&mut self, block: Option<AddressBlock>) -> Result<(), TurnoutFull> {
        if !self.voters.of_a_key.admit(&self.counts, block) {
            return Err(TurnoutFull);
        }
        let mut all = self.voters.lock();
        if !self.voters.all.admit(&all, block) {
            return Err(TurnoutFull);
        }
        all.add(block);
        drop(all);
        self.counts.add(block);
        Ok(())
    }

    /// Forgets all choices.
    pub fn clear(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        if counts.voters > 0 {
            self.voters.lock().subtract(&counts);
        }
    }
}

impl Drop for Turnout {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::limit::Limit;

    fn place(last: u8) -> Option<AddressBlock> {
        Some(AddressBlock::from(IpAddr::from([192, 0, 2, last])))
    }

    /// Returns choices with these limits, where 0 stands for none.
    fn voters(voters_max: usize, viewers_per_room_max: usize, connections_per_address_max: usize) -> Arc<Voters> {
        let limit = |max: usize| if max == 0 { Limit::None } else { Limit::Max(max) };
        let [voters_max, viewers_per_room_max, connections_per_address_max] =
            [voters_max, viewers_per_room_max, connections_per_address_max].map(limit);
        Voters::new(&Config { voters_max, viewers_per_room_max, connections_per_address_max, ..Config::default() })
    }

    /// How many of a thousand are admitted.
    fn admitted(turnout: &mut Turnout, block: Option<AddressBlock>) -> usize {
        (0..1_000).filter(|_| turnout.admit(block).is_ok()).count()
    }

    #[test]
    fn a_key_remembers_two_audiences_and_a_fifth_of_each_address() {
        let voters = voters(0, 100, 10);
        let mut turnout = voters.turnout();
        let of_places: Vec<_> = (1..=6).map(|last| admitted(&mut turnout, place(last))).collect();
        assert_eq!(of_places, [40, 40, 40, 40, 40, 0]);
        assert_eq!(admitted(&mut turnout, None), 0, "it is full for every address");
        assert_eq!(admitted(&mut voters.turnout(), place(1)), 40, "another key has its own");
    }

    #[test]
    fn all_who_may_be_there_from_one_address_may_vote_and_never_take_all() {
        for (viewers, connections, expected) in
            [(100, 1_000, 100), (100, 60, 60), (100, 0, 100), (300, 100, 120), (1, 1_000, 1)]
        {
            let mut turnout = voters(0, viewers, connections).turnout();
            assert_eq!(admitted(&mut turnout, place(1)), expected, "{viewers} and {connections}");
            assert_eq!(admitted(&mut turnout, None), 2 * viewers - expected);
        }
        let default = Voters::new(&Config::default());
        let limits = |limits: VoterLimits| (limits.voters, limits.voters_per_block);
        assert_eq!(limits(default.of_a_key), (Some(40_000), Some(8_000)));
        assert_eq!(limits(default.all), (Some(1_000_000), Some(200_000)));
    }

    #[test]
    fn all_rooms_together_have_a_limit_and_an_address_a_fifth_of_it() {
        let voters = voters(50, 1_000, 1_000);
        let (mut one, mut two) = (voters.turnout(), voters.turnout());
        assert_eq!((admitted(&mut one, place(1)), admitted(&mut two, place(1))), (10, 0));
        assert_eq!((admitted(&mut two, None), voters.choices()), (40, 50));
        assert_eq!(admitted(&mut one, place(2)), 0);
        one.clear();
        assert_eq!((admitted(&mut two, place(1)), voters.choices()), (10, 50));
        two.clear();
        assert_eq!(voters.choices(), 0);
    }

    #[test]
    fn a_limit_that_is_lifted_never_applies() {
        let voters = voters(0, 0, 1);
        assert_eq!(admitted(&mut voters.turnout(), place(1)), 1_000);
    }

    #[test]
    fn what_is_dropped_is_given_back_with_the_addresses() {
        let voters = voters(1_000_000, 100_000, 0);
        let mut turnouts: Vec<_> = (0..3).map(|_| voters.turnout()).collect();
        for number in 0..6_000_u32 {
            let block = AddressBlock::from(IpAddr::from((number / 2).to_be_bytes()));
            turnouts[number as usize % 3].admit(Some(block)).unwrap();
        }
        assert_eq!((voters.choices(), voters.lock().blocks.len()), (6_000, 3_000));
        drop(turnouts);
        let counts = voters.lock();
        assert_eq!((counts.voters, counts.blocks.len()), (0, 0));
        assert!(counts.blocks.capacity() <= 64, "{}", counts.blocks.capacity());
    }
}
